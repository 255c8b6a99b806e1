"""Which of an image's values become 0 and 1: rules, and the bounds that they come to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import torch
from monai.transforms.utils_pytorch_numpy_unification import percentile
from torch import Tensor

from gemini_monai.base.errors import InputError

Rule: TypeAlias = Mapping[str, Any]
"""``{"kind": "percentile" | "range", "lower": ..., "upper": ...}``, or ``{"kind": "zscore"}``."""
Intensity: TypeAlias = Rule | Sequence[Rule]
"""One rule, or one a channel."""


def rule_of(intensity: Intensity, channel: int) -> Rule:
    """The rule of a channel, which is everybody's where there is one alone."""
    return intensity if isinstance(intensity, Mapping) else intensity[channel]


def is_z_score(rule: Rule) -> bool:
    """Whether it says mean 0 and standard deviation 1, so that nothing is clipped."""
    return bool(rule["kind"] == "zscore")


def refuse_other_length(intensity: Intensity, channels: int, *, name: str) -> None:
    """Stop at rules that are not one a channel.

    Raises:
        InputError: Naming what lists them, how many there are and how many are needed.
    """
    if not isinstance(intensity, Mapping) and len(intensity) != channels:
        raise InputError(
            f"{name}: lists {len(intensity)} rule(s), images have {channels} channel(s); give one "
            "for each, or one alone"
        )


def scale_bounds(values: np.ndarray | Tensor, rule: Rule, *, name: str) -> tuple[Any, Any]:
    """The values that become 0 and 1, the lower one first.

    Where both percentiles are the same value, or one is in the gap beside it, as in angiography or
    PET, they are those of what differs from the most frequent value; where these are the same too,
    the least and the greatest. Of z-scores they are the mean and one standard deviation above it.

    Args:
        values: Finite, of any shape.
        rule: Of them.
        name: What they are of, for the message.

    Raises:
        InputError: If percentiles or z-scores are asked for of values that are all the same.
    """
    if rule["kind"] == "range":
        return rule["lower"], rule["upper"]
    if is_z_score(rule) and values.min() < values.max():
        return values.mean(), values.mean() + values.std()
    bounds = (values.min(), values.max()) if is_z_score(rule) else _percentiles(values, rule)
    if _tell_apart(values, bounds):
        return bounds
    differing = values[values != _most_frequent(values)]
    if not len(differing):
        raise InputError(
            f"{name}: constant, every value is {float(bounds[0]):g}, so it has no range to scale"
        )
    bounds = _percentiles(differing, rule)
    return bounds if _tell_apart(differing, bounds) else (values.min(), values.max())


def _tell_apart(values: np.ndarray | Tensor, bounds: tuple[Any, Any]) -> bool:
    """Whether values within the bounds are some above the lower and some below the upper one."""
    lower, upper = bounds
    inside = values[(lower <= values) & (values <= upper)]
    return bool((lower < inside).any() and (inside < upper).any())


def _percentiles(values: np.ndarray | Tensor, rule: Rule) -> tuple[Any, Any]:
    """NumPy's of arrays, MONAI's of tensors, which round otherwise."""
    if isinstance(values, np.ndarray):
        lower, upper = np.percentile(values, (rule["lower"], rule["upper"]))
        return lower, upper
    return percentile(values, rule["lower"]), percentile(values, rule["upper"])


def _most_frequent(values: np.ndarray | Tensor) -> float:
    different, counts = torch.as_tensor(values).unique(return_counts=True)
    return float(different[counts.argmax()])
