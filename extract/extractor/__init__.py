"""Extractors: a network on an engine with its config, loaded from a folder or chosen by a
recipe."""

from extract.extractor.extractor import Extractor, FeatureStream

__all__ = ["Extractor", "FeatureStream"]
