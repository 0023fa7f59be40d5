"""Search for clips in a folder, and a check that they can be decoded."""
