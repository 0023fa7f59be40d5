"""Train video classifiers and predict with them, from Python.

    import lookback

    model = lookback.load("weights")
    result = model.predict("match.mp4")
    print(result.label)

`import lookback` is fast: every public name is imported when it is first used. Keras starts with
the first `train`, `evaluate` or `load_model`, and with a `load` that has to build a network.
docs/python.md describes every name.

The package prints nothing. Its messages go to the logger `lookback`:

    logging.basicConfig()
    logging.getLogger("lookback").setLevel(logging.INFO)
"""

from importlib import import_module, metadata
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from live.decision import Decision
    from lookback.evaluation import evaluate
    from lookback.model import Model, load
    from lookback.results import Prediction
    from lookback.saved_models import load_model
    from lookback.training import TrainingRun, train
    from metrics.timeline import TimelineSegment
    from sequence.results import EvaluationReport
    from video.errors import LookbackError, UsageError, VideoError

# The module of each public name, imported when the name is first used (PEP 562).
_MODULES = {
    "Decision": "live.decision",
    "EvaluationReport": "sequence.results",
    "LookbackError": "video.errors",
    "Model": "lookback.model",
    "Prediction": "lookback.results",
    "TimelineSegment": "metrics.timeline",
    "TrainingRun": "lookback.training",
    "UsageError": "video.errors",
    "VideoError": "video.errors",
    "evaluate": "lookback.evaluation",
    "load": "lookback.model",
    "load_model": "lookback.saved_models",
    "train": "lookback.training",
}

__all__ = [
    "Decision",
    "EvaluationReport",
    "LookbackError",
    "Model",
    "Prediction",
    "TimelineSegment",
    "TrainingRun",
    "UsageError",
    "VideoError",
    "__version__",
    "evaluate",
    "load",
    "load_model",
    "train",
]

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
