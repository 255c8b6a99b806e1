"""One wide picture that shows what a run learned, for a README."""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gemini_monai.base.errors import InputError
from gemini_monai.base.files import replacing
from gemini_monai.report.figures.kept_pictures import grid_line, pair_picture
from gemini_monai.report.figures.overlays import prediction_picture
from gemini_monai.report.figures.pictures import Line, Picture
from gemini_monai.report.read.case_scores import per_case, worst_median_best
from gemini_monai.report.read.comparison import Arm, compare
from gemini_monai.report.read.kept_arrays import REGISTERED, open_pair
from gemini_monai.report.read.run_reading import read_run
from gemini_monai.report.read.scenes import open_scene

TITLES = (
    "moving",
    "fixed",
    "moving, warped onto fixed",
    "prediction (truth dashed)",
)


def readme_picture(run: Path, output: Path) -> Path:
    """Draw the median pair and the median test case of a run side by side.

    Args:
        run: A run folder with a kept pair and a tested case.
        output: The PNG, 1600 pixels wide; written beside its place and renamed.

    Returns:
        Where the picture is.

    Raises:
        InputError: If the folder is not a run, or it kept no pair or no prediction to draw.
    """
    arm = compare([read_run(Path(run))]).first
    try:
        pictures = [*_pair_pictures(arm), _case_picture(arm)]
    except OSError as error:
        raise InputError(f"{run}: no picture can be made ({error})") from error
    figure = Figure(figsize=(16, 4.45), dpi=100, facecolor="white")
    places = figure.subplots(1, len(TITLES))
    figure.subplots_adjust(left=0.003, right=0.997, bottom=0.01, top=0.9, wspace=0.015)
    for axes, picture, title in zip(places, pictures, TITLES, strict=True):
        draw_picture(axes, picture)
        axes.set_title(title, fontsize=15, pad=8)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    with replacing(Path(output)) as part:
        part.write_bytes(buffer.getvalue())
    return Path(output)


def _pair_pictures(arm: Arm) -> list[Picture]:
    """The three images of the most typical pair, the grid over the warped one."""
    names = [name for name in ("median", "best", "worst") if name in arm.run.kept_pairs]
    if not names:
        raise OSError(f"{arm.run.folder / 'test' / 'pairs'} holds no pair")
    pair = open_pair(arm.run, arm.run.kept_pairs[names[0]])
    pictures = {key: pair_picture(pair, key, name=names[0]) for key in REGISTERED}
    drawn = {key: _scaled(picture.lines, 1.4) for key, picture in pictures.items()}
    drawn["warped"] = [*_scaled([grid_line(pair)], 0.8), *drawn["warped"]]
    return [replace(pictures[key], lines=drawn[key]) for key in REGISTERED]


def _case_picture(arm: Arm) -> Picture:
    chosen = worst_median_best(per_case(arm.run))
    if not chosen:
        raise OSError("no case was tested")
    scene = open_scene(arm.run, chosen.get("median") or chosen["worst"])
    picture = prediction_picture(scene, arm)
    return replace(picture, lines=_scaled(picture.lines, 0.8))


def _scaled(lines: Iterable[Line], factor: float) -> list[Line]:
    """Lines as wide as this picture needs them: from CSS pixels to points (1/72 inch)."""
    return [replace(line, width=factor * line.width) for line in lines]


def draw_picture(axes: Axes, picture: Picture) -> None:
    """Pixels and lines of a picture, in the place of what matplotlib draws about them.

    Args:
        axes: Where.
        picture: Whose lines are as wide in points as they say in pixels.
    """
    rows, columns = picture.pixels.shape[:2]
    width, height = picture.view.pixel
    axes.imshow(picture.pixels, cmap="gray", vmin=0, vmax=255, aspect=height / width)
    axes.set_xlim(-0.5, columns - 0.5)
    axes.set_ylim(rows - 0.5, -0.5)
    axes.set_axis_off()
    for line in picture.lines:
        for path in line.paths:
            axes.plot(
                path[:, 0],
                path[:, 1],
                color=line.color,
                linewidth=line.width,
                linestyle=(0, (3, 3)) if line.dashed else "solid",
                alpha=line.opacity,
            )
