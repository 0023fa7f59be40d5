"""Which frames of a file need not be decoded, known before any is: those that no tick shows.

Only a frame that no other is decoded from can be left out (H.264 calls it a non-reference frame,
usually a B-frame; a third of them in common files), and only the decoder knows which those are. So
the packets' time stamps say which frames the sampler takes, and the decoder is asked, packet by
packet, to leave out what it can of the rest.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import cast

import av

from video.clock import Clock
from video.frame import Frame
from video.sampling import Sampler


@dataclass(frozen=True)
class SkippingPlan:
    """The frames of a file by their time stamps, as its packets tell them.

    Attributes:
        places: of every stamp (in the stream's time base) the frame's index, seconds, and whether
            it comes after a gap.
        wanted: the stamps of the frames that the sampler takes, and of the last one and those
            around a gap, between which the clock runs.
    """

    places: dict[int, tuple[int, float, bool]]
    wanted: frozenset[int]


def skipping_plan(
    stamps: Iterable[int | None], time_base: Fraction, interval_seconds: float, fps: float
) -> SkippingPlan | None:
    """Return the plan for a sampling rate, or None where the stamps tell too little.

    Args:
        stamps: those of all packets, in any order.
        time_base: seconds that one unit of a stamp means.
        interval_seconds: of a frame, for `Clock`.
        fps: of the sampler.

    >>> plan = skipping_plan([0, 4, 2, 1, 3, 5], Fraction(1, 10), 0.1, fps=5.0)
    >>> sorted(plan.wanted), plan.places[4]
    ([0, 2, 4, 5], (4, 0.4, False))
    """
    given = list(stamps)
    known = {stamp for stamp in given if stamp is not None}
    if not known or len(known) < len(given):  # a stamp is missing, or there twice
        return None
    clock, sampler = Clock(interval_seconds), Sampler(fps)
    places: dict[int, tuple[int, float, bool]] = {}
    wanted = {max(known)}
    by_index = sorted(known)
    for index, stamp in enumerate(by_index):
        seconds = clock.seconds(float(stamp * time_base))
        places[stamp] = (index, seconds, clock.after_gap)
        if clock.after_gap:
            wanted |= {by_index[index - 1], stamp}
        timed = cast(av.VideoFrame, None)  # the sampler looks at times alone
        frame = Frame(index, seconds, timed, after_gap=clock.after_gap)
        for sample in sampler.push(frame):
            wanted.add(by_index[sample.frame.index])
    return SkippingPlan(places, frozenset(wanted))
