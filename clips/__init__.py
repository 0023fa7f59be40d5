"""Data preparation: finding clips, the manifest, the split, and loading clips for training."""
