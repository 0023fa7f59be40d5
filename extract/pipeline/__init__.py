"""Extraction pipeline: decoding, inference and writing run concurrently."""
