"""Prediction and truth drawn over the image, worst case first."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from gemini_monai.report.figures.colors import gray_levels, hatched, window
from gemini_monai.report.figures.pictures import Line, Panel, PanelRow, Picture, structure_lines
from gemini_monai.report.figures.volumes import Volumes, volumes_of, with_ignored
from gemini_monai.report.figures.wording import HATCHED, missing_notes
from gemini_monai.report.read.case_scores import by_case, per_case, worst_median_best
from gemini_monai.report.read.comparison import Arm, Comparison
from gemini_monai.report.read.scenes import Scene, open_scene, prediction_masks


def overlay_rows(comparison: Comparison, *, scrolled: bool = False) -> list[PanelRow]:
    """Worst, median and best case of the first arm, each with every arm's prediction.

    Args:
        comparison: Whose cases they are.
        scrolled: Whether whole volumes come with the pictures.
    """
    chosen = worst_median_best(per_case(comparison.first.run))
    return [
        _row(comparison, case=case, title=f"{name.capitalize()} case: {case}", scrolled=scrolled)
        for name, case in chosen.items()
    ]


def _row(comparison: Comparison, *, case: str, title: str, scrolled: bool) -> PanelRow:
    try:
        scene = open_scene(comparison.first.run, case)
    except OSError as error:
        return PanelRow(title=title, note=f"Not shown: {error}.")
    truth = structure_lines(scene.truth, scene.view, width=1.8)
    panels = [
        Panel("image", _scene_picture(scene, alt=f"Image of {case}", plain=True)),
        Panel("truth", _scene_picture(scene, alt=f"Truth of {case}", lines=truth)),
        *(_prediction(scene, arm) for arm in comparison.arms),
    ]
    notes = [scene.view.caption(scene.volume.array.shape[1:])]
    notes += [HATCHED] if scene.ignored is not None else []
    volumes = _volumes(scene, comparison.arms) if scrolled else None
    note = "; ".join(filter(None, notes))
    return PanelRow(title=title, note=note, panels=tuple(panels), volumes=volumes)


def _volumes(scene: Scene, arms: Sequence[Arm]) -> Volumes | None:
    """The image under the truth and every prediction that its panel could show."""
    labels = {"truth": with_ignored(scene.truth, scene.ignored)}
    for arm in arms:
        with suppress(OSError):  # said below the panel
            labels[arm.name] = prediction_masks(scene, arm.run)
    return volumes_of({"image": scene.volume.array[0]}, labels, view=scene.view)


def _scene_picture(
    scene: Scene, *, alt: str, lines: Sequence[Line] = (), plain: bool = False
) -> Picture:
    """The first channel of the scene's image under lines; hatched where ignored, unless plain."""
    plane = scene.view(scene.volume.array[0])
    pixels = gray_levels(plane, limits=window(plane))
    if scene.ignored is not None and not plain:
        pixels = hatched(pixels, scene.view(scene.ignored))
    return Picture(pixels=pixels, view=scene.view, alt=alt, lines=lines)


def _prediction(scene: Scene, arm: Arm) -> Panel:
    scores = by_case(arm.run).get(scene.case, [])
    note = f"mean Dice {100 * per_case(arm.run)[scene.case]:.1f} %" if scores else ""
    try:
        picture = prediction_picture(scene, arm, note=note)
    except OSError as error:
        return Panel(arm.name, None, f"Not shown: {error}.")
    return Panel(arm.name, picture, "; ".join([note, *missing_notes(scores)]))


def prediction_picture(scene: Scene, arm: Arm, *, note: str = "") -> Picture:
    """Predicted outlines in the structures' colors, the truth dashed in white over them.

    Args:
        scene: The case.
        arm: The run that predicted.
        note: How good it is, for those who cannot see it.

    Raises:
        OSError: If the prediction is absent, unreadable or of another shape than the image.
    """
    masks = prediction_masks(scene, arm.run)
    drawn = structure_lines(masks, scene.view, width=2.2)
    truth = structure_lines(scene.truth, scene.view, width=1.1, color="#ffffff", dashed=True)
    alt = f"Prediction of {arm.name} for {scene.case}, {note}, truth dashed in white"
    return _scene_picture(scene, alt=alt, lines=(*drawn, *truth))
