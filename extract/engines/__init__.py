"""What computes a network's features: uint8 clips in, float32 features out."""

from extract.engines.base import EXACT, Engine, Workload
from extract.engines.kept import NetworkId

__all__ = ["EXACT", "Engine", "NetworkId", "Workload"]
