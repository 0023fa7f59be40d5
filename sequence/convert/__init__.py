"""Converter from Keras 2 recurrent models to Keras 3: `python -m sequence.convert --help`."""
