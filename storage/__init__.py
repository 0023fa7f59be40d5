"""Data, features and models on S3 and other storage, with local mirrors (fsspec)."""
