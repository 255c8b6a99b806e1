"""The knobs of a training: type and range of each, and which may change when a run goes on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from gemini_monai.describe import describe
from gemini_monai.errors import InputError
from gemini_monai.limits import (
    Check,
    flag,
    intensity,
    one_of,
    optional,
    place,
    real,
    several,
    text,
    whole,
)

KNOBS: dict[str, Check] = {
    **dict.fromkeys(("epochs", "epoch_length", "val_interval", "labeled_images"), whole(1)),
    **dict.fromkeys(
        ("in_channels", "out_channels", "sw_batch_size", "backbone_multiple"), whole(1)
    ),
    **dict.fromkeys(("pairs", "num_workers", "registration_pairs"), whole(0)),
    **dict.fromkeys(("resume", "overwrite", "compare", "amp", "bijective", "slices"), flag),
    **dict.fromkeys(("half_resolution_field", "overlapping"), flag),
    **dict.fromkeys(("smoothness", "visual", "semantic", "positive"), real(0)),
    **dict.fromkeys(("supervised_weight", "restoration_weight"), real(0)),
    **dict.fromkeys(("shuffling", "recolouring", "painting", "cache_rate"), real(0, 1)),
    **dict.fromkeys(("final_learning_rate", "positive_start"), real(0, 1)),
    **dict.fromkeys(("output_dir", "dataset_dir"), place),
    **dict.fromkeys(("cache_dir", "pretrained", "reference"), optional(place)),
    "align": optional(one_of("itk", "ants")),
    "channels": several(whole(1), least=2),
    "deformer_stages": whole(1, 8),
    "feature_channels": optional(whole(1)),
    "group_choice": one_of("uniform", "proportional"),
    "intensity": intensity,
    "label_values": several(whole(0), least=1),
    "method": text,
    "labeled_cases": optional(whole(1)),
    "learning_rate": real(0),
    "overlap": real(0, 0.99),
    "pairing": one_of("ring", "separate"),
    "rotation_degrees": real(0, 180),
    "scale": real(0, 0.99),
    "seed": whole(0, 2**32 - 1),
    "spacing": optional(several(real(above=0), least=2)),
    "spatial_dims": whole(2, 3),
    "spatial_size": several(whole(2), least=2),
    "structures": several(text),
    "update": one_of("alternating", "summed"),
}
"""Every knob of both bundles; others are whatever their component takes."""


def check_settings(settings: Mapping[str, Any], *, where: str = "", **more: Any) -> None:
    """Stop at a value of the wrong type or out of range, before anything is done.

    Args:
        settings: Knobs by name.
        where: Said before the name, such as the file they are from.
        more: Further knobs, ``device`` among them.

    Raises:
        InputError: Naming the knob, what was found and what was expected.
    """
    values = {**settings, **more}
    for name, value in values.items():
        if name in KNOBS:
            KNOBS[name](value, f"{where}key '{name}'")
    if "device" in values:
        check_device(values["device"], where=where)
    if values.get("val_interval", 0) > values.get("epochs", float("inf")):
        raise InputError(
            f"{where}key 'val_interval': {values['val_interval']} is above epochs "
            f"{values['epochs']}, so there would never be a validation"
        )


def check_device(device: Any, *, where: str = "") -> None:
    """Stop at a device that is not there.

    Raises:
        InputError: Naming it, and what is there.
    """
    try:
        found = torch.device(device)
    except (RuntimeError, TypeError) as error:
        raise InputError(
            f"{where}key 'device': {device!r} is no device, try cpu or cuda"
        ) from error
    if found.type == "cuda" and not torch.cuda.is_available():
        raise InputError(f"{where}key 'device': {found}, but no GPU is available here; use cpu")
    if found.type == "cuda" and (found.index or 0) >= torch.cuda.device_count():
        raise InputError(
            f"{where}key 'device': {found}, but there are {torch.cuda.device_count()} GPUs"
        )


def identity(
    *, method: str, seed: int, data: str, settings: Mapping[str, Any], **parts: Any
) -> dict[str, Any]:
    """All that decides what a training comes to, for its checkpoint.

    Args:
        method: Its name.
        seed: Of the run.
        data: Identity of the data set.
        settings: The knobs.
        parts: Objects that a configuration may set otherwise: objectives, transforms, optimiser.
    """
    given = dict(settings)
    source = given.get("pretrained")
    if source and Path(source).exists():
        given["pretrained"] = str(Path(source).resolve())
    described = {name: describe(part) for name, part in parts.items()}
    return {"method": method, "seed": seed, "data": data, **given, **described}


def flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested settings by dotted names, as JSON has them."""
    found: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, Mapping):
            found |= flat(value, f"{prefix}{name}.")
        else:
            found[f"{prefix}{name}"] = json.loads(json.dumps(value, default=str))
    return found


def refuse_other_settings(
    saved: Mapping[str, Any], now: Mapping[str, Any], *, done: int, where: str
) -> None:
    """Stop where a run would go on by other settings than it was trained by.

    The number of epochs may change as long as those that are done count, and nothing else follows
    the length of the training.

    Args:
        saved: Of the checkpoint, nested.
        now: Of the configuration.
        done: Epochs that are done.
        where: The checkpoint.

    Raises:
        InputError: Naming the first setting that differs, both values, and the others.
    """
    before, after = flat(saved), flat(now)
    changed = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    if "epochs" in changed and _may_change_epochs(after, done=done):
        changed.remove("epochs")
    if not changed:
        return
    if "data" in changed:
        raise InputError(
            f"{where}: trained on other images or by another split than this data set, so a case "
            "that is tested may have been trained on; train anew in another --output_dir"
        )
    name, *others = changed
    also = f" (also: {', '.join(others[:5])})" if others else ""
    raise InputError(
        f"{where}: trained with {name} {_shown(before, name)}, now {_shown(after, name)}{also}; "
        "give what it was trained with, or train anew in another --output_dir"
    )


def _may_change_epochs(settings: Mapping[str, Any], *, done: int) -> bool:
    follows = 0 < settings.get("positive_start", 0) < 1
    return settings.get("epochs", 0) >= done and not follows


def _shown(values: Mapping[str, Any], name: str) -> str:
    return repr(values[name])[:120] if name in values else "not set"
