"""What computes a network's features: uint8 clips in, float32 features out."""

from extract.engines.keras_engine import KerasEngine

__all__ = ["KerasEngine"]
