"""Streaming inference: the per-frame stem is computed once per frame, with equal features."""

import numpy as np
import pytest

from extract.architectures.building import from_pixels
from extract.architectures.registry import spec_of
from extract.architectures.spec import BackboneSpec
from extract.backbones.heads import FEATURES
from extract.engines import NetworkId, Workload, framewise
from extract.engines.framewise import FramewiseEngine, framewise_cut, make_live_engine
from extract.engines.registry import make_engine
from tests.golden.cases import CASES, built
from training.keras_backend import keras


@pytest.fixture(scope="module")
def slow() -> tuple[BackboneSpec, keras.Model]:
    """The spec of `slow`, and a small network up to a dense layer of features."""
    keras.utils.set_random_seed(0)
    spec = spec_of(CASES["slow"].backbone)
    pixels = from_pixels(spec, built("slow"))
    features = keras.layers.Dense(6, name=FEATURES)(pixels.output)
    return spec, keras.Model(pixels.input, features)


@pytest.fixture(scope="module")
def live_engine(slow) -> FramewiseEngine:
    """Engine for a live video with a stride of one frame."""
    spec, model = slow
    live = make_live_engine(model, spec, 1, NetworkId(None, "a"), "keras", "f32")
    assert isinstance(live, FramewiseEngine)
    return live


# The patch embedding has a large share in the small TimeSformer, but not in the published one.
@pytest.mark.parametrize("name", [each for each in CASES if each not in ("slow", "timesformer")])
def test_other_networks_have_no_per_frame_stem(name):
    assert framewise_cut(built(name)) is None


def test_stem_of_slow_ends_at_the_first_temporal_kernel():
    core = built("slow")
    cut = framewise_cut(core)
    tail = keras.Model(cut, core.output)
    kernels = [layer.kernel_size[0] for layer in tail.layers if hasattr(layer, "kernel_size")]
    before = [layer.kernel_size[0] for layer in core.layers if hasattr(layer, "kernel_size")]
    assert kernels[:2] in (
        [3, 1],
        [1, 3],
    )  # the skip connection's projection, and the first temporal kernel
    assert before.count(3) == kernels.count(3) > 0
    assert cut.shape[1] == core.input_shape[1]


def test_streamed_features_equal_those_of_whole_clips(slow, live_engine):
    _, model = slow
    length = model.input_shape[1]
    whole = make_engine(model, NetworkId(None, "a"), "keras", Workload(live=True))
    video = np.random.default_rng(0).integers(0, 256, (20, *model.input_shape[2:]), np.uint8)
    for stride in (1, 3):
        stream = live_engine.stream()
        for end in range(0, 20, stride):
            frames = tuple(max(0, end - length + 1 + place) for place in range(length))
            clip, case = video[list(frames)], f"stride {stride}, up to frame {end}"
            wanted = whole(clip[None])[0]
            for found in (stream.feature(clip, frames), live_engine(clip[None])[0]):
                np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-6, err_msg=case)


def test_stem_of_a_frame_is_computed_once(slow, live_engine, monkeypatch):
    _, model = slow
    length, live, seen = model.input_shape[1], live_engine, []
    stem = live._stem
    monkeypatch.setattr(live, "_stem", lambda c: seen.append(len(c)) or stem(c))
    clip, stream = np.zeros(model.input_shape[1:], np.uint8), live.stream()
    for start in (0, 1, 3, 3, 100):
        stream.feature(clip, tuple(range(start, start + length)))
    assert seen == [length, 1, 2, length]
    assert len(stream._cached) == length


def test_streams_of_two_videos_share_no_cache(slow, live_engine):
    _, model = slow
    live = live_engine
    frames = tuple(range(model.input_shape[1]))
    clips = np.random.default_rng(0).integers(0, 256, (2, *model.input_shape[1:]), np.uint8)
    features = [live.stream().feature(clip, frames) for clip in clips]
    np.testing.assert_array_equal(features, live(clips))
    assert not np.array_equal(*features)


def test_clips_without_overlap_get_the_plain_engine(slow):
    spec, model = slow
    live = make_live_engine(model, spec, spec.clip_length, NetworkId(None, "a"), "keras", "f32")
    assert live.name == "keras"
    assert not isinstance(live, FramewiseEngine)


def test_stem_with_too_small_a_share_is_not_used(monkeypatch):
    core = built("slow")
    monkeypatch.setattr(framewise, "_MIN_SHARE", 0.999)
    assert framewise_cut(core) is None
