"""Extractors: a network on an engine with its config, loaded from a model folder or a recipe."""

from extract.extractor.extractor import Extractor, FeatureStream

__all__ = ["Extractor", "FeatureStream"]
