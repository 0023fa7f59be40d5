"""Coverage of 95 % intervals by simulation: how often they contain the true value.

    python -m benchmarks.intervals

Each case draws data sets of G groups. A group has 1, 4, or 1 to 11 clips; the probability that a
clip is correct differs between groups by a beta distribution with the correlation given (0, 0.1,
0.3) around the true accuracy. For differences, a Dirichlet distribution gives the shares of clips
that only the first and only the second model has right. For macro F1 the clips have three classes
with the shares 0.5, 0.3 and 0.2, and a wrong answer is one of the other two.

`chosen` is what reports show (metrics/intervals.py), `bootstrap` the percentile bootstrap at any
number of groups. The table has the mean coverage over the cases, the least and the greatest, and
the mean width.
"""

import argparse
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.record import write_result
from metrics.bootstrap import bootstrap_interval
from metrics.intervals import Interval, difference_interval, share_interval
from metrics.score_intervals import macro_f1, score_intervals
from recipes.command_line import run_command

GROUPS = (4, 8, 12, 20, 50, 100, 200)
SIZES: tuple[tuple[int, ...], ...] = ((1,), (4,), tuple(range(1, 12)))
CORRELATIONS = (0.0, 0.1, 0.3)
SHARES = (0.5, 0.7, 0.85, 0.95)
# Shares of clips that only the first, and only the second model has right.
DISCORDANT = ((0.02, 0.02), (0.05, 0.05), (0.15, 0.15), (0.05, 0.15), (0.1, 0.3))
RESAMPLES = 300
CLASSES = (0.5, 0.3, 0.2)  # shares of the classes, for macro F1


