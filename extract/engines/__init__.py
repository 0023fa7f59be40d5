"""Inference engines: uint8 clips to float32 features."""

from extract.engines import telemetry
from extract.engines.base import EXACT, ClipStream, Engine, Workload, live_workload
from extract.engines.converted_cache import NetworkId

telemetry.opt_out()  # here, because every import of an engine runs this module first

__all__ = ["EXACT", "ClipStream", "Engine", "NetworkId", "Workload", "live_workload"]
