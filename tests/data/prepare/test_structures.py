"""Structures that the network would not see: named, with what keeps them, which then does."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import numpy as np
import pytest

from gemini_monai.data.dataset_file import read_cohort
from gemini_monai.data.prepare import finer, prepare_folder, propose, structures
from gemini_monai.data.prepare.finer import _on_grid
from gemini_monai.data.prepare.scan import scan
from gemini_monai.data.prepare.split import Wanted
from gemini_monai.data.prepare.structures import keep_structures
from gemini_monai.geometry.world import output_grid
from gemini_monai.transforms import preprocessing
from tests.data.prepare.made import image, save

FINE, COARSE = (1.0, 1.0, 1.0), (2.0, 2.0, 5.0)
SHAPE = (40, 36, 40)  # mm


def _organ(spacing, shape=SHAPE):
    """Voxels of an organ in the middle of a volume."""
    values = np.zeros([round(n / size) for n, size in zip(shape, spacing, strict=True)], np.uint8)
    middle = tuple(slice(n // 4, 3 * n // 4) for n in values.shape)
    values[middle] = 1
    return values


def _source(root, structure, *, spacings=(FINE, *[COARSE] * 4), names=("organ", "vessel")):
    """``root/src`` of a case a voxel size; ``structure`` draws into the first one's label."""
    for k, spacing in enumerate(spacings):
        label, affine = _organ(spacing), np.diag([*spacing, 1.0])
        if k == 0:
            structure(label)
        save(root / "src/images" / f"c{k}.nii.gz", image(k, label.shape), affine=affine)
        save(root / "src/labels" / f"c{k}.nii.gz", label, affine=affine)
    values = {name: value for value, name in enumerate(names, 1)}
    (root / "src/labels.json").write_text(json.dumps(values))
    return root / "src"


def _vessel(label):
    """240 voxels, 1 mm thick, between the voxels of 2 mm."""
    for x in (3, 5, 7, 35, 37, 39):
        label[x, 9, :] = 2


def _prepared(source, destination, **wanted):
    counts = {"labeled": 5, "validation": 0, "test": 0} | wanted
    return read_cohort(prepare_folder(source, destination, wanted=Wanted(**counts)))


def _seen(cohort, case, *, value=2):
    """Voxels of a structure that training gets of a case."""
    entry = next(own for own in cohort.labeled if own["case"] == case)
    item = preprocessing(cohort.input_spec(), fit=True)(dict(entry))
    return int((item["label"] == value).sum())


def test_a_vessel_that_is_lost_makes_the_voxels_smaller(tmp_path, capsys):
    cohort = _prepared(_source(tmp_path, _vessel), tmp_path / "dst")
    said = capsys.readouterr().out
    assert "lost  'vessel' in c0 (240 voxels on file, 0 for the network)" in said
    assert "instead  of spacing [2.0, 2.0, 5.0] and size [24, 24, 16]" in said
    assert cohort.spacing == (1.0, 1.0, 2.5)
    assert _seen(cohort, "c0") * 2.5 > 120
    again = _prepared(tmp_path / "src", tmp_path / "again", spacing=[1, 1, 2.5])
    assert "lost  '" not in capsys.readouterr().out
    assert again.spatial_size == cohort.spatial_size


def _options(said):
    """Of the line that says what would keep all, as ``Wanted`` has them."""
    found = re.search(r"to keep them  (.*) instead of", said)
    pairs = re.findall(r'--(\w+) "([^"]*)"', found[1]) if found else []
    return {name: json.loads(value) for name, value in pairs}


@pytest.mark.parametrize("wanted", [{"spacing": [2, 2, 5]}, {"spatial_size": [24, 24, 16]}])
def test_what_was_asked_for_is_not_changed_but_told_and_the_told_options_keep_it(
    tmp_path, capsys, wanted
):
    source = _source(tmp_path, _vessel)
    cohort = _prepared(source, tmp_path / "dst", **wanted)
    said = capsys.readouterr().out
    assert cohort.spacing == COARSE
    assert "lost  'vessel' in c0 (240 voxels on file, 0 for the network)" in said
    other = _prepared(source, tmp_path / "other", **_options(said))
    assert "lost  '" not in capsys.readouterr().out
    assert _seen(cohort, "c0") == 0 < _seen(other, "c0")


def test_where_a_larger_size_would_take_too_long_training_takes_crops(
    tmp_path, capsys, monkeypatch
):
    monkeypatch.setattr(finer, "FEW", {3: 1})
    monkeypatch.setattr(finer, "CHEAP", 1)
    monkeypatch.setattr(propose, "LARGEST", {3: 24})
    cohort = _prepared(_source(tmp_path, _corner, spacings=[FINE] * 5), tmp_path / "dst")
    assert (cohort.crops, cohort.spatial_size) == ("foreground", (24, 24, 24))
    assert "they are seen with --crops foreground" in capsys.readouterr().out


