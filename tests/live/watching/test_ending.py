"""One time limit for the end of a run."""

import threading
import time

from live.watching.ending import AtOnce, Ending


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_the_limit_begins_with_the_first_question_and_is_shared():
    clock = Clock()
    ending = Ending(2.0, clock)
    clock.now += 50
    assert (ending.left(), ending.left(0.5)) == (2.0, 0.5)
    clock.now += 1.75
    assert (ending.left(), ending.left(0.1)) == (0.25, 0.1)
    clock.now += 9
    assert 0 < ending.left() <= 0.1  # each part has a moment


def test_what_hangs_is_left_alone_and_the_others_end():
    never, done = threading.Event(), []
    began = time.monotonic()
    with AtOnce([lambda: never.wait(20), lambda: done.append(1)], Ending(0.2)):
        done.append(0)
    assert time.monotonic() - began < 5
    assert sorted(done) == [0, 1]
    never.set()
