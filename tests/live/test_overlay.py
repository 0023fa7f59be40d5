import numpy as np
import pytest

from live.decision import Decision
from live.overlay import annotate

SIZES = [(32, 32), (48, 200), (200, 48), (64, 48), (320, 240), (641, 359), (1920, 1080)]
LABELS = ("cricket bowling", "b", "höher", "d")


def decision(best: float = 0.7) -> Decision:
    rest = (1 - best) / 3
    return Decision(12, 1.234, np.array([best, rest, rest, rest]), LABELS, 0.5)


def picture(width: int, height: int) -> np.ndarray:
    return np.random.default_rng(0).integers(90, 130, (height, width, 3)).astype(np.uint8)


@pytest.mark.parametrize("what", [decision(), decision(0.4), None], ids=["sure", "unsure", "none"])
def test_it_draws_on_a_copy_at_any_size(what):
    for size in SIZES:
        rgb = picture(*size)
        before = rgb.copy()
        drawn = annotate(rgb, what)
        np.testing.assert_array_equal(rgb, before, err_msg=f"{size}")
        assert drawn.shape == rgb.shape, size
        assert drawn.dtype == np.uint8, size
        assert not np.shares_memory(drawn, rgb), size
        assert (drawn[:8, :8] != rgb[:8, :8]).any(), size


@pytest.mark.parametrize(("width", "height"), [(320, 240), (640, 360), (1920, 1080), (240, 320)])
def test_only_the_panel_is_drawn_on(width, height):
    rgb = picture(width, height)
    changed = (annotate(rgb, decision()) != rgb).any(2)
    assert changed[: height // 10, : width // 4].mean() > 0.9  # the panel is shaded
    # In the right of the picture, and below the panel, nothing.
    assert not changed[:, -width // 20 :].any()
    assert not changed[height // 2 :].any()


def white(drawn: np.ndarray) -> np.ndarray:
    return (drawn > 240).all(2)


def test_the_text_tells_the_label_and_the_decision():
    rgb = picture(1280, 720)
    title = slice(0, 50)
    sure, unsure = (annotate(rgb, decision(best))[title] for best in (0.7, 0.4))
    waiting = annotate(rgb, None)[title]
    assert white(sure).sum() > 100
    assert white(unsure).sum() == white(waiting).sum() == 0  # undecided is written faintly
    assert (unsure > 150).all(2).sum() > 100
    other = annotate(rgb, Decision(12, 1.234, np.array([0.1, 0.7, 0.1, 0.1]), LABELS, 0.5))
    assert (other[title] != sure).any()


def test_bars_are_as_long_as_probabilities():
    rgb = picture(640, 360)

    def longest_bar(best: float) -> int:
        drawn = annotate(rgb, decision(best)).astype(int)
        blue = (drawn[..., 2] > 240) & (drawn[..., 0] < 80) & (drawn[..., 1] < 170)
        return int(blue.sum(1).max())

    assert longest_bar(0.9) == pytest.approx(longest_bar(0.45) * 2, rel=0.1)


def test_a_frame_that_cannot_be_written_to_is_drawn_all_the_same():
    rgb = picture(64, 48)
    rgb.flags.writeable = False
    assert (annotate(rgb, decision()) != rgb).any()


def bars_of(drawn: np.ndarray) -> int:
    """Return how many bars stand below each other: rows of blue that begin anew."""
    colours = drawn.astype(int)
    blue = (colours[..., 2] - colours[..., 0] > 120) & (colours[..., 1] < 130)
    rows = blue.any(1)
    return int((rows[1:] & ~rows[:-1]).sum())


@pytest.mark.parametrize("bars", [1, 3, 5])
def test_there_are_as_many_bars_as_asked_for(bars):
    labels = tuple(f"activity {number}" for number in range(8))
    probabilities = np.array([0.3, 0.2, 0.15, 0.12, 0.1, 0.08, 0.03, 0.02])
    made = Decision(0, 0.0, probabilities, labels, 0.5)
    assert bars_of(annotate(np.full((480, 640, 3), 110, np.uint8), made, bars)) == bars


def test_of_fewer_labels_than_bars_each_has_one():
    made = Decision(0, 0.0, np.array([0.6, 0.4]), ("a", "b"), 0.5)
    assert bars_of(annotate(np.full((480, 640, 3), 110, np.uint8), made, 5)) == 2
