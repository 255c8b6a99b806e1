"""The knobs of a training: type and range of each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from gemini_monai.base.devices import has_double
from gemini_monai.base.errors import InputError
from gemini_monai.base.limits import (
    Check,
    flag,
    intensity,
    one_of,
    optional,
    orientation,
    place,
    real,
    several,
    text,
    whole,
)
from gemini_monai.base.trust import refuse_code

if TYPE_CHECKING:
    import torch


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
    **dict.fromkeys(("in_channels", "out_channels", "backbone_multiple"), whole(1)),
    **dict.fromkeys(
        ("num_workers", "registration_pairs", "probe_interval", "pairs_interval", "refine"),
        whole(0),
    ),
    **dict.fromkeys(("resume", "overwrite", "data_changed", "probabilities", "flips"), flag),
    **dict.fromkeys(("amp", "compile", "bijective", "slices", "color", "use_validation"), flag),
    **dict.fromkeys(
        ("half_resolution_field", "overlapping", "foreground", "diffeomorphic", "inverse"), flag
    ),
    **dict.fromkeys(("smoothness", "visual", "semantic", "positive"), real(0)),
    **dict.fromkeys(("supervised_weight", "contrast_weight", "restoration_weight"), real(0)),
    **dict.fromkeys(("shuffling", "recoloring", "painting", "cache_rate"), real(0, 1)),
    **dict.fromkeys(("final_learning_rate", "positive_start"), real(0, 1)),
    **dict.fromkeys(("output_dir", "dataset_dir"), place),
    **dict.fromkeys(("cache_dir", "pretrained", "reference", "probe_datalist"), optional(place)),
    "continue_from": optional(place),
    **dict.fromkeys(("align", "affine"), optional(one_of("itk", "ants"))),
    "augmentation": text,
    "average": real(0, 0.9999),
    "channels": several(whole(1), least=2),
    "count": whole(1),
    "crops": one_of("center", "foreground"),
    "checkpoint": one_of("best", "last"),
    "compare": _methods,
    "deformer_stages": whole(1, 8),
    "deformer_scales": whole(1, 6),
    "feature_channels": optional(whole(1)),
    "group_choice": one_of("uniform", "proportional"),
    "intensity": intensity,
    "label_values": several(whole(0), least=1),
    "memory": one_of("normal", "low"),
    "method": text,
    "orientation": optional(orientation),
    "labeled_cases": optional(whole(1)),
    "unlabeled_share": real(greatest=1, above=0),
    "learning_rate": real(0),
    "overlap": real(0, 0.99),
    "quality": one_of("off", "auto", "on"),
    "quality_data": optional(place),
    "points": whole(2),
    "preprocessing_steps": several(text, least=1),
    "pairing": one_of("ring", "separate"),
    "rotation_degrees": real(0, 180),
    "scale": real(0, 0.99),
    "run_dirs": several(place, least=1),
    **dict.fromkeys(("seed", "labeled_draw"), whole(0, 2**32 - 1)),
    "smoothness_order": whole(1, 2),
    "stop_after": optional(real(greatest=1, above=0)),
    "spacing": optional(several(real(above=0), least=2)),
    "spatial_dims": whole(2, 3),
    "spatial_size": several(whole(2), least=2),
    **dict.fromkeys(("structures", "largest_component", "fill_holes"), several(text)),
    "surface_tolerance": optional(real(0)),
    "sw_batch_size": optional(whole(1)),
    "tolerance": optional(real(above=0)),
    "start": one_of("auto", "world", "center", "mass", "affine"),
    "update": one_of("alternating", "summed"),
}
"""Every knob of both bundles; others are whatever their component takes."""
USED: dict[str, Check] = {
    **dict.fromkeys(("run_dir", "weights"), place),
    **dict.fromkeys(("moving", "fixed", "moving_label"), optional(place)),
    **dict.fromkeys(("moving_landmarks", "fixed_landmarks"), optional(place)),
    **dict.fromkeys(("image", "landmarks", "order"), optional(place)),
    "output_ext": one_of(".nii.gz", ".nii", ".nrrd", ".mha", ".png", ".seg.nrrd", ".dcm"),
}
"""What configurations that use a run take besides: a run, weights, images. No knobs of a run."""
OF_ONE: dict[str, dict[str, Check]] = {
    "moving": {"pairs": optional(place)},
    "landmarks": {"output_ext": one_of(".mrk.json", ".fcsv", ".csv")},
    "order": {"output_ext": one_of(".seg.nrrd", ".nii.gz")},
}
"""What a name means in one configuration alone, by a key that only that one has."""


WITHOUT_PROBABILITIES = (".png", ".dcm", ".seg.nrrd")
"""Formats that hold label maps alone."""


def check_settings(settings: Mapping[str, Any], *, where: str = "") -> None:
    """Stop at a value of the wrong type or out of range, before anything is done.

    Args:
        settings: Knobs by name, devices among them.
        where: Said before the name, such as the file they are from.

    Raises:
        InputError: Naming the knob, what was found and what was expected.
    """
    checks = KNOBS | USED
    for mark, own in OF_ONE.items():
        checks |= own if mark in settings else {}
    for name, value in settings.items():
        if name in checks:
            checks[name](value, f"{where}key '{name}'")
    for name in ("device", "transforms_on"):
        if name in settings:
            check_device(settings[name], where=where, name=name)
    _refuse_together(settings, where=where)


def check_written(content: Mapping[str, Any]) -> None:
    """The same of a configuration before any of it is evaluated; expressions are passed over.

    Args:
        content: Its keys, overlays and overrides among them.

    Raises:
        InputError: As ``check_settings``.
    """
    names = [name for name in content if name != "out_channels"]  # which the labels decide
    check_settings({name: content[name] for name in names if _is_plain(content[name])})


def _is_plain(value: Any) -> bool:
    try:
        refuse_code(value, "")
    except InputError:
        return False
    return True


def _refuse_together(settings: Mapping[str, Any], *, where: str) -> None:
    """Values that are right by themselves, and not beside another."""
    if str(settings.get("transforms_on", "cpu")) != "cpu" and settings.get("num_workers"):
        raise InputError(
            f"{where}key 'num_workers': got {settings['num_workers']}, but with transforms_on "
            f"{settings['transforms_on']} the training's own process computes them; give 0"
        )
    suffix = settings.get("output_ext")
    if settings.get("probabilities") and suffix in WITHOUT_PROBABILITIES:
        raise InputError(
            f"{where}key 'probabilities': {suffix} holds no probabilities; give --output_ext "
            ".nii.gz, or leave them out"
        )
    if settings.get("val_interval", 0) > settings.get("epochs", float("inf")):
        raise InputError(
            f"{where}key 'val_interval': {settings['val_interval']} is above epochs "
            f"{settings['epochs']}, so there would never be a validation"
        )


def check_device(device: Any, *, where: str = "", name: str = "device") -> None:
    """Stop at a device that is not there.

    Raises:
        InputError: Naming it, and what is there.
    """
    if device == "cpu":
        return
    import torch  # takes a second, which a command that is refused does not need

    try:
        found = torch.device(device)
    except (RuntimeError, TypeError) as error:
        raise InputError(
            f"{where}key '{name}': {device!r} is no device, try cpu, cuda or mps"
        ) from error
    if name == "transforms_on" and not has_double(found):
        raise InputError(
            f"{where}key '{name}': {found} has no float64, in which MONAI's transforms compute; "
            "give cpu"
        )
    reason = _absence(found)
    if reason is not None:
        raise InputError(f"{where}key '{name}': {reason}")


def _absence(device: torch.device) -> str | None:
    """Why a device is of no use here, and what is."""
    import torch

    if device.type == "meta":
        return "meta holds no numbers, try cpu, cuda or mps"
    if device.type == "cuda" and not torch.cuda.is_available():
        return f"{device}, but no GPU is available here; use cpu"
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        return f"{device}, but there are {torch.cuda.device_count()} GPUs"
    if device.type not in ("cpu", "cuda"):
        try:
            torch.zeros(1, device=device)
        except (RuntimeError, NotImplementedError, AssertionError):
            return f"{device} is not available here; use cpu or cuda"
    return None
