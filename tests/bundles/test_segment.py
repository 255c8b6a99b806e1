"""Probabilities, mirroring, volumes and ensembles, as the shipped configurations write them."""

from __future__ import annotations

import json
import re
import shutil

import nibabel as nib
import numpy as np
import pytest

from gemini_monai.base.errors import input_error_in
from gemini_monai.base.tables import read_table
from gemini_monai.inference import Ensemble, TrainedRun
from tests.bundles.runs import run, workflow
from tests.data.prepare.made import image, save

AFFINE = np.diag([1.5, 2.0, 1.0, 1.0])


@pytest.fixture(scope="module")
def scans(tmp_path_factory):
    """A folder of two images that are not of the network's size."""
    folder = tmp_path_factory.mktemp("scans")
    for k in range(2):
        save(folder / f"scan{k}.nii.gz", image(k, (40, 30)), affine=AFFINE)
    return folder


def _segmented(trained, scans, out, **options):
    folders = {"dataset_dir": str(scans), "output_dir": str(out)}
    run("inference", kind="infer", run_dir=str(trained), amp=False, **folders, **options)
    return _written(out)


def _together(runs, scans, out, **options):
    folders = {"dataset_dir": str(scans), "output_dir": str(out)}
    flow = workflow("ensemble", kind="infer", run_dirs=list(map(str, runs)), **folders, **options)
    flow.initialize()
    flow.run()
    return _written(out)


def _of_one(trained, scans, out):
    return _together([trained], scans, out)


def _written(out):
    return {path.name: nib.load(path).get_fdata() for path in sorted(out.glob("*.nii.gz"))}


def test_probabilities_and_volumes_go_with_the_label_maps(trained, scans, tmp_path, capsys):
    found = _segmented(
        trained, scans, tmp_path, probabilities=True, largest_component=[], fill_holes=[]
    )
    assert "post-processing: none" in capsys.readouterr().out
    names = [f"scan{k}{end}.nii.gz" for k in range(2) for end in ("", "_probabilities")]
    assert sorted(found) == sorted(names)
    rows = read_table(tmp_path / "volumes.csv")
    structures = TrainedRun.open(trained).structures
    assert [row["structure"] for row in rows] == list(structures.values()) * 2
    for k in range(2):
        label, chances = found[f"scan{k}.nii.gz"], found[f"scan{k}_probabilities.nii.gz"][:, :, 0]
        np.testing.assert_array_equal(chances.argmax(-1), label)
        np.testing.assert_allclose(chances.sum(-1), 1, atol=1e-5)
        for row in rows[4 * k : 4 * k + 4]:
            value = next(own for own, name in structures.items() if name == row["structure"])
            assert int(row["voxels"]) == (label == value).sum()
            assert float(row["area_mm2"]) == pytest.approx(3.0 * int(row["voxels"]))


@pytest.mark.parametrize("write", [_segmented, _of_one], ids=["run", "ensemble"])
def test_damaged_images_are_told_together_before_anything_is_written(
    trained, scans, tmp_path, write
):
    folder = tmp_path / "scans"
    shutil.copytree(scans, folder)
    damaged = (folder / "scan1.nii.gz").read_bytes()[:60]
    for name in ("scan1", "scan3"):
        (folder / f"{name}.nii.gz").write_bytes(damaged)
    save(folder / "scan2.nii.gz", image(2, (40, 30, 5)))
    with pytest.raises(Exception, match=r"\w") as raised:
        write(trained, folder, tmp_path / "out")
    summary, *told = re.split(": (?=/)|; (?=/)", str(input_error_in(raised.value)))
    assert summary.startswith("3 of 4 images cannot be used")
    for text, name in zip(told, ("scan1", "scan2", "scan3"), strict=True):
        assert f"{name}.nii.gz" in text
    assert not list(tmp_path.glob("out/*"))


