"""Every score of a grid: of each case, and of each structure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from gemini_monai.report.read import RunContents, per_structure, summarize
from gemini_monai.study.benchmark.finished import Tests
from gemini_monai.study.benchmark.grid_run import GridRun


@dataclass(frozen=True)
class CaseRow:
    """How one structure of a test case came out in one run.

    Attributes:
        data: Name of the data set.
        labels: Labeled images.
        method: The system.
        draw: Of the labeled images.
        seed: Of weights and batches.
        checkpoint: ``"best"`` on validation images, or ``"last"``.
        case: Name of the case.
        structure: Name of the structure.
        dice: 0 to 1; NaN where neither truth nor prediction has it.
        average_surface_distance: NaN where only one of them, or neither, has it.
        unit: Of the distance, ``"mm"`` or ``"pixels"``.
        reference_voxels: How many the truth has.
        predicted_voxels: How many the prediction has.
    """

    data: str
    labels: int
    method: str
    draw: int
    seed: int
    checkpoint: str
    case: str
    structure: str
    dice: float
    average_surface_distance: float
    unit: str
    reference_voxels: int | None
    predicted_voxels: int | None


@dataclass(frozen=True)
class StructureRow:
    """How a system did on one structure.

    Attributes:
        data: Name of the data set.
        labels: Labeled images.
        method: The system.
        structure: Name of the structure.
        dice: Mean over the cases where it is defined, then over seeds, 0 to 1.
        dice_std: Sample standard deviation between seeds; NaN with one.
        average_surface_distance: Likewise the mean, over the cases where there is one.
        unit: Of the distance, ``"mm"`` or ``"pixels"``.
        missed: Predictions without it where the truth has it, over all seeds.
        invented: Predictions with it where the truth has none, over all seeds.
    """

    data: str
    labels: int
    method: str
    structure: str
    dice: float
    dice_std: float
    average_surface_distance: float
    unit: str
    missed: int
    invented: int


def case_rows(tests: Mapping[GridRun, Tests]) -> list[CaseRow]:
    """A row per run, tested checkpoint, test case and structure.

    Args:
        tests: What came out of the runs that are done.
    """
    return [
        CaseRow(
            data=run.data,
            labels=run.labels,
            method=run.method,
            draw=run.draw,
            seed=run.seed,
            checkpoint=checkpoint,
            case=score.case,
            structure=score.structure,
            dice=score.dice,
            average_surface_distance=score.distance,
            unit=contents.distance_unit,
            reference_voxels=score.reference_voxels,
            predicted_voxels=score.predicted_voxels,
        )
        for run, of_run in tests.items()
        for checkpoint, contents in of_run.items()
        for score in contents.scores
    ]


def structure_rows(finished: Mapping[GridRun, RunContents]) -> list[StructureRow]:
    """A row per data set, number of labels, method and structure.

    Args:
        finished: What came out of the runs that are done.
    """
    seeds: dict[tuple[str, int, str], list[RunContents]] = {}
    for run, contents in finished.items():
        seeds.setdefault((run.data, run.labels, run.method), []).append(contents)
    return [row for key, runs in seeds.items() for row in _structures(*key, seeds=runs)]


def _structures(
    data: str, labels: int, method: str, *, seeds: Sequence[RunContents]
) -> Iterator[StructureRow]:
    for name in seeds[0].structures:
        scores = [score for run in seeds for score in run.scores if score.structure == name]
        dice = summarize([_mean(run, name, "dice") for run in seeds])
        yield StructureRow(
            data=data,
            labels=labels,
            method=method,
            structure=name,
            dice=dice.mean,
            dice_std=dice.std,
            average_surface_distance=summarize(
                [_mean(run, name, "distance") for run in seeds]
            ).mean,
            unit=seeds[0].distance_unit,
            missed=sum(score.missed for score in scores),
            invented=sum(score.invented for score in scores),
        )


def _mean(run: RunContents, structure: str, quantity: str) -> float:
    return summarize(list(per_structure(run, structure, quantity).values())).mean
