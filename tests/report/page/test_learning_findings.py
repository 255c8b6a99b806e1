"""When a pre-trained network passes the best of scratch."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from gemini_monai.report.page.learning_findings import first_passing, learning_sentences
from gemini_monai.report.page.sentences import Strong
from gemini_monai.report.read.comparison import compare
from gemini_monai.report.read.run_contents import RunContents, Series


def _run(tmp_path, method, dice):
    series = Series(np.arange(1, len(dice) + 1) * 10.0, {"mean_dice": np.array(dice)})
    return RunContents(folder=tmp_path / method, details={"method": method}, validation=series)


SCRATCH = [0.2, 0.8, 0.7]


@pytest.mark.parametrize(
    ("dice", "expected"),
    [([0.5, 0.79, 0.81], 30), ([0.8, 0.1, 0.1], 10), ([0.7, np.nan, 0.79], None)],
)
def test_the_first_iteration_at_least_as_good_as_the_best_of_scratch(tmp_path, dice, expected):
    runs = [_run(tmp_path, "fine-tuned", dice), _run(tmp_path, "scratch", SCRATCH)]
    comparison = compare(runs)
    assert first_passing(*comparison.arms) == expected
    (sentence,) = learning_sentences(comparison)
    when = f"at iteration {expected}" if expected else "at no iteration"
    assert Strong(when) in sentence.parts
    assert "80.0\u202f% at iteration 20" in str(sentence)


def test_nothing_is_said_without_one_run_from_scratch(tmp_path):
    tuned, scratch = (_run(tmp_path, name, SCRATCH) for name in ("fine-tuned", "scratch"))
    assert learning_sentences(compare([tuned, tuned])) == []
    assert learning_sentences(compare([tuned, scratch, scratch])) == []
    assert learning_sentences(compare([tuned, replace(scratch, validation=None)])) == []
