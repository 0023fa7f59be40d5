"""An extractor that needs no framework: a fixed random projection of the pixels, by numpy.

It starts in a process of its own in half a second, so that a test can kill it often:
python -m tests.extract.projecting DATA STORE SECONDS_A_PART
"""

import sys
import time
from pathlib import Path

import numpy as np

from clips.manifest import Entry, Manifest
from clips.shards import parse_shard
from extract.extractor import Extractor
from extract.feature_store import folder, writer
from extract.pipeline.runner import extract_features
from model_folder.config import BackboneConfig, ModelConfig, SequenceConfig
from recipes.schema import Network
from video.preprocessing import Preprocessing
from video.sampling import Sampling

SIDE, SIZE, BATCH = 16, 64, 8


class ProjectingEngine:
    """Computes every row for itself, so that its bits cannot depend on the batch.

    `calls` holds the rows of every call, of which two may be under way at once; `fail_at` is the
    call that raises `RuntimeError`.
    """

    precision, feature_size, batch_size, parallel = "f32", SIZE, BATCH, 2

    def __init__(self, fail_at: int = -1) -> None:
        random = np.random.default_rng(0)
        self.weights = random.normal(size=(SIDE * SIDE * 3, SIZE)).astype(np.float32)
        self.calls: list[int] = []
        self.fail_at = fail_at

    def __call__(self, clips: np.ndarray) -> np.ndarray:
        assert clips.dtype == np.uint8
        assert 0 < len(clips) <= BATCH
        assert clips.shape[1:] == (1, SIDE, SIDE, 3)
        if len(self.calls) == self.fail_at:
            raise RuntimeError("the engine stopped")
        self.calls.append(len(clips))
        flat = clips.reshape(len(clips), -1).astype(np.float32) / 255
        return np.stack([row @ self.weights for row in flat])


def card_of(name: str = "tiny", fps: float | None = 10.0, **values) -> ModelConfig:
    """Return a model config that says no more than it must."""
    backbone = BackboneConfig(
        name=name, weights="none", fine_tuned=False, sha256="0" * 64, feature_size=SIZE, licence=""
    )
    config = {
        "seed": 0,
        "recipe": "default.yaml",
        "sampling": Sampling(fps),
        "preprocessing": Preprocessing(SIDE, SIDE),
        "backbone": backbone,
        "made_with": {},
    }
    return ModelConfig(**{**config, **values})


def full_config() -> ModelConfig:
    """Return a config with a value other than the default in every field that has one."""
    config = card_of(
        labels=("schlagen", "würfeln", "no"),
        sampling=Sampling(None, 4),
        preprocessing=Preprocessing(32, 24, "crop", 40),
        sequence=SequenceConfig(
            head="lstm",
            look_back=16,
            units=(64, 16),
            dropout=0.5,
            delta=True,
            sha256="e" * 64,
            features_spec="f" * 64,
            dtype="float16",
            threshold=0.5,
            temperature=1.25,
            mean_temperature=0.1 + 0.2,
        ),
        made_with={"keras": "3.15.1"},
    )
    network = Network(
        pooling="flatten", features=1024, dropout=0.2, hidden=(256, 8), one_logit=True
    )
    values = {"network": network, "labels": ("a", "b"), "fine_tuned": True}
    return config.model_copy(update={"backbone": config.backbone.model_copy(update=values)})


def projecting_extractor(fps: float | None = 10.0, fail_at: int = -1) -> Extractor:
    return Extractor(card_of(fps=fps), ProjectingEngine(fail_at))


def manifest_of(folder: Path, videos: list[str] | None = None) -> Manifest:
    """Return a manifest, in memory alone, of `videos` or of all clips below a folder."""
    if videos is None:
        videos = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.mp4"))
    return Manifest(folder / "manifest.csv", tuple(Entry(video, "x") for video in videos))


def slow_down_writing(seconds: float) -> None:
    """Let every video have a part of its own, which takes a while to be written."""
    write = folder.write_part

    def slow(path: Path, *arguments) -> None:
        path.touch()
        time.sleep(seconds)
        write(path, *arguments)
        time.sleep(seconds)

    folder.write_part = slow
    writer._PART_SECONDS = -1.0


def main(data: str, store: str, seconds_a_part: str, shard: str = "") -> None:
    slow_down_writing(float(seconds_a_part))
    chosen = parse_shard(shard) if shard else None
    manifest, extractor = manifest_of(Path(data)), projecting_extractor()
    try:
        extract_features(manifest, extractor, Path(store), "float32", shard=chosen)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main(*sys.argv[1:])
