"""Extractors: a network on an engine with its card, loaded from a folder or chosen by a recipe."""

from extract.extractor.extractor import Extractor

__all__ = ["Extractor"]
