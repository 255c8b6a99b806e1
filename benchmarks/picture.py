"""The picture at the top of the README: X-rays under CC BY, their masks, what was expected of them.

    python -m benchmarks.picture scans CHEST_LUNGS scans
    gemini prepare folder scans data --labeled 5 --spatial_size "[96,96]"
    gemini train semi data --output_dir run --epochs 8 --compare "[]"
    gemini segment run scans/images masks
    python -m benchmarks.picture draw run masks docs/picture.png

``CHEST_LUNGS`` has ``images``, ``labels`` and a ``manifest.csv`` with a row for each image: ``id``,
``patient`` and ``license``. The test case of median Dice is shown, and the one that the trust
numbers put first. The credit stands in ``docs/picture.png.license`` and in the file itself.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from benchmarks.command import run_command
from gemini_monai.base.errors import InputError
from gemini_monai.base.tables import read_table, write_table
from gemini_monai.report.figures.overlays import prediction_picture
from gemini_monai.report.figures.pictures import Picture
from gemini_monai.report.figures.readme_picture import draw_picture
from gemini_monai.report.read.case_scores import per_case, worst_median_best
from gemini_monai.report.read.comparison import Arm, compare
from gemini_monai.report.read.run_reading import read_run
from gemini_monai.report.read.scenes import open_scene

LICENSE = "CC BY 3.0"
"""Of the images that may be shown: those of one source, so that one line credits all of them."""
CREDIT = {
    "Author": "X-rays: H. B. Winther et al., Hannover Medical School; true outlines: V7 Labs",
    "Copyright": "X-rays: CC BY 3.0; true outlines: CC BY 4.0; scaled, and masks drawn over them",
    "Source": "COVID-19 Image Repository, https://doi.org/10.6084/m9.figshare.12275009",
}
LABELS = {"right lung": 1, "left lung": 2}


def scans(source: str, output: str) -> None:
    """Copy the images that may be shown, and their labels, into a folder to prepare.

    Args:
        source: Folder with ``images``, ``labels`` and ``manifest.csv``.
        output: The new folder.

    Raises:
        InputError: If no image has the license, or the folder is there.
    """
    rows = [row for row in read_table(Path(source, "manifest.csv")) if row["license"] == LICENSE]
    if not rows:
        raise InputError(f"{source}: manifest.csv has no image under {LICENSE}")
    if Path(output).exists():
        raise InputError(f"{output}: is there already")
    for part in ("images", "labels"):
        Path(output, part).mkdir(parents=True)
        for row in rows:
            shutil.copy(Path(source, part, f"{row['id']}.png"), Path(output, part))
    patients = [{"case": row["id"], "patient": row["patient"]} for row in rows]
    write_table(Path(output, "patients.csv"), patients)
    Path(output, "labels.json").write_text(json.dumps(LABELS), encoding="utf-8")
    print(f"{len(rows)} images under {LICENSE} in {output}")


def draw(run: str, masks: str, output: str) -> None:
    """Draw an X-ray, its mask, and the mask to look at first.

    Args:
        run: A run that was tested.
        masks: What ``gemini segment`` wrote for the same scans, with ``quality.csv``.
        output: The PNG, 1200 pixels wide.

    Raises:
        InputError: If the run was not tested, or nothing is expected of its test cases.
    """
    arm = compare([read_run(Path(run))]).first
    true = per_case(arm.run)
    expected = expected_dice(Path(masks), cases=set(true))
    if not expected:
        raise InputError(f"{masks}: quality.csv has no test case of {run}")
    chosen = worst_median_best(true)
    median, doubtful = chosen.get("median") or chosen["worst"], next(iter(expected))
    shown = _overlay(arm, median)
    words = {case: f"Dice {true[case]:.2f}, expected {dice:.2f}" for case, dice in expected.items()}
    panels = [
        ("not trained on", replace(shown, lines=())),
        (words[median], shown),
        (words[doubtful], _overlay(arm, doubtful)),
    ]
    figure = Figure(figsize=(12, 4.45), dpi=100, facecolor="white")
    places = figure.subplots(1, len(panels))
    figure.subplots_adjust(left=0.003, right=0.997, bottom=0.01, top=0.9, wspace=0.015)
    for axes, (title, picture) in zip(places, panels, strict=True):
        draw_picture(axes, picture)
        axes.set_title(title, fontsize=18, pad=8)
    figure.savefig(output, metadata=CREDIT, pil_kwargs={"optimize": True})
    print(f"{output}: {median} and {doubtful}")


def expected_dice(masks: Path, *, cases: set[str]) -> dict[str, float]:
    """Expected Dice of some cases, the mean of their structures, in the order to look at them.

    Args:
        masks: Folder of ``quality.csv``.
        cases: Their names.
    """
    rows = sorted(read_table(masks / "quality.csv"), key=lambda row: int(row["look_first"]))
    values: dict[str, list[float]] = {}
    for row in rows:
        if row["case"] in cases:
            values.setdefault(row["case"], []).append(float(row["expected_dice"]))
    return {case: float(np.mean(own)) for case, own in values.items()}


def _overlay(arm: Arm, case: str) -> Picture:
    picture = prediction_picture(open_scene(arm.run, case), arm)
    return replace(picture, lines=[replace(line, width=0.9 * line.width) for line in picture.lines])


if __name__ == "__main__":
    run_command({"scans": scans, "draw": draw})
