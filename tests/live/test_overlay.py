import av
import cv2
import numpy as np
import pytest
from av.video.reformatter import VideoReformatter

from live.decision import Decision
from live.overlay import Overlay, annotate
from video.frame import Frame
from video.planar import Colors

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


def soft_frame(width: int, height: int, colors: Colors, **placed) -> Frame:
    """Return a frame of a decoder: soft grays and colors in yuv420p."""
    small = np.random.default_rng(1).integers(60, 190, (3, 3, 3)).astype(np.uint8)
    pixels = cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)
    whole = av.VideoFrame.from_ndarray(pixels, format="rgb24")
    return Frame(0, 0.0, colors.converted(whole, VideoReformatter()), **placed)


COLORS = [
    Colors(),
    Colors(matrix=2, range=0, primaries=2, transfer=2),
    Colors(matrix=5, range=2, primaries=5, transfer=6),
]


@pytest.mark.parametrize("colors", COLORS, ids=["bt709", "not named", "full range"])
@pytest.mark.parametrize(
    ("size", "placed"),
    [
        ((160, 120), {}),
        ((480, 480), {}),
        ((1920, 1080), {}),
        ((1080, 1920), {}),
        ((640, 360), {"quarter_turns": 1}),
        ((640, 360), {"quarter_turns": 2, "mirrored": True}),
    ],
    ids=str,
)
def test_planes_and_rgb_show_the_same(size, placed, colors):
    drawn = Overlay(4).on(soft_frame(*size, colors, **placed), decision())
    rgb, planes = drawn.rgb, Frame(0, 0.0, drawn.planar).rgb
    assert rgb.shape == planes.shape
    # Averages over 8 x 8 pixels: at the edge of a bar two by two pixels share their color.
    height, width = (side // 8 * 8 for side in rgb.shape[:2])
    gap = np.abs(mean_of_blocks(rgb[:height, :width]) - mean_of_blocks(planes[:height, :width]))
    panel = gap[: height // 32, : width // 32]
    assert panel.mean() < 3
    assert np.quantile(gap, 0.99) < 5
    assert gap.max() < 20
    assert gap[height // 16 :].mean() < 1.5
    # The text is as sharp as in RGB: brightness has every pixel.
    bright = [pixels[: height // 8].astype(int).mean(2) for pixels in (rgb, planes)]
    assert (np.abs(bright[0] - bright[1]) > 40).mean() < 0.002


def mean_of_blocks(pixels: np.ndarray) -> np.ndarray:
    height, width = pixels.shape[:2]
    return pixels.reshape(height // 8, 8, width // 8, 8, 3).mean((1, 3))


def test_a_panel_is_drawn_once_for_a_decision_and_a_size():
    overlay, colors = Overlay(), Colors()
    first, second = decision(), decision()
    frames = [soft_frame(320, 240, colors), soft_frame(320, 240, colors)]
    panels = [overlay.on(frame, first).panel for frame in frames]
    assert panels[0] is panels[1]
    assert overlay.on(frames[0], second).panel is not panels[0]
    assert overlay.on(soft_frame(640, 480, colors), second).panel.size == (640, 480)


@pytest.mark.parametrize("order", ["rgb24", "bgr24"])
def test_the_frame_of_a_camera_stays_as_it_is(order):
    frame = Frame.from_array(picture(320, 240), order=order)
    before = frame.rgb.copy()
    drawn = Overlay().on(frame, decision())
    assert (drawn.rgb != before).any()
    assert drawn.planar is not None
    np.testing.assert_array_equal(frame.rgb, before)


def test_a_frame_of_odd_sides_has_no_planes():
    drawn = Overlay().on(Frame.from_array(picture(641, 359)), decision())
    assert drawn.planar is None
    np.testing.assert_array_equal(drawn.rgb, annotate(picture(641, 359), decision()))


@pytest.mark.parametrize("size", [(160, 120), (180, 320), (1080, 1920)])
def test_a_long_label_keeps_the_probability_in_the_picture(size):
    label = "assembling a very long wooden bookshelf in the garden"
    texts = []
    for share in (0.61, 0.84):
        made = Decision(0, 12.3, np.array([share, 1 - share]), (label, "b"), 0.5)
        texts.append(annotate(np.full((size[1], size[0], 3), 110, np.uint8), made, bars=0))
    differing = (texts[0] != texts[1]).any((0, 2))
    assert differing.any()
    assert differing.nonzero()[0].max() < size[0] - 2  # the last digit is not cut off


def test_several_labels_are_in_the_title_and_have_bright_bars():
    values, labels = np.array([0.9, 0.2, 0.6, 0.1]), ("a", "b", "c", "d")
    made = Decision(0, 0.0, values, labels, 0.5, thresholds=(0.5, 0.5, 0.5, 0.5))
    none = Decision(0, 0.0, values, labels, 0.5, thresholds=(0.95,) * 4)
    blue = np.array((30, 98, 190))

    def bright(what: Decision, bars: int) -> int:
        """Return the number of rows with a bright bar."""
        near = np.abs(annotate(picture(640, 360), what, bars).astype(int) - blue).max(2) < 12
        return int((near.sum(1) > 5).sum())

    both = bright(made, 3)
    assert both > 0
    # A label that is found has a bar also if there is room for fewer.
    assert bright(made, 1) == both
    assert bright(none, 3) == 0
    one = Decision(0, 0.0, values, labels, 0.5, thresholds=(0.5, 0.5, 0.95, 0.5))
    assert bright(one, 3) == pytest.approx(both / 2, abs=2)
