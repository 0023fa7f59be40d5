"""Checks of the arguments of `load` and of a model's methods."""

import os
from pathlib import Path

from extract.architectures.registry import BACKBONES
from extract.engines.registry import ENGINES
from video.errors import UsageError, VideoError, hint


def require_file(video: str | os.PathLike[str]) -> None:
    """Raise `VideoError` if a path is an address or a folder."""
    text = os.fspath(video)
    if "://" in text:  # not repeated in the message: it may contain a password
        raise VideoError("an address is not a video file; use model.stream(address)")
    if Path(text).is_dir():
        raise VideoError(
            f"{text}: is a folder; name one video file, or add the rate of the frames in it: "
            f"{text}@25fps"
        )


def require_values(engine: str, threshold: float | None) -> None:
    """Raise `UsageError` if an engine is unknown or a threshold is no probability."""
    if engine != "auto" and engine not in ENGINES:
        raise UsageError(f"load: there is no engine {engine!r}; {hint(engine, ['auto', *ENGINES])}")
    if threshold is not None and not 0 <= threshold <= 1:
        raise UsageError(f"load: threshold is {threshold}, and should be from 0 to 1")


def require_clip_network(name: str) -> None:
    """Raise `UsageError` if a name is not that of a clip network."""
    spec = BACKBONES.get(name)
    if spec is None:
        published = sorted(each.name for each in BACKBONES.values() if each.is_clip_network)
        raise UsageError(
            f"{name}: is neither a model folder nor a clip network; {hint(name, published)}"
        )
    if not spec.is_clip_network:
        raise UsageError(
            f"{name}: is an image network, which knows no labels before a training; "
            f'lookback.train(data, settings={{"backbone.name": "{name}"}}) makes a model folder'
        )
