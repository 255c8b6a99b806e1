"""A test case as it is shown: its image, its truth, its predictions, and the plane through them."""

from __future__ import annotations

from dataclasses import dataclass

from gemini_monai.report.read.case_scores import by_case
from gemini_monai.report.read.planes import Array, Masks, View, choose_view
from gemini_monai.report.read.run_contents import RunContents, Score
from gemini_monai.report.read.shown_volumes import (
    ShownVolume,
    channel_masks,
    ignored_mask,
    load_label,
    load_masks,
    load_volume,
    run_ignores,
    spatial_dims,
    structure_values,
)


@dataclass(frozen=True)
class Scene:
    """A test case of a run, by its name: the image, the truth and the plane through them.

    ``truth`` has a binary mask (*S) per structure, on the image's own grid; ``ignored`` is true
    where it says nothing of some structure, None where that is nowhere.
    """

    run: RunContents
    case: str
    volume: ShownVolume
    truth: Masks
    view: View
    ignored: Array | None = None


def open_scene(run: RunContents, case: str) -> Scene:
    """Load the image and the truth of a test case.

    Args:
        run: The run whose truth is shown.
        case: Its name in the scores.

    Raises:
        OSError: If the case has no such files or they cannot be read.
    """
    score = _score(run, case)
    dims = spatial_dims(run)
    if not score.image:
        raise OSError(f"the run names no image for {case}")
    volume = load_volume(score.image[0], spatial_dims=dims)
    label, ignore = load_label(score.label, spatial_dims=dims), run_ignores(run)
    truth = channel_masks(label, values=structure_values(run), ignore=ignore)
    shape = volume.array.shape[1:]
    for mask in truth.values():
        if mask.shape != shape:
            raise OSError(f"label of {case} has shape {mask.shape}, its image {shape}")
    view = choose_view(shape, truth, orientation=volume.orientation)
    ignored = ignored_mask(label, ignore=ignore)
    return Scene(run=run, case=case, volume=volume, truth=truth, view=view, ignored=ignored)


def _score(run: RunContents, case: str) -> Score:
    scores = by_case(run).get(case)
    if not scores:
        raise OSError(f"{case} was not tested in this run")
    return scores[0]


def prediction_masks(scene: Scene, run: RunContents) -> Masks:
    """Predicted masks (*S) of the scene's case, on the scene's grid.

    Args:
        scene: The case.
        run: The run whose prediction it is: the scene's own, or one that tested the same case.

    Raises:
        OSError: If the prediction is absent, unreadable or of another shape.
    """
    files = _score(run, scene.case).prediction
    dims = spatial_dims(scene.run)
    masks = load_masks(files, values=structure_values(scene.run), spatial_dims=dims)
    if any(mask.shape != scene.volume.array.shape[1:] for mask in masks.values()):
        raise OSError(f"the prediction of {scene.case} has another shape than its image")
    return masks
