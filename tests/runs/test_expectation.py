"""When a pre-training is too small for a gain to be counted on."""

from __future__ import annotations

import pytest

from gemini_monai.runs import too_little
from gemini_monai.runs.expectation import LEAST_IMAGES, LEAST_ITERATIONS


@pytest.mark.parametrize(
    ("images", "iterations", "said"),
    [
        (LEAST_IMAGES - 1, LEAST_ITERATIONS, [f"{LEAST_IMAGES - 1} unlabeled images:"]),
        (LEAST_IMAGES, 100, ["pre-training with 100 iterations:"]),
        (3, 100, ["3 unlabeled images and 100 iterations", "--pretrained none"]),
    ],
)
def test_what_is_too_little_is_named(images, iterations, said):
    reason = too_little(images=images, iterations=iterations)
    assert all(part in reason for part in said)


def test_enough_is_silent():
    assert too_little(images=LEAST_IMAGES, iterations=LEAST_ITERATIONS) is None
