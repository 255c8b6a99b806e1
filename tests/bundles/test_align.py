"""An aligned data set through the shipped configurations, and a cache that two runs share."""

from __future__ import annotations

import json
import shutil

import itk
import nibabel as nib
import numpy as np
import pytest

from gemini_monai.base.errors import InputError, input_error_in
from gemini_monai.data.dataset_file import read_cohort
from gemini_monai.data.prepare import prepare_folder
from gemini_monai.data.prepare.split import Wanted
from tests.bundles.contract import FEW_BOXES
from tests.bundles.runs import MIP, SMALL, run, workflow
from tests.volumes import population

TINY = SMALL | {
    **{"epochs": 1, "pairs": 3, "labeled_images": 1, "registration_pairs": 1},
    "compare": [],
}
WANTED = Wanted(labeled=2, validation=1, test=2, align="itk", spatial_size=(16, 16, 16))
AFFINE = np.array([[1.5, 0, 0, -17.25], [0, 1.5, 0, -17.25], [0, 0, 1.5, -17.25], [0, 0, 0, 1]])


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    root = tmp_path_factory.mktemp("aligned")
    source, _ = population(root, images=8, labels=5)
    return prepare_folder(source, root / "dst", wanted=WANTED)


@pytest.fixture(scope="module")
def trained(prepared, no_page, tmp_path_factory):
    folder = tmp_path_factory.mktemp("run") / "run"
    paths = {"dataset_dir": str(prepared.parent), "output_dir": str(folder)}
    cache = {"cache_dir": str(prepared.parent / "cache")}
    run("train", "dataset_folder", **paths, **TINY, **cache, pairs_interval=1)
    return folder


def test_predictions_are_on_the_native_grid_and_those_of_inference(prepared, trained, tmp_path):
    entry = read_cohort(prepared).test[0]
    saved = nib.load(trained / "test" / "predictions" / f"{entry['case']}.nii.gz")
    assert saved.shape == (24, 24, 24)
    np.testing.assert_allclose(saved.affine, AFFINE, atol=1e-5)
    (tmp_path / "in").mkdir()
    shutil.copy(entry["image"], tmp_path / "in")
    folders = {"dataset_dir": str(tmp_path / "in"), "output_dir": str(tmp_path / "out")}
    run("inference", kind="infer", run_dir=str(trained), **folders)
    ours = nib.load(tmp_path / "out" / f"{entry['case']}.nii.gz")
    np.testing.assert_allclose(ours.affine, AFFINE, atol=1e-5)
    np.testing.assert_array_equal(ours.get_fdata(), saved.get_fdata())
    assert json.loads((trained / "run.json").read_text())["settings"]["align"] == "itk"


def test_registration_writes_what_itk_applies(prepared, trained, tmp_path):
    moving, fixed = read_cohort(prepared).test
    pair = {"moving": moving["image"], "fixed": fixed["image"], "output_dir": str(tmp_path)}
    flow = workflow("register", kind="infer", run_dir=str(trained), **pair)
    flow.initialize()
    flow.run()
    name = f"{moving['case']}_to_{fixed['case']}"
    field = itk.imread(str(tmp_path / f"{name}_field.nii.gz"), itk.Vector[itk.F, 3])
    theirs = itk.warp_image_filter(
        itk.imread(moving["image"], itk.F),
        displacement_field=field,
        output_spacing=field.GetSpacing(),
        output_origin=field.GetOrigin(),
        output_direction=field.GetDirection(),
    )
    ours = nib.load(tmp_path / f"{name}_warped.nii.gz").get_fdata()
    theirs = itk.array_from_image(theirs).T
    inside = np.s_[6:-6, 6:-6, 6:-6]
    np.testing.assert_allclose(theirs[inside], ours[inside], atol=0.5)  # of 100


def test_a_second_run_reads_the_cache_and_ends_the_same(prepared, trained, tmp_path, monkeypatch):
    from gemini_monai.transforms import load

    opened, original = [], load.read

    def count(path):
        opened.append(str(path))
        return original(path)

    monkeypatch.setattr(load, "read", count)
    cache = prepared.parent / "cache"
    names = sorted(path.name for path in cache.iterdir())
    paths = {"dataset_dir": str(prepared.parent), "output_dir": str(tmp_path)}
    run("train", "dataset_folder", **paths, **TINY, cache_dir=str(cache))
    assert sorted(path.name for path in cache.iterdir()) == names
    test = {entry["image"] for entry in read_cohort(prepared).test}
    assert {file for file in opened if "images" in file} <= test
    assert (tmp_path / "history.csv").read_text() == (trained / "history.csv").read_text()


def test_a_run_without_the_cache_has_the_same_bits(prepared, trained, tmp_path):
    paths = {"dataset_dir": str(prepared.parent), "output_dir": str(tmp_path)}
    run("train", "dataset_folder", **paths, **TINY)
    for name in ("models/model.pt", "history.csv", "validation.csv", "monitor.csv"):
        assert (tmp_path / name).read_bytes() == (trained / name).read_bytes(), name
    tested = "test/registration.csv"
    assert (tmp_path / tested).read_bytes() == (trained / tested).read_bytes()


def test_pretraining_and_finetuning_of_aligned_images(prepared, no_page, tmp_path):
    paths = {"dataset_dir": str(prepared.parent)} | FEW_BOXES
    small = {key: TINY[key] for key in ("epochs", "epoch_length", "channels")}
    first, second = str(tmp_path / "pre"), str(tmp_path / "fine")
    overlay = "dataset_folder"
    run("train", overlay, bundle=MIP, **paths, **small, output_dir=first, pairs=3)
    paths = {"dataset_dir": str(prepared.parent)}
    run("finetune", overlay, bundle=MIP, **paths, **small, output_dir=second, pretrained=first)
    saved = next((tmp_path / "fine" / "test" / "predictions").iterdir())
    assert nib.load(saved).shape == (24, 24, 24)


def test_alignment_can_be_left_out_and_another_size_is_refused(prepared, tmp_path):
    paths = {"dataset_dir": str(prepared.parent), "output_dir": str(tmp_path)}
    off = {"align": None, "spatial_size": [24, 24, 24]}
    flow = workflow("train", "dataset_folder", **paths, **TINY, **off)
    flow.initialize()
    image = flow.parser.get_parsed_content("train#dataset").items["unlabeled"][0]["image"]
    np.testing.assert_allclose(image.affine, AFFINE, atol=1e-5)
    with pytest.raises(RuntimeError) as raised:
        run("train", "dataset_folder", **paths, **TINY, spatial_size=[24, 24, 24])
    error = input_error_in(raised.value)
    assert isinstance(error, InputError)
    assert "prepare again with --spatial_size" in str(error)
