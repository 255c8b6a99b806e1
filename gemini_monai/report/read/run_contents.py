"""What a run folder holds, as the report knows it: training curves, scores, registered pairs."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Series:
    """Numbers along training: one value per recorded iteration and column, NaN where empty."""

    iterations: Floats
    columns: dict[str, Floats]

    @property
    def last(self) -> dict[str, float]:
        """The last row."""
        return {name: float(values[-1]) for name, values in self.columns.items()}


@dataclass(frozen=True)
class Score:
    """How one structure of one test case came out.

    Attributes:
        case: Name of the case.
        structure: Name of the structure.
        dice: 0 to 1; NaN where the file leaves it empty.
        distance: Average surface distance, in the run's ``distance_unit``; NaN where there is none.
        reference_voxels: How many voxels the truth has; None where the file has no such column.
        predicted_voxels: The same for the prediction.
        image: Files of the case, in this order where there are several; none where not recorded.
        label: Files of the truth: an index map, a file of channels, or a mask per structure.
        prediction: The same for the prediction.
        hausdorff: 95th percentile of the distance between surfaces, in the same unit; like what
            follows NaN where there is none, as in tables of earlier versions.
        surface_dice: Normalized surface Dice, 0 to 1.
        tolerance: Of the normalized surface Dice, in the same unit.
        calibration: Expected calibration error, 0 to 1.
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
    hausdorff: float = math.nan
    surface_dice: float = math.nan
    tolerance: float = math.nan
    calibration: float = math.nan

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
class RegisteredPair:
    """How one registered pair came out, by the names of its two cases.

    Dice is 0 to 1, ``folding_percent`` 0 to 100, an error the mean distance in voxels to the true
    displacement; NaN where the file leaves it empty.
    """

    moving: str
    fixed: str
    dice_before: float
    dice_after: float
    folding_percent: float
    error_before: float
    error_after: float


@dataclass(frozen=True)
class RunContents:
    """All that a run folder holds; a part that is absent is None or empty.

    Attributes:
        folder: The run folder.
        details: ``run.json`` as it is.
        history: Every term of the loss.
        validation: Dice on the validation cases, 0 to 1: ``mean_dice`` and a column per structure.
        monitor: How the correspondence was learned, on the same pairs every epoch.
        probe: What its frozen features knew of labels, iteration 0 being the initialized network.
        scores: One per test case and structure.
        tested: ``segmentation.json`` of the test as it is.
        pairs: One per registered pair of the test.
        registration: ``registration.json`` as it is.
        kept_pairs: Files of the pairs to look at, by rank (``worst``, ``median``, ``best``) or, of
            pre-training, by place (``first``, ``second``).
        restoration: File of the images that pre-training restored.
        arms: Runs that were trained to compare with this one.
        expected: Mean Dice, 0 to 1, that is expected of a scan's mask, by case, of the ``test`` and
            the ``unlabeled`` scans; what ``read_expected`` reads.
    """

    folder: Path
    details: dict[str, Any]
    history: Series | None = None
    validation: Series | None = None
    monitor: Series | None = None
    probe: Series | None = None
    scores: tuple[Score, ...] = ()
    tested: dict[str, Any] = field(default_factory=dict)
    pairs: tuple[RegisteredPair, ...] = ()
    registration: dict[str, Any] = field(default_factory=dict)
    kept_pairs: dict[str, Path] = field(default_factory=dict)
    restoration: Path | None = None
    arms: tuple[RunContents, ...] = ()
    expected: dict[str, dict[str, float]] = field(default_factory=dict)

    @property
    def method(self) -> str:
        """What was trained, in the run's own word."""
        return str(self.details.get("method") or "run")

    @property
    def is_pretraining(self) -> bool:
        """Trained without labels, so there is nothing to score before it is fine-tuned."""
        return self.details.get("task") == "pre-training"

    @property
    def distance_unit(self) -> str:
        """``"mm"``, or ``"pixels"`` where the data's files have no voxel size."""
        settings = self.details.get("settings")
        sized = not isinstance(settings, dict) or settings.get("spacing", True)
        return "mm" if sized else "pixels"

    @property
    def dataset(self) -> dict[str, Any]:
        """Name, path, hash, spatial_dims and structures of the data; empty when not recorded."""
        recorded = self.details.get("dataset")
        return recorded if isinstance(recorded, dict) else {}

    @property
    def structures(self) -> list[str]:
        """Foreground structures in the data's order, then any that only the scores name."""
        named = [str(name) for name in self.dataset.get("structures") or []]
        return list(dict.fromkeys([*named, *(score.structure for score in self.scores)]))
