"""How large each structure of a label map is, and the table of it, ``volumes.csv``.

A row is a dictionary by column, so that whoever knows more of a structure in a case adds a column.
"""

from __future__ import annotations

import time
from collections.abc import Hashable, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import torch
from ignite.engine import Engine, Events
from monai.data.meta_tensor import MetaTensor
from monai.transforms.io.dictionary import SaveImaged
from monai.transforms.transform import MapTransform

from gemini_monai.base.tables import read_table, write_table
from gemini_monai.images import has_voxel_size
from gemini_monai.transforms.input import InputSpec

TABLE = "volumes.csv"
KEYS = ("case", "structure")
"""Columns that every row has, and no two rows have alike."""
PATIENCE = 20
"""How many times as long as it took to write a table it is not written again."""
MEASURES = ("volume_ml", "area_mm2")
"""Columns of sizes, of which a table has one."""
MICROLITERS = 1000
"""Cubic millimeters, in a milliliter."""

Row = dict[str, Any]


def volume_rows(label: MetaTensor, *, case: str, spec: InputSpec, sized: bool = True) -> list[Row]:
    """One row for each structure: ``case``, ``structure``, ``voxels``, and what they come to.

    That is ``volume_ml``, milliliters, of a volume, and ``area_mm2``, square millimeters, of an
    image of two axes; NaN where no voxel size is known. A structure that is not there has 0.

    Args:
        label: Class indices (1, *S), or masks (K, *S) of zeros and ones; its affine is in mm.
        case: The image's name.
        spec: What the numbers mean.
        sized: Whether the image says how large a voxel is.
    """
    values = label.as_tensor()
    if spec.overlapping:
        counts = [int(mask.count_nonzero()) for mask in values]
    else:
        classes = torch.bincount(values.long().flatten(), minlength=spec.out_channels)
        counts = classes[1:].tolist()
    axes = values.ndim - 1
    size = voxel_size(label.affine, axes=axes) if sized else float("nan")
    name, unit = ("area_mm2", 1) if axes == 2 else ("volume_ml", MICROLITERS)
    return [
        {"case": case, "structure": structure, "voxels": count, name: count * size / unit}
        for structure, count in zip(spec.structures, counts, strict=True)
    ]


def voxel_size(affine: Any, *, axes: int) -> float:
    """Volume of a voxel in cubic mm, or the area of a pixel in square mm.

    Args:
        affine: Voxel to mm, (D + 1, D + 1); sheared or turned, it does not matter.
        axes: Of the image, 2 or 3.
    """
    steps = np.asarray(affine, dtype=float)[:-1, :axes]
    return float(np.prod(np.linalg.svd(steps, compute_uv=False)))


def milliliters(masks: np.ndarray, affine: Any) -> list[float]:
    """Volume of each mask, as ``volume_rows`` has it.

    Args:
        masks: (K, X, Y, Z) of zeros and ones.
        affine: Voxel to mm, (4, 4).
    """
    size = voxel_size(affine, axes=3)
    return [int(np.count_nonzero(mask)) * size / MICROLITERS for mask in masks]


class CaseTable:
    """A table of cases that grows; rows of cases that are not added stay.

    It is written as it grows, whole each time, for a twentieth of the time at most, and at the end
    by ``write``, or by an engine that it is attached to.

    Args:
        path: The file; its rows are read when the first ones are added.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.cases: dict[str, list[Row]] | None = None
        self.due = 0.0

    def attach(self, engine: Engine) -> None:
        """Be written when an evaluator has come to its end."""
        engine.add_event_handler(Events.COMPLETED, self.write)

    def add(self, case: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Rows of a case in the place of those that it has.

        Raises:
            InputError: If what is there is no such table, or cannot be written.
        """
        if self.cases is None:
            self.cases = self.read()
        self.cases.pop(case, None)
        self.cases[case] = [dict(row) for row in rows]
        if time.monotonic() >= self.due:
            self.write()

    def write(self) -> None:
        """Write the table, if anything was added.

        Raises:
            InputError: If it cannot be written; what was there stays.
        """
        if self.cases is None:
            return
        began = time.monotonic()
        rows = list(chain.from_iterable(self.cases.values()))
        columns = dict.fromkeys(name for row in rows for name in row)
        write_table(self.path, rows, columns=list(columns))
        ended = time.monotonic()
        self.due = ended + PATIENCE * (ended - began)

    def read(self) -> dict[str, list[Row]]:
        """Rows that are there, by case.

        Raises:
            InputError: If it is another table.
        """
        found: dict[str, list[Row]] = {}
        for row in read_table(self.path, required=KEYS) if self.path.exists() else []:
            found.setdefault(row["case"], []).append({**row})
        return found


class SaveVolumesd(SaveImaged):
    """Rows of ``volume_rows`` in a table; a ``SaveImaged`` by kind, as ``SaveCased``.

    Args:
        spec: What the numbers of ``pred`` mean.
        table: Where the rows go.
    """

    def __init__(self, spec: InputSpec, *, table: CaseTable) -> None:
        MapTransform.__init__(self, "pred")  # MONAI's own writer is not used
        self.spec = spec
        self.table = table

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """The item as it is; ``pred`` (1, *S) or (K, *S), decided, on the image's own grid.

        Raises:
            InputError: As ``CaseTable.add``.
        """
        item = dict(data)
        case, sized = str(item["case"]), has_voxel_size(item.get("image"))
        self.table.add(case, volume_rows(item["pred"], case=case, spec=self.spec, sized=sized))
        return item
