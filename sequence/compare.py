"""Compare two trained models on the same clips, paired over groups."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from recipes.command_line import DATA_FLAG, Flag, parser, run_command, settings
from recipes.loader import Settings
from recipes.places import with_local_places
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
        targets: True class of each clip (n,), or indicators of several classes (n, K).
        groups: Group of each clip, n names.
        probabilities: Probabilities of each clip: (n, K).
        thresholds: Thresholds of the classes of a multi-label model.
    """

    name: str
    labels: list[str]
    keys: list[tuple[str, float]]
    targets: np.ndarray
    groups: list[str]
    probabilities: np.ndarray
    thresholds: tuple[float, ...] = ()

    def at(self, keys: list[tuple[str, float]]) -> "Answers":
        """Return the answers for some of the clips, in the order of `keys`."""
        place = {key: number for number, key in enumerate(self.keys)}
        rows = [place[key] for key in keys]
        groups = [self.groups[row] for row in rows]
        return Answers(
            self.name,
            self.labels,
            keys,
            self.targets[rows],
            groups,
            self.probabilities[rows],
            self.thresholds,
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
        `difference`: second minus first with `accuracy` (or `mean_average_precision`), `interval`,
        `method`, `bootstrap` (percentile interval over groups) and `better` (share of resamples in
        which the second is better).

    Raises:
        LookbackError: The classes or their order differ, or there is no common clip.
    """
    from metrics.task import task_of_targets

    if first.labels != second.labels:
        same = sorted(first.labels) == sorted(second.labels)
        raise LookbackError(
            f"{first.name} and {second.name} have "
            + ("the same classes in another order" if same else "other classes")
            + f" ({', '.join(first.labels)}; {', '.join(second.labels)}): train both on the same "
            "manifest"
        )
    task = task_of_targets(first.targets)
    if task is not task_of_targets(second.targets):
        raise LookbackError(
            f"{first.name} and {second.name}: one answers with one class per clip, the other with "
            "several; train both on the same manifest"
        )
    there = set(second.keys)
    keys = [key for key in first.keys if key in there]
    if not keys:
        raise LookbackError(f"{first.name} and {second.name} have no clip in common")
    left_out = len(first.keys) + len(second.keys) - 2 * len(keys)
    pair = first.at(keys), second.at(keys)
    hits = [task.hits(each.probabilities, each.targets, each.thresholds) for each in pair]
    targets, groups = pair[0].targets, pair[0].groups
    both = pair[0].probabilities, pair[1].probabilities
    gain, found = task.difference(both[0], [both[1]], targets, groups, resamples, seed)
    means = task.resampled_differences(*both, targets, groups, resamples, seed)
    models = []
    for each in pair:
        share = task.interval([each.probabilities], targets, groups, resamples, seed)
        models.append(
            {
                "name": each.name,
                f"{task.score}_interval": share.limits,
                f"{task.score}_interval_method": share.method,
                **task.scores(each.probabilities, each.targets, each.labels, each.thresholds),
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
            task.score: gain,
            "interval": found.limits,
            "method": found.method,
            "bootstrap": np.percentile(means, [2.5, 97.5]).tolist(),
            "better": float((means > 0).mean()),
        },
    }


def text_of(result: dict) -> str:
    """Return the table and the sentence of a comparison.

    Args:
        result: Result of `compare`.
    """
    from metrics.intervals import METHODS, methods_line
    from metrics.task import task_of_report

    models, difference = result["models"], result["difference"]
    task = task_of_report(models[0])
    score = f"clip {task.score_title}"
    width = max(12, *(len(each["name"]) + 2 for each in models))
    left_out = (
        f"; {result['left_out']} clips of one only are left out" if result["left_out"] else ""
    )
    lines = [
        f"{result['clips']} clips in {result['groups']} groups{left_out}",
        "",
        f"{'':<{width}}{score:>14}{'95 % interval':>17}{'macro F1':>10}{'log loss':>10}",
    ]
    for each in models:
        low, high = each[f"{task.score}_interval"]
        lines.append(
            f"{each['name']:<{width}}{each[task.score]:>14.3f}{f'{low:.3f} - {high:.3f}':>17}"
            f"{each['macro_f1']:>10.3f}{each['log_loss']:>10.3f}"
        )
    low, high = difference["interval"]
    right = "Exactly right" if task.several else "Right"
    below, above = difference["bootstrap"]
    first, second = (each["name"] for each in models)
    verdict = f"{second} is better" if low > 0 else f"{first} is better"
    if low <= 0 <= high:
        verdict = "these clips do not tell which is better"
    return "\n".join(
        [
            *lines,
            methods_line([each[f"{task.score}_interval_method"] for each in models]),
            "",
            f"{right}: both {result['both']}, only {first} {result['only_first']}, only {second} "
            f"{result['only_second']}, neither {result['neither']}.",
            f"{second} minus {first}: {difference[task.score]:+.3f}, 95 % interval {low:+.3f} to "
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
    mine = with_local_places(mine)
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
        tested.dataset.targets(segments),
        [each.group for each in segments],
        clip,
        tested.predictor.thresholds,
    )


def main(arguments: list[str] | None = None) -> int:
    flags = parser("compare", __doc__ or "", FLAGS, PLACES)
    flags.add_argument("models", nargs=2, metavar="FOLDER", help="the two model folders")
    flags.add_argument(
        "--features",
        nargs="+",
        metavar="FILE",
        help="features of both, or one for each (default: features/ in --data)",
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
