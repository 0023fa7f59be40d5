"""The interval of a share: whole groups are drawn, not clips."""

import numpy as np

from metrics.bootstrap import bootstrap_interval


def brute_force(hits: np.ndarray, groups: list[str], draws: int) -> tuple[float, float]:
    """The definition, clip by clip: draw groups with replacement, average all their clips."""
    random, names, means = np.random.default_rng(99), sorted(set(groups)), []
    for _ in range(draws):
        drawn = random.choice(names, len(names))
        means.append(np.mean(np.concatenate([hits[np.array(groups) == name] for name in drawn])))
    return tuple(np.percentile(means, [2.5, 97.5]))


def test_the_interval_equals_a_brute_force_draw_of_whole_groups():
    random = np.random.default_rng(0)
    groups = [f"g{number}" for number in range(9) for _ in range(1 + number % 4)]
    hits = (random.random(len(groups)) < 0.6).astype(float)
    found = bootstrap_interval(hits, groups, 4000, seed=0)
    np.testing.assert_allclose(found, brute_force(hits, groups, 4000), atol=0.025)


def test_with_one_group_a_class_the_interval_is_as_wide_as_it_gets():
    hits = np.repeat([1.0, 0.0], 50)
    assert bootstrap_interval(hits, ["a"] * 50 + ["b"] * 50, 500, 0) == (0.0, 1.0)
    low, high = bootstrap_interval(hits, [str(n) for n in range(100)], 500, 0)
    assert 0.35 < low < 0.45
    assert 0.55 < high < 0.65


def test_one_group_gives_no_width_and_all_right_gives_one():
    hits = np.array([1.0, 0.0, 1.0, 0.0])
    assert bootstrap_interval(hits, ["a"] * 4, 100, 0) == (0.5, 0.5)
    assert bootstrap_interval(np.ones(4), list("abcd"), 100, 0) == (1.0, 1.0)


def test_the_same_seed_draws_the_same_interval():
    hits, groups = np.arange(40) % 3 / 2, [str(n // 4) for n in range(40)]
    assert bootstrap_interval(hits, groups, 200, 1) == bootstrap_interval(hits, groups, 200, 1)
    assert bootstrap_interval(hits, groups, 200, 1) != bootstrap_interval(hits, groups, 200, 2)
