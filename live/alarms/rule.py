"""Rules of alarms: when a class begins an event, and when the event ends."""

from dataclasses import dataclass
from typing import Literal

Smoothing = Literal["none", "median", "ema"]


@dataclass(frozen=True)
class Rule:
    """The rule of one class. Probabilities are 0 to 1, times are in seconds.

    Attributes:
        label: The class.
        on: The smoothed probability that begins an event.
        off: The smoothed probability below which an event ends; at most `on`.
        smoothing: `none`, the `median` of a window, or an exponential moving average (`ema`).
        smoothing_seconds: Length of the median's window, or time constant of the average.
        hold_seconds: Minimum time at or above `on` before the event is confirmed.
        hold_steps: Minimum number of consecutive steps at or above `on` before it is confirmed.
        release_seconds: Minimum time below `off` before the event ends.
        cool_down_seconds: Time after a message in which no other message about this class is sent.
    """

    label: str
    on: float = 0.8
    off: float = 0.5
    smoothing: Smoothing = "ema"
    smoothing_seconds: float = 0.5
    hold_seconds: float = 1.0
    hold_steps: int = 1
    release_seconds: float = 2.0
    cool_down_seconds: float = 60.0

    def __post_init__(self) -> None:
        if not 0 <= self.off <= self.on <= 1:
            raise ValueError(
                f"off is {self.off:g} and on is {self.on:g}; off must be at most on, both 0 to 1"
            )
