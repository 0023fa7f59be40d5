"""Inference engines: uint8 clips to float32 features."""

from extract.engines import telemetry
from extract.engines.base import EXACT, ClipStream, Engine, Workload, live_workload
from extract.engines.converted_cache import NetworkId
from extract.engines.unbuilt import UnbuiltModel, built

telemetry.opt_out()  # here, because every import of an engine runs this module first

__all__ = [
    "EXACT",
    "ClipStream",
    "Engine",
    "NetworkId",
    "UnbuiltModel",
    "Workload",
    "built",
    "live_workload",
]
