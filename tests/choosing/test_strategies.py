"""The rules that choose: against all possible choices, and what each must keep to."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gemini_monai.choosing.distances import distances
from gemini_monai.choosing.groups import grouped
from gemini_monai.choosing.strategies import STRATEGIES, Pool


def pool(seed=0, count=14, patients=None, eligible=None, covered=()):
    between = distances(np.random.default_rng(seed).normal(size=(count, 2)))
    return Pool(
        between=between,
        patients=np.arange(count) if patients is None else np.asarray(patients),
        eligible=np.ones(count, dtype=bool) if eligible is None else eligible,
        covered=covered,
    )


def cost(own, chosen):
    """The weighted distance from each scan to the nearest labeled one, in a plain loop."""
    labeled = [*own.covered, *chosen]
    return sum(
        weight * min(own.between[k, n] for n in labeled) for k, weight in enumerate(own.weights)
    )


@pytest.mark.parametrize("name", STRATEGIES)
@given(seed=st.integers(0, 30), count=st.integers(1, 6))
def test_every_rule_chooses_so_many_open_scans_of_as_many_patients_once_each(name, seed, count):
    patients = np.arange(14) // 2
    eligible = np.arange(14) != 3
    own = pool(seed, patients=patients, eligible=eligible, covered=[0])
    chosen = STRATEGIES[name](own, count)
    assert len(set(chosen)) == len(chosen) == count
    assert not {0, 3} & set(chosen)
    assert len({*patients[chosen], patients[0]}) == count + 1
    assert STRATEGIES[name](own, count) == chosen


@pytest.mark.parametrize("name", STRATEGIES)
def test_a_second_scan_of_a_patient_comes_when_patients_run_out(name):
    own = pool(count=6, patients=[0, 0, 0, 1, 1, 1])
    chosen = STRATEGIES[name](own, 5)
    assert len(set(chosen)) == 5
    assert set(own.patients[chosen[:2]]) == {0, 1}


@given(seed=st.integers(0, 40))
def test_k_medoids_cannot_be_bettered_by_one_exchange_and_is_close_to_the_best_of_all(seed):
    own = pool(seed, count=9)
    chosen = STRATEGIES["k_medoids"](own, 3)
    best = min(cost(own, each) for each in combinations(range(9), 3))
    assert cost(own, chosen) <= 1.15 * best
    for place in range(3):
        for other in set(range(9)) - set(chosen):
            changed = [*chosen[:place], other, *chosen[place + 1 :]]
            assert cost(own, chosen) <= cost(own, changed) + 1e-9


def test_k_medoids_starts_with_the_one_that_is_best_alone_of_those_chosen():
    own = pool(7)
    chosen = STRATEGIES["k_medoids"](own, 4)
    assert cost(own, chosen[:1]) == min(cost(own, [k]) for k in chosen)


def test_k_center_takes_the_farthest_from_all_before():
    own = pool(3)
    chosen = STRATEGIES["k_center"](own, 5)
    for k in range(1, 5):
        far = own.between[:, chosen[:k]].min(axis=1)
        assert far[chosen[k]] == far.max()


@pytest.mark.parametrize("name", ["k_medoids", "typical"])
def test_one_of_each_clump_is_chosen_the_largest_first_by_typical(name):
    random = np.random.default_rng(0)
    sizes, middles = (9, 6, 4), np.array([[0, 0], [50, 0], [0, 50]])
    own = np.concatenate(
        [m + random.normal(size=(n, 2)) for n, m in zip(sizes, middles, strict=True)]
    )
    clump = np.repeat([0, 1, 2], sizes)
    between = distances(own)
    chosen = STRATEGIES[name](Pool(between, np.arange(19), np.ones(19, dtype=bool)), 3)
    assert set(clump[chosen]) == {0, 1, 2}
    if name == "typical":
        assert clump[chosen].tolist() == [0, 1, 2]
    rest = Pool(between, np.arange(19), np.ones(19, dtype=bool), covered=[0, 10])
    assert clump[STRATEGIES[name](rest, 1)].tolist() == [2]


def test_a_clump_of_one_patient_counts_as_one_scan():
    own = np.concatenate([np.random.default_rng(0).normal(size=(5, 2)), np.full((20, 2), 30.0)])
    patients = np.array([*range(5), *[9] * 20])
    found = Pool(distances(own), patients, np.ones(25, dtype=bool))
    assert STRATEGIES["k_medoids"](found, 1)[0] < 5
    assert found.weights.sum() == pytest.approx(6)


def test_what_stands_out_does_not_draw_the_choice():
    own = np.array([[0.0], [1.0], [2.0], [1000.0], [1000.5]])
    found = Pool(distances(own), np.arange(5), np.arange(5) < 3)
    assert STRATEGIES["k_medoids"](found, 1) == [1]


def test_random_draws_differ_by_their_seed():
    own = pool(count=30)
    draws = [
        tuple(STRATEGIES["random"](Pool(own.between, own.patients, own.eligible, seed=k), 5))
        for k in range(20)
    ]
    assert len(set(draws)) == 20


def test_groups_are_the_clumps_and_no_more_than_there_are_different_scans():
    between = distances(np.array([[0.0], [0.0], [9.0], [9.0]]))
    assert grouped(between, np.ones(4), 2).tolist() in ([0, 0, 1, 1], [1, 1, 0, 0])
    assert len(set(grouped(between, np.ones(4), 4))) == 2
