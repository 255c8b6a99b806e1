"""What early runs say of their training, as it is said today."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from gemini_monai.base.moved import name_today

LATER = {
    "deformer_scales": 1,
    "diffeomorphic": False,
    "unlabeled_share": 1.0,
    "color": True,
    "smoothness_order": 1,
    "checkpoint": "best",
    "use_validation": True,
    "stop_after": None,
    "average": 0.0,
    "augmentation": "light",
    "crops": "center",
    "pairs_interval": 1,
    "largest_component": [],
    "fill_holes": [],
    "continue_from": None,
    "preprocessing_steps": [
        *("load", "before", "orientation", "foreground", "grid", "intensity", "after", "fit")
    ],
}
"""Settings that early records lack, and what their runs had."""
LATER_PARTS = {
    "random_transforms.device": "@transforms_on",
    "view_transforms": "@random_transforms",
    "train#dataset.view_transforms": "@view_transforms",
    "objectives.homeomorphism.smoothness_order": "@smoothness_order",
    "objectives.homeomorphism.interval": "@pairs_interval",
    "train#trainer.update": "@update",
    "train#trainer.seed": "@seed",
    "train#trainer.rate": [
        {
            **{"_target_": "LrScheduleHandler", "lr_scheduler": "@scheduler"},
            **{"print_lr": False, "epoch_level": False},
        }
    ],
}
"""What early configurations did not say of their parts, as they say it now."""
NETWORK = "network_def._target_"
REWRITTEN = ("network_def.", "train#streams.", "train#dataset.")
"""Parts that are written otherwise today, and come to what the settings say."""
WEIGHTS = {
    "objectives.contrast.": "contrast_weight",
    "objectives.restoration.": "restoration_weight",
}
"""Objectives that were there with a weight of 0 where a method has none, and their weights."""

AUGMENTATIONS = "augmentations."
TRANSFORMS = "random_transforms"

Flat = dict[str, Any]


def as_of_today(saved: Mapping[str, Any], now: Mapping[str, Any]) -> tuple[Flat, Flat]:
    """What a run was trained by, and what it would go on by, so that both can be compared.

    Args:
        saved: Dotted names and values, of whatever version.
        now: Those of today.
    """
    later = LATER | LATER_PARTS | {"labeled_draw": saved.get("seed")}
    early = {name: value for name, value in later.items() if name in now}
    known = {name: _renamed(value) for name, value in saved.items()}
    before = known | {name: value for name, value in early.items() if name not in known}
    after = dict(now)
    if not any(name.startswith(AUGMENTATIONS) for name in before):
        after = _with_transforms(after)
    if before.get(NETWORK) == "gemini_monai.networks.Gemini":
        before, after = _comparable(before), _comparable(after)
    return before, after


def _with_transforms(settings: Flat) -> Flat:
    """With the transforms that are trained with in the place of the names of them all."""
    if "@augmentations" not in str(settings.get(TRANSFORMS)):
        return settings
    own = f"{AUGMENTATIONS}{settings.get('augmentation')}."
    chosen = {
        f"{TRANSFORMS}.{name.removeprefix(own)}": value
        for name, value in settings.items()
        if name.startswith(own)
    }
    left_out = (AUGMENTATIONS, TRANSFORMS)
    return {k: v for k, v in settings.items() if not k.startswith(left_out)} | chosen


def _renamed(value: Any) -> Any:
    return json.loads(name_today(json.dumps(value)))


def _comparable(settings: Mapping[str, Any]) -> Flat:
    """Without what is written otherwise, and without objectives that are not there."""
    found = {
        name: value
        for name, value in settings.items()
        if not name.startswith(REWRITTEN) and not (value is None and "objectives." in name)
    }
    for prefix, weight in WEIGHTS.items():
        there = any(name.startswith(prefix) for name in found)
        if weight in found and not (there and found[weight]):
            found = {name: own for name, own in found.items() if not name.startswith(prefix)}
            found[weight] = 0.0
    return found
