"""Selection of the frames of a file that the sampler takes, so that the decoder can skip others.

A decoder can skip only frames that no other frame refers to (non-reference frames in H.264, usually
B-frames, a third of the frames in common files), and only the decoder knows which ones those are.
The plan is therefore made from the timestamps of the packets, before decoding: for every packet
whose frame the sampler does not take, the decoder is asked to skip the frame if it can.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import cast

import av

from video.clock import Clock
from video.frame import Frame
from video.sampling import Sampler, Sampling


@dataclass(frozen=True)
class SkippingPlan:
    """The frames of a file by the timestamps of its packets.

    Attributes:
        places: Index, seconds and `after_gap` of each frame, by its stamp in time base units.
        wanted: Stamps of the frames that the sampler takes, of the last frame, and of the frames
            around each gap. The clock needs the latter.
    """

    places: dict[int, tuple[int, float, bool]]
    wanted: frozenset[int]


def skipping_plan(
    stamps: Iterable[int | None], time_base: Fraction, interval_seconds: float, sampling: Sampling
) -> SkippingPlan | None:
    """Return the plan for a sampling, or None if a stamp is missing or occurs twice.

    Args:
        stamps: Timestamps of all packets, in any order.
        time_base: Seconds per unit of a stamp.
        interval_seconds: Duration of a frame, for `Clock`.
        sampling: Sampling of the frames, at a fixed rate.

    >>> plan = skipping_plan([0, 4, 2, 1, 3, 5], Fraction(1, 10), 0.1, Sampling(5.0))
    >>> sorted(plan.wanted), plan.places[4]
    ([0, 2, 4, 5], (4, 0.4, False))
    """
    given = list(stamps)
    known = {stamp for stamp in given if stamp is not None}
    if not known or len(known) < len(given):  # a stamp is missing or occurs twice
        return None
    clock = Clock(interval_seconds)
    sampler = Sampler(sampling.fps, sampling.change_seconds)
    places: dict[int, tuple[int, float, bool]] = {}
    wanted = {max(known)}
    by_index = sorted(known)
    for index, stamp in enumerate(by_index):
        seconds = clock.seconds(float(stamp * time_base))
        places[stamp] = (index, seconds, clock.after_gap)
        if clock.after_gap:
            wanted |= {by_index[index - 1], stamp}
        timed = cast(av.VideoFrame, None)  # the sampler uses only the time
        frame = Frame(index, seconds, timed, after_gap=clock.after_gap)
        for sample in sampler.push(frame):
            wanted.add(by_index[sample.frame.index])
            if sample.earlier:
                wanted.add(by_index[sample.earlier.index])
    return SkippingPlan(places, frozenset(wanted))
