"""Keras 2 sequence models as today's weights files: `python -m sequence.convert --help`."""