def test_what_would_take_too_long_is_told_and_not_done(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(finer, "FEW", {3: 1})
    monkeypatch.setattr(finer, "CHEAP", 1)
    cohort = _prepared(_source(tmp_path, _vessel), tmp_path / "dst")
    assert cohort.spacing == COARSE
    assert _options(capsys.readouterr().out)["spacing"] == [1.0, 1.0, 2.5]


def _corner(label):
    label[:3, :3, :3] = 2


def test_what_is_cropped_away_counts_too(tmp_path, capsys):
    source = _source(tmp_path, _corner, spacings=[FINE] * 4)
    cohort = _prepared(source, tmp_path / "dst", labeled=4, spatial_size=[24, 24, 24])
    said = capsys.readouterr().out
    assert "lost  'vessel' in c0 (27 voxels on file, 0 for the network)" in said
    assert said.count("--crops foreground") == 1
    assert (cohort.crops, cohort.spatial_size) == ("foreground", (24, 24, 24))
    assert cohort.labeled[0]["case"] == "c0"
    tested = _prepared(source, tmp_path / "t", labeled=1, test=3, spatial_size=[24, 24, 24])
    lost = "lost  '" in capsys.readouterr().out
    assert lost == ("c0" in {own["case"] for own in tested.labeled})  # a test has windows


def test_only_the_axis_that_must_grows(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(structures, "_crops_keep", lambda *_, **__: False)

    def below(label):
        label[18:22, 18:22, 1:3] = 2

    source = _source(tmp_path, below, spacings=[FINE] * 4)
    _prepared(source, tmp_path / "dst", labeled=4, spatial_size=[24, 24, 24])
    assert _options(capsys.readouterr().out) == {"spatial_size": [24, 24, 40]}


def test_aligned_images_are_counted_on_their_grids(tmp_path, capsys):
    source = _source(tmp_path, _vessel)
    cohort = _prepared(source, tmp_path / "dst", spacing=[2, 2, 5], spatial_size=[12, 12, 8])
    scans = {f"c{k}": scan(f"c{k}", source / f"images/c{k}.nii.gz") for k in range(5)}
    grids = {case: _grid(own, cohort.spacing, cohort.spatial_size) for case, own in scans.items()}
    labeled = [entry | {"grid": grids[entry["case"]].tolist()} for entry in cohort.labeled]
    aligned = replace(cohort, align="itk", labeled=labeled)
    capsys.readouterr()
    assert keep_structures(aligned, scans, asked=["spacing", "spatial_size"]) is aligned
    said = capsys.readouterr().out
    seen = _seen(aligned, "c0")
    assert f"lost  'vessel' in c0 (240 voxels on file, {seen} for the network)" in said
    view = {key: tuple(value) for key, value in _options(said).items()}
    after = replace(aligned, **view)
    entry = _on_grid(labeled[0], aligned, after)
    expected = _grid(scans["c0"], after.spacing, after.spatial_size)
    np.testing.assert_allclose(entry["grid"], expected)
    assert _seen(replace(after, labeled=[entry]), "c0") * np.prod(after.spacing) >= 120


def _grid(own, spacing, size):
    return output_grid(own.affine, own.shape, spacing=spacing, spatial_size=size)


def test_masks_that_overlap_are_counted_each(tmp_path, capsys):
    for k, spacing in enumerate((FINE, *[COARSE] * 3)):
        organ, affine = _organ(spacing), np.diag([*spacing, 1.0])
        vessel = np.zeros_like(organ)
        if k == 0:
            _vessel(vessel)
        save(tmp_path / "src/images" / f"c{k}.nii.gz", image(k, organ.shape), affine=affine)
        for name, mask in (("organ", organ), ("vessel", vessel > 0)):
            path = tmp_path / "src/labels" / f"c{k}" / f"{name}.nii.gz"
            save(path, mask.astype(np.uint8), affine=affine)
    cohort = _prepared(tmp_path / "src", tmp_path / "dst", labeled=4)
    assert "lost  'vessel' in c0 (240 voxels on file, 0 for" in capsys.readouterr().out
    assert cohort.spacing == (1.0, 1.0, 2.5)


def test_pictures_are_made_larger(tmp_path, capsys):
    for k in range(4):
        label = np.zeros((300, 280), np.uint8)
        label[100:200, 100:200] = 1
        label[10, 10] = 2 * (k == 0)
        save(tmp_path / "src/images" / f"c{k}.png", image(k, label.shape))
        save(tmp_path / "src/labels" / f"c{k}.png", label)
    wanted = {"labeled": 4, "spatial_size": [32, 32]}
    _prepared(tmp_path / "src", tmp_path / "dst", **wanted)
    said = capsys.readouterr().out
    assert "lost  'structure 2' in c0 (1 voxels on file, 0 for the network)" in said
    cohort = _prepared(tmp_path / "src", tmp_path / "again", **wanted | _options(said))
    assert cohort.spatial_size == (256, 256)
    assert _seen(cohort, "c0") in (1, 2)  # areas of pixels overlap where the ratio is no integer


def test_nothing_is_said_where_nothing_is_lost(tmp_path, capsys):
    cohort = _prepared(_source(tmp_path, lambda label: None), tmp_path / "dst")
    assert "lost  '" not in capsys.readouterr().out
    assert cohort.spacing == COARSE
