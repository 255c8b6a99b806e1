"""Ignored voxels in pictures: hatched, said, and no structure."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import nibabel
import numpy as np

from gemini_monai.report.figures.colors import IGNORED_COLOR, IGNORED_NAME, hatched
from gemini_monai.report.figures.kept_pictures import deformation_rows
from gemini_monai.report.figures.overlays import overlay_rows
from gemini_monai.report.figures.wording import HATCHED
from gemini_monai.report.read import read_run
from gemini_monai.report.read.comparison import compare
from gemini_monai.report.read.scenes import open_scene
from tests.report.small_pair import run_of, write
from tests.report.synthetic_run import write_run


def _partly_drawn(run: Path) -> Path:
    """The last third of every label along the first axis is 255, which is ignored."""
    details = json.loads((run / "run.json").read_text())
    details["settings"]["ignore"] = 255
    (run / "run.json").write_text(json.dumps(details))
    with (run / "test" / "segmentation.csv").open() as file:
        labels = {row["label"] for row in csv.DictReader(file)}
    for name in labels:
        label = nibabel.load(run / name)
        values = np.asarray(label.dataobj).copy()
        values[2 * len(values) // 3 :] = 255
        nibabel.save(nibabel.Nifti1Image(values, label.affine), run / name)
    return run


def test_hatching_changes_what_is_set_and_keeps_the_image_visible() -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (40, 30)).astype(np.uint8)
    plane = np.zeros((40, 30), bool)
    plane[20:] = True
    found = hatched(pixels, plane)
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found[:20], pixels[:20])
    assert 0.2 < (found[20:] == 176).mean() < 0.5
    assert len(np.unique(found[20:])) > 50


def test_a_scene_hatches_the_truths_and_the_predictions_image(run: Path) -> None:
    _partly_drawn(run)
    scene = open_scene(read_run(run), "s000")
    assert scene.ignored is not None
    assert scene.ignored.mean() == 1 / 3
    assert not any((mask & scene.ignored).any() for mask in scene.truth.values())
    row = overlay_rows(compare([read_run(run)]))[0]
    assert HATCHED in row.note
    image, truth, prediction = (panel.picture for panel in row.panels[:3])
    assert image is not None
    assert truth is not None
    assert prediction is not None
    plane = scene.view(scene.ignored)
    np.testing.assert_array_equal(truth.pixels[~plane], image.pixels[~plane])
    assert (truth.pixels[plane] != image.pixels[plane]).any()
    np.testing.assert_array_equal(prediction.pixels, truth.pixels)


def test_without_ignored_voxels_nothing_is_said(run: Path) -> None:
    assert open_scene(read_run(run), "s000").ignored is None
    assert all(HATCHED not in row.note for row in overlay_rows(compare([read_run(run)])))


def test_a_volume_has_them_in_gray_after_its_structures(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", shape=(18, 20, 12), cases=1, iterations=2, supervised=False)
    _partly_drawn(run)
    volumes = overlay_rows(compare([read_run(run)]), scrolled=True)[0].volumes
    assert volumes is not None
    assert volumes.structures[-1] == (IGNORED_NAME, IGNORED_COLOR)
    assert len(volumes.structures) == 5


def test_a_pair_hatches_each_image_by_its_own_label(tmp_path: Path) -> None:
    label = np.zeros((1, 12, 12), int)
    label[:, :4], label[:, 8:] = 1, -1
    zero = np.zeros((2, 12, 12), np.float32)
    write(tmp_path, zero, fixed_label=label, moving_label=abs(label), warped_label=abs(label))
    row = deformation_rows(run_of(tmp_path))[0]
    assert HATCHED in row.note
    moving, fixed = (panel.picture for panel in row.panels[:2])
    assert moving is not None
    assert fixed is not None
    assert not moving.pixels.any()
    assert fixed.pixels.any()
