"""Dice per structure that says what is missing."""

from __future__ import annotations

from torch import Tensor

from gemini_monai.base.devices import in_double


def dice_per_structure(prediction: Tensor, reference: Tensor) -> Tensor:
    """Dice of each structure, in [0, 1]; 0 if one mask is empty, NaN if both are.

    Args:
        prediction: Binary channels (B, K, *S).
        reference: The same, of the truth.

    Returns:
        (B, K), float64, on the inputs' device, or on the CPU where that has no float64.

    Raises:
        ValueError: If the shapes differ.
    """
    if prediction.shape != reference.shape:
        raise ValueError(
            f"masks must have one shape, got {tuple(prediction.shape)} and {tuple(reference.shape)}"
        )
    axes = tuple(range(2, prediction.ndim))
    prediction, reference = prediction.bool(), reference.bool()
    both = (prediction & reference).sum(axes)
    return 2 * in_double(both) / in_double(prediction.sum(axes) + reference.sum(axes))
