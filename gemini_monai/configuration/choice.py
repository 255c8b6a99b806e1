"""One of several parts that a configuration has by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gemini_monai.base.errors import InputError


def chosen(parts: Mapping[str, Any], name: str, *, key: str) -> Any:
    """The part of that name.

    Args:
        parts: By name.
        name: Which.
        key: What says the name, for the message.

    Raises:
        InputError: If there is none of that name.
    """
    if name not in parts:
        raise InputError(f"key '{key}': expected one of {', '.join(parts)}, got {name!r}")
    return parts[name]
