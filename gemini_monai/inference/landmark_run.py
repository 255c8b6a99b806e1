"""Landmarks of one image carried to many: a file for each scan, and one table."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from tqdm import tqdm

from gemini_monai.base.files import refuse_existing
from gemini_monai.base.tables import write_table
from gemini_monai.images import read
from gemini_monai.inference.carried_landmarks import (
    CarriedPoint,
    carry_landmarks,
    refuse_points_outside,
)
from gemini_monai.inference.landmark_files import AXES, read_landmarks
from gemini_monai.inference.landmark_writing import write_landmarks
from gemini_monai.networks import DenseNetwork
from gemini_monai.transforms import InputSpec

TABLE = "landmarks.csv"
CLICKED = "clicked"
"""Flag of the points of the image that they were placed in, where it is among the scans."""


class FileLandmarks:
    """Carry landmarks with a trained network and write what viewers need.

    ``<case>_landmarks`` with the suffix for each scan, and a row for each of its points in
    ``landmarks.csv``: ``case``, ``name``, ``x``, ``y``, ``z`` in mm, RAS+, ``consistency_mm`` and
    ``flag``, as of ``CarriedPoint``.

    Args:
        network: A trained ``Gemini``.
        spec: How images were brought to the network in training.
        folder: Where the files go.
        suffix: ``.mrk.json``, ``.fcsv`` or ``.csv``.
        tolerance: As of ``carry_landmarks``.
        overwrite: They may replace files that are there; one that is read, never.
        device: Where the network is.
        start: As of ``register_files``.
        affine: As of ``register_files``.
        refinement: As of ``register_files``.
    """

    def __init__(
        self,
        *,
        network: DenseNetwork,
        spec: InputSpec,
        folder: str | Path,
        suffix: str = ".mrk.json",
        tolerance: float | None = None,
        overwrite: bool = False,
        device: torch.device | str = "cpu",
        start: str = "auto",
        affine: str | None = None,
        refinement: int = 0,
    ) -> None:
        self.network = network
        self.spec = spec
        self.folder = Path(folder)
        self.suffix = suffix
        self.tolerance = tolerance
        self.overwrite = overwrite
        self.options = {
            "device": device,
            "start": start,
            "affine": affine,
            "refinement": refinement,
        }

    def run(
        self, image: str | Path, landmarks: str | Path, scans: Mapping[str, Path]
    ) -> list[dict[str, Any]]:
        """Carry the points to every scan.

        Args:
            image: That the points were placed in.
            landmarks: File of the points, as ``read_landmarks`` takes it.
            scans: By case; the image itself may be among them, and keeps its points.

        Raises:
            InputError: If a file is missing, unreadable or in the way, or a point lies outside of
                the image.
        """
        image, landmarks = Path(image), Path(landmarks)
        files = {case: self.folder / f"{case}_landmarks{self.suffix}" for case in scans}
        refuse_existing(
            [self.folder / TABLE, *files.values()],
            overwrite=self.overwrite,
            inputs=[image, landmarks, *scans.values()],
        )
        points = self._points(image, landmarks)
        rows: list[dict[str, Any]] = []
        for case, scan in tqdm(scans.items(), desc="landmark"):
            carried = self._carried(points, image, scan)
            positions = {name: point.position for name, point in carried.items()}
            write_landmarks(files[case], positions, notes=_notes(carried))
            rows += [_row(case, name, point) for name, point in carried.items()]
        write_table(self.folder / TABLE, rows)
        flagged = sum(row["flag"] not in ("", CLICKED) for row in rows)
        print(f"{len(rows)} points in {len(scans)} scans, {flagged} flagged: {self.folder / TABLE}")
        return rows

    def _points(self, image: Path, landmarks: Path) -> dict[str, Tensor]:
        """Those of the file, each in the image."""
        points = read_landmarks(landmarks, axes=self.spec.spatial_dims)
        refuse_points_outside(points, read(image), file=landmarks)
        return points

    def _carried(
        self, points: Mapping[str, Tensor], image: Path, scan: Path
    ) -> dict[str, CarriedPoint]:
        if scan.samefile(image):
            return {name: CarriedPoint(place, 0.0, CLICKED) for name, place in points.items()}
        return carry_landmarks(
            self.network,
            points,
            image,
            scan,
            spec=self.spec,
            tolerance=self.tolerance,
            **self.options,
        )


def _notes(carried: Mapping[str, CarriedPoint]) -> dict[str, str]:
    return {
        name: f"{point.consistency:.2f} mm there and back {point.flag}".strip()
        for name, point in carried.items()
    }


def _row(case: str, name: str, point: CarriedPoint) -> dict[str, Any]:
    place = dict(zip(AXES, [*point.position.tolist(), math.nan], strict=False))
    return {
        "case": case,
        "name": name,
        **place,
        "consistency_mm": point.consistency,
        "flag": point.flag,
    }
