"""How far carried landmarks are from the truth, and what their consistency says of it.

    python -m benchmarks.landmarks RUN DST OUT [--part test] [--images 4] [--points 50] [--refine 0]

Of a phantom, whose true displacements are known: points on the borders of structures of ``images``
subjects are carried to all others of the part, and compared with where they belong.
``OUT/points.csv`` has a row for each point; the table that is printed has the mean and the 95th
percentile of the error, before and after, of all points and of those that are not flagged.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import torch
from scipy.ndimage import map_coordinates, maximum_filter, minimum_filter
from scipy.stats import spearmanr
from tqdm import tqdm

from benchmarks.command import run_command
from gemini_monai.base.errors import InputError
from gemini_monai.base.files import refuse_existing
from gemini_monai.base.tables import write_table
from gemini_monai.data import read_cohort
from gemini_monai.inference import CarriedPoint, carry_landmarks
from gemini_monai.inference.trained_run import TrainedRun


def measure(
    run: str,
    dst: str,
    output: str,
    part: str = "test",
    images: int = 4,
    points: int = 50,
    refine: int = 0,
    seed: int = 0,
    overwrite: bool = False,
) -> None:
    """Print the table as Markdown.

    Args:
        run: Folder of a run that registers.
        dst: A phantom.
        output: Folder of ``points.csv``.
        part: ``test`` or ``validation``.
        images: Subjects whose points are carried.
        points: Of each.
        refine: Iterations for each pair.
        seed: Of the choice of points.
        overwrite: The table may take the place of one.

    Raises:
        InputError: If true displacements are not known, or the table is there.
    """
    path = Path(output) / "points.csv"
    refuse_existing([path], overwrite=overwrite)
    cohort = read_cohort(Path(dst) / "dataset.json")
    entries: Sequence[Mapping[str, Any]] = getattr(cohort, part)
    if not all("inverse_field" in entry for entry in entries):
        raise InputError(f"{dst}: no phantom; expected 'inverse_field' of every {part} subject")
    trained, random = TrainedRun.open(run), np.random.default_rng(seed)
    rows: list[dict[str, Any]] = []
    pairs = [(own, other) for own in entries[:images] for other in entries if other is not own]
    places = {own["case"]: _on_borders(own, points, random) for own in entries[:images]}
    for own, other in tqdm(pairs, desc="landmarks"):
        named = places[own["case"]]
        found = carry_landmarks(
            trained.network,
            named,
            own["image"],
            other["image"],
            spec=trained.spec,
            refinement=refine,
        )
        truth = _truth(own, other, named)
        rows += [
            _row(own, other, name, point, found[name], truth[name]) for name, point in named.items()
        ]
    write_table(path, rows)
    _tell(rows)


def _on_borders(
    entry: Mapping[str, Any], count: int, random: np.random.Generator
) -> dict[str, torch.Tensor]:
    """Voxels where labels meet, by number; the phantom's voxels are its millimeters."""
    label = _array(entry["label"])
    border = np.argwhere(maximum_filter(label, 3) != minimum_filter(label, 3))
    chosen = border[random.permutation(len(border))[:count]]
    return {str(k): torch.as_tensor(place, dtype=torch.float64) for k, place in enumerate(chosen)}


def _truth(
    own: Mapping[str, Any], other: Mapping[str, Any], points: Mapping[str, torch.Tensor]
) -> dict[str, np.ndarray]:
    """Where points of one subject are in another, by the way through the anatomy."""
    begin = np.stack([place.numpy() for place in points.values()])
    anatomy = begin + _at(own["field"], begin)
    end = anatomy + _at(other["inverse_field"], anatomy)
    return dict(zip(points, end, strict=True))


def _at(file: str, places: np.ndarray) -> np.ndarray:
    """A field of voxels, its components last, at places (P, N)."""
    field = np.moveaxis(_array(file), -1, 0)
    return np.stack([map_coordinates(own, places.T, order=1, mode="nearest") for own in field], 1)


def _array(file: str) -> np.ndarray:
    return np.asarray(nib.load(file).dataobj)


def _row(
    own: Mapping[str, Any],
    other: Mapping[str, Any],
    name: str,
    point: torch.Tensor,
    found: CarriedPoint,
    truth: np.ndarray,
) -> dict[str, Any]:
    return {
        "image": own["case"],
        "case": other["case"],
        "name": name,
        "error_before_mm": float(np.linalg.norm(point.numpy() - truth)),
        "error_mm": float(np.linalg.norm(found.position.numpy() - truth)),
        "consistency_mm": found.consistency,
        "flag": found.flag,
    }


def _tell(rows: Sequence[Mapping[str, Any]]) -> None:
    kept = [row for row in rows if not row["flag"]]
    flagged = [row for row in rows if row["flag"]]
    print("| points | number | error before, mm | mean error, mm | 95th percentile, mm |")
    print("|---|---|---|---|---|")
    for name, own in (("all", rows), ("not flagged", kept), ("flagged", flagged)):
        if own:
            before, after = (_column(own, key) for key in ("error_before_mm", "error_mm"))
            spread = np.percentile(after, 95)
            print(
                f"| {name} | {len(own)} | {before.mean():.2f} | {after.mean():.2f} | {spread:.2f} |"
            )
    error, missed = (_column(rows, key) for key in ("error_mm", "consistency_mm"))
    pearson, spearman = np.corrcoef(error, missed)[0, 1], spearmanr(error, missed).statistic
    print(
        f"consistency and error: Pearson's r {pearson:.2f}, Spearman's rho {spearman:.2f}; mean "
        f"consistency {missed.mean():.2f} mm"
    )
    print("| consistency up to, mm | points, % | mean error, mm | 95th percentile, mm |")
    print("|---|---|---|---|")
    for limit in (0.5, 1, 2, 3, 5, np.inf):
        own = error[missed <= limit]
        if len(own):
            share = 100 * len(own) / len(error)
            print(f"| {limit:g} | {share:.0f} | {own.mean():.2f} | {np.percentile(own, 95):.2f} |")


def _column(rows: Sequence[Mapping[str, Any]], key: str) -> np.ndarray:
    return np.array([row[key] for row in rows], dtype=float)


if __name__ == "__main__":
    run_command(measure)
