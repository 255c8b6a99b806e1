"""What an object is and how it is set, as JSON that is the same in every process."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from functools import partial
from pathlib import Path
from threading import local
from typing import Any

import numpy as np
from monai.transforms.transform import Transform
from torch import Tensor, nn

STATE = ("R", "training")
"""Attributes that say where an object is, and not how it is set."""


def describe(value: Any) -> Any:
    """The value in JSON; objects by their class and attributes, modules without their weights."""
    if isinstance(value, (Enum, Path)):
        return str(value)
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, Mapping):
        return {str(key): describe(own) for key, own in value.items()}
    if isinstance(value, (list, tuple)):
        return [describe(own) for own in value]
    if isinstance(value, (np.ndarray, Tensor)):
        return np.asarray(value).tolist()
    return _object(value)


def _object(value: Any) -> Any:
    if isinstance(value, partial):
        return [describe(value.func), describe(value.args), describe(value.keywords)]
    if isinstance(value, nn.Module):
        return [describe(type(value)), describe(_settings(value) | value._modules)]
    if hasattr(value, "__qualname__"):  # a class or a function
        return f"{value.__module__}.{value.__qualname__}"
    if isinstance(value, Transform) or getattr(value, "__dict__", None):
        own = {k: part for k, part in vars(value).items() if k not in STATE}
        own = {k: part for k, part in own.items() if not isinstance(part, local)}
        return [describe(type(value)), describe(own)]  # a thread's own state is no setting
    return str(value)  # with its address where nothing is known of it: unlike any other


def _settings(module: nn.Module) -> dict[str, Any]:
    return {k: v for k, v in vars(module).items() if not k.startswith("_") and k not in STATE}
