"""Weights that are to take the place of a network's: numbers of the same kind, and finite."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from gemini_monai.base.errors import InputError

REAL, WHOLE, OTHER = "real numbers", "whole numbers", "complex, sparse or quantized numbers"


def refuse_unusable(weights: Mapping[str, Tensor], *, where: str) -> None:
    """Stop at what no network of ours can have for weights.

    Args:
        weights: By name, one or more.
        where: The file, for the message.

    Raises:
        InputError: Naming the first weight that is complex, sparse, quantized or not finite; or if
            all of them are whole numbers.
    """
    kinds = {name: _kind(value) for name, value in weights.items()}
    for name, kind in kinds.items():
        if kind == OTHER:
            raise InputError(f"{where}: weight '{name}' holds {OTHER}, expected {REAL}")
        if kind == REAL and not _is_finite(weights[name]):
            raise InputError(f"{where}: weight '{name}' is not finite: of a training that diverged")
    if REAL not in kinds.values():
        raise InputError(f"{where}: all of its weights are {WHOLE}, expected {REAL}")


def refuse_other_kinds(
    expected: Mapping[str, Tensor], found: Mapping[str, Tensor], *, where: str
) -> None:
    """Stop where PyTorch would make one kind of number of another without a word.

    Args:
        expected: Weights of the network by name.
        found: Those that are to take their place; others are passed over.
        where: The file, for the message.

    Raises:
        InputError: Naming the first weight that is of another kind than the network's, or not
            finite in its precision.
    """
    for name in (name for name in expected if name in found):
        ours, theirs = _kind(expected[name]), _kind(found[name])
        if ours != theirs:
            raise InputError(f"{where}: weight '{name}' holds {theirs}, expected {ours}")
        dtype = expected[name].dtype
        if ours == REAL and not _is_finite(found[name].to(dtype)):
            raise InputError(f"{where}: weight '{name}' is not finite in {dtype}")


def _kind(value: Tensor) -> str:
    """Kind of a tensor's numbers, in words."""
    plain = value.layout == torch.strided and not (value.is_quantized or value.is_meta)
    if not plain or value.is_complex():
        return OTHER
    return REAL if value.is_floating_point() else WHOLE


def _is_finite(value: Tensor) -> bool:
    value = value.float() if value.element_size() == 1 else value  # one byte has no such test
    return bool(torch.isfinite(value).all())
