"""Scores of a segmentation, per case and structure, as tables."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from operator import itemgetter
from pathlib import Path
from typing import Any

import numpy as np
import torch
from ignite.engine import Engine, Events
from monai.data.meta_tensor import MetaTensor
from monai.data.utils import affine_to_spacing
from torch import Tensor

from gemini_monai.base.files import write_json
from gemini_monai.base.tables import write_table
from gemini_monai.engines.processes import gathered, is_first_process
from gemini_monai.images import source_of
from gemini_monai.metrics import dice_per_structure, mean_and_deviation, surface_scores
from gemini_monai.runs.alike import WHOLE
from gemini_monai.transforms import InputSpec
from gemini_monai.transforms.postprocess import CALIBRATION, IGNORED_VOXELS

MEASURES = (
    "dice",
    "average_surface_distance",
    "hausdorff_distance_95",
    "normalized_surface_dice",
    "calibration_error",
)
COLUMNS = [
    "case",
    "structure",
    *MEASURES,
    "surface_tolerance",
    "reference_voxels",
    "predicted_voxels",
    "image",
    "label",
    "prediction",
]


class SegmentationScores:
    """Handler that writes ``segmentation.csv`` and ``segmentation.json`` of an evaluator.

    Dice of a structure that only one of prediction and truth has is 0, as is normalized surface
    Dice, and of one that neither has is left empty; distances between surfaces, average and 95th
    percentile, need both. Missing structures are counted beside the means, which are over the cases
    that have a number. Where some voxels are ignored, all of it is of the others, and
    ``ignored_voxels`` says how many they are. Calibration is there where the postprocessing found
    it. ``segmentation.json`` names the structures that were made whole before they were scored.

    Args:
        folder: Where both files go.
        spec: Names of the structures, and whether they overlap: channels of ``pred`` and ``label``
            are the structures then, and otherwise one-hot classes with the background first.
        label_key: Key of the true labels (K, *S), zeros and ones on the same grid as ``pred``.
        predictions: Folder of the saved predictions, to name in the table.
        suffix: Ending of the names of the predictions' files, such as ``.nii.gz``.
        tolerance: Distance up to which a surface is right for normalized surface Dice, in the unit
            of the surface distances; ``None`` for the longest side of the voxels that the data set
            says, and of each case's own voxels where it says none. Each row has what was taken.
        together: Several processes score a share of the cases each, as of ``share_of``; the first
            of them writes the tables of all.
    """

    def __init__(
        self,
        folder: str | Path,
        *,
        spec: InputSpec,
        label_key: str = "label",
        predictions: str | Path | None = None,
        suffix: str = ".nii.gz",
        tolerance: float | None = None,
        together: bool = False,
    ) -> None:
        self.folder = Path(folder)
        self.structures = list(spec.structures)
        self.whole = {knob: list(getattr(spec, knob)) for knob in WHOLE}
        self.first = 0 if spec.overlapping else 1
        self.ignores = spec.ignore is not None
        self.label_key = label_key
        self.predictions = predictions
        self.suffix = suffix
        self.tolerance = max(spec.spacing) if tolerance is None and spec.spacing else tolerance
        self.together = together
        self.rows: list[dict[str, Any]] = []

    def attach(self, engine: Engine) -> None:
        """Follow an evaluator whose output is decollated."""
        engine.add_event_handler(Events.STARTED, lambda _: self.rows.clear())
        engine.add_event_handler(Events.ITERATION_COMPLETED, self._score)
        engine.add_event_handler(Events.COMPLETED, self._write)

    def _score(self, engine: Engine) -> None:
        batch: list[Mapping[str, Any]] = engine.state.batch
        output: list[Mapping[str, Any]] = engine.state.output
        for item, result in zip(batch, output, strict=True):
            label = {**item, **result}[self.label_key].to(result["pred"].device)
            self.rows.extend(self._rows_of(item, result, label))

    def _rows_of(
        self, item: Mapping[str, Any], result: Mapping[str, Any], label: Tensor
    ) -> list[dict[str, Any]]:
        prediction, truth = (own[self.first :].bool() for own in (result["pred"], label))
        common = {"case": str(item["case"]), **self._files(item, label)}
        spacing = _spacing(label, axes=truth.ndim - 1)
        tolerance = max(spacing) if self.tolerance is None else self.tolerance
        dice = dice_per_structure(prediction[None], truth[None])[0].tolist()
        calibration = result.get(CALIBRATION, [math.nan] * len(truth))
        hidden: list[Tensor | None] = [None] * len(truth)
        if IGNORED_VOXELS in result:
            hidden = list(result[IGNORED_VOXELS].expand(truth.shape))
        rows = []
        for k, (name, own) in enumerate(zip(self.structures, hidden, strict=True)):
            surface = surface_scores(
                prediction[k], truth[k], spacing=spacing, tolerance=tolerance, ignored=own
            )
            measures = (dice[k], *surface, float(calibration[k]))
            row = common | {"structure": name} | dict(zip(MEASURES, measures, strict=True))
            row |= {"surface_tolerance": tolerance, "reference_voxels": int(truth[k].sum())}
            row |= {} if own is None else {"ignored_voxels": int(own.sum())}
            rows.append(row | {"predicted_voxels": int(prediction[k].sum())})
        return rows

    def _files(self, item: Mapping[str, Any], label: Tensor) -> dict[str, str]:
        """Where image, truth and prediction are."""
        files = {"image": source_of(item["image"]), "label": source_of(label)}
        if self.predictions is not None:
            path = Path(self.predictions) / f"{item['case']}{self.suffix}"
            files["prediction"] = str(path.absolute())  # the table is read from elsewhere too
        return files

    def _write(self, engine: Engine) -> None:
        rows = self._rows_of_all() if self.together else self.rows
        if self.together and not is_first_process():
            return
        columns = [*COLUMNS, "ignored_voxels"] if self.ignores else COLUMNS
        write_table(self.folder / "segmentation.csv", rows, columns=columns)
        write_json(self.folder / "segmentation.json", summary(rows) | self.whole)

    def _rows_of_all(self) -> list[dict[str, Any]]:
        """Rows of every process, the cases in the order of the data set."""
        shares = [
            [list(rows) for _, rows in itertools.groupby(share, key=itemgetter("case"))]
            for share in gathered(self.rows)
        ]
        turns = itertools.zip_longest(*shares, fillvalue=[])
        return [row for turn in turns for rows in turn for row in rows]


def summary(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Means over cases, and what is missing, of the rows of ``segmentation.csv``."""
    structures: dict[str, dict[str, Any]] = {}
    for name in dict.fromkeys(row["structure"] for row in rows):
        own = [row for row in rows if row["structure"] == name]
        structures[name] = {
            **{measure: mean_and_deviation([row[measure] for row in own]) for measure in MEASURES},
            "missing_prediction": sum(
                row["predicted_voxels"] == 0 < row["reference_voxels"] for row in own
            ),
            "missing_reference": sum(row["reference_voxels"] == 0 for row in own),
        }
    means = [entry["dice"]["mean"] for entry in structures.values() if entry["dice"]["n"]]
    return {
        "mean_dice": float(np.mean(means)) if means else None,
        "structures": structures,
        "surface_tolerance": sorted({row["surface_tolerance"] for row in rows}),
        "cases": len({row["case"] for row in rows}),
    }


def _spacing(label: Tensor, *, axes: int) -> list[float]:
    """Voxel size in mm from the label's affine; 1 where there is none."""
    if not isinstance(label, MetaTensor):
        return [1.0] * axes
    spacing = affine_to_spacing(torch.as_tensor(label.affine), r=axes)
    return [float(value) for value in spacing]
