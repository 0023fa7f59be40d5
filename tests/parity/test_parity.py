"""Every converted network in its published size against the original: same pixels, same logits.

The weights are random, batch statistics too, and take the way that published ones take: a
checkpoint, the conversion command, a weights file, `build`. Run by `make test-parity`.
"""

import importlib.util
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from extract.architectures.registry import BACKBONES, spec_of
from extract.backbones import build
from tests.golden.drawing import draw_clip
from tests.running import ROOT

pytestmark = pytest.mark.parity

CONVERTED = [name for name, spec in BACKBONES.items() if spec.classifier]
CLASSES = 400
NEEDED = ("torch", "torchvision", "pytorchvideo", "transformers", "efficientnet_lite_pytorch")


def save_original(name: str, path: Path):
    """Save the original with drawn weights as a checkpoint; return its reference and module."""
    for needed in NEEDED:
        if importlib.util.find_spec(needed) is None:
            pytest.skip(f"{needed} is not installed: make test-parity installs it")
    import torch

    from tests.parity.references import REFERENCES, fill

    spec, reference = spec_of(name), REFERENCES[name]
    module = reference.make((spec.clip_length, spec.input_size, spec.input_size), CLASSES)
    fill(module)
    torch.save(module.state_dict(), path)
    return reference, module


def convert(name: str, checkpoint: Path, out: Path) -> None:
    command = [sys.executable, "-m", "extract.convert", name, str(checkpoint), "--out", str(out)]
    subprocess.run(command, check=True, cwd=ROOT)


def compare(name: str, module, reference, weights: Path, frames: int) -> None:
    """Hold the logits of two clips against the original's."""
    from tests.parity.references import logits
    from training.keras_backend import keras

    side = spec_of(name).input_size
    model = build(name, str(weights), classes=CLASSES, clip_length=frames)
    clips = [draw_clip((frames, side, side), seed) for seed in (0, 1)]
    wanted = np.concatenate([logits(reference, module, clip) for clip in clips])
    ours = np.concatenate([keras.ops.convert_to_numpy(model(clip)) for clip in clips])
    keras.backend.clear_session()
    difference = np.abs(ours - wanted).max(1) / np.abs(wanted).max(1)
    print(f"{name}, {frames} frames: {difference.max():.1e} of the largest logit")
    assert difference.max() <= 1e-4
    # The random network looks at its clip: another one has other logits.
    assert np.abs(wanted[0] - wanted[1]).max() > 1e-2 * np.abs(wanted).max()


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("name", CONVERTED)
def test_a_converted_network_gives_the_logits_of_the_original(name, tmp_path):
    checkpoint, weights = tmp_path / "original.pth", tmp_path / "ours.weights.h5"
    reference, module = save_original(name, checkpoint)
    trainable = sum(parameter.numel() for parameter in module.parameters())
    if not spec_of(name).is_clip_network:  # its figure leaves the classifier out
        trainable -= CLASSES * (spec_of(name).feature_size + 1)
    assert trainable == spec_of(name).parameters
    convert(name, checkpoint, weights)
    compare(name, module, reference, weights, spec_of(name).clip_length)


@pytest.mark.timeout(1200)
def test_i3d_is_the_original_on_short_clips_too(tmp_path):
    checkpoint, weights = tmp_path / "original.pt", tmp_path / "ours.weights.h5"
    reference, module = save_original("i3d", checkpoint)
    convert("i3d", checkpoint, weights)
    compare("i3d", module, reference, weights, frames=16)
