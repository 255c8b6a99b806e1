"""``run.json``: what a run was, read as data and never as code."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gemini_monai.errors import InputError
from gemini_monai.files import read_json
from gemini_monai.limits import refuse_code
from gemini_monai.runs.folder import RunFolder
from gemini_monai.runs.settings import check_settings

PRETRAINING, SEGMENTATION = "pre-training", "segmentation"


def read_record(folder: str | Path) -> dict[str, Any]:
    """The record of a run.

    Raises:
        InputError: If the folder is not a run, the record is damaged, or a setting would be
            evaluated or cannot be.
    """
    path = RunFolder(folder).record
    if not Path(folder).is_dir():
        raise InputError(f"{folder}: no such run folder")
    if not path.is_file():
        raise InputError(f"{folder}: not a run folder, {path} is missing")
    content = read_json(path, dict)
    settings = content.get("settings")
    if not isinstance(settings, dict):
        raise InputError(f"{path}: not the record of a run: it has no settings")
    refuse_code(settings, f"{path}: settings")
    check_settings(settings, where=f"{path}: ")
    return content


def run_settings(
    run_dir: str | Path,
    *,
    default: Mapping[str, Any],
    optional: Mapping[str, Any] | None = None,
    task: str | None = None,
) -> dict[str, Any]:
    """Settings of a training run, which its network and preprocessing need.

    Args:
        run_dir: The run folder; its ``run.json`` is read when the folder is there.
        default: Settings where there is no run (yet), such as a bundle's untrained network.
        optional: Further ones, and what they are in runs from before they were recorded.
        task: What the run must have been for; ``None`` for anything.

    Raises:
        InputError: If ``run.json`` is damaged, lacks a setting that ``default`` has, or is of
            another task.
    """
    path = RunFolder(run_dir).record
    optional = dict(optional or {})
    if not path.is_file():
        return {**default, **optional}
    record = read_record(run_dir)
    if task is not None and task_of(record) != task:
        raise InputError(
            f"{run_dir}: a run for {task_of(record)}, expected one for {task}; fine-tune it first "
            "(finetune.json)"
        )
    settings = record["settings"]
    for name in default:
        if name not in settings:
            raise InputError(f"{path}: setting '{name}' is missing")
    return {name: (optional | settings)[name] for name in [*default, *optional]}


def task_of(record: Mapping[str, Any]) -> str:
    """What a run was for."""
    return PRETRAINING if "restoration_weight" in record["settings"] else SEGMENTATION


def bundle_of(record: Mapping[str, Any]) -> str:
    """Which bundle's configurations a run is of."""
    settings = record["settings"]
    is_mip = task_of(record) == PRETRAINING or "pretrained" in settings
    return "gemini_mip" if is_mip else "gemini_semi"
