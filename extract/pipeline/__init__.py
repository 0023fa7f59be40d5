"""Extraction: decode, compute and write at once, stage by stage."""
