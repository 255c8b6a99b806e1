"""Scores of a segmentation, per case and structure, as tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
from gemini_monai.images import source_of
from gemini_monai.metrics import average_surface_distance, dice_per_structure, mean_and_deviation
from gemini_monai.transforms import InputSpec
from gemini_monai.transforms.postprocess import IGNORED_VOXELS

COLUMNS = [
    "case",
    "structure",
    "dice",
    "average_surface_distance",
    "reference_voxels",
    "predicted_voxels",
    "image",
    "label",
    "prediction",
]


class SegmentationScores:
    """Handler that writes ``segmentation.csv`` and ``segmentation.json`` of an evaluator.

    Dice of a structure that only one of prediction and truth has is 0, and of one that neither
    has is left empty; a surface distance needs both. Missing structures are counted beside the
    means, which are over the cases that have a number. Where some voxels are ignored, all of it is
    of the others, and ``ignored_voxels`` says how many they are.

    Args:
        folder: Where both files go.
        spec: Names of the structures, and whether they overlap: channels of ``pred`` and ``label``
            are the structures then, and otherwise one-hot classes with the background first.
        label_key: Key of the true labels (K, *S), zeros and ones on the same grid as ``pred``.
        predictions: Folder of the saved predictions, to name in the table.
        suffix: Ending of the names of the predictions' files, such as ``.nii.gz``.
    """

    def __init__(
        self,
        folder: str | Path,
        *,
        spec: InputSpec,
        label_key: str = "label",
        predictions: str | Path | None = None,
        suffix: str = ".nii.gz",
    ) -> None:
        self.folder = Path(folder)
        self.structures = list(spec.structures)
        self.first = 0 if spec.overlapping else 1
        self.ignores = spec.ignore is not None
        self.label_key = label_key
        self.predictions = predictions
        self.suffix = suffix
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
            ignored = result.get(IGNORED_VOXELS)
            self.rows.extend(self._rows_of(item, result["pred"], label, ignored))

    def _rows_of(
        self, item: Mapping[str, Any], prediction: Tensor, label: Tensor, ignored: Tensor | None
    ) -> list[dict[str, Any]]:
        prediction, truth = prediction[self.first :].bool(), label[self.first :].bool()
        spacing = _spacing(label, axes=truth.ndim - 1)
        dice = dice_per_structure(prediction[None], truth[None])[0].tolist()
        case = str(item["case"])
        files = {"image": source_of(item["image"]), "label": source_of(label)}
        if self.predictions is not None:
            path = Path(self.predictions) / f"{case}{self.suffix}"
            files["prediction"] = str(path.absolute())  # the table is read from elsewhere too
        hidden: list[Tensor | None] = [None] * len(truth)
        if ignored is not None:
            hidden = list(ignored.expand(truth.shape))
        return [
            {
                "case": case,
                "structure": name,
                "dice": dice[k],
                "average_surface_distance": average_surface_distance(
                    prediction[k], truth[k], spacing=spacing, ignored=own
                ),
                "reference_voxels": int(truth[k].sum()),
                "predicted_voxels": int(prediction[k].sum()),
                **({} if own is None else {"ignored_voxels": int(own.sum())}),
                **files,
            }
            for k, (name, own) in enumerate(zip(self.structures, hidden, strict=True))
        ]

    def _write(self, engine: Engine) -> None:
        columns = [*COLUMNS, "ignored_voxels"] if self.ignores else COLUMNS
        write_table(self.folder / "segmentation.csv", self.rows, columns=columns)
        write_json(self.folder / "segmentation.json", summary(self.rows))


def summary(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Means over cases, and what is missing, of the rows of ``segmentation.csv``."""
    structures: dict[str, dict[str, Any]] = {}
    for name in dict.fromkeys(row["structure"] for row in rows):
        own = [row for row in rows if row["structure"] == name]
        structures[name] = {
            "dice": mean_and_deviation([row["dice"] for row in own]),
            "average_surface_distance": mean_and_deviation(
                [row["average_surface_distance"] for row in own]
            ),
            "missing_prediction": sum(
                row["predicted_voxels"] == 0 < row["reference_voxels"] for row in own
            ),
            "missing_reference": sum(row["reference_voxels"] == 0 for row in own),
        }
    means = [entry["dice"]["mean"] for entry in structures.values() if entry["dice"]["n"]]
    return {
        "mean_dice": float(np.mean(means)) if means else None,
        "structures": structures,
        "cases": len({row["case"] for row in rows}),
    }


def _spacing(label: Tensor, *, axes: int) -> list[float]:
    """Voxel size in mm from the label's affine; 1 where there is none."""
    if not isinstance(label, MetaTensor):
        return [1.0] * axes
    spacing = affine_to_spacing(torch.as_tensor(label.affine), r=axes)
    return [float(value) for value in spacing]
