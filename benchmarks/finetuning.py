"""An epoch of fine-tuning while a trunk is frozen: as a whole, laid aside, and from the cache.

    python -m benchmarks.finetuning --manifest data/manifest.csv --backbone efficientnet_b0

Three ways over the same clips, training and validation, by turns, several rounds:

whole    the frozen trunk within the training step, by Keras, as fine-tuning usually goes
aside    the frozen trunk on its own, by the engine, every draw anew (finetune.cache.epochs 0)
cached   draws that an epoch before has computed (finetune.cache.epochs 1)

Weights are random: they cost what trained ones do. The first epoch of each is not counted; that of
`cached` costs what one of `aside` does.
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

DRAWS = {"whole": 0, "aside": 0, "cached": 1}


def tuning_of(way: str, manifest: Manifest, folder: Path, chosen: argparse.Namespace) -> Trainer:
    """Return a run of one phase, whose first epoch has begun."""
    keys = {
        "model.folder": str(folder / way),
        "backbone.name": chosen.backbone,
        "backbone.weights": "none",
        "extract.engine": chosen.engine,
        "finetune.limit": chosen.clips,
        "finetune.cache.epochs": DRAWS[way],
        "finetune.freeze_batch_norm": True,
        "finetune.phases": [{"epoch": 0, "stages": chosen.stages, "learning_rate": 1e-4}],
    }
    tuning = Trainer(load(flags=keys), manifest)
    if way == "whole":
        with patch("extract.finetuning.model.cut_of", return_value=None):
            tuning.run.begin_epoch(0)
    else:
        tuning.run.begin_epoch(0)
    return tuning


def seconds_of(tuning: Trainer, epoch: int) -> float:
    """Return how long an epoch takes, with its validation."""
    started = time.perf_counter()
    tuning.run.train_epoch(epoch)
    tuning.run.validate()
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
        "--stages", type=int, default=0, help="that train, from the end (%(default)s)"
    )
    flags.add_argument("--engine", default="openvino", help="ours (%(default)s)")
    flags.add_argument("--clips", type=int, default=24, help="of train and of val (%(default)s)")
    flags.add_argument("--rounds", type=int, default=3, help="turns of each (%(default)s)")
    chosen = flags.parse_args(arguments)
    manifest = read(chosen.manifest)
    rounds: dict[str, list[float]] = {way: [] for way in DRAWS}
    with tempfile.TemporaryDirectory() as folder:
        runs = {way: tuning_of(way, manifest, Path(folder), chosen) for way in DRAWS}
        first = {way: seconds_of(tuning, 0) for way, tuning in runs.items()}  # compiles, counts
        for number in range(1, chosen.rounds + 1):
            for way, tuning in runs.items():
                rounds[way].append(seconds_of(tuning, number))
    cache = runs["cached"].network.inputs
    size = cache.cached_bytes / 1e6 if isinstance(cache, ActivationCache) else 0.0
    medians = {way: statistics.median(seconds) for way, seconds in rounds.items()}
    for way, seconds in medians.items():
        print(f"{way:<8}{seconds:>8.2f} s an epoch (the first: {first[way]:.1f} s)")
    print(f"whole / cached {medians['whole'] / medians['cached']:.1f}")
    print(f"aside / cached {medians['aside'] / medians['cached']:.1f}")
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
