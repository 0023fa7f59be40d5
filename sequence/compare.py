"""Compare two trained models on the same clips, paired over groups."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from recipes.command_line import DATA_FLAG, Flag, parser, run_command, settings
from recipes.loader import Settings
from video.console import logger
from video.errors import LookbackError, UsageError

_LOG = logger(__name__)

FLAGS = (
    Flag("--split", "evaluate.split", "clips to compare on: train, val, test or all", "SPLIT"),
    Flag("--views", "evaluate.views", "windows averaged per clip, evenly spaced, or all", "N"),
    Flag("--label-map", "evaluate.label_map", "see evaluate", "MAP"),
    Flag("--head", "sequence.head", "own: the classifiers of fine-tuned backbones", "NAME"),
)
PLACES = (
    DATA_FLAG,
    Flag("--manifest", "data.manifest", "manifest of the clips", "FILE", "manifest.csv in --data"),
    Flag("--seed", "seed", "random seed of the bootstrap", "N"),
)


@dataclass(frozen=True)
class Answers:
    """Predictions of a model for some clips.

    Attributes:
        name: Model folder.
        labels: Names of the K classes.
        keys: Video and start of each clip, n pairs.
        targets: True class of each clip: (n,).
        groups: Group of each clip, n names.
        probabilities: Probabilities of each clip: (n, K).
    """

    name: str
    labels: list[str]
    keys: list[tuple[str, float]]
    targets: np.ndarray
    groups: list[str]
    probabilities: np.ndarray

    def at(self, keys: list[tuple[str, float]]) -> "Answers":
        """Return the answers for some of the clips, in the order of `keys`."""
        place = {key: number for number, key in enumerate(self.keys)}
        rows = [place[key] for key in keys]
        groups = [self.groups[row] for row in rows]
        return Answers(
            self.name, self.labels, keys, self.targets[rows], groups, self.probabilities[rows]
        )


def compare(first: Answers, second: Answers, resamples: int, seed: int) -> dict:
    """Return the difference of two models on the clips that both predict, as JSON-ready values.

    Args:
        first: Answers of the first model.
        second: Answers of the second model.
        resamples: Number of bootstrap resamples.
        seed: Seed of the resampling.

    Returns:
        `clips`, `groups`, `left_out` (clips that only one has), `models` (name and scores), the
        numbers of clips that `both`, `only_first`, `only_second` and `neither` have right, and
        `difference`: second minus first with `accuracy`, `interval`, `method`, `bootstrap`
        (percentile interval over groups) and `better` (share of resamples in which the second is
        better).

    Raises:
        LookbackError: The classes or their order differ, or there is no common clip.
    """
    from metrics.bootstrap import bootstrap_interval, bootstrap_means
    from metrics.classification import scores
    from metrics.intervals import difference_interval, share_interval

    if first.labels != second.labels:
        same = sorted(first.labels) == sorted(second.labels)
        raise LookbackError(
            f"{first.name} and {second.name} have "
            + ("the same classes in another order" if same else "other classes")
            + f" ({', '.join(first.labels)}; {', '.join(second.labels)}): train both on the same "
            "manifest"
        )
    there = set(second.keys)
    keys = [key for key in first.keys if key in there]
    if not keys:
        raise LookbackError(f"{first.name} and {second.name} have no clip in common")
    left_out = len(first.keys) + len(second.keys) - 2 * len(keys)
    pair = first.at(keys), second.at(keys)
    hits = [each.probabilities.argmax(1) == each.targets for each in pair]
    gain, groups = hits[1].astype(float) - hits[0], pair[0].groups
    found = difference_interval(gain, groups, resamples, seed)
    means = bootstrap_means(gain, groups, resamples, seed)
    models = []
    for each, right in zip(pair, hits, strict=True):
        share = share_interval(right.astype(float), groups, resamples, seed)
        models.append(
            {
                "name": each.name,
                "accuracy_interval": share.limits,
                "accuracy_interval_method": share.method,
                **scores(each.probabilities, each.targets, each.labels),
            }
        )
    return {
        "clips": len(keys),
        "groups": len(set(groups)),
        "left_out": left_out,
        "models": models,
        "both": int((hits[0] & hits[1]).sum()),
        "only_first": int((hits[0] & ~hits[1]).sum()),
        "only_second": int((~hits[0] & hits[1]).sum()),
        "neither": int((~hits[0] & ~hits[1]).sum()),
        "difference": {
            "accuracy": float(gain.mean()),
            "interval": found.limits,
            "method": found.method,
            "bootstrap": list(bootstrap_interval(gain, groups, resamples, seed)),
            "better": float((means > 0).mean()),
        },
    }


def text_of(result: dict) -> str:
    """Return the table and the sentence of a comparison.

    Args:
        result: Result of `compare`.
    """
    from metrics.intervals import METHODS, methods_line

    models, difference = result["models"], result["difference"]
    width = max(12, *(len(each["name"]) + 2 for each in models))
    left_out = (
        f"; {result['left_out']} clips of one only are left out" if result["left_out"] else ""
    )
    lines = [
        f"{result['clips']} clips in {result['groups']} groups{left_out}",
        "",
        f"{'':<{width}}{'clip accuracy':>14}{'95 % interval':>17}{'macro F1':>10}{'log loss':>10}",
    ]
    for each in models:
        low, high = each["accuracy_interval"]
        lines.append(
            f"{each['name']:<{width}}{each['accuracy']:>14.3f}{f'{low:.3f} - {high:.3f}':>17}"
            f"{each['macro_f1']:>10.3f}{each['log_loss']:>10.3f}"
        )
    low, high = difference["interval"]
    below, above = difference["bootstrap"]
    first, second = (each["name"] for each in models)
    verdict = f"{second} is better" if low > 0 else f"{first} is better"
    if low <= 0 <= high:
        verdict = "these clips do not tell which is better"
    return "\n".join(
        [
            *lines,
            methods_line([each["accuracy_interval_method"] for each in models]),
            "",
            f"Right: both {result['both']}, only {first} {result['only_first']}, only {second} "
            f"{result['only_second']}, neither {result['neither']}.",
            f"{second} minus {first}: {difference['accuracy']:+.3f}, 95 % interval {low:+.3f} to "
            f"{high:+.3f} ({METHODS[difference['method']]}, paired): {verdict}.",
            f"Paired bootstrap over groups: {below:+.3f} to {above:+.3f}; {second} is better in "
            f"{100 * difference['better']:.0f} % of the resamples.",
        ]
    )


def answers_of(folder: str, features: str | None, chosen: Settings) -> Answers:
    """Return the answers of the model in a folder.

    Args:
        folder: Model folder.
        features: Feature file; None for that of the data folder.
        chosen: Settings of the recipe and the flags.

    Raises:
        UsageError, LookbackError: As for `sequence.evaluation_setup.open_tested`.
    """
    from sequence.evaluation import predict
    from sequence.evaluation_setup import open_tested
    from sequence.experiment import open_experiment

    recipe = chosen.recipe
    model = recipe.model.model_copy(update={"folder": folder})
    data = recipe.data.model_copy(update={"features": features})
    mine = Settings(
        recipe.model_copy(update={"model": model, "data": data}),
        chosen.given,
        chosen.source,
        chosen.flags,
    )
    experiment = open_experiment(mine)
    try:
        tested = open_tested(experiment, mine)
        segments = tested.segments
        clip = predict(
            tested.head, tested.predictor, tested.dataset, segments, recipe.evaluate.views
        ).clip
    finally:
        experiment.close()
    return Answers(
        folder,
        list(tested.dataset.labels),
        [(each.video, each.start) for each in segments],
        np.array([each.target for each in segments]),
        [each.group for each in segments],
        clip,
    )


def main(arguments: list[str] | None = None) -> int:
    flags = parser("compare", __doc__ or "", FLAGS, PLACES)
    flags.add_argument("models", nargs=2, metavar="FOLDER", help="the two model folders")
    flags.add_argument(
        "--features",
        nargs="+",
        metavar="FILE",
        help="feature file of both, or one for each (default: features.h5 in --data)",
    )
    flags.add_argument("--out", type=Path, metavar="FILE", help="also write the result as JSON")
    parsed = flags.parse_args(arguments)
    chosen = settings(parsed)
    files: list[str | None] = list(parsed.features or [None])
    if len(files) > 2:
        raise UsageError("--features: give one file, or one for each model")
    answers = [
        answers_of(folder, file, chosen)
        for folder, file in zip(parsed.models, (files * 2)[:2], strict=True)
    ]
    result = compare(*answers, chosen.recipe.evaluate.bootstrap, chosen.recipe.seed)
    if parsed.out:
        from video.atomic_write import atomic_write

        with atomic_write(parsed.out) as temporary:
            temporary.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    _LOG.info(text_of(result))
    return 0


if __name__ == "__main__":
    run_command(main)
