"""One extractor for several videos: of every family of networks, the features of each video have
the bits of an extractor of its own."""

import threading
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from extract.architectures.building import from_pixels
from extract.architectures.registry import spec_of
from extract.backbones import build_trunk
from extract.backbones.heads import pooled_network
from extract.engines import NetworkId
from extract.engines.framewise import FramewiseEngine, make_live_engine
from extract.engines.registry import ENGINES
from extract.extractor import Extractor
from tests.extract.projecting import card_of
from tests.golden.cases import CASES, built
from training.keras_backend import keras
from video.frame import Frame
from video.preprocessing import Preprocessing
from video.sampling import Sampling

STRIDE, STEPS = 2, 6
IMAGE = "tiny"
# What OpenVINO converts, once for two cases; tests/live/test_stream.py has more of it.
CHOICES = [(name, "keras") for name in (IMAGE, *CASES)] + [(IMAGE, "openvino"), ("x3d", "openvino")]


def network_of(name: str) -> keras.Model:
    """Return a network of uint8 clips with the same weights at every call."""
    if name == IMAGE:
        keras.utils.set_random_seed(0)
        return pooled_network(build_trunk(IMAGE, "none", 32, 1))
    return from_pixels(spec_of(CASES[name].backbone), built(name))


@pytest.fixture(scope="module", params=CHOICES, ids=["-".join(choice) for choice in CHOICES])
def make(request, tmp_path_factory) -> Callable[[], Extractor]:
    """Return a function that makes a new extractor of the same network."""
    name, engine = request.param
    if why := ENGINES[engine].missing():
        pytest.skip(why)
    spec = spec_of(IMAGE if name == IMAGE else CASES[name].backbone)
    known_as = NetworkId(tmp_path_factory.mktemp(name), name)  # what is converted is kept there

    def extractor() -> Extractor:
        model = network_of(name)
        _, frames, height, width, _ = model.input_shape
        here = replace(spec, clip_length=frames)
        made = make_live_engine(model, here, STRIDE, known_as, engine, "f32")
        assert isinstance(made, FramewiseEngine) == (name in ("slow", "timesformer"))
        config = card_of(
            sampling=Sampling(None, STRIDE), preprocessing=Preprocessing(width, height)
        )
        sizes = {"clip_length": frames, "feature_size": made.feature_size}
        config = config.model_copy(update={"backbone": config.backbone.model_copy(update=sizes)})
        return Extractor(config, made)

    return extractor


def video(seed: int, clip_length: int) -> list[Frame]:
    """Return a video of enough frames for `STEPS` whole clips."""
    frames = clip_length + STRIDE * (STEPS - 1)
    pixels = np.random.default_rng(seed).integers(0, 256, (frames, 50, 60, 3), np.uint8)
    return [Frame.from_array(rgb, n, n / 10) for n, rgb in enumerate(pixels)]


def features(extractor: Extractor, seed: int) -> bytes:
    stream = extractor.stream()
    frames = video(seed, extractor.clip_length)
    rows = [feature for frame in frames for _, feature in stream.push(frame)]
    assert len(rows) >= STEPS
    return np.stack(rows).tobytes()


@pytest.mark.slow
def test_videos_of_one_extractor_have_the_bits_of_extractors_of_their_own(make):
    """One after another, and in two threads. (First calls that meet: tests/live/test_stream.py.)"""
    first, second = make(), make()
    alone = {1: features(first, 1), 2: features(second, 2)}
    assert alone[1] != alone[2]
    assert features(first, 2) == alone[2]
    start = threading.Barrier(2)
    results: dict[int, bytes] = {}

    def run(seed: int) -> None:
        start.wait(60)
        results[seed] = features(second, seed)

    threads = [threading.Thread(target=run, args=(seed,)) for seed in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert results == alone
