"""What a command can tell of its words before PyTorch and MONAI are imported, which takes seconds.

The run looks at all of it again, and at more: here only that is refused which is wrong for certain.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from gemini_monai.base.bundles import command_line_overrides
from gemini_monai.base.errors import InputError
from gemini_monai.base.files import read_json
from gemini_monai.base.ids import RUN_ARGUMENTS, ids, unknown_key
from gemini_monai.base.limits import one_of
from gemini_monai.base.presence import (
    downloaded_bundles,
    refuse_absent,
    refuse_absent_weights,
)
from gemini_monai.base.trust import evaluated
from gemini_monai.runs import RunFolder, check_written

Place = Callable[[str], Any]
"""From a path; raises an ``InputError`` where nothing is."""

OF_VIEW = {
    *("spatial_size", "spacing", "orientation", "foreground", "intensity", "color", "align"),
    *("reference", "slices", "preprocessing_steps"),
}
"""Knobs of how a run sees images; where it is used, they are parts of ``spec``."""
IMAGES: dict[str, Place] = dict.fromkeys(
    (
        *("moving", "fixed", "moving_label", "moving_landmarks", "fixed_landmarks", "pairs"),
        *("image", "landmarks", "order", "reference", "probe_datalist"),
    ),
    refuse_absent,
)
"""Files that a key may name, whatever the configuration."""


def refuse_early(
    files: Sequence[str | Path], options: Sequence[str], *, places: Mapping[str, Place]
) -> None:
    """Stop at a misspelled key, a value out of range, a file that is not there.

    Args:
        files: Configurations and overlays, later ones over earlier ones; all are there.
        options: As on a command line.
        places: What has to be there, by key, beside ``IMAGES``.

    Raises:
        InputError: As the run would, naming key or file.
    """
    given = command_line_overrides(options)
    layers = _layers(files)
    if layers is not None and "tracking" not in given:  # which adds keys
        _refuse_unknown(layers, given)
        _refuse_values([*layers, given], looked_for=("device", "transforms_on"))
    for name, check in {**IMAGES, **places}.items():
        value = given.get(name)
        if isinstance(value, str) and not evaluated(value):
            check(value)


def refuse_values(files: Sequence[str | Path], options: Sequence[str]) -> None:
    """Stop at a value that cannot be, a device that is not here among them.

    Args:
        files: As of ``refuse_early``.
        options: As on a command line.

    Raises:
        InputError: As the run would, naming the key.
    """
    layers = _layers(files)
    if layers is not None:
        _refuse_values([*layers, command_line_overrides(options)], looked_for=())


def refuse_absent_pretrained(source: str) -> None:
    """Stop at a pre-training that is not there.

    Args:
        source: A weights file, a folder of a run or bundle, the name of a bundle, or ``none``.

    Raises:
        InputError: Naming the file of weights.
    """
    if source == "none":
        return
    for place in (Path(source), Path("bundles") / source, downloaded_bundles() / source):
        if place.is_dir():
            return  # a run that comes back where another was to replace it may lack its weights now
    refuse_absent_weights(source)


def refuse_absent_model(run: str | Path, options: Sequence[str]) -> None:
    """Stop at a run without weights, where no others are given.

    Raises:
        InputError: Naming the file.
    """
    if "weights" not in command_line_overrides(options):
        refuse_absent_weights(RunFolder(run).model)


def _layers(files: Sequence[str | Path]) -> list[dict[str, Any]] | None:
    """What the files say; ``None`` where one is not plain JSON, which the run will tell of."""
    try:
        return [read_json(file, dict) for file in files]
    except InputError:
        return None


def _refuse_unknown(layers: Sequence[Mapping[str, Any]], given: Mapping[str, Any]) -> None:
    """Keys at the top that nothing has and nothing refers to."""
    known = {key.removeprefix("+").partition("#")[0] for layer in layers for key in layer}
    texts = json.dumps([*layers, given], default=str)
    for name in given:
        is_nested = "#" in name or "::" in name or name.startswith(("+", "_"))
        if is_nested or name in known or name in RUN_ARGUMENTS or _is_mentioned(name, texts):
            continue
        there = [own for layer in layers for own, _ in ids(layer)]
        if name in OF_VIEW and "spec" in known:
            there = [f"spec#{name}"]
        raise unknown_key("command line", name, dict.fromkeys(there))


def _is_mentioned(name: str, texts: str) -> bool:
    return re.search(rf"[@%][#:]*{re.escape(name)}\b", texts) is not None


def _refuse_values(layers: Sequence[Mapping[str, Any]], *, looked_for: Sequence[str]) -> None:
    """Values out of range of what the run checks, but for devices that PyTorch has to look for."""
    content = {key: own for layer in layers for key, own in layer.items()}
    left = [name for name in looked_for if _is_gpu(content.get(name))]
    check_written({name: own for name, own in content.items() if name not in left})
    _refuse_augmentation(content)


def _refuse_augmentation(content: Mapping[str, Any]) -> None:
    """A name that is none of those that a file has, or that an overlay or override adds."""
    chosen, own = content.get("augmentation"), content.get("augmentations")
    added = content.get("+augmentations", {})
    if not isinstance(chosen, str) or evaluated(chosen):
        return
    if not isinstance(own, dict) or not isinstance(added, dict):
        return
    nested = [re.match(r"\+?augmentations(?:#|::)([^#:]+)", key) for key in content]
    one_of(*own, *added, *(key[1] for key in nested if key))(chosen, "key 'augmentation'")


def _is_gpu(device: Any) -> bool:
    return re.fullmatch(r"(cuda|mps)(:\d+)?", str(device)) is not None
