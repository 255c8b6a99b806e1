"""What to expect of a pre-training of some size, from what was measured (docs/results.md)."""

from __future__ import annotations

LEAST_IMAGES = 50
"""The fewest unlabeled images with which a gain in fine-tuning was measured."""

LEAST_ITERATIONS = 250
"""The fewest iterations with which a gain in fine-tuning was measured."""


def too_little(*, images: int, iterations: int) -> str | None:
    """Why a gain is not to be counted on, in a sentence; ``None`` where one was measured.

    Args:
        images: Unlabeled images to pre-train on.
        iterations: Of the pre-training.
    """
    few = [f"{images} unlabeled images"] if images < LEAST_IMAGES else []
    few += [f"{iterations} iterations"] if iterations < LEAST_ITERATIONS else []
    if not few:
        return None
    return (
        f"pre-training with {' and '.join(few)}: what paid here had at least {LEAST_IMAGES} "
        f"images, and at least {LEAST_ITERATIONS} iterations, so do not count on a gain, and "
        "compare with --pretrained none"
    )
