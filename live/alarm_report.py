"""Report of an evaluation of alarms: alarms.json and the printed tables."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta

import numpy as np

from live.alarms.event import Event
from live.alarms.measurement import FalseAlarms, Recall, Replay
from live.alarms.proposal import THRESHOLDS, Proposal, Sweep
from live.alarms.rule import Rule
from metrics.rates import poisson_interval, wilson_interval

_SHOWN = 10  # false alarms that are listed; alarms.json has all


@dataclass(frozen=True)
class ClassResult:
    """Results of one class.

    Attributes:
        rule: Rule of the class.
        false_alarms: False alarms in the videos without events.
        recall: Recall of the test clips.
    """

    rule: Rule
    false_alarms: FalseAlarms
    recall: Recall


@dataclass(frozen=True)
class AlarmReport:
    """Results of an evaluation of alarms.

    Attributes:
        hours: Hours of video without events.
        videos: Replays of the videos without events.
        test_clips: Number of test clips of all classes.
        classes: Results by class.
        sweeps: Counts at every threshold by class.
        proposal: Proposed thresholds.
    """

    hours: float
    videos: Sequence[Replay]
    test_clips: int
    classes: Mapping[str, ClassResult]
    sweeps: Mapping[str, Sweep]
    proposal: Proposal


def json_of(report: AlarmReport) -> dict:
    """Return the content of alarms.json; docs/files.md describes it."""
    total = sum(each.false_alarms.events for each in report.classes.values())
    proposal = report.proposal
    return {
        "hours": report.hours,
        "videos": [
            {
                "video": each.recording.name,
                "hours": each.watched / 3600,
                "false_alarms": [_event(event) for event in each.events],
            }
            for each in report.videos
        ],
        "test_clips": report.test_clips,
        "classes": {
            label: {**_class(each, report.hours), "sweep": _sweep(report.sweeps[label])}
            for label, each in report.classes.items()
        },
        "all_classes": _rate(total, report.hours),
        "proposal": {
            "wanted_per_hour": proposal.wanted,
            "supported": proposal.supported,
            "upper_limit_per_hour": proposal.upper,
            "hours_needed": proposal.hours_needed,
            "classes": {
                label: {
                    "threshold_on": choice.on,
                    "threshold_off": choice.off,
                    "false_alarms": choice.false_alarms,
                    "recall": choice.recall,
                }
                for label, choice in proposal.choices.items()
            },
        },
    }


def _class(each: ClassResult, hours: float) -> dict:
    found = each.recall
    delays = np.array(found.delays)
    return {
        "rule": asdict(each.rule),
        **_rate(each.false_alarms.events, hours),
        "messages": each.false_alarms.messages,
        "clips": found.clips,
        "clips_too_short": found.too_short,
        "hits": found.hits,
        "recall": found.hits / found.clips if found.clips else None,
        "recall_interval": list(wilson_interval(found.hits, found.clips)) if found.clips else None,
        "delay_median": float(np.median(delays)) if len(delays) else None,
        "delay_p90": float(np.percentile(delays, 90)) if len(delays) else None,
        "events_elsewhere": found.elsewhere,
    }


def _rate(count: int, hours: float) -> dict:
    return {
        "false_alarms": count,
        "per_hour": count / hours,
        "per_hour_interval": list(poisson_interval(count, hours)),
    }


def _event(event: Event) -> dict:
    return {
        "label": event.label,
        "started": event.started,
        "confirmed": event.confirmed,
        "ended": event.ended,
        "peak": event.peak,
    }


def _sweep(each: Sweep) -> list[dict]:
    rows = zip(THRESHOLDS, each.false_alarms, each.hits, strict=True)
    return [{"threshold_on": on, "false_alarms": count, "hits": hits} for on, count, hits in rows]


def text_of(report: AlarmReport) -> str:
    """Return the tables and sentences that the command prints."""
    parts = (_table(report), _remarks(report), _highest(report), _proposal_lines(report))
    return "\n\n".join("\n".join(lines) for lines in parts if lines)


def _table(report: AlarmReport) -> list[str]:
    width = max(12, *(len(label) + 2 for label in report.classes))
    count = len(report.videos)
    videos = f"{count} video{'s' if count != 1 else ''}"
    lines = [
        f"Alarms: {videos} without events, {_hours(report.hours)}; {report.test_clips} test clips",
        "",
        f"{'class':<{width}}{'false alarms':>12}{'per hour':>10}{'95 % interval':>16}"
        f"{'clips':>7}{'recall':>8}{'95 % interval':>15}{'delay median':>14}{'p90':>8}",
    ]
    for label, each in report.classes.items():
        values = _class(each, report.hours)
        found = f"{values['recall']:.2f}" if values["recall"] is not None else "-"
        between = _interval(values["recall_interval"], 2) if values["recall_interval"] else "-"
        lines.append(
            f"{label:<{width}}{_rate_columns(values)}{values['clips']:>7}{found:>8}{between:>15}"
            f"{_seconds(values['delay_median']):>14}{_seconds(values['delay_p90']):>8}"
        )
    if len(report.classes) > 1:
        total = sum(each.false_alarms.events for each in report.classes.values())
        lines.append(f"{'all':<{width}}{_rate_columns(_rate(total, report.hours))}")
    return lines


def _rate_columns(values: dict) -> str:
    between = _interval(values["per_hour_interval"])
    return f"{values['false_alarms']:>12}{_number(values['per_hour']):>10}{between:>16}"


def _remarks(report: AlarmReport) -> list[str]:
    lines = []
    for label, each in report.classes.items():
        found, alarms = each.recall, each.false_alarms
        if found.too_short:
            lines.append(
                f"{label}: {found.too_short} of {found.clips + found.too_short} test clips are not "
                "counted: they are shorter than the look-back and the hold together, so no model "
                "could raise the alarm."
            )
        elif not found.clips:
            lines.append(f"{label}: there are no test clips, so the recall is not known.")
        if found.elsewhere:
            lines.append(
                f"{label}: {found.elsewhere} further events in test videos, outside of its clips."
            )
        if alarms.messages < alarms.events:
            lines.append(
                f"{label}: with the cool-down, {alarms.messages} messages for the "
                f"{alarms.events} false alarms."
            )
    return lines


def _highest(report: AlarmReport) -> list[str]:
    """Return the false alarms with the highest peaks: a look at them shows what to train."""
    found = [(event, each.recording.name) for each in report.videos for event in each.events]
    found.sort(key=lambda pair: -pair[0].peak)
    lines = [
        f"  {event.peak:.2f}  {event.label}  {name} at {timedelta(seconds=int(event.started))}"
        for event, name in found[:_SHOWN]
    ]
    return ["The false alarms with the highest probability:", *lines] if lines else []


def _proposal_lines(report: AlarmReport) -> list[str]:
    proposal = report.proposal
    wanted = f"{proposal.wanted:g} false alarms per hour"
    chosen = [
        f"  {label}: threshold_on {choice.on:g}, threshold_off {choice.off:g} "
        f"({choice.false_alarms} false alarms"
        + (f", {choice.hits} of {choice.clips} clips)" if choice.clips else ")")
        for label, choice in proposal.choices.items()
    ]
    upper = _number(proposal.upper)
    if proposal.supported:
        keys = [
            f"    {label}: {{threshold_on: {choice.on:g}, threshold_off: {choice.off:g}}}"
            for label, choice in proposal.choices.items()
        ]
        return [
            f"Proposed for at most {wanted}:",
            *chosen,
            f"In scenes like these, the rate is below {upper} per hour with 95 % confidence. The "
            "thresholds were chosen on these videos: check them on others. In a recipe:",
            "",
            "alarms:",
            "  per_class:",
            *keys,
        ]
    if proposal.hours < proposal.hours_needed:
        shown = _number_above(proposal.hours_needed * proposal.wanted / proposal.hours)
        missing = proposal.hours_needed - proposal.hours
        reason = [
            f"Nothing is proposed for {wanted}: {_hours(proposal.hours)} of video cannot show so "
            f"low a rate. Even without any false alarm they show only that it is below {shown} "
            f"per hour (with 95 % confidence). {_hours(proposal.hours_needed)} without a false "
            f"alarm are needed, {_hours(missing)} more.",
        ]
    else:
        reason = [
            f"Nothing is proposed for {wanted}: at every threshold there are too many false "
            f"alarms. The fewest are {proposal.false_alarms} in {_hours(proposal.hours)}: the rate "
            f"is below {upper} per hour with 95 % confidence."
        ]
    return [
        *reason,
        "The thresholds with the fewest false alarms in these videos, no promise:",
        *chosen,
    ]


def _hours(hours: float) -> str:
    """Return hours with their unit.

    >>> _hours(0.051), _hours(2.5), _hours(29.957)
    ('0.051 h', '2.50 h', '30.0 h')
    """
    digits = 3 if hours < 0.1 else 2 if hours < 10 else 1
    return f"{hours:.{digits}f} h"


def _number(rate: float) -> str:
    """Return a rate with two significant digits.

    >>> _number(0.0), _number(0.0613), _number(1.26), _number(58.8)
    ('0', '0.061', '1.3', '59')
    """
    if not rate:
        return "0"
    digits = max(0, 1 - math.floor(math.log10(rate)))
    return f"{rate:.{digits}f}"


def _number_above(rate: float) -> str:
    """Return the next larger number with two significant digits: the same videos can show it.

    >>> _number_above(29.96), _number_above(1.191), _number_above(0.1)
    ('30', '1.2', '0.1')
    """
    unit = 10.0 ** (math.floor(math.log10(rate)) - 1)
    return f"{math.ceil(rate / unit - 1e-9) * unit:.4g}"


def _interval(limits: Sequence[float], digits: int | None = None) -> str:
    shown = [_number(each) if digits is None else f"{each:.{digits}f}" for each in limits]
    return " - ".join(shown)


def _seconds(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds:.1f} s"
