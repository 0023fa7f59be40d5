"""How often the intervals of the mean average precision contain the true value, by simulation.

python -m benchmarks.precision_intervals

A group has four clips. Its classes are more or less frequent than elsewhere, and its scores are
higher or lower. The true value is that of 20,000 groups.
"""

import argparse

import numpy as np

from metrics.multi_label import mean_average_precisions
from metrics.precision_intervals import precision_difference, precision_interval

_SHARES = np.array([0.15, 0.3, 0.5, 0.25])  # of the clips with each class
_CLIPS, _TRUE_GROUPS, _RESAMPLES = 4, 20_000, 300
_STRENGTHS = (1.5, 3.0)  # distance of clips with and without a class, in standard deviations
_CASES = ((8, 1.0), (20, 1.0), (100, 0.625), (250, 0.2))  # groups, share of the data sets


def drawn(
    groups: int, strength: float, random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[str]]:
    """Return truth, the scores of two models, (n, 4) each, and the groups of a data set."""
    place = np.repeat(np.arange(groups), _CLIPS)
    shape = (len(place), len(_SHARES))
    usual = np.log(_SHARES / (1 - _SHARES))
    odds = usual + random.normal(0, 0.8, (groups, len(_SHARES)))
    truth = random.random(shape) < 1 / (1 + np.exp(-odds[place]))
    noise = random.normal(0, 0.7, odds.shape)[place] + random.normal(size=shape)
    other = 0.8 * strength * truth + 0.6 * noise + 0.8 * random.normal(size=shape)
    return truth, strength * truth + noise, other, place.astype(str).tolist()


def value_of(scores: np.ndarray, truth: np.ndarray) -> float:
    """Return the mean average precision of scores (n, K)."""
    return float(mean_average_precisions(scores, truth, np.ones((1, len(truth))))[0])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=400, help="data sets (%(default)s)")
    repeats = parser.parse_args().repeats
    random = np.random.default_rng(0)
    print(f"{'true mAP':>9}{'groups':>8}{'mean mAP':>10}{'mAP in':>9}{'difference in':>15}")
    for strength in _STRENGTHS:
        truth, one, two, _ = drawn(_TRUE_GROUPS, strength, random)
        wanted = value_of(one, truth)
        gain = value_of(two, truth) - wanted
        for groups, share in _CASES:
            values, inside, paired = [], [], []
            for seed in range(max(1, round(share * repeats))):
                truth, one, two, names = drawn(groups, strength, random)
                values.append(value_of(one, truth))
                found = precision_interval([one], truth, names, _RESAMPLES, seed)
                inside.append(found.low <= wanted <= found.high)
                _, found = precision_difference([one], [two], truth, names, _RESAMPLES, seed)
                paired.append(found.low <= gain <= found.high)
            print(
                f"{wanted:>9.3f}{groups:>8}{np.mean(values):>10.3f}{np.mean(inside):>9.3f}"
                f"{np.mean(paired):>15.3f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
