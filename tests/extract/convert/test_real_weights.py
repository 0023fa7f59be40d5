"""Published weights of EfficientNet-Lite know what a video shows. Run by `make test-weights`."""

import pytest

from extract.backbones import build
from extract.convert.conversion import convert_checkpoint
from extract.convert.weights_info import read_info
from metrics.calibration import softmax
from tests.extract.convert.real_weights import published_checkpoint
from training.keras_backend import keras
from video.sources.file import FileSource

pytestmark = [pytest.mark.index, pytest.mark.shared]


@pytest.mark.timeout(900)
@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_weightlifter_is_recognized(shared, tmp_path, number):
    name = f"efficientnet_lite{number}"
    path = tmp_path / f"{name}.weights.h5"
    convert_checkpoint(name, published_checkpoint(name), path)
    assert read_info(path).trained_on == "ImageNet"
    model = build(name, str(path), classes=1000)
    side = model.input_shape[2]
    with FileSource(shared / "data/demo_clips/v_GGSY1Qvo990.mp4") as source:
        frames = [frame.resized(side, side) for frame in source]
    middle = frames[len(frames) // 2][None, None]
    (probabilities,) = softmax(keras.ops.convert_to_numpy(model(middle)))
    labels = (shared / "data/golden/IN1K_label_map.txt").read_text().splitlines()
    best = probabilities.argmax()
    print(f"{name}: {labels[best]} {probabilities[best]:.2f}")
    assert labels[best] == "barbell"
    assert probabilities[best] > 0.4
