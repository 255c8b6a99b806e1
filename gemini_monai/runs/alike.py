"""Runs that may predict together: segmenters of the same structures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from gemini_monai.base.errors import InputError
from gemini_monai.runs.record import read_record, refuse_other_purpose

MEANING = ("spatial_dims", "overlapping", "structures", "label_values")
"""Settings that say what a label map of a run means."""
WHOLE = ("largest_component", "fill_holes")
"""Settings of what is done with structures of a label map, each a list of names."""


def refuse_unlike(folders: Sequence[str | Path]) -> None:
    """Stop at runs that cannot predict together; the network, the view and the data may differ.

    Args:
        folders: Of runs, at least one.

    Raises:
        InputError: If there is none, one is no run or no segmenter, or naming two runs and what
            differs of their label maps.
    """
    if not folders:
        raise InputError("no run is given, expected a list such as ['runs/a','runs/b']")
    for folder in folders:
        refuse_other_purpose(folder, task="segmentation")
    first, *others = (read_record(folder)["settings"] for folder in folders)
    for folder, settings in zip(folders[1:], others, strict=True):
        for name in MEANING:
            if settings.get(name) != first.get(name):
                raise InputError(
                    f"{folder}: has {name} {settings.get(name)!r}, but {folders[0]} has "
                    f"{first.get(name)!r}; runs of an ensemble must have the same structures"
                )


def agreed(settings: Sequence[Mapping[str, Any]]) -> dict[str, list[str]]:
    """What all runs do with structures of a label map: by knob of ``WHOLE``, names.

    Args:
        settings: Of each run, at least one.
    """
    first, *others = settings
    return {
        knob: [name for name in first[knob] if all(name in other[knob] for other in others)]
        for knob in WHOLE
    }


def whole_structures_told(settings: Mapping[str, Any]) -> str:
    """In words, which structures are changed in a label map, and how.

    Args:
        settings: Of a run, or of how a label map is made, with the knobs of ``WHOLE``.
    """
    said = {"largest_component": "largest component of", "fill_holes": "holes closed in"}
    named = {knob: names for knob in WHOLE if isinstance(names := settings.get(knob), list | tuple)}
    parts = [f"{said[knob]} {', '.join(map(str, names))}" for knob, names in named.items() if names]
    return "; ".join(parts) or "none"
