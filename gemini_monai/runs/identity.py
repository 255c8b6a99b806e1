"""What decides what a training comes to, and that a run goes on by nothing else."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from gemini_monai.base.errors import InputError
from gemini_monai.runs.early import as_of_today

PASSING = {
    *("device", "amp", "transforms_on", "compile", "memory", "resume", "overwrite"),
    *("output_dir", "dataset_dir", "data_changed"),
    *("num_workers", "cache_rate", "cache_dir", "compare", "val_interval", "registration_pairs"),
    *("probe_interval", "probe_datalist", "surface_tolerance"),
}
"""Knobs that do not decide what a training comes to."""
FROM_LABELS = ("largest_component", "fill_holes")
"""Knobs that follow from the labels, which are compared themselves."""


def lasting(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Knobs that decide what a training comes to."""
    return {name: value for name, value in settings.items() if name not in PASSING}


def training_identity(
    *, settings: Mapping[str, Any], data: str | Mapping[str, str], parts: Mapping[str, Any]
) -> dict[str, Any]:
    """All that decides what a training comes to, for its checkpoint.

    Args:
        settings: The knobs, ``method`` and ``seed`` among them.
        data: Identities of the cohort, or its identity where files are not recorded.
        parts: What a configuration says of objectives, transforms and optimizer, as it stands.
    """
    given = {k: value for k, value in lasting(settings).items() if k not in FROM_LABELS}
    for name in ("pretrained", "continue_from"):
        source = given.get(name)
        if source and Path(source).exists():
            given[name] = str(Path(source).resolve())
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
    saved: Mapping[str, Any],
    now: Mapping[str, Any],
    *,
    done: int,
    where: str,
    data_changed: bool = False,
) -> list[str]:
    """Stop where a run would go on by other settings than it was trained by.

    The number of epochs may change as long as those that are done count, and nothing else follows
    the length of the training.

    Args:
        saved: Settings that the checkpoint was trained by, nested names and values.
        now: Settings of the configuration that is to go on, likewise.
        done: Epochs that are done.
        where: The checkpoint's file, for the message.
        data_changed: Images and labels may hold something else; the split may not differ.

    Returns:
        Which of ``images`` and ``labels`` hold something else than the run was trained on.

    Raises:
        InputError: Naming the first setting that differs, both values, and the others.
    """
    # early checkpoints hold knobs that decide nothing
    before, after = as_of_today(lasting(flat(saved)), flat(now))
    changed = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    if "epochs" in changed and _may_change_epochs(after, done=done):
        changed.remove("epochs")
    data = [name for name in changed if name.partition(".")[0] == "data"]
    _refuse_other_data(data, where=where, data_changed=data_changed)
    changed = [name for name in changed if name not in data]
    if not changed:
        return [name.removeprefix("data.") for name in data]
    name, *others = changed
    also = f" (also: {', '.join(others[:5])})" if others else ""
    raise InputError(
        f"{where}: trained with {name} {_shown(before, name)}, now {_shown(after, name)}{also}; "
        "give what it was trained with, or train anew in another --output_dir"
    )


def _refuse_other_data(changed: Sequence[str], *, where: str, data_changed: bool) -> None:
    """Stop at another split, whatever is said to be meant, and at other content."""
    if {"data", "data.split"} & set(changed):
        raise InputError(
            f"{where}: trained on other images or by another split than this data set, so a case "
            "that is tested may have been trained on; train anew in another --output_dir"
        )
    if changed and not data_changed:
        names = " and ".join(name.removeprefix("data.") for name in changed)
        raise InputError(
            f"{where}: trained on {names} that hold something else in this data set; train anew in "
            "another --output_dir, or if that is meant, give --data_changed True"
        )


def _may_change_epochs(settings: Mapping[str, Any], *, done: int) -> bool:
    follows = 0 < settings.get("positive_start", 0) < 1
    return settings.get("epochs", 0) >= done and not follows


def _shown(values: Mapping[str, Any], name: str) -> str:
    return repr(values[name])[:120] if name in values else "not set"
