"""One wide picture that shows what a run learned, for a README."""

from __future__ import annotations

import io
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gemini_monai.errors import InputError
from gemini_monai.files import replacing
from gemini_monai.report.arms import Arm, compare
from gemini_monai.report.deformations import grid_lines, label_lines
from gemini_monai.report.overlays import open_scene, prediction_lines, prediction_masks
from gemini_monai.report.pairs import open_example
from gemini_monai.report.panels import Line, window
from gemini_monai.report.read import read_run
from gemini_monai.report.scores import per_case, worst_median_best
from gemini_monai.report.views import Array, View

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
    figure = Figure(figsize=(16, 4.45), dpi=100, facecolor="white")
    panels = figure.subplots(1, len(TITLES))
    figure.subplots_adjust(left=0.003, right=0.997, bottom=0.01, top=0.9, wspace=0.015)
    try:
        _draw_pair(panels[:3], arm)
        _draw_case(panels[3], arm)
    except OSError as error:
        raise InputError(f"{run}: no picture can be made ({error})") from error
    for axes, title in zip(panels, TITLES, strict=True):
        axes.set_title(title, fontsize=15, pad=8)
        axes.set_axis_off()
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    with replacing(Path(output)) as part:
        part.write_bytes(buffer.getvalue())
    return Path(output)


def _draw_pair(panels: list[Axes], arm: Arm) -> None:
    names = [name for name in ("median", "best", "worst") if name in arm.run.examples]
    if not names:
        raise OSError(f"{arm.run.folder / 'test' / 'pairs'} holds no pair")
    example = open_example(arm, arm.run.examples[names[0]])
    view = example.view
    planes = [view(example.arrays[name][0]) for name in ("moving", "fixed", "warped")]
    limits = window(planes[0], planes[1])
    for axes, name, plane in zip(panels, ("moving", "fixed", "warped"), planes, strict=True):
        grid = grid_lines(example) if name == "warped" else []
        _draw(axes, plane, view=view, limits=limits, lines=grid)
        _lines(axes, label_lines(arm, example, f"{name}_label"), width=1.4)


def _draw_case(axes: Axes, arm: Arm) -> None:
    chosen = worst_median_best(per_case(arm.run))
    if not chosen:
        raise OSError("no case was tested")
    case = chosen.get("median") or chosen["worst"]
    scene = open_scene(arm.run, case)
    plane = scene.view(scene.volume.array[0])
    lines = prediction_lines(scene, prediction_masks(scene, arm.run, case))
    _draw(axes, plane, view=scene.view, limits=window(plane), lines=lines)


def _draw(
    axes: Axes, plane: Array, *, view: View, limits: tuple[float, float], lines: list[Line]
) -> None:
    width, height = view.pixel
    axes.imshow(plane, cmap="gray", vmin=limits[0], vmax=limits[1], aspect=height / width)
    axes.set_xlim(-0.5, plane.shape[1] - 0.5)
    axes.set_ylim(plane.shape[0] - 0.5, -0.5)
    _lines(axes, lines, width=0.8)


def _lines(axes: Axes, lines: list[Line], *, width: float) -> None:
    """Lines of a panel, thicker by the given factor."""
    for line in lines:
        style = (0, (3, 3)) if line.dash else "solid"
        for path in line.paths:
            axes.plot(
                path[:, 0],
                path[:, 1],
                color=line.color,
                linewidth=line.width * width,
                linestyle=style,
                alpha=line.opacity,
            )
