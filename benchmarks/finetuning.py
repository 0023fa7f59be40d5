"""Duration of a fine-tuning epoch with a frozen trunk, computed in three ways.

    python -m benchmarks.finetuning --manifest data/manifest.csv --backbone efficientnet_b0

The three ways train and validate on the same clips, interleaved over several rounds:

whole    Keras computes the frozen trunk inside the training step, the usual way
split    the engine computes the frozen trunk before the training step, in every epoch
cached   the activations of the frozen trunk are cached from an earlier epoch

Weights are random, which does not change the speed. The first epoch of each way is not measured.
The first epoch of `cached` takes as long as one of `split`.
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path
from unittest.mock import patch

from benchmarks.record import write_result
from clips.manifest import Manifest, read
from extract.finetuning.activation_cache import ActivationCache
from extract.finetuning.trainer import Trainer
from recipes.command_line import run_command
from recipes.loader import load

# Number of epochs whose activations are cached.
CACHED_EPOCHS = {"whole": 0, "split": 0, "cached": 1}


def make_trainer(way: str, manifest: Manifest, folder: Path, chosen: argparse.Namespace) -> Trainer:
    """Return a trainer in its first phase."""
    keys = {
        "model.folder": str(folder / way),
        "backbone.name": chosen.backbone,
        "backbone.weights": "none",
        "extract.engine": chosen.engine,
        "finetune.limit": chosen.clips,
        "finetune.cache.epochs": CACHED_EPOCHS[way],
        "finetune.freeze_batch_norm": True,
        "finetune.phases": [{"epoch": 0, "stages": chosen.stages, "learning_rate": 1e-4}],
    }
    trainer = Trainer(load(flags=keys), manifest)
    if way == "whole":
        with patch("extract.finetuning.model.cut_of", return_value=None):
            trainer.run.begin_epoch(0)
    else:
        trainer.run.begin_epoch(0)
    return trainer


def time_epoch(trainer: Trainer, epoch: int) -> float:
    """Train and validate one epoch; return the seconds."""
    started = time.perf_counter()
    trainer.run.train_epoch(epoch)
    trainer.run.validate()
    return time.perf_counter() - started


def main(arguments: list[str] | None = None) -> int:
    flags = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    flags.add_argument("--manifest", type=Path, required=True, help="a manifest.csv")
    flags.add_argument(
        "--backbone",
        default="efficientnet_b0",
        help="see python -m extract.backbones (%(default)s)",
    )
    flags.add_argument(
        "--stages",
        type=int,
        default=0,
        help="number of trainable stages, from the end (%(default)s)",
    )
    flags.add_argument("--engine", default="openvino", help="engine of the trunk (%(default)s)")
    flags.add_argument(
        "--clips", type=int, default=24, help="number of clips in train and in val (%(default)s)"
    )
    flags.add_argument("--rounds", type=int, default=3, help="number of rounds (%(default)s)")
    chosen = flags.parse_args(arguments)
    manifest = read(chosen.manifest)
    rounds: dict[str, list[float]] = {way: [] for way in CACHED_EPOCHS}
    with tempfile.TemporaryDirectory() as folder:
        trainers = {way: make_trainer(way, manifest, Path(folder), chosen) for way in CACHED_EPOCHS}
        first = {way: time_epoch(trainer, 0) for way, trainer in trainers.items()}  # compiles
        for number in range(1, chosen.rounds + 1):
            for way, trainer in trainers.items():
                rounds[way].append(time_epoch(trainer, number))
    cache = trainers["cached"].network.inputs
    size = cache.cached_bytes / 1e6 if isinstance(cache, ActivationCache) else 0.0
    medians = {way: statistics.median(seconds) for way, seconds in rounds.items()}
    for way, seconds in medians.items():
        print(f"{way:<8}{seconds:>8.2f} s per epoch (first epoch: {first[way]:.1f} s)")
    print(f"whole / cached {medians['whole'] / medians['cached']:.1f}")
    print(f"split / cached {medians['split'] / medians['cached']:.1f}")
    print(f"cache          {size:.1f} MB")
    settings = {key: str(value) for key, value in vars(chosen).items() if key != "manifest"}
    print(
        write_result(
            f"finetuning_{chosen.backbone}_{chosen.stages}",
            {"settings": settings, "first": first, "rounds": rounds, "cache_megabytes": size},
        )
    )
    return 0


if __name__ == "__main__":
    run_command(main)
