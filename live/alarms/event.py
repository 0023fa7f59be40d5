"""Events: what the detector of alarms reports."""

from dataclasses import dataclass, field
from typing import Literal


@dataclass
class Event:
    """An event of one class on one camera. Times are seconds on the clock of the steps, which is
    monotonic.

    Attributes:
        label: The class.
        started: Time of the first step at or above `on`.
        confirmed: Time of the step that completed the hold; None before.
        ended: Time of the last step at or above `off`; None while the event is open.
        peak: Highest smoothed probability.
        peak_at: Time of the peak.
        total: Sum of the smoothed probabilities.
        steps: Number of steps.
    """

    label: str
    started: float
    confirmed: float | None = None
    ended: float | None = None
    peak: float = 0.0
    peak_at: float = 0.0
    total: float = field(default=0.0, repr=False)
    steps: int = field(default=0, repr=False)

    @property
    def mean(self) -> float:
        """Mean of the smoothed probabilities, 0 to 1."""
        return self.total / self.steps if self.steps else 0.0


@dataclass(frozen=True)
class Change:
    """A change of an event: it was confirmed, or a confirmed event has ended.

    Attributes:
        kind: `confirmed` or `ended`.
        event: The event. It is updated until it ends.
    """

    kind: Literal["confirmed", "ended"]
    event: Event
