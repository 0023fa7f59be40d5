"""What computes a network's features: uint8 clips in, float32 features out."""

from extract.engines import telemetry
from extract.engines.base import EXACT, ClipStream, Engine, Workload
from extract.engines.converted_cache import NetworkId

telemetry.opt_out()  # here, as whoever imports an engine passes by

__all__ = ["EXACT", "ClipStream", "Engine", "NetworkId", "Workload"]