def test_an_ensemble_of_a_run_twice_writes_what_the_run_writes(trained, scans, tmp_path):
    options = {"probabilities": True, "flips": True}
    one = _segmented(trained, scans, tmp_path / "one", **options)
    two = _together([trained, trained], scans, tmp_path / "two", **options)
    assert one.keys() == two.keys()
    for name in one:
        np.testing.assert_allclose(one[name], two[name], atol=1e-5)
    tables = [read_table(tmp_path / name / "volumes.csv") for name in ("one", "two")]
    assert tables[0] == tables[1]
    plain = _segmented(trained, scans, tmp_path / "plain", probabilities=True)
    name = "scan0_probabilities.nii.gz"
    assert not np.allclose(plain[name], one[name], atol=1e-5)


def test_from_python_two_runs_say_what_the_configuration_says(trained, scans, tmp_path):
    runs = [trained, trained / "supervised"]
    written = _together(runs, scans, tmp_path, probabilities=True)
    found = Ensemble.open(runs).predict(scans / "scan0.nii.gz")
    np.testing.assert_array_equal(found.label[0].numpy(), written["scan0.nii.gz"])
    chances = written["scan0_probabilities.nii.gz"][:, :, 0]
    np.testing.assert_allclose(found.probabilities.permute(1, 2, 0).numpy(), chances, atol=1e-5)
    each = [TrainedRun.open(own).predict(scans / "scan0.nii.gz").probabilities for own in runs]
    np.testing.assert_allclose(sum(own.numpy() for own in each) / 2, found.probabilities, atol=1e-5)


def _refused(flow):
    def started():
        flow.initialize()
        flow.run()

    with pytest.raises(Exception, match=r"\w") as raised:
        started()
    return str(input_error_in(raised.value))


def test_what_cannot_be_is_refused_before_anything_is_written(trained, scans, tmp_path):
    out = tmp_path / "out"
    given = {"dataset_dir": str(scans), "output_dir": str(out)}
    known = {"kind": "infer", "run_dir": str(trained), **given}
    asked = {"probabilities": True, "output_ext": ".png"}
    assert ".png holds no probabilities" in _refused(workflow("inference", **known, **asked))
    unknown = {"largest_component": ["spleen"]}
    assert "no structure 'spleen'" in _refused(workflow("inference", **known, **unknown))
    other = shutil.copytree(trained, tmp_path / "other")
    record = json.loads((other / "run.json").read_text())
    record["settings"]["structures"][0] = "spleen"
    (other / "run.json").write_text(json.dumps(record))
    runs = [str(trained), str(other)]
    told = _refused(workflow("ensemble", kind="infer", run_dirs=runs, **given))
    assert "other: has structures ['spleen'" in told
    assert not out.exists()


def test_what_is_done_with_structures_may_be_left_out_of_scores(trained, tmp_path, capsys):
    names = ("train", "evaluate", "recorded")
    record = json.loads((trained / "run.json").read_text())
    given = {"run_dir": str(trained), "datalist": record["dataset"]["path"]}
    scored = {}
    for name, knobs in {
        "own": {},
        "none": {"largest_component": [], "fill_holes": []},
        "heart": {"largest_component": ["heart"]},
    }.items():
        run(*names, **given, output_dir=str(tmp_path / name), registers=False, **knobs)
        scored[name] = json.loads((tmp_path / name / "test" / "segmentation.json").read_text())
    own, said = record["settings"], capsys.readouterr().out
    assert own["fill_holes"], "the phantom's structures have no holes"
    for name, largest, filled in (
        ("own", own["largest_component"], own["fill_holes"]),
        ("none", [], []),
        ("heart", ["heart"], own["fill_holes"]),
    ):
        found = scored[name]
        assert (found["largest_component"], found["fill_holes"]) == (largest, filled)
    assert "post-processing: none" in said
    assert f"post-processing: largest component of heart; holes closed in {filled[0]}" in said
    test = json.loads((trained / "test" / "segmentation.json").read_text())
    assert scored["own"] == test


def test_a_file_of_another_case_is_not_written_over(trained, tmp_path):
    for name in ("a", "a_probabilities"):
        save(tmp_path / "in" / f"{name}.nii.gz", image(0, (32, 32)))
    given = {"dataset_dir": str(tmp_path / "in"), "output_dir": str(tmp_path / "out")}
    flow = workflow("inference", kind="infer", run_dir=str(trained), probabilities=True, **given)
    assert "a_probabilities.nii.gz: two cases would be written there" in _refused(flow)
