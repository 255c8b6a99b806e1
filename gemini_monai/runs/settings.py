"""The knobs of a training: type and range of each, and which may change when a run goes on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

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


def _methods(value: Any, name: str) -> None:
    """Names of methods, of which there may be none."""
    try:
        several(text)(value, name)
    except InputError as error:
        raise InputError(
            f"{name}: expected a list of methods such as ['supervised'], or [], got {value!r}"
        ) from error


KNOBS: dict[str, Check] = {
    **dict.fromkeys(("epochs", "epoch_length", "val_interval"), whole(1)),
    **dict.fromkeys(("labeled_images", "unlabeled_images", "pairs"), whole(1)),
    **dict.fromkeys(
        ("in_channels", "out_channels", "sw_batch_size", "backbone_multiple"), whole(1)
    ),
    **dict.fromkeys(("num_workers", "registration_pairs", "probe_interval", "refine"), whole(0)),
    **dict.fromkeys(("resume", "overwrite", "amp", "compile", "bijective", "slices"), flag),
    **dict.fromkeys(
        ("half_resolution_field", "overlapping", "foreground", "diffeomorphic", "inverse"), flag
    ),
    **dict.fromkeys(("smoothness", "visual", "semantic", "positive"), real(0)),
    **dict.fromkeys(("supervised_weight", "contrast_weight", "restoration_weight"), real(0)),
    **dict.fromkeys(("shuffling", "recoloring", "painting", "cache_rate"), real(0, 1)),
    **dict.fromkeys(("final_learning_rate", "positive_start"), real(0, 1)),
    **dict.fromkeys(("output_dir", "dataset_dir"), place),
    **dict.fromkeys(("cache_dir", "pretrained", "reference", "probe_datalist"), optional(place)),
    **dict.fromkeys(("align", "affine"), optional(one_of("itk", "ants"))),
    "channels": several(whole(1), least=2),
    "compare": _methods,
    "deformer_stages": whole(1, 8),
    "deformer_scales": whole(1, 6),
    "feature_channels": optional(whole(1)),
    "group_choice": one_of("uniform", "proportional"),
    "intensity": intensity,
    "label_values": several(whole(0), least=1),
    "memory": one_of("normal", "low"),
    "method": text,
    "orientation": optional(text),
    "labeled_cases": optional(whole(1)),
    "unlabeled_share": real(greatest=1, above=0),
    "learning_rate": real(0),
    "overlap": real(0, 0.99),
    "points": whole(2),
    "pairing": one_of("ring", "separate"),
    "rotation_degrees": real(0, 180),
    "scale": real(0, 0.99),
    "seed": whole(0, 2**32 - 1),
    "smoothness_order": whole(1, 2),
    "spacing": optional(several(real(above=0), least=2)),
    "spatial_dims": whole(2, 3),
    "spatial_size": several(whole(2), least=2),
    "structures": several(text),
    "update": one_of("alternating", "summed"),
}
"""Every knob of both bundles; others are whatever their component takes."""

PASSING = {
    *("device", "amp", "transforms_on", "compile", "memory", "resume", "overwrite"),
    *("output_dir", "dataset_dir"),
    *("num_workers", "cache_rate", "cache_dir", "compare", "val_interval", "registration_pairs"),
    *("probe_interval", "probe_datalist"),
}
"""Knobs that do not decide what a training comes to."""

LATER = {
    "deformer_scales": 1,
    "diffeomorphic": False,
    "unlabeled_share": 1.0,
    "smoothness_order": 1,
}
"""Settings that early records lack, and what their runs had."""

LATER_PARTS = {
    "network_def.deformer_scales": "@deformer_scales",
    "network_def.diffeomorphic": "@diffeomorphic",
    "random_transforms.device": "@transforms_on",
    "objectives.homeomorphism.smoothness_order": "@smoothness_order",
}
"""What early configurations did not say of their parts, as they say it now."""


def check_settings(settings: Mapping[str, Any], *, where: str = "") -> None:
    """Stop at a value of the wrong type or out of range, before anything is done.

    Args:
        settings: Knobs by name, devices among them.
        where: Said before the name, such as the file they are from.

    Raises:
        InputError: Naming the knob, what was found and what was expected.
    """
    for name, value in settings.items():
        if name in KNOBS:
            KNOBS[name](value, f"{where}key '{name}'")
    for name in ("device", "transforms_on"):
        if name in settings:
            check_device(settings[name], where=where, name=name)
    if str(settings.get("transforms_on", "cpu")) != "cpu" and settings.get("num_workers"):
        raise InputError(
            f"{where}key 'num_workers': got {settings['num_workers']}, but with transforms_on "
            f"{settings['transforms_on']} the training's own process computes them; give 0"
        )
    if settings.get("val_interval", 0) > settings.get("epochs", float("inf")):
        raise InputError(
            f"{where}key 'val_interval': {settings['val_interval']} is above epochs "
            f"{settings['epochs']}, so there would never be a validation"
        )


def lasting(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Knobs that decide what a training comes to."""
    return {name: value for name, value in settings.items() if name not in PASSING}


def check_device(device: Any, *, where: str = "", name: str = "device") -> None:
    """Stop at a device that is not there.

    Raises:
        InputError: Naming it, and what is there.
    """
    try:
        found = torch.device(device)
    except (RuntimeError, TypeError) as error:
        raise InputError(
            f"{where}key '{name}': {device!r} is no device, try cpu or cuda"
        ) from error
    if found.type == "cuda" and not torch.cuda.is_available():
        raise InputError(f"{where}key '{name}': {found}, but no GPU is available here; use cpu")
    if found.type == "cuda" and (found.index or 0) >= torch.cuda.device_count():
        raise InputError(
            f"{where}key '{name}': {found}, but there are {torch.cuda.device_count()} GPUs"
        )


def training_identity(
    *, settings: Mapping[str, Any], data: str, parts: Mapping[str, Any]
) -> dict[str, Any]:
    """All that decides what a training comes to, for its checkpoint.

    Args:
        settings: The knobs, ``method`` and ``seed`` among them.
        data: Identity of the cohort.
        parts: What a configuration says of objectives, transforms and optimizer, as it stands.
    """
    given = lasting(settings)
    source = given.get("pretrained")
    if source and Path(source).exists():
        given["pretrained"] = str(Path(source).resolve())
    return {"data": data, **given, **parts}


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
        saved: Settings that the checkpoint was trained by, nested names and values.
        now: Settings of the configuration that is to go on, likewise.
        done: Epochs that are done.
        where: The checkpoint's file, for the message.

    Raises:
        InputError: Naming the first setting that differs, both values, and the others.
    """
    after = flat(now)
    early = {name: value for name, value in (LATER | LATER_PARTS).items() if name in after}
    before = early | lasting(flat(saved))  # early checkpoints hold knobs that decide nothing
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
