"""Proposal of thresholds for a wanted rate of false alarms."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from live.alarms.measurement import Clip, Replay, Watching, replay_with
from live.alarms.rule import Rule
from metrics.rates import CONFIDENCE, poisson_upper

# 0.10, 0.11, ..., 0.99, and two close to 1.
THRESHOLDS = (*(round(0.01 * step, 2) for step in range(10, 100)), 0.995, 0.999)


@dataclass(frozen=True)
class Sweep:
    """One class at every threshold of `THRESHOLDS`.

    Attributes:
        rule: Rule of the class; only `on` varies, and `off` where it would be above.
        false_alarms: Number of false alarms at each threshold.
        hits: Number of clips found at each threshold.
        clips: Number of clips; 0 if there are none.
    """

    rule: Rule
    false_alarms: tuple[int, ...]
    hits: tuple[int, ...]
    clips: int


@dataclass(frozen=True)
class Choice:
    """A threshold of one class.

    Attributes:
        on: Threshold that begins an event.
        off: Threshold that ends it.
        false_alarms: False alarms at this threshold.
        hits: Clips found at this threshold.
        clips: Number of clips.
    """

    on: float
    off: float
    false_alarms: int
    hits: int
    clips: int

    @property
    def recall(self) -> float | None:
        """Share of the clips that are found; None without clips."""
        return self.hits / self.clips if self.clips else None


@dataclass(frozen=True)
class Proposal:
    """Thresholds for a wanted rate of false alarms of all classes together.

    Attributes:
        wanted: Wanted rate, per hour.
        hours: Hours of video without events.
        choices: Thresholds by class. If the rate is not supported, these have the fewest false
            alarms.
        supported: Whether the rate at these thresholds is below the wanted one with 95 %.
        upper: The 95 % upper limit of the rate at these thresholds, per hour.
        hours_needed: Hours without a false alarm that would support the wanted rate.
    """

    wanted: float
    hours: float
    choices: Mapping[str, Choice]
    supported: bool
    upper: float
    hours_needed: float

    @property
    def false_alarms(self) -> int:
        """False alarms of all classes at these thresholds."""
        return sum(choice.false_alarms for choice in self.choices.values())


def lowered(rule: Rule, on: float) -> Rule:
    """Return a rule with another `on`; `off` follows where it would be above."""
    return replace(rule, on=on, off=min(rule.off, on))


def sweep(rule: Rule, videos: Sequence[Replay], clips: Sequence[Clip], watching: Watching) -> Sweep:
    """Return the false alarms and the clips found at every threshold.

    Args:
        rule: Rule of the class.
        videos: Replays of the videos without events.
        clips: Clips of the class that are long enough.
        watching: Settings of the detector.
    """
    false_alarms, hits = [], []
    tested = {id(clip.replay): clip.replay for clip in clips}
    for on in THRESHOLDS:
        tried = lowered(rule, on)
        false_alarms.append(sum(len(replay_with(each, tried, watching)) for each in videos))
        events = {key: replay_with(each, tried, watching) for key, each in tested.items()}
        hits.append(sum(clip.found(events[id(clip.replay)]) is not None for clip in clips))
    return Sweep(rule, tuple(false_alarms), tuple(hits), len(clips))


def propose(sweeps: Mapping[str, Sweep], hours: float, wanted: float) -> Proposal:
    """Return the thresholds with the highest mean recall whose rate is below the wanted one.

    A rate is below the wanted one if its 95 % upper limit is. Without such thresholds, the proposal
    is not supported and has those with the fewest false alarms.

    Args:
        sweeps: Sweep of each class, at least one.
        hours: Hours of video without events, more than 0.
        wanted: Wanted rate of all classes together, per hour, more than 0.
    """
    allowed = _allowed(hours, wanted)
    options = {label: _options(each) for label, each in sweeps.items()}
    best: dict[int, tuple[float, dict[str, Choice]]] = {0: (0.0, {})}  # by number of false alarms
    for label, choices in options.items():
        longer: dict[int, tuple[float, dict[str, Choice]]] = {}
        for count, (score, chosen) in best.items():
            for choice in choices:
                total = count + choice.false_alarms
                value = score + (choice.recall or 0.0)
                if total <= allowed and (total not in longer or value > longer[total][0]):
                    longer[total] = (value, {**chosen, label: choice})
        best = longer
    if best:
        # The highest recall; at the same recall, the fewest false alarms.
        count = max(best, key=lambda each: (round(best[each][0], 9), -each))
        chosen = best[count][1]
    else:
        chosen = {label: choices[0] for label, choices in options.items()}
        count = sum(choice.false_alarms for choice in chosen.values())
    return Proposal(
        wanted=wanted,
        hours=hours,
        choices=chosen,
        supported=bool(best),
        upper=poisson_upper(count, hours),
        hours_needed=-math.log(1 - CONFIDENCE) / wanted,
    )


def _allowed(hours: float, wanted: float) -> int:
    """Return the most false alarms that still show the wanted rate; -1 if not even none does."""
    count = -1
    while poisson_upper(count + 1, hours) <= wanted:
        count += 1
    return count


def _options(each: Sweep) -> list[Choice]:
    """Return the sensible thresholds of a class, from the fewest false alarms on.

    For each number of false alarms, it is the middle of the thresholds that find the most clips:
    the lowest one would be as near to a false alarm as possible, the highest to a missed clip.
    """
    false_alarms, hits = np.array(each.false_alarms), np.array(each.hits)
    # What a higher threshold lets through, a lower one is not credited with avoiding.
    at_most = np.maximum.accumulate(false_alarms[::-1])[::-1]
    options: list[Choice] = []
    for count in np.unique(at_most):
        level = at_most == count
        usable = np.flatnonzero(level & (hits == hits[level].max()))
        index = int(usable[len(usable) // 2])
        found = int(hits[index])
        if not options or found > options[-1].hits:
            rule = lowered(each.rule, THRESHOLDS[index])
            options.append(Choice(rule.on, rule.off, int(at_most[index]), found, each.clips))
    return options
