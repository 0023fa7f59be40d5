"""Weights of other programs as weights files of this one: `python -m extract.convert --help`."""
