"""Types and ranges of what people give."""

from __future__ import annotations

import math

import pytest

from gemini_monai.base import limits
from gemini_monai.base.errors import InputError

RANGE = {"kind": "range", "lower": 0.0, "upper": 1.0}


@pytest.mark.parametrize(
    ("check", "good", "bad"),
    [
        (limits.whole(1), [1, 7], [0, -1, 1.0, True, "1", None, [1]]),
        (limits.whole(2, 3), [2, 3], [1, 4]),
        (limits.real(0), [0, 0.5, 3], [-1, math.nan, math.inf, "1", True, None]),
        (limits.real(above=0), [1e-9], [0, -1]),
        (limits.real(0, 1), [0, 1], [1.1]),
        (limits.one_of("ring", "separate"), ["ring"], ["Ring", "", None, 1]),
        (limits.flag, [True, False], [0, 1, "false", "True", None]),
        (limits.text, ["x"], ["", 1, None]),
        (limits.several(limits.whole(1), least=2), [[1, 2], (3, 4)], [[1], 1, [0, 1], "ab", None]),
        (limits.optional(limits.whole(1)), [None, 1], [0]),
        (
            limits.intensity,
            [
                RANGE,
                {"kind": "percentile", "lower": 0, "upper": 100},
                [RANGE, RANGE | {"kind": "percentile"}],
            ],
            [
                RANGE | {"kind": "zscore"},
                RANGE | {"lower": 1.0},
                RANGE | {"lower": 2.0},
                RANGE | {"upper": math.nan},
                RANGE | {"kind": "percentile", "upper": 101},
                {"kind": "range", "lower": 0},
                RANGE | {"mean": 0},
                "range",
                [],
                [RANGE, "range"],
                [[RANGE]],
                [RANGE, RANGE | {"lower": 2.0}],
            ],
        ),
    ],
)
def test_what_fits_passes_and_what_does_not_is_named(check, good, bad):
    for value in good:
        check(value, "key 'x'")
    for value in bad:
        with pytest.raises(InputError, match="^key 'x'"):
            check(value, "key 'x'")


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ({"background": 0, "a": 1, "b": 1}, "'a' and 'b' both have value 1"),
        ({"background": 0, "a": 1.5}, "'a': expected a whole number"),
        ({"background": 0, "a": -1}, "'a': expected a whole number"),
        ({"a": 1}, "'background' must be 0"),
        ({"background": 0, " ": 1}, "' ' cannot be the name"),
        ({"background": 0, "$x": 1}, ".* cannot be the name"),
        (["a"], "expected names and values"),
    ],
)
def test_labels_that_mean_nothing_are_named(labels, message):
    limits.label_values({"background": 0, "a": 7}, "labels", overlapping=False)
    limits.label_values({"a": 0, "b": 1}, "labels", overlapping=True)
    with pytest.raises(InputError, match=f"labels: {message}"):
        limits.label_values(labels, "labels", overlapping=False)


@pytest.mark.parametrize(
    ("check", "said"),
    [
        (limits.whole(2, 3), "a whole number, 2 to 3"),
        (limits.real(0, 1), "a number, 0 or more, 1 or less"),
        (limits.flag, "True or False"),
        (limits.place, "a path"),
        (limits.orientation, "axes such as 'RAS' or 'LPI'"),
        (limits.optional(limits.one_of("itk", "ants")), "one of itk, ants, or null"),
        (
            limits.several(limits.whole(1), least=2),
            "a list of 2 or more values, each a whole number, 1 or more",
        ),
    ],
)
def test_what_a_check_expects_is_told_in_its_own_words(check, said):
    assert limits.expected(check) == said
