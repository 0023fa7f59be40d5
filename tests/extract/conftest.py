"""What the tests of this room share: recipes for small networks, and the synthetic clips split."""

from collections.abc import Callable
from pathlib import Path

import pytest

from clips.manifest import Entry, Manifest
from extract.backbones.heads import classifier_network, weights_sha256
from model_folder.config import (
    BACKBONE_WEIGHTS,
    BackboneConfig,
    ModelConfig,
    save_weights,
    write_config,
)
from recipes.loader import Settings, load
from recipes.schema import Network
from video.preprocessing import Preprocessing
from video.sampling import Sampling

SMALL = {
    "backbone.name": "tiny",
    "backbone.weights": "none",
    "preprocessing.input_size": 48,
}
# Converting for another engine takes seconds; tests/extract/engines does it.
ENGINE = {"extract.engine": "keras"}
QUICK = {
    "finetune.head.features": 16,
    "finetune.head.dropout": 0.2,
    "finetune.clips_per_video": 2,
    "finetune.batch_size": 8,
    "finetune.patience": 0,
}


def phase(epoch: int, stages, rate: float = 1e-3) -> dict:
    """Return a phase of a schedule as a recipe has it."""
    return {"epoch": epoch, "stages": stages, "learning_rate": rate}


@pytest.fixture
def small_settings(tmp_path: Path) -> Callable[..., Settings]:
    """Return a function that makes settings of a tiny network, with a model folder of its own.

    small_settings({"seed": 1}) adds keys, as flags would; small_settings(base={}) leaves the tiny
    network away, as a user does who trusts the model folder.
    """

    def make(keys: dict | None = None, base: dict = SMALL) -> Settings:
        return load(
            flags={**ENGINE, **base, "model.folder": str(tmp_path / "weights"), **(keys or {})}
        )

    return make


@pytest.fixture
def quick_settings(small_settings) -> Callable[..., Settings]:
    """Return a function that makes settings of a quick fine-tuning:
    quick_settings(phase(0, 0), epochs=2, learning_rate_schedule={"kind": "cosine"})."""

    def make(*schedule: dict, backbone: str = "tiny", weights: str = "none", **keys) -> Settings:
        given = {}
        for key, value in keys.items():
            inner = value if isinstance(value, dict) else {"": value}
            given |= {f"finetune.{key}.{name}".rstrip("."): each for name, each in inner.items()}
        chosen = {"backbone.name": backbone, "backbone.weights": weights}
        return small_settings({**QUICK, **chosen, "finetune.phases": list(schedule), **given})

    return make


@pytest.fixture
def fine_tuned(tmp_path: Path) -> ModelConfig:
    """The config of a model folder (`weights` below `tmp_path`) that holds a fine-tuned tiny."""
    from extract.backbones import build_trunk

    folder = tmp_path / "weights"
    head = Network(pooling="avg", features=24, dropout=0.5, hidden=(8,), one_logit=False)
    model = classifier_network(build_trunk("tiny", "none", 48), head, 3)
    save_weights(model, folder / BACKBONE_WEIGHTS)
    config = ModelConfig(
        seed=0,
        recipe="mine.yaml",
        labels=("a", "b", "c"),
        sampling=Sampling(5.0),
        preprocessing=Preprocessing(48, 48),
        backbone=BackboneConfig(
            name="tiny",
            weights="none",
            fine_tuned=True,
            sha256=weights_sha256(model),
            feature_size=24,
            licence="none",
            network=head,
            labels=("a", "b", "c"),
        ),
        made_with={"keras": "3"},
    )
    write_config(folder, config)
    return config


@pytest.fixture(scope="session")
def scenes(clips_folder: Path) -> Callable[..., Manifest]:
    """Return a function that makes a manifest of the synthetic clips: scenes(train=4, val=2)."""

    def make(train: int = 3, val: int = 2) -> Manifest:
        entries = []
        for path in sorted(clips_folder.rglob("*.mp4")):
            number = int(path.stem.split("_g")[1][:3])
            if number >= train + val:
                continue
            video = path.relative_to(clips_folder).as_posix()
            split = "train" if number < train else "val"
            entries.append(Entry(video, path.parent.name, split, f"g{number:03}"))
        return Manifest(clips_folder / "manifest.csv", tuple(entries))

    return make