@dataclass(frozen=True)
class Case:
    """A simulated population.

    Attributes:
        groups: Number of groups, G.
        sizes: Numbers of clips of a group, drawn with equal probability.
        correlation: Correlation of the clips of a group, 0..1.
        shares: True accuracy, or the shares of `DISCORDANT`.
    """

    groups: int
    sizes: tuple[int, ...]
    correlation: float
    shares: tuple[float, ...]

    @property
    def is_difference(self) -> bool:
        """Whether two models are compared."""
        return len(self.shares) == 2

    @property
    def truth(self) -> float:
        """True value of what the interval is about."""
        return self.shares[1] - self.shares[0] if self.is_difference else self.shares[0]

    def draw(self, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Return the values (n,) and the group of each clip (n,) of a data set."""
        counts = random.choice(self.sizes, self.groups)
        rest = 1 - sum(self.shares)
        means = np.array([*self.shares, rest])
        chances = np.tile(means, (self.groups, 1))
        if self.correlation:
            spread = random.gamma(chances * (1 - self.correlation) / self.correlation) + 1e-300
            chances = spread / spread.sum(1, keepdims=True)
        groups = np.repeat(np.arange(self.groups), counts)
        drawn = random.random(len(groups))
        first = drawn < chances[groups, 0]
        if not self.is_difference:
            return first.astype(float), groups
        second = ~first & (drawn < chances[groups, :2].sum(1))
        return second.astype(float) - first, groups


def cases(groups: int, difference: bool) -> Iterator[Case]:
    """Yield the cases with a number of groups."""
    kinds: Sequence[tuple[float, ...]] = (
        DISCORDANT if difference else [(share,) for share in SHARES]
    )
    for sizes in SIZES:
        for correlation in (0.0,) if sizes == (1,) else CORRELATIONS:
            for shares in kinds:
                yield Case(groups, sizes, correlation, shares)


def coverage(
    case: Case,
    interval: Callable[[np.ndarray, list[str]], tuple[float, float]],
    repeats: int,
    seed: int,
) -> tuple[float, float]:
    """Return the share of data sets whose interval contains the truth, and the mean width.

    Args:
        case: Population.
        interval: Function from values and groups to the limits.
        repeats: Number of data sets.
        seed: Seed of the data sets.
    """
    random, inside, width = np.random.default_rng(seed), 0, 0.0
    for _ in range(repeats):
        values, groups = case.draw(random)
        low, high = interval(values, groups.tolist())
        inside += low - 1e-9 <= case.truth <= high + 1e-9
        width += high - low
    return inside / repeats, width / repeats


def chosen(difference: bool) -> Callable[[np.ndarray, list[str]], tuple[float, float]]:
    """Return the intervals of reports as a function from values and groups to the limits."""
    method: Callable[..., Interval] = difference_interval if difference else share_interval

    def limits(values: np.ndarray, groups: list[str]) -> tuple[float, float]:
        found = method(values, groups, RESAMPLES, 0)
        return found.low, found.high

    return limits


def _labels(hits: np.ndarray, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return true and predicted classes (n,) of clips that are predicted correctly or not."""
    targets = random.choice(len(CLASSES), len(hits), p=CLASSES)
    wrong = (targets + random.integers(1, len(CLASSES), len(hits))) % len(CLASSES)
    return targets, np.where(hits > 0, targets, wrong)


def true_macro_f1(accuracy: float) -> float:
    """Return the macro F1 of the population of `_labels` with an accuracy."""
    shares = np.array(CLASSES)
    confusion = np.outer(shares, np.full(len(shares), (1 - accuracy) / (len(shares) - 1)))
    np.fill_diagonal(confusion, shares * accuracy)
    return macro_f1(confusion)


def macro_f1_coverage(case: Case, repeats: int, seed: int) -> tuple[float, float]:
    """Return the same as `coverage` for the macro F1."""
    random, inside, width = np.random.default_rng(seed), 0, 0.0
    truth = true_macro_f1(case.truth)
    for _ in range(repeats):
        hits, groups = case.draw(random)
        targets, predicted = _labels(hits, random)
        found = score_intervals(
            np.eye(len(CLASSES))[predicted], targets, groups.tolist(), areas=False
        )
        low, high = found["macro_f1"].limits
        inside += low - 1e-9 <= truth <= high + 1e-9
        width += high - low
    return inside / repeats, width / repeats


def _bootstrap(values: np.ndarray, groups: list[str]) -> tuple[float, float]:
    return bootstrap_interval(values, groups, RESAMPLES, 0)


def _row(name: str, groups: int, found: list[tuple[float, float]]) -> dict:
    shares, widths = zip(*found, strict=True)
    return {
        "interval": name,
        "groups": groups,
        "coverage": float(np.mean(shares)),
        "least": min(shares),
        "greatest": max(shares),
        "width": float(np.mean(widths)),
    }


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.intervals", description=__doc__)
    parser.add_argument("--repeats", type=int, default=1000, help="data sets per case")
    parsed = parser.parse_args(arguments)
    rows: list[dict] = []

    def add(name: str, groups: int, found: list[tuple[float, float]]) -> None:
        row = _row(name, groups, found)
        rows.append(row)
        print(
            f"{row['interval']:<24}{groups:>7}{row['coverage']:>10.3f}{row['least']:>8.3f}"
            f"{row['greatest']:>10.3f}{row['width']:>8.3f}",
            flush=True,
        )

    print(f"{'interval':<24}{'groups':>7}{'coverage':>10}{'least':>8}{'greatest':>10}{'width':>8}")
    for difference in (False, True):
        for groups in GROUPS:
            for name, method in (("chosen", chosen(difference)), ("bootstrap", _bootstrap)):
                found = [
                    coverage(case, method, parsed.repeats, seed)
                    for seed, case in enumerate(cases(groups, difference))
                ]
                add(f"{'difference' if difference else 'share'}, {name}", groups, found)
    for groups in GROUPS:
        found = [
            macro_f1_coverage(case, parsed.repeats, seed)
            for seed, case in enumerate(cases(groups, False))
        ]
        add("macro F1, jackknife", groups, found)
    print(write_result("intervals", {"repeats": parsed.repeats, "rows": rows}))
    return 0


if __name__ == "__main__":
    run_command(main)
