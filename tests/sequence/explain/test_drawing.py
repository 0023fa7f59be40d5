"""Drawing: maps where the network looks, and a legend of any width."""

import numpy as np

from sequence.explain.drawing import Layout, Panels, legend, overlaid, spaced
from video.frame import Frame
from video.preprocessing import Preprocessing


def test_only_what_the_map_marks_is_colored():
    picture = np.full((40, 80, 3), 100, np.uint8)
    heat = np.zeros((2, 4), np.float32)
    heat[0, 3] = 1.0
    changed = np.abs(overlaid(picture, heat).astype(int) - 100).max(-1)
    assert changed[:8, 72:].min() > 40
    assert not changed[:, :48].any()
    assert not changed[30:].any()


def test_a_map_covers_the_part_that_a_crop_keeps():
    """A 120x60 frame: a crop of its middle, with a map that is strong everywhere."""
    layout = Layout.of(Preprocessing(32, 32, "crop", 32), (120, 60), 60)
    frame = Frame.from_array(np.full((60, 120, 3), 100, np.uint8))
    panels = layout.panels(frame, np.ones((2, 2), np.float32))
    assert panels.frame.shape == panels.map.shape == (60, 120, 3)
    assert panels.change is None
    assert panels.frame[30, 10].max() < 50  # not seen: dark
    assert (panels.frame[30, 60] == panels.map[30, 10] * 0 + 100).all()
    np.testing.assert_array_equal(panels.map[30, 10], panels.frame[30, 10])
    assert np.abs(panels.map[30, 60].astype(int) - 100).max() > 40


def test_the_change_picture_is_what_the_network_sees():
    layout = Layout.of(Preprocessing(32, 32), (64, 64), 64)
    frame = Frame.from_array(np.full((64, 64, 3), 100, np.uint8))
    earlier, later = np.full((32, 32, 3), 90, np.uint8), np.full((32, 32, 3), 100, np.uint8)
    panels = layout.panels(frame, np.zeros((2, 2), np.float32), (earlier, later))
    assert len(panels.all) == 3
    assert (panels.change == 137).all()  # 127.5 + 10


def test_a_legend_has_the_wanted_width_and_takes_any_letters():
    for width in (60, 400):
        strip = legend("прыжок 93%, ein sehr langer Name " * 9, width)
        assert strip.shape == (44, width, 3)
        assert strip.std() > 5


def test_pictures_have_names_and_gaps():
    picture = np.full((60, 100, 3), 100, np.uint8)
    panels = Panels(picture, picture, picture)
    frame, change, heat = panels.named(1.25)
    assert all((each != picture).any() for each in (frame, change, heat))
    assert all((each[20:] == picture[20:]).all() for each in (frame, change, heat))
    later = panels.named(1.5, first=False)
    assert (later[0] != frame).any()
    assert (later[1] == picture).all()
    assert (later[2] == picture).all()
    both = spaced([frame, heat])
    np.testing.assert_array_equal(both[:, :100], frame)
    np.testing.assert_array_equal(both[:, -100:], heat)
    assert both.shape[1] > 200
