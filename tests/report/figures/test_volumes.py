"""Volumes on the page: what a browser decodes is the image, its labels and where they lie."""

from __future__ import annotations

import base64
import gzip
from pathlib import Path

import nibabel
import numpy as np
import pytest

from gemini_monai.report.figures.colors import STRUCTURE_COLORS
from gemini_monai.report.figures.overlays import overlay_rows
from gemini_monai.report.figures.volumes import Layer, pair_volumes, volumes_of
from gemini_monai.report.read import read_run, volume_grids
from gemini_monai.report.read.comparison import compare
from gemini_monai.report.read.kept_arrays import open_pair
from gemini_monai.report.read.planes import Orientation, View, orientation_of
from tests.report.small_pair import run_of, write

RAS = Orientation((1.0, 1.0, 1.0), world=(0, 1, 2), reverse=(True, True, True))


def decoded(layer: Layer) -> nibabel.Nifti1Image:
    return nibabel.Nifti1Image.from_bytes(gzip.decompress(base64.b64decode(layer.data)))


def values(layer: Layer) -> np.ndarray:
    return np.asarray(decoded(layer).dataobj)


def test_gray_levels_and_labels_come_back_exactly() -> None:
    image = np.arange(256, dtype=float).reshape(4, 8, 8)
    first, second = np.zeros_like(image) > 0, np.zeros_like(image) > 0
    first[1:3, 2, 2], second[0, 0, 0], second[2, 2, 2] = True, True, True
    shown = volumes_of({"image": image}, {"truth": {"a": first, "b": second}}, view=View(RAS, 2, 2))
    assert shown is not None
    gray, labels = shown.layers
    assert [(layer.name, layer.kind) for layer in shown.layers] == [
        ("image", "gray"),
        ("truth", "labels"),
    ]
    low, high = np.percentile(image[::2, ::2, ::2], [0.5, 99.5])
    expected = np.rint(255 * ((image - low) / (high - low)).clip(0, 1))
    assert np.array_equal(values(gray), expected)
    expected = np.where(second, 2, np.where(first, 1, 0))  # the later one where two overlap
    assert np.array_equal(values(labels), expected)
    assert decoded(labels).get_data_dtype() == np.uint8
    assert shown.structures == (("a", STRUCTURE_COLORS[0]), ("b", STRUCTURE_COLORS[1]))


@pytest.mark.parametrize("codes", ["RAS", "LPS", "PIR", "SAL"])
def test_the_volume_lies_as_its_file_does(codes: str) -> None:
    affine = np.eye(4)
    affine[:3, :3] = 0
    for axis, code in enumerate(codes):
        place = next(k for k, ends in enumerate(("LR", "PA", "IS")) if code in ends)
        affine[place, axis] = (0.5, 1.5, 2.5)[axis] * (1 if code in "RAS" else -1)
    affine[:3, 3] = (11, -7, 3)
    image = np.zeros((9, 9, 9))
    image[3:8, 4, 4] = 5
    lies = orientation_of(affine, axes=3)
    shown = volumes_of({"image": image}, {}, view=View(lies, 0, 4))
    assert shown is not None
    part = decoded(shown.layers[0])
    assert "".join(nibabel.aff2axcodes(part.affine)) == codes
    np.testing.assert_allclose(part.affine[:3, :3], affine[:3, :3])
    np.testing.assert_allclose(part.affine[:3, 3], affine[:3, :3] @ (1, 2, 2))  # the box's start


def test_a_large_volume_is_thinned_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(volume_grids, "LIMIT", 300)
    image = np.random.default_rng(0).uniform(size=(10, 10, 10))
    mask = image > 0.5
    shown = volumes_of({"image": image}, {"truth": {"a": mask}}, view=View(RAS, 2, 4))
    assert shown is not None
    assert shown.left_out == "one sagittal slice of 2 and one coronal slice of 2 is here"
    assert np.array_equal(values(shown.layers[1]), mask[::2, ::2])
    np.testing.assert_allclose(decoded(shown.layers[1]).header.get_zooms(), (2, 2, 1))


def test_a_picture_has_no_volume() -> None:
    flat = Orientation((1.0, 1.0), world=(0, 1), reverse=(False, False))
    assert volumes_of({"image": np.ones((4, 4))}, {}, view=View(flat)) is None


def test_a_case_brings_its_truth_and_every_prediction(run_3d: Path) -> None:
    rows = overlay_rows(compare([read_run(run_3d)]), scrolled=True)
    assert [row.title.split(":")[0] for row in rows] == ["Worst case", "Median case", "Best case"]
    for row in rows:
        assert row.volumes is not None
        names = [layer.name for layer in row.volumes.layers]
        assert names == ["image", "truth", "GEMINI", "supervised U-Net"]
        case = row.title.split(": ")[1]
        file = nibabel.load(run_3d / "test" / "predictions" / f"{case}.nii.gz")
        assert np.array_equal(values(row.volumes.layers[2]), np.asarray(file.dataobj))
        axial = row.volumes.planes[2]
        assert f"axial slice {axial.first + axial.start + 1} of {axial.total}" in row.note
    assert overlay_rows(compare([read_run(run_3d)]))[0].volumes is None


def test_an_absent_prediction_leaves_the_others(run_3d: Path, tmp_path: Path) -> None:
    run = read_run(run_3d)
    (run_3d / "test" / "predictions" / "s001.nii.gz").rename(tmp_path / "kept.nii.gz")
    try:
        volumes = overlay_rows(compare([run]), scrolled=True)[0].volumes
    finally:
        (tmp_path / "kept.nii.gz").rename(run_3d / "test" / "predictions" / "s001.nii.gz")
    assert volumes is not None
    assert [layer.name for layer in volumes.layers] == ["image", "truth", "supervised U-Net"]
    assert [layer.shown for layer in volumes.layers] == ["", "outline", "filled"]


def test_a_pair_brings_three_images_and_their_labels(run_3d: Path) -> None:
    run = read_run(run_3d)
    volumes = pair_volumes(open_pair(run, run.kept_pairs["worst"]))
    assert volumes is not None
    names = ["fixed", "warped", "moving"]
    assert [layer.name for layer in volumes.layers] == names + [f"labels of {n}" for n in names]
    with np.load(run.kept_pairs["worst"]) as kept:
        assert np.array_equal(values(volumes.layers[4]), kept["warped_label"][0])


def test_a_pair_of_pre_training_has_no_labels(tmp_path: Path) -> None:
    pair = open_pair(run_of(tmp_path), write(tmp_path, np.zeros((3, 5, 6, 7), np.float32)))
    volumes = pair_volumes(pair)
    assert volumes is not None
    assert [layer.name for layer in volumes.layers] == ["fixed", "warped", "moving"]
    assert volumes.structures == ()
    assert values(volumes.layers[0]).shape == (5, 6, 7)  # black throughout: nothing is cut
