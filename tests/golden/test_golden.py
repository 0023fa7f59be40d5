"""Every converted family gives the logits of the original, which PyTorch computed once."""

import json

import numpy as np
import pytest

from extract.architectures.registry import spec_of
from tests.golden.cases import ALL_CASES, CLASSES, FOLDER
from tests.golden.drawing import draw_clip, draw_tensors


@pytest.mark.parametrize("name", ALL_CASES)
def test_a_small_network_gives_the_logits_of_the_original(name):
    from extract.architectures.building import with_classifier
    from extract.convert.weight_porting import assign
    from training.keras_backend import keras

    case, spec = ALL_CASES[name], spec_of(ALL_CASES[name].backbone)
    golden = json.loads((FOLDER / f"{name}.json").read_text())
    model = with_classifier(case.make(case.shape), spec, CLASSES)
    assign(model, draw_tensors(golden["tensors"]), name)
    pixels = keras.ops.cast(draw_clip(case.shape), "float32")
    pixels = pixels if spec.is_clip_network else pixels[:, 0]
    ours = keras.ops.convert_to_numpy(model(spec.scale(pixels)))[0]
    keras.backend.clear_session()
    wanted = np.array(golden["logits"])
    assert np.abs(ours - wanted).max() <= 1e-4 * np.abs(wanted).max()
