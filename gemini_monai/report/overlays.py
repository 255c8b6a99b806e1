"""Prediction and truth drawn over the image, worst case first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gemini_monai.report import ink
from gemini_monai.report.arms import Arm, Comparison
from gemini_monai.report.panels import Line, gray, outlines, panel, window
from gemini_monai.report.read import Run, Score
from gemini_monai.report.scores import by_case, per_case, worst_median_best
from gemini_monai.report.views import Array, Masks, View, choose_view
from gemini_monai.report.volumes import (
    Volume,
    load_masks,
    load_volume,
    spatial_dims,
    structure_values,
)


@dataclass(frozen=True)
class Picture:
    """A panel, its title and a line below; ``svg`` is empty where a file could not be read."""

    title: str
    svg: str
    note: str = ""


@dataclass(frozen=True)
class Row:
    """The pictures of one case."""

    title: str
    note: str
    pictures: tuple[Picture, ...]


@dataclass(frozen=True)
class Scene:
    """A test case as it is shown: the image, the truth and the plane through them."""

    run: Run
    volume: Volume
    truth: Masks
    view: View


def structure_color(place: int) -> str:
    """Contour color of the structure in this place; they repeat after seven."""
    return ink.STRUCTURES[place % len(ink.STRUCTURES)]


def overlay_rows(comparison: Comparison) -> list[Row]:
    """Worst, median and best case of the first arm, each with every arm's prediction."""
    chosen = worst_median_best(per_case(comparison.first.run))
    return [
        _row(comparison, case=case, title=f"{name.capitalize()} case: {case}")
        for name, case in chosen.items()
    ]


def _row(comparison: Comparison, *, case: str, title: str) -> Row:
    try:
        scene = open_scene(comparison.first.run, case)
    except OSError as error:
        return Row(title=title, note=f"Not shown: {error}.", pictures=())
    limits = window(scene.view(scene.volume.array[0]))
    pixels = gray(scene.view(scene.volume.array[0]), limits=limits)
    plain = panel(pixels, view=scene.view, alt=f"Image of {case}")
    truth = panel(pixels, view=scene.view, alt=f"Truth of {case}", lines=truth_lines(scene))
    pictures = [Picture("image", plain), Picture("truth", truth)]
    pictures += [_prediction(scene, pixels, arm=arm, case=case) for arm in comparison.arms]
    return Row(
        title=title, note=scene.view.caption(scene.volume.array.shape[1:]), pictures=tuple(pictures)
    )


def open_scene(run: Run, case: str) -> Scene:
    """Load the image and the truth of a test case.

    Raises:
        OSError: If the case has no such files or they cannot be read.
    """
    score = _score(run, case)
    dims = spatial_dims(run)
    if not score.image:
        raise OSError(f"the run names no image for {case}")
    volume = load_volume(score.image[0], spatial_dims=dims)
    truth = load_masks(score.label, values=structure_values(run), spatial_dims=dims)
    shape = volume.array.shape[1:]
    for mask in truth.values():
        if mask.shape != shape:
            raise OSError(f"label of {case} has shape {mask.shape}, its image {shape}")
    view = choose_view(shape, truth, orientation=volume.orientation)
    return Scene(run=run, volume=volume, truth=truth, view=view)


def _score(run: Run, case: str) -> Score:
    scores = by_case(run).get(case)
    if not scores:
        raise OSError(f"{case} was not tested in this run")
    return scores[0]


def prediction_masks(scene: Scene, run: Run, case: str) -> Masks:
    """Predicted masks of a case, on the scene's grid.

    Raises:
        OSError: If the prediction is absent, unreadable or of another shape.
    """
    files = _score(run, case).prediction
    dims = spatial_dims(scene.run)
    masks = load_masks(files, values=structure_values(scene.run), spatial_dims=dims)
    if any(mask.shape != scene.volume.array.shape[1:] for mask in masks.values()):
        raise OSError(f"the prediction of {case} has another shape than its image")
    return masks


def truth_lines(scene: Scene) -> list[Line]:
    """Outline of each true structure in its own color."""
    return [
        Line(outlines(scene.view(mask)), structure_color(place), width=1.8)
        for place, mask in enumerate(scene.truth.values())
    ]


def prediction_lines(scene: Scene, masks: Masks) -> list[Line]:
    """Predicted outlines in the structures' colors, the truth dashed in white over them."""
    drawn = [
        Line(outlines(scene.view(mask)), structure_color(place), width=2.2)
        for place, mask in enumerate(masks.values())
    ]
    truth = [
        Line(outlines(scene.view(mask)), "#ffffff", width=1.1, dash="3 3")
        for mask in scene.truth.values()
    ]
    return drawn + truth


def _prediction(scene: Scene, pixels: Array, *, arm: Arm, case: str) -> Picture:
    scores = by_case(arm.run).get(case, [])
    note = f"mean Dice {100 * per_case(arm.run)[case]:.1f} %" if scores else ""
    try:
        masks = prediction_masks(scene, arm.run, case)
    except OSError as error:
        return Picture(arm.name, "", f"Not shown: {error}.")
    alt = f"Prediction of {arm.name} for {case}, {note}, truth dashed in white"
    lines = prediction_lines(scene, masks)
    svg = panel(pixels, view=scene.view, alt=alt, lines=lines)
    return Picture(arm.name, svg, "; ".join([note, *missing_notes(scores)]))


def missing_notes(scores: Sequence[Score]) -> list[str]:
    """Structures of a case that were missed or invented, in words."""
    missed = [score.structure for score in scores if score.missed]
    invented = [score.structure for score in scores if score.invented]
    notes = [f"{name} missed" for name in missed]
    return notes + [f"{name} predicted but absent" for name in invented]
