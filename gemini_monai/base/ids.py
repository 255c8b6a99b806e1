"""Ids of a configuration, and what is said of one that it does not have."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from gemini_monai.base.errors import InputError

RUN_ARGUMENTS = (
    "run_id",
    "init_id",
    "final_id",
    "meta_file",
    "config_file",
    "logging_file",
    "tracking",
    "args_file",
    "workflow_type",
    "properties_path",
)
"""Arguments of ``monai.bundle run`` that are not keys of the configuration."""


def ids(config: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Every id and its value, nested ones by ``#``."""
    items = config.items() if isinstance(config, Mapping) else enumerate(config)
    for key, value in items:
        name = f"{prefix}#{key}" if prefix else str(key)
        yield name, value
        if isinstance(value, (Mapping, list)):
            yield from ids(value, name)


def nearest(name: str, known: Iterable[str], *, cutoff: float = 0.0) -> str:
    """A hint at the name that is meant, if any is known that is like it."""
    found = difflib.get_close_matches(name, list(known), n=1, cutoff=cutoff)
    return f"; did you mean '{found[0]}'?" if found else ""


def unknown_key(where: str, name: str, known: Iterable[str]) -> InputError:
    """The error of a key that a configuration does not have.

    Args:
        where: The file, or ``command line``.
        name: The key.
        known: Ids that it has, of which the nearest is named.
    """
    hint = nearest(name, known)
    return InputError(f"{where}: the configuration has no key '{name}'{hint}")
