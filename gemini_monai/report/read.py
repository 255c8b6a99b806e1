"""Reads a run folder into dataclasses; the only room of the report that knows file names."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gemini_monai.errors import InputError

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Series:
    """Numbers along training: one value per recorded iteration and column, NaN where empty."""

    iterations: Floats
    columns: dict[str, Floats]


@dataclass(frozen=True)
class Score:
    """How one structure of one test case came out.

    Dice is 0 to 1, the distance in mm; both are NaN where the file leaves them empty. A voxel
    count is None where the file has no such column.
    """

    case: str
    structure: str
    dice: float
    distance: float
    reference_voxels: int | None
    predicted_voxels: int | None
    image: tuple[Path, ...]
    label: tuple[Path, ...]
    prediction: tuple[Path, ...]

    @property
    def missed(self) -> bool:
        """In the truth, nowhere in the prediction."""
        return bool(self.reference_voxels) and self.predicted_voxels == 0

    @property
    def invented(self) -> bool:
        """In the prediction, nowhere in the truth."""
        return self.reference_voxels == 0 and bool(self.predicted_voxels)

    @property
    def absent(self) -> bool:
        """In neither."""
        return self.reference_voxels == 0 and self.predicted_voxels == 0


@dataclass(frozen=True)
class Pair:
    """How one registered pair came out: Dice 0 to 1, errors in voxels, NaN where unknown."""

    moving: str
    fixed: str
    dice_before: float
    dice_after: float
    folding_percent: float
    error_before: float
    error_after: float


@dataclass(frozen=True)
class Run:
    """All that a run folder holds; a part that is absent is None or empty."""

    folder: Path
    details: dict[str, Any]
    history: Series | None = None
    validation: Series | None = None
    monitor: Series | None = None
    scores: tuple[Score, ...] = ()
    pairs: tuple[Pair, ...] = ()
    registration: dict[str, Any] = field(default_factory=dict)
    examples: dict[str, Path] = field(default_factory=dict)
    restoration: Path | None = None
    supervised: Run | None = None

    @property
    def method(self) -> str:
        """What was trained, in the run's own word."""
        return str(self.details.get("method") or "run")

    @property
    def distance_unit(self) -> str:
        """``"mm"``, or ``"pixels"`` where the data's files have no voxel size."""
        settings = self.details.get("settings")
        sized = not isinstance(settings, dict) or settings.get("spacing", True)
        return "mm" if sized else "pixels"

    @property
    def dataset(self) -> dict[str, Any]:
        """Name, path, hash, spatial_dims and structures of the data; empty when not recorded."""
        found = self.details.get("dataset")
        return found if isinstance(found, dict) else {}

    @property
    def structures(self) -> list[str]:
        """Foreground structures in the data's order, then any that only the scores name."""
        named = [str(name) for name in self.dataset.get("structures") or []]
        return list(dict.fromkeys([*named, *(score.structure for score in self.scores)]))


def read_run(folder: Path) -> Run:
    """Read a run folder.

    Args:
        folder: What a training run left: ``run.json`` and, where they were made, ``history.csv``,
            ``validation.csv``, ``monitor.csv``, ``test/``, ``examples/`` and ``supervised/``.

    Raises:
        InputError: If ``run.json`` is absent, or a file that is there cannot be understood.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(f"{folder}: no such run folder")
    if not (folder / "run.json").is_file():
        raise InputError(f"{folder}: not a run folder, {folder / 'run.json'} is missing")
    test, examples = folder / "test", folder / "examples"
    supervised = folder / "supervised"
    pairs = sorted((test / "pairs").glob("*.npz")) or sorted((examples / "pairs").glob("*.npz"))
    restoration = examples / "restoration.npz"
    return Run(
        folder=folder,
        details=_read_json(folder / "run.json"),
        history=_read_series(folder / "history.csv"),
        validation=_read_series(folder / "validation.csv"),
        monitor=_read_series(folder / "monitor.csv"),
        scores=_read_scores(test / "segmentation.csv", folder=folder),
        pairs=_read_pairs(test / "registration.csv"),
        registration=_read_json(test / "registration.json"),
        examples={path.stem: path for path in pairs},
        restoration=restoration if restoration.is_file() else None,
        supervised=read_run(supervised) if (supervised / "run.json").is_file() else None,
    )


def _read_json(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: not readable as JSON ({error})") from error
    if not isinstance(content, dict):
        raise InputError(f"{path}: expected a JSON object, found {type(content).__name__}")
    return content


def _read_rows(path: Path, *, required: tuple[str, ...]) -> list[dict[str, str]]:
    if not path.is_file():
        return []
    try:
        with path.open(newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file, restval="")
            columns = list(reader.fieldnames or [])
            rows = list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: not readable as CSV ({error})") from error
    for name in required:
        if name not in columns:
            raise InputError(f"{path}: column '{name}' is missing, found {columns}")
    return rows


def _number(row: Mapping[str, str], column: str, *, path: Path, line: int) -> float:
    """The number in a cell, NaN when it is empty or the column is absent."""
    text = row.get(column) or "nan"
    try:
        return float(text)
    except ValueError as error:
        raise InputError(
            f"{path}: line {line}, column '{column}': expected a number, found '{text}'"
        ) from error


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
            dice=_number(row, "dice", path=path, line=line),
            distance=_number(row, "average_surface_distance", path=path, line=line),
            reference_voxels=_count(row, "reference_voxels", path=path, line=line),
            predicted_voxels=_count(row, "predicted_voxels", path=path, line=line),
            image=files(row, "image"),
            label=files(row, "label"),
            prediction=files(row, "prediction"),
        )
        for line, row in enumerate(_read_rows(path, required=("case", "structure", "dice")), 2)
    )


def _read_pairs(path: Path) -> tuple[Pair, ...]:
    names = ("dice_before", "dice_after", "folding_percent", "error_before", "error_after")
    rows = _read_rows(path, required=("moving", "fixed", "dice_before", "dice_after"))
    return tuple(
        Pair(
            moving=row["moving"],
            fixed=row["fixed"],
            **{name: _number(row, name, path=path, line=line) for name in names},
        )
        for line, row in enumerate(rows, 2)
    )
