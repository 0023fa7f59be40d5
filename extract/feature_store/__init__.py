"""Feature store: one HDF5 file with the features of all videos, written crash-safe."""
