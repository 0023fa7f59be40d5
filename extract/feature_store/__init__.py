"""The feature store: one HDF5 file of features, written crash-safe, read by video."""
