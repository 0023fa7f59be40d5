"""Bootstrap interval of an accuracy: it resamples whole groups, not clips."""

import numpy as np

from metrics.bootstrap import bootstrap_interval


def brute_force(hits: np.ndarray, groups: list[str], resamples: int) -> tuple[float, float]:
    """The definition, clip by clip: sample groups with replacement, average all their clips."""
    random, names, means = np.random.default_rng(99), sorted(set(groups)), []
    for _ in range(resamples):
        sample = random.choice(names, len(names))
        means.append(np.mean(np.concatenate([hits[np.array(groups) == name] for name in sample])))
    return tuple(np.percentile(means, [2.5, 97.5]))


def test_bootstrap_interval_equals_brute_force_resampling_of_groups():
    random = np.random.default_rng(0)
    groups = [f"g{number}" for number in range(9) for _ in range(1 + number % 4)]
    hits = (random.random(len(groups)) < 0.6).astype(float)
    found = bootstrap_interval(hits, groups, 4000, seed=0)
    np.testing.assert_allclose(found, brute_force(hits, groups, 4000), atol=0.025)


def test_interval_is_0_to_1_with_one_group_per_class():
    hits = np.repeat([1.0, 0.0], 50)
    assert bootstrap_interval(hits, ["a"] * 50 + ["b"] * 50, 500, 0) == (0.0, 1.0)
    low, high = bootstrap_interval(hits, [str(n) for n in range(100)], 500, 0)
    assert 0.35 < low < 0.45
    assert 0.55 < high < 0.65


def test_interval_has_no_width_with_one_group_or_without_errors():
    hits = np.array([1.0, 0.0, 1.0, 0.0])
    assert bootstrap_interval(hits, ["a"] * 4, 100, 0) == (0.5, 0.5)
    assert bootstrap_interval(np.ones(4), list("abcd"), 100, 0) == (1.0, 1.0)


def test_interval_depends_on_the_seed_only():
    hits, groups = np.arange(40) % 3 / 2, [str(n // 4) for n in range(40)]
    assert bootstrap_interval(hits, groups, 200, 1) == bootstrap_interval(hits, groups, 200, 1)
    assert bootstrap_interval(hits, groups, 200, 1) != bootstrap_interval(hits, groups, 200, 2)
