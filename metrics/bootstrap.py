"""Bootstrap confidence interval of a mean over groups.

With few groups it is too narrow; reports use `metrics.intervals`.
"""

import numpy as np

_NUMBERS_AT_ONCE = 100_000


def bootstrap_interval(
    hits: np.ndarray, groups: list[str], resamples: int, seed: int
) -> tuple[float, float]:
    """Return the 95 % confidence interval of the mean of `hits`, resampling whole groups.

    Clips of one group are correlated. Resampling single clips would make the interval too narrow.
    (Percentile bootstrap over clusters: Davison and Hinkley 1997, section 3.8.)

    Args:
        hits: One value per clip, 1 if its prediction is correct: (n,). For the interval of the
            difference of two models on the same clips, the difference of their hits.
        groups: Group of each clip, n names.
        resamples: Number of bootstrap resamples.
        seed: Seed of the random numbers.

    Returns:
        The 2.5th and the 97.5th percentile.
    """
    low, high = np.percentile(bootstrap_means(hits, groups, resamples, seed), [2.5, 97.5])
    return float(low), float(high)


def bootstrap_means(values: np.ndarray, groups: list[str], resamples: int, seed: int) -> np.ndarray:
    """Return the mean of `values` in each resample of whole groups: (resamples,).

    Args:
        values: One value per clip: (n,).
        groups: Group of each clip, n names.
        resamples: Number of resamples.
        seed: Seed of the random numbers.
    """
    names, indices = np.unique(groups, return_inverse=True)
    group_sums = np.bincount(indices, weights=values)
    group_sizes = np.bincount(indices)
    random = np.random.default_rng(seed)
    means = np.empty(resamples)
    # In parts: one array would hold resamples x groups numbers.
    rows = max(1, _NUMBERS_AT_ONCE // len(names))
    for start in range(0, resamples, rows):
        part = means[start : start + rows]
        sample = random.integers(len(names), size=(len(part), len(names)))
        part[:] = group_sums[sample].sum(1) / group_sizes[sample].sum(1)
    return means
