"""Means and paired differences, against closed forms and brute force."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from gemini_monai.report.read.paired_statistics import paired_difference, summarize


def named(values: list[float]) -> dict[str, float]:
    return {f"c{place:03d}": value for place, value in enumerate(values)}


def test_summary_is_mean_and_sample_deviation_of_defined_values() -> None:
    found = summarize([1.0, math.nan, 3.0])
    assert (found.mean, found.std, found.count) == (2.0, pytest.approx(math.sqrt(2)), 2)


def test_summary_of_nothing_is_undefined() -> None:
    found = summarize([math.nan])
    assert math.isnan(found.mean)
    assert found.count == 0


def test_constant_difference_has_a_point_as_interval() -> None:
    found = paired_difference(named([0.5, 0.6, 0.9]), named([0.4, 0.5, 0.8]))
    assert found is not None
    assert [found.mean, found.low, found.high] == pytest.approx([0.1, 0.1, 0.1])
    assert (found.higher, found.lower, found.clear) == (3, 0, True)


def test_interval_equals_that_of_all_resamples() -> None:
    differences = np.array([-0.02, 0.01, 0.05, 0.11])
    resamples = itertools.product(differences, repeat=4)
    means = np.array([np.mean(resample) for resample in resamples])
    found = paired_difference(named(differences.tolist()), named([0.0] * 4))
    assert found is not None
    low, high = np.percentile(means, [2.5, 97.5])
    assert [found.low, found.high] == pytest.approx([low, high], abs=0.006)


def test_interval_of_many_cases_is_normal() -> None:
    differences = np.random.default_rng(3).normal(0.03, 0.1, 400)
    found = paired_difference(named(differences.tolist()), named([0.0] * 400))
    assert found is not None
    half = 1.96 * differences.std(ddof=1) / 20
    expected = [differences.mean() - half, differences.mean() + half]
    assert [found.low, found.high] == pytest.approx(expected, abs=0.0008)


def test_wilcoxon_equals_the_count_over_all_signs() -> None:
    differences = np.array([0.03, -0.01, 0.06, 0.10, 0.15, -0.02])
    ranks = np.abs(differences).argsort().argsort() + 1
    statistic = ranks[differences > 0].sum()
    signs = np.array(list(itertools.product([0, 1], repeat=6)))
    sums = signs @ ranks
    expected = 2 * min((sums >= statistic).mean(), (sums <= statistic).mean())
    found = paired_difference(named(differences.tolist()), named([0.0] * 6))
    assert found is not None
    assert found.p_value == pytest.approx(expected)


def test_equal_scores_are_not_told_apart() -> None:
    found = paired_difference(named([0.5, 0.7, 0.6]), named([0.5, 0.7, 0.6]))
    assert found is not None
    assert (found.mean, found.p_value, found.clear) == (0.0, 1.0, False)


@pytest.mark.parametrize("count", [1, 2])
def test_two_pairs_have_no_interval_and_no_pair_no_difference(count: int) -> None:
    found = paired_difference(named([0.5] * count), {**named([0.4] * count), "other": 0.1})
    assert found is not None
    assert found.count == count
    assert found.mean == pytest.approx(0.1)
    assert math.isnan(found.low)
    assert math.isnan(found.high)
    assert math.isnan(found.p_value)
    assert not found.clear
    assert paired_difference({"a": 0.5}, {"b": 0.5}) is None
    assert paired_difference({"a": math.nan}, {"a": 0.5}) is None


def test_difference_pairs_by_name_and_not_by_place() -> None:
    scores, reference = {"a": 0.5, "b": 0.9, "c": 0.2}, {"b": 0.8, "c": 0.1, "a": 0.4}
    found = paired_difference(scores, reference)
    assert found is not None
    assert [found.low, found.high] == pytest.approx([0.1, 0.1])


def test_all_images_of_a_patient_are_resampled_together() -> None:
    scores = named([0.6] * 10 + [0.4, 0.5])
    reference = named([0.5] * 12)
    patients = {case: f"of {score}" for case, score in scores.items()}
    found = paired_difference(scores, reference, patients=patients)
    # of three patients a resample holds one alone with probability 1/27, each of the others too
    assert (found.low, found.high) == (pytest.approx(-0.1), pytest.approx(0.1))
    assert found.mean == pytest.approx(0.9 / 12)
    assert (found.count, found.higher, found.lower) == (12, 10, 1)
    assert found.p_value == 1.0  # one patient up, one down, by as much
    assert paired_difference(scores, reference).low > 0


def test_a_case_without_a_patient_is_its_own() -> None:
    scores, reference = named([0.5, 0.7, 0.9, 0.4]), named([0.5, 0.5, 0.5, 0.5])
    alone = paired_difference(scores, reference)
    assert paired_difference(scores, reference, patients={}) == alone
    assert paired_difference(scores, reference, patients={"c000": "x", "other": "x"}) == alone
