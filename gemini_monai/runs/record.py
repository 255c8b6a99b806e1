"""``run.json``: what a run was, read as data and never as code."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gemini_monai.base.errors import InputError
from gemini_monai.base.files import read_json
from gemini_monai.base.limits import Check, flag, mapping, real, several, text, whole
from gemini_monai.base.presence import refuse_absent_run
from gemini_monai.base.trust import BACKBONE, refuse_code_of_run
from gemini_monai.runs.early import LATER
from gemini_monai.runs.folder import RunFolder
from gemini_monai.runs.ownership import refuse_later
from gemini_monai.runs.replacement import recover_for_reading
from gemini_monai.runs.settings import check_settings

DESCRIBED = (BACKBONE,)
"""Settings that describe a network, and are checked where it is built. Early records lack them."""
FIELDS: dict[str, Check] = {
    **dict.fromkeys(("bundle", "task", "method", "command"), text),
    **dict.fromkeys(("parameters", "iterations"), whole(0)),
    "dataset": mapping,
    "registers": flag,
    "seconds": real(0),
    "round": whole(1),
    "labels_seen": several(text),
}
"""What a record has beside its settings, where it has it."""
BESIDE = ("method", "seed", "registers")
"""What of it a configuration may ask for with the settings."""


def read_record(folder: str | Path) -> dict[str, Any]:
    """The record of a run.

    Raises:
        InputError: If the folder is not a run, the record is damaged, anything in it would be
            evaluated, or a setting cannot be.
    """
    path = RunFolder(folder).record
    refuse_absent_run(folder)
    recover_for_reading(folder)
    content = read_json(path, dict)
    refuse_later(content, path)
    settings = content.get("settings")
    if not isinstance(settings, dict):
        raise InputError(f"{path}: not the record of a run: it has no settings")
    if not {"bundle", "task"} <= content.keys():
        raise InputError(f"{path}: the record of an earlier version, which has no 'task'")
    refuse_code_of_run(content, str(path))
    for name, check in FIELDS.items():
        if name in content:
            check(content[name], f"{path}: key '{name}'")
    check_settings(settings, where=f"{path}: ")
    return content | {"settings": LATER | settings}


def run_settings(
    run_dir: str | Path,
    *,
    default: Mapping[str, Any] | None = None,
    transforms: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Settings of a training run, which its network and preprocessing need.

    Args:
        run_dir: The run folder.
        default: As archives of before 0.2 give it: settings where there is no run, whose names are
            those that are returned; ``None`` for all.
        transforms: Transforms of one's own, ``before`` and ``after`` the fixed chain, which must be
            those of the training; ``None`` not to compare.

    Returns:
        By name, with ``method``, ``seed`` and ``registers``.

    Raises:
        InputError: If ``run.json`` is damaged, lacks a setting that ``default`` has, or is of
            other transforms.
    """
    path = RunFolder(run_dir).record
    if default is not None and not path.is_file():
        return dict(default)
    record = read_record(run_dir)
    if transforms is not None:
        from gemini_monai.base.fingerprint import (
            describe,  # which imports MONAI: not for help, and no run
        )

        _refuse_other_transforms(record, describe(transforms), path=path)
    settings = {name: record.get(name, "") for name in BESIDE} | record["settings"]
    if default is None:
        return {name: settings.get(name) for name in (*DESCRIBED, *settings)}
    for name in default:
        if name not in settings and name not in DESCRIBED:
            raise InputError(f"{path}: setting '{name}' is missing")
    return {name: settings.get(name) for name in default}


def refuse_other_purpose(
    run_dir: str | Path, *, task: str | None = None, registers: bool = False
) -> None:
    """Stop at a run, where there is one, that was not trained for what it is asked.

    Args:
        run_dir: The run folder, or a packaged bundle.
        task: What the run must have been for; ``None`` for anything.
        registers: The run must have trained the displacement field.

    Raises:
        InputError: If it was for another task, or trained no displacement field.
    """
    if not RunFolder(run_dir).record.is_file():
        return
    record = read_record(run_dir)
    if task is not None and record["task"] != task:
        raise InputError(
            f"{run_dir}: a run for {record['task']}, expected one for {task}; fine-tune it first "
            "(finetune.json)"
        )
    if registers and not record.get("registers"):
        raise InputError(
            f"{run_dir}: a run of {record['method']}, which trains no displacement field, so it "
            "cannot register"
        )


def _refuse_other_transforms(
    record: Mapping[str, Any], now: Mapping[str, Any], *, path: Path
) -> None:
    """Images must be seen as in training, by transforms that only an overlay names."""
    trained = record.get("transforms", {})
    for place, found in now.items():
        expected = trained.get(place, [])
        if expected != found:
            raise InputError(
                f"{path}: trained with {_named(expected)} in '{place}', now {_named(found)}; give "
                "the overlay of the training that names them (--overlay FILE, or last in "
                "--config_file)"
            )


def _named(transforms: Any) -> str:
    return ", ".join(str(entry[0]).rsplit(".", 1)[-1] for entry in transforms) or "nothing"
