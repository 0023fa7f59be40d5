"""Groups of clips that belong together, and the split into train, val and test."""
