"""Cost of the change picture: extraction with `--input change` against `--input frame`.

    python -m benchmarks.change --manifest data/manifest.csv --backbone mobilenet_025

Both extract the same clips at the same rate, in turns over several rounds, and the median of the
ratios of a round is printed. Networks are built and converted beforehand; weights are random, which
does not change the speed.
"""

import argparse
import itertools
import tempfile
from pathlib import Path
from statistics import median

from benchmarks.measuring import evenly_spaced_clips, items_per_second, medians, run_interleaved
from benchmarks.record import write_result
from clips.manifest import read
from extract.extractor_setup import set_up_extractor
from extract.pipeline.runner import extract_features
from recipes.command_line import run_command
from recipes.loader import load

_INPUTS = ("frame", "change")


def measure(chosen: argparse.Namespace, folder: Path) -> dict[str, list[float]]:
    """Return the videos per second with each input, one number per round."""
    manifest = evenly_spaced_clips(chosen.manifest, chosen.clips)
    numbers = itertools.count()
    extractors = {}
    for name in _INPUTS:
        keys = {
            "model.folder": str(folder / name),
            "backbone.name": chosen.backbone,
            "backbone.weights": "none",
            "backbone.input": name,
            "sampling.fps": chosen.fps,
        }
        extractors[name] = set_up_extractor(load(flags=keys), read(chosen.manifest))

    def extract(name: str) -> int:
        store = folder / f"features{next(numbers)}.h5"
        return extract_features(manifest, extractors[name], store, "float32").done

    for name in _INPUTS:
        extract(name)  # the first use of a file and of an engine is slower
    return run_interleaved(
        {name: lambda name=name: items_per_second(extract, name) for name in _INPUTS},
        chosen.rounds,
    )


def main(arguments: list[str] | None = None) -> int:
    flags = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    flags.add_argument("--manifest", type=Path, required=True, help="a manifest.csv")
    flags.add_argument("--backbone", default="mobilenet_025", help="image network (%(default)s)")
    flags.add_argument("--fps", type=float, default=10.0, help="steps per second (%(default)s)")
    flags.add_argument("--clips", type=int, default=40, help="number of clips (%(default)s)")
    flags.add_argument("--rounds", type=int, default=7, help="number of rounds (%(default)s)")
    chosen = flags.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        rounds = measure(chosen, Path(folder))
    rates = medians(rounds)
    ratios = [frame / change for frame, change in zip(*rounds.values(), strict=True)]
    for name in _INPUTS:
        print(f"{name:<8}{rates[name]:>8.1f} videos/s")
    print(f"time of change / time of frame {median(ratios):.2f}")
    settings = {key: str(value) for key, value in vars(chosen).items() if key != "manifest"}
    print(write_result(f"change_{chosen.backbone}", {"settings": settings, "rounds": rounds}))
    return 0


if __name__ == "__main__":
    run_command(main)
