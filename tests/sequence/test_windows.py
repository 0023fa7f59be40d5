"""Look-back windows: live equals offline, full steps, and evenly spaced steps."""

import numpy as np
import pytest

from clips.loading.clip_sampling import evenly_spread
from sequence.windows import RollingWindow, full_steps, window_rows, windows

LENGTHS = (1, 2, 7, 40)
LOOK_BACKS = (1, 2, 5, 16, 64)  # the last is longer than any of the videos


def features(length: int, size: int = 6) -> np.ndarray:
    return np.random.default_rng(length).normal(size=(length, size)).astype(np.float32)


@pytest.mark.parametrize("look_back", LOOK_BACKS)
def test_rolling_window_equals_offline_windows(look_back):
    for length in LENGTHS:
        rows = features(length)
        offline = windows(rows, look_back)
        rolling = RollingWindow(look_back)
        live = np.stack([rolling.push(row).copy() for row in rows])
        assert offline.shape == (length, look_back, 6)
        np.testing.assert_array_equal(live, offline, err_msg=f"{length} steps")


@pytest.mark.parametrize("look_back", LOOK_BACKS)
def test_windows_repeat_the_oldest_step_at_the_start_of_a_video(look_back):
    rows = features(20)
    offline = windows(rows, look_back)
    for step in range(20):
        wanted = [rows[max(0, step - look_back + 1 + place)] for place in range(look_back)]
        np.testing.assert_array_equal(offline[step], wanted)


@pytest.mark.parametrize("look_back", LOOK_BACKS)
def test_window_rows_of_several_videos_give_the_windows_of_each(look_back):
    videos = [features(length) for length in LENGTHS]
    together, first = np.concatenate(videos), np.cumsum([0, *LENGTHS])[:-1]
    rows = window_rows(np.arange(sum(LENGTHS)), np.repeat(first, LENGTHS), look_back)
    wanted = np.concatenate([windows(video, look_back) for video in videos])
    np.testing.assert_array_equal(together[rows], wanted)


def test_earlier_rolling_windows_are_not_overwritten():
    rolling, rows = RollingWindow(3), features(6)
    given = [rolling.push(row) for row in rows]
    np.testing.assert_array_equal(np.stack(given), windows(rows, 3))


@pytest.mark.parametrize("look_back", [1, 8, 64])
def test_windows_are_a_view_of_one_padded_copy(look_back):
    view = windows(features(500), look_back)
    assert all(np.shares_memory(view[0], window) for window in view[1:look_back])
    base = view
    while base.base is not None:
        base = base.base
    # The rows and L - 1 repetitions of the oldest, not L copies of each row.
    assert np.asarray(base).nbytes == (500 + look_back - 1) * 6 * 4


@pytest.mark.parametrize(
    ("first", "last", "look_back", "steps"),
    [
        (0, 6, 4, [3, 4, 5]),
        (0, 4, 4, [3]),
        (0, 3, 4, [2]),  # shorter than a window: its last step
        (0, 1, 4, [0]),
        (10, 16, 4, [13, 14, 15]),  # a segment in the middle of a video
        (10, 12, 4, [11]),
        (5, 8, 1, [5, 6, 7]),
    ],
)
def test_full_steps_have_windows_inside_the_segment(first, last, look_back, steps):
    assert list(full_steps(first, last, look_back)) == steps


@pytest.mark.parametrize("steps", [range(1), range(3, 12), range(100)])
@pytest.mark.parametrize("count", [1, 2, 5])
def test_evenly_spread_steps_are_the_middles_of_equal_parts(steps, count):
    spread = evenly_spread(steps, count)
    assert len(spread) == count
    assert all(step in steps for step in spread)
    for part, step in enumerate(spread):
        middle = steps.start + (part + 0.5) * len(steps) / count
        assert abs(step + 0.5 - middle) <= 0.5
