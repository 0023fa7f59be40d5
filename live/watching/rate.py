"""The share of steps that one computer can compute for several cameras."""

import math

from live.model import LiveModel
from video.console import logger

_LOG = logger(__name__)

# The share of the time that the network may take; the rest is for decoding, drawing and files.
_SHARE = 0.8


def steps_apart(seconds_a_step: float, rates: list[float], parallel: int = 1) -> int:
    """Return n, so that computing every n-th step of all cameras leaves enough time.

    Args:
        seconds_a_step: The time that one step takes.
        rates: The steps per second of each camera.
        parallel: Number of steps that are computed at once.

    >>> steps_apart(0.013, [10.0] * 4), steps_apart(0.013, [10.0] * 8)
    (1, 2)
    >>> steps_apart(0.013, [10.0] * 8, parallel=2)
    1
    """
    return max(1, math.ceil(seconds_a_step * sum(rates) / parallel / _SHARE))


def spread_steps(model: LiveModel, cameras: int, rate: float, seconds_a_step: float) -> int:
    """Return n as `steps_apart` does, and log it if not every step can be computed.

    Args:
        model: The model to run.
        cameras: The number of cameras.
        rate: The frames per second of a camera, for a model that takes every frame.
        seconds_a_step: The time that one step takes, as `LiveModel.warm_up` measured it.
    """
    sampling = model.extractor.config.sampling
    steps_per_second = (sampling.fps or rate) / sampling.stride
    parallel = min(model.extractor.engine.parallel, cameras)
    apart = steps_apart(seconds_a_step, [steps_per_second] * cameras, parallel)
    if apart > 1:
        many = f"{cameras} cameras" if cameras > 1 else "a camera"
        _LOG.warning(
            f"note: a step of {model.extractor.config.backbone.name} takes "
            f"{1000 * seconds_a_step:.0f} ms here; {many} at {steps_per_second:.3g} steps/s do not "
            f"fit: one step in {apart} is computed, {apart / steps_per_second:.2g} s apart."
        )
    return apart
