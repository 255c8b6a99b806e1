"""Types and ranges of values that people give, whether on a command line or in a file."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from gemini_monai.base.errors import InputError
from gemini_monai.base.trust import evaluated

Check = Callable[[Any, str], None]
"""From a value and what it is called; raises an ``InputError`` that says both."""

GOT = ", got "
"""What an error says between what was expected and what was found."""

KINDS = ("percentile", "range", "zscore")
"""How intensities are scaled."""
BOUNDS = ("lower", "upper")
"""What percentiles and ranges are given by; z-scores by none."""


def whole(least: int, greatest: int | None = None) -> Check:
    """A whole number within bounds."""

    def check(value: Any, name: str) -> None:
        fits = isinstance(value, int) and not isinstance(value, bool)
        if not (fits and least <= value and (greatest is None or value <= greatest)):
            upper = " or more" if greatest is None else f" to {greatest}"
            raise InputError(f"{name}: expected a whole number, {least}{upper}, got {value!r}")

    return check


def real(
    least: float = -math.inf, greatest: float = math.inf, *, above: float = -math.inf
) -> Check:
    """A finite number from ``least`` to ``greatest``, and more than ``above``."""
    parts = [f"{least:g} or more"] * (least > -math.inf) + [f"above {above:g}"] * (
        above > -math.inf
    )
    parts += [f"{greatest:g} or less"] * (greatest < math.inf)

    def check(value: Any, name: str) -> None:
        fits = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not (fits and math.isfinite(value) and least <= value <= greatest and value > above):
            raise InputError(f"{name}: expected {', '.join(['a number', *parts])}, got {value!r}")

    return check


def one_of(*options: str) -> Check:
    """One of a few words."""

    def check(value: Any, name: str) -> None:
        if value not in options:
            raise InputError(f"{name}: expected one of {', '.join(options)}, got {value!r}")

    return check


def flag(value: Any, name: str) -> None:
    """True or False; ``false`` on a command line is neither, but a word.

    Raises:
        InputError: If it is anything else.
    """
    if not isinstance(value, bool):
        raise InputError(f"{name}: expected True or False, got {value!r}")


def text(value: Any, name: str) -> None:
    """A word.

    Raises:
        InputError: If it is empty or anything else.
    """
    if not isinstance(value, str) or not value.strip():
        raise InputError(f"{name}: expected text, got {value!r}")


def mapping(value: Any, name: str) -> None:
    """Values by name.

    Raises:
        InputError: If it is anything else.
    """
    if not isinstance(value, Mapping):
        raise InputError(f"{name}: expected values by name, got {value!r:.80}")


def orientation(value: Any, name: str) -> None:
    """Three letters, of each pair R and L, A and P, S and I one, such as ``"RAS"``.

    Raises:
        InputError: If it is anything else.
    """
    letters = value if isinstance(value, str) else ""
    if sorted({"L": "R", "P": "A", "I": "S"}.get(c, c) for c in letters) != ["A", "R", "S"]:
        raise InputError(f"{name}: expected axes such as 'RAS' or 'LPI', got {value!r}")


def place(value: Any, name: str) -> None:
    """A file or a folder.

    Raises:
        InputError: If it is anything else.
    """
    if not isinstance(value, Path) and not (isinstance(value, str) and value.strip()):
        raise InputError(f"{name}: expected a path{GOT}{value!r}")


def several(each: Check, *, least: int = 0) -> Check:
    """A list of values, each of which passes a check."""

    def check(value: Any, name: str) -> None:
        if not isinstance(value, (list, tuple)) or len(value) < least:
            raise InputError(f"{name}: expected a list of {least} or more values, got {value!r}")
        for entry in value:
            each(entry, name)

    return check


def optional(check: Check) -> Check:
    """Nothing, or what passes a check."""

    def either(value: Any, name: str) -> None:
        if value is not None:
            check(value, name)

    return either


def expected(check: Check) -> str:
    """What a check expects, in the words of its own error.

    Args:
        check: Of this module, or one that says what it expected and what it got.
    """
    nothing, entries = object(), [object()] * 8  # which no check lets pass
    found = _complaint(check, nothing)
    inner = _complaint(check, entries)
    each = f", each {inner}" if inner != found else ""
    return f"{found}{each}{', or null' if not _complaint(check, None) else ''}"


def _complaint(check: Check, value: Any) -> str:
    try:
        check(value, "")
    except InputError as error:
        return str(error).partition("expected ")[2].partition(GOT)[0]
    return ""


def intensity(value: Any, name: str) -> None:
    """A rule of ``intensity.Rule``, or a list of one a channel.

    Raises:
        InputError: If a key is missing or unknown, or the bounds are no interval.
    """
    if isinstance(value, (list, tuple)):
        several(_intensity_rule, least=1)(value, name)
    else:
        _intensity_rule(value, name)


def _intensity_rule(value: Any, name: str) -> None:
    kind = value.get("kind") if isinstance(value, Mapping) else None
    if kind is not None:
        one_of(*KINDS)(kind, f"{name}: kind")
    bounds = set() if kind == "zscore" else BOUNDS
    if not isinstance(value, Mapping) or set(value) != {"kind", *bounds}:
        wanted = "kind, lower and upper" if bounds else "kind alone"
        raise InputError(f"{name}: expected {wanted}, got {value!r}")
    if not bounds:
        return
    bound = real(0, 100) if value["kind"] == "percentile" else real()
    for key in BOUNDS:
        bound(value[key], f"{name}: {key}")
    if not value["lower"] < value["upper"]:
        raise InputError(f"{name}: lower {value['lower']} must be below upper {value['upper']}")


def label_values(labels: Any, name: str, *, overlapping: bool) -> None:
    """Names and values of structures; background is 0 where structures exclude one another.

    Raises:
        InputError: If a name is empty or would be evaluated, a value is no whole number or not
            one's own, or nothing is there.
    """
    if not isinstance(labels, Mapping):
        raise InputError(f"{name}: expected names and values, got {labels!r}")
    seen: dict[int, str] = {}
    for structure, value in labels.items():
        if not isinstance(structure, str) or not structure.strip() or evaluated(structure):
            raise InputError(f"{name}: {structure!r} cannot be the name of a structure")
        whole(0)(value, f"{name}: '{structure}'")
        if value in seen:
            raise InputError(f"{name}: '{seen[value]}' and '{structure}' both have value {value}")
        seen[value] = structure
    if not overlapping and labels.get("background") != 0:
        raise InputError(f"{name}: 'background' must be 0, got {labels.get('background')!r}")


IGNORE = "ignore"
"""Name of what is no structure but voxels that do not count, as in nnU-Net's ``dataset.json``."""
GREATEST = 2**53
"""Of label values: double precision, which some formats have, tells no larger ones apart."""


def ignored_value(value: Any, name: str, *, labels: Mapping[str, int], overlapping: bool) -> None:
    """The value of voxels that do not count, or ``None``; it is no structure's.

    Args:
        value: What is checked.
        name: What it is called.
        labels: Names and values of structures.
        overlapping: Labels are a mask for each structure, in which 0 and 1 have a meaning.

    Raises:
        InputError: If it is no whole number, or the value of a structure or of background.
    """
    named = [structure for structure in labels if structure.strip().lower() == IGNORE]
    if named:
        raise InputError(
            f"{name}: '{named[0]}' is no structure; say it beside the names, "
            f'as {{"ignore": {labels[named[0]]}}}'
        )
    if value is None:
        return
    whole(-GREATEST, GREATEST)(value, name)
    taken = {"no": 0, "yes": 1} if overlapping else labels
    for structure, own in taken.items():
        if value == own:
            raise InputError(f"{name}: {value} is the value of '{structure}' too; give another one")
