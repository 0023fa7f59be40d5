"""Extraction on many machines: a Ray cluster, or an array job of AWS Batch."""
