"""How far a measured share can be believed."""

import numpy as np


def bootstrap_interval(
    hits: np.ndarray, groups: list[str], draws: int, seed: int
) -> tuple[float, float]:
    """Return the 95 % interval of the mean of `hits` (n,), drawing whole groups.

    Clips of one group are alike, so drawing clips would pretend to more evidence than there is.
    (Percentile bootstrap over clusters: Davison and Hinkley 1997, section 3.8.)
    """
    names, numbers = np.unique(groups, return_inverse=True)
    right = np.bincount(numbers, weights=hits)
    count = np.bincount(numbers)
    random = np.random.default_rng(seed)
    means = np.empty(draws)
    for draw in range(draws):  # one at a time: all at once would be draws x groups numbers
        drawn = random.integers(len(names), size=len(names))
        means[draw] = right[drawn].sum() / count[drawn].sum()
    low, high = np.percentile(means, [2.5, 97.5])
    return float(low), float(high)
