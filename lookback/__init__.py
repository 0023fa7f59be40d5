"""Lookback from Python. `import lookback` is fast: it starts no framework.

import lookback
network = lookback.load_model("x3d_s.keras")    # what model.save wrote
"""

from importlib import import_module, metadata
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lookback.results import Prediction
    from lookback.saved_models import load_model

# The module of each public name, imported when the name is first used (PEP 562).
_MODULES = {
    "Prediction": "lookback.results",
    "load_model": "lookback.saved_models",
}

__all__ = ["Prediction", "__version__", "load_model"]

try:
    __version__ = metadata.version("lookback")
except metadata.PackageNotFoundError:  # a clone that is not installed
    __version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_MODULES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
