"""Conversion of published checkpoints to Keras weights files: `python -m extract.convert`."""
