"""Scores per case and per structure, their means, and the order of cases."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from gemini_monai.report.read.case_scores import per_case, worst_first, worst_median_best
from gemini_monai.report.read.run_contents import RunContents, Score


def score(case: str, structure: str, dice: float, **counts: int) -> Score:
    return Score(
        case=case,
        structure=structure,
        dice=dice,
        distance=math.nan,
        reference_voxels=counts.get("reference", 10),
        predicted_voxels=counts.get("predicted", 10),
        image=(),
        label=(),
        prediction=(),
    )


def test_missed_structure_counts_as_zero_and_absent_one_not_at_all() -> None:
    run = RunContents(
        folder=Path("run"),
        details={},
        scores=(
            score("a", "heart", 0.8),
            score("a", "aorta", 0.0, predicted=0),
            score("b", "heart", 0.6),
            score("b", "aorta", math.nan, reference=0, predicted=0),
        ),
    )
    assert per_case(run) == pytest.approx({"a": 0.4, "b": 0.6})
    assert [s.missed for s in run.scores] == [False, True, False, False]
    assert [s.absent for s in run.scores] == [False, False, False, True]


def test_undefined_cases_come_first_then_the_worst() -> None:
    assert worst_first({"a": 0.9, "b": math.nan, "c": 0.2}) == ["b", "c", "a"]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([], {}),
        ([0.5], {"worst": "c000"}),
        ([0.5, 0.4], {"worst": "c001", "best": "c000"}),
        ([0.5, 0.4, 0.6], {"worst": "c001", "median": "c000", "best": "c002"}),
    ],
)
def test_few_cases_are_not_shown_twice(values: list[float], expected: dict[str, str]) -> None:
    assert worst_median_best({f"c{k:03d}": value for k, value in enumerate(values)}) == expected
