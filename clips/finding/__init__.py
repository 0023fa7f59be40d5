"""Finding clips in a folder and checking that they decode."""
