"""Reads a run folder into dataclasses; the only module of the report that knows file names."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from gemini_monai.base.errors import InputError
from gemini_monai.base.files import read_json
from gemini_monai.base.tables import number, read_table
from gemini_monai.base.trust import refuse_code_of_run
from gemini_monai.quality import read_expected
from gemini_monai.report.read.run_contents import RegisteredPair, RunContents, Score, Series
from gemini_monai.runs import RunFolder, recover_for_reading, refuse_later

MEASURES = {
    "dice": "dice",
    "distance": "average_surface_distance",
    "hausdorff": "hausdorff_distance_95",
    "surface_dice": "normalized_surface_dice",
    "tolerance": "surface_tolerance",
    "calibration": "calibration_error",
}
"""Columns of ``segmentation.csv`` by the names that a score has for them."""


def read_run(folder: Path) -> RunContents:
    """Read a run folder.

    Args:
        folder: What a training run left: ``run.json`` and, where they were made, ``history.csv``,
            ``validation.csv``, ``monitor.csv``, ``probe.csv``, ``test/``, ``examples/``,
            ``expected.csv`` and a folder per arm.

    Returns:
        The run, its arms in it; the images that it names are not opened.

    Raises:
        InputError: If ``run.json`` is absent or would be evaluated, or a file that is there cannot
            be understood.
    """
    run = RunFolder(folder)
    if not run.path.is_dir():
        raise InputError(f"{folder}: no such run folder")
    if not run.record.is_file():
        raise InputError(f"{folder}: not a run folder, {run.record} is missing")
    recover_for_reading(folder)
    pairs = sorted((run.test / "pairs").glob("*.npz"))
    pairs = pairs or sorted((run.examples / "pairs").glob("*.npz"))
    restoration = run.examples / "restoration.npz"
    return RunContents(
        folder=run.path,
        details=_details(run.record),
        history=_read_series(run.history),
        validation=_read_series(run.validation),
        monitor=_read_series(run.monitor),
        probe=_read_series(run.probe),
        scores=_read_scores(run.test / "segmentation.csv", folder=run.path),
        tested=_read_json(run.test / "segmentation.json"),
        pairs=_read_pairs(run.test / "registration.csv"),
        registration=_read_json(run.test / "registration.json"),
        kept_pairs={path.stem: path for path in pairs},
        restoration=restoration if restoration.is_file() else None,
        arms=tuple(read_run(arm.path) for arm in run.arms()),
        expected=read_expected(run.path),
    )


def read_validation(folder: Path) -> Series | None:
    """Dice on the validation cases of a run, None where it has none; nothing else is opened.

    Args:
        folder: The run folder.

    Raises:
        InputError: If ``validation.csv`` cannot be understood.
    """
    return _read_series(RunFolder(folder).validation)


def read_test(folder: Path) -> tuple[Score, ...]:
    """Scores of a test, none where there was none; nothing else is opened.

    Args:
        folder: The run folder, or where a run was evaluated.

    Raises:
        InputError: If ``segmentation.csv`` cannot be understood.
    """
    return _read_scores(RunFolder(folder).test / "segmentation.csv", folder=folder)


def _details(path: Path) -> dict[str, Any]:
    content = _read_json(path)
    refuse_later(content, path)
    refuse_code_of_run(content, str(path))
    return content


def _read_json(path: Path) -> dict[str, Any]:
    return read_json(path, dict) if path.is_file() else {}


def _read_rows(path: Path, *, required: tuple[str, ...]) -> list[dict[str, str]]:
    return read_table(path, required=required) if path.is_file() else []


def _number(row: Mapping[str, str], column: str, *, path: Path, line: int) -> float:
    """The number in a cell, NaN when it is empty or the column is absent."""
    return number(row, column, where=f"{path}: line {line}")


def _count(row: Mapping[str, str], column: str, *, path: Path, line: int) -> int | None:
    value = _number(row, column, path=path, line=line)
    return None if np.isnan(value) else int(value)


def _read_series(path: Path) -> Series | None:
    rows = _read_rows(path, required=("iteration",))
    if not rows:
        return None
    columns = {
        name: np.array([_number(row, name, path=path, line=i) for i, row in enumerate(rows, 2)])
        for name in rows[0]
        if name is not None
    }
    return Series(iterations=columns.pop("iteration"), columns=columns)


def _read_scores(path: Path, *, folder: Path) -> tuple[Score, ...]:
    def files(row: Mapping[str, str], column: str) -> tuple[Path, ...]:
        return tuple(folder / part for part in (row.get(column) or "").split(";") if part)

    return tuple(
        Score(
            case=row["case"],
            structure=row["structure"],
            **{
                name: _number(row, column, path=path, line=line)
                for name, column in MEASURES.items()
            },
            reference_voxels=_count(row, "reference_voxels", path=path, line=line),
            predicted_voxels=_count(row, "predicted_voxels", path=path, line=line),
            image=files(row, "image"),
            label=files(row, "label"),
            prediction=files(row, "prediction"),
        )
        for line, row in enumerate(_read_rows(path, required=("case", "structure", "dice")), 2)
    )


def _read_pairs(path: Path) -> tuple[RegisteredPair, ...]:
    names = ("dice_before", "dice_after", "folding_percent", "error_before", "error_after")
    rows = _read_rows(path, required=("moving", "fixed", "dice_before", "dice_after"))
    return tuple(
        RegisteredPair(
            moving=row["moving"],
            fixed=row["fixed"],
            **{name: _number(row, name, path=path, line=line) for name in names},
        )
        for line, row in enumerate(rows, 2)
    )
