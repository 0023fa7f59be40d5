"""Training clips are varied anew in every epoch, by the seed; validation clips never."""

import numpy as np
import pytest

from extract.backbones.defaults import resolve_backbone
from extract.finetuning.dataset import ClipDataset
from extract.finetuning.trainer import Trainer
from tests.extract.conftest import phase
from tests.extract.finetuning.test_trainer import STILL
from training.objective import loss_weights

ALL = {
    "flip": True,
    "rotation_degrees": 20.0,
    "shift": 0.1,
    "zoom": 0.1,
    "brightness": 0.2,
    "contrast": 0.2,
    "saturation": 0.2,
    "hue": 0.1,
    "erasing": 0.5,
    "elastic": 0.1,
    "clahe": 0.5,
    "blur": 0.05,
    "pixel_dropout": 0.1,
    "time_reversal": 0.5,
    "mixup": 0.4,
    "cutmix": 0.4,
}


@pytest.fixture
def dataset_of(quick_settings, scenes):
    def make(augment: dict, **keys) -> ClipDataset:
        recipe = quick_settings(phase(0, 0), augment={**STILL, **augment}, **keys).recipe
        return ClipDataset(recipe, scenes(train=2, val=2), resolve_backbone(recipe))

    return make


def drawn(batches) -> list[tuple[bytes, bytes]]:
    return [(clips.tobytes(), labels.tobytes()) for clips, labels in batches]


def test_two_epochs_differ_and_the_same_seed_gives_the_same_clips(dataset_of):
    first, again = dataset_of(ALL), dataset_of(ALL)
    assert drawn(first.train(0)) == drawn(again.train(0))
    assert drawn(first.train(0)) != drawn(first.train(1))


def test_validation_clips_see_no_augmentation_at_all(dataset_of):
    assert drawn(dataset_of(ALL).validate()) == drawn(dataset_of({}).validate())


def test_mixed_batches_have_soft_labels_and_are_not_cached(quick_settings, scenes):
    settings = quick_settings(
        phase(0, 0), epochs=2, cache={"epochs": 2}, augment={**STILL, "mixup": 1.0}
    )
    tuning = Trainer(settings, scenes(train=2, val=2))
    tuning.train()
    assert tuning.network.inputs.epochs == 0
    assert tuning.network.inputs.keeps_validation
    assert "mixup and cutmix" in str(tuning.network.inputs)
    (_, labels), *_ = tuning.clips.train(0)
    assert labels.shape[1] == 4
    assert (labels.max(1) < 0.999).any()


def test_loss_weights_mix_as_the_labels_do():
    weights = np.array([1.0, 3.0], np.float32)
    assert loss_weights(weights, np.array([1, 0])).tolist() == [3, 1]
    soft = np.array([[0.25, 0.75]], np.float32)
    assert loss_weights(weights, soft).tolist() == [2.5]
