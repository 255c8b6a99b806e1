"""Nothing of a person's is lost: folders, scans, finished runs, names, and runs that go on."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time

import nibabel as nib
import numpy as np
import pytest

from gemini_monai.base.errors import InputError, input_error_in
from gemini_monai.data.prepare import prepare_folder
from gemini_monai.data.prepare.split import Wanted
from gemini_monai.runs import close_run
from gemini_monai.runs.lock import HOLDER, LOCK
from gemini_monai.weights import export_backbone, package_bundle
from tests.bundles.runs import (
    BUNDLE,
    MIP,
    SMALL,
    command,
    files,
    overrides_of,
    paths,
    run,
    workflow,
)
from tests.conftest import ROOT
from tests.data.prepare.made import folder, image, label, save
from tests.images.dicom import along_z, volume, write_slices

ALONE = SMALL | {"compare": []}


def _bytes(folder):
    found = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    skipped = (LOCK, HOLDER, "tensorboard")  # the properties check makes a writer of events
    return {path: content for path, content in found.items() if not {*skipped} & {*path.parts}}


def _refused(match, *names, **options):
    """The message of a run that must not begin."""
    with pytest.raises(Exception, match="") as raised:
        run(*names, **options)
    cause = input_error_in(raised.value)
    assert isinstance(cause, InputError), raised.value
    assert match in str(cause)
    if "output_dir" in options:
        close_run(options["output_dir"])


@pytest.fixture
def finished(trained, tmp_path):
    return shutil.copytree(trained, tmp_path / "run", ignore=shutil.ignore_patterns("tensorboard"))


@pytest.mark.parametrize("config", [("train", BUNDLE), ("train", MIP), ("finetune", MIP)])
def test_a_forgotten_overlay_leaves_the_scans_alone(tmp_path, config):
    scans = folder(tmp_path, images=4, labels=2)
    before = _bytes(scans)
    given = {"dataset_dir": str(scans), "output_dir": str(tmp_path / "run")}
    if config[0] == "finetune":
        given["pretrained"] = "/nope"
    _refused("dataset_folder.json", config[0], bundle=config[1], **given)
    assert _bytes(scans) == before
    assert not (tmp_path / "run").exists()


def test_a_mistyped_run_is_named_before_anything_is_done(tmp_path):
    scans = folder(tmp_path, images=4, labels=2)
    before = _bytes(scans)
    arguments = overrides_of({"dataset_dir": scans})
    result = command("run", "trainig", "--config_file", files("train")[0], *arguments)
    assert result.returncode == 1
    assert "has no run 'trainig'; it has training, run" in result.stderr.splitlines()[-1]
    assert "Traceback" not in result.stderr
    assert _bytes(scans) == before


def test_a_finished_run_is_neither_replaced_nor_mixed_with(finished, tiny_phantom):
    before = _bytes(finished)
    _refused("a run is there already", "train", **paths(tiny_phantom, finished), **SMALL)
    assert _bytes(finished) == before
    run("train", **paths(tiny_phantom, finished), **ALONE, overwrite=True, seed=4)
    assert json.loads((finished / "run.json").read_text())["seed"] == 4
    assert not list((finished / "supervised").rglob("*.csv"))  # of the run that was replaced


OTHER = [
    ({"seed": 1}, "trained with seed 0, now 1"),
    ({"learning_rate": 0.01}, "trained with learning_rate 0.001, now 0.01"),
    ({"pairs": 3}, "trained with pairs 4, now 3"),
    ({"spatial_size": [24, 24]}, "spatial_size [32, 32], now [24, 24]"),
    ({"update": "alternating"}, "update 'summed', now 'alternating'"),
    (
        {"train#trainer#update": "alternating"},
        "trained with train#trainer.update '@update', now 'alternating'",
    ),
    ({"train#handlers#1#epoch_level": True}, "trained with train#trainer.rate"),
    ({"train#trainer#seed": 5}, "trained with train#trainer.seed '@seed', now 5"),
    ({"supervised_weight": 5.0}, "supervised_weight 10.0, now 5.0"),
    ({"channels": [4, 12]}, "channels [4, 8], now [4, 12]"),
    ({"method": "mine"}, "method 'GEMINI', now 'mine'"),
    ({"epochs": 1}, "trained with epochs 2, now 1"),
    ({"augmentations#light#prob": 0.5}, "trained with augmentations.light.prob 1.0, now 0.5"),
    ({"augmentation": "light"}, "trained with augmentation 'strong', now 'light'"),
    ({"homeomorphism#bijective": False}, "objectives.homeomorphism.bijective"),
    ({"before": [{"_target_": "Flipd", "keys": "image"}]}, "trained with before []"),
]


@pytest.mark.parametrize(("change", "message"), OTHER, ids=[next(iter(c)) for c, _ in OTHER])
def test_a_run_goes_on_only_by_what_trained_it(finished, tiny_phantom, change, message):
    before = _bytes(finished)
    options = paths(tiny_phantom, finished) | ALONE | {"pairs_interval": 1} | change
    _refused(message, "train", **options, resume=True)
    now = _bytes(finished)
    assert {path: now[path] for path in before} == before


def test_scores_that_are_not_of_the_structures_are_named(tiny_phantom, tmp_path):
    options = paths(tiny_phantom, tmp_path / "run") | ALONE
    change = {"validate#key_metric#mean_dice#include_background": True}
    _refused(
        "validate#key_metric: 5 scores an image, expected one of each", "train", **options, **change
    )


def test_a_run_does_not_go_on_with_another_split(finished, tmp_path):
    source = folder(tmp_path, images=14, labels=8, shape=(32, 32))
    path = prepare_folder(source, tmp_path / "dst", wanted=Wanted(3, 2, 3))
    options = paths(path, finished) | ALONE
    _refused("other images or by another split", "train", **options, resume=True)


def test_two_folders_of_one_name_have_runs_of_their_own(tmp_path):
    found = []
    for place in "ab":
        (tmp_path / place).mkdir()
        folder(tmp_path / place, images=5, labels=2, suffix=".png")
        save(tmp_path / place / "src" / "images" / "own.png", image(ord(place)))
        path = prepare_folder(tmp_path / place / "src", tmp_path / place / "dst")
        flow = workflow("train", "dataset_folder", dataset_dir=str(path.parent))
        flow.initialize()
        found.append(flow.parser.get_parsed_content("output_dir"))
    assert found[0] != found[1]


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["int", "term"]
)
def test_a_stopped_run_says_how_to_go_on(tiny_phantom, tmp_path, number, code):
    options = paths(tiny_phantom, tmp_path / "run") | ALONE | {"epochs": 5000}
    arguments = [sys.executable, "-m", "monai.bundle", "run", "training", "--config_file"]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(
        [*arguments, *files("train"), *overrides_of(options)],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    last = tmp_path / "run" / "models" / "last.pt"
    for _ in range(2400):  # a busy machine takes minutes to start
        if last.exists():
            break
        time.sleep(0.1)
    process.send_signal(number)
    printed = process.communicate(timeout=60)[0]
    assert process.returncode == code, printed[-2000:]
    assert "Traceback" not in printed
    assert "with --resume True goes on from the last checkpoint" in printed
    assert not list(tmp_path.rglob(".part-*"))


@pytest.mark.parametrize("overwrite", [False, True])
def test_label_maps_never_take_the_place_of_scans(trained, tmp_path, overwrite):
    for k in range(3):
        save(tmp_path / "in" / f"a{k}.nii.gz", image(k, (32, 32)))
    (tmp_path / "link").symlink_to(tmp_path / "in")
    before = _bytes(tmp_path / "in")
    for place in ("in", "link"):
        given = {"dataset_dir": str(tmp_path / "in"), "output_dir": str(tmp_path / place)}
        options = given | {"run_dir": str(trained), "overwrite": overwrite}
        _refused("is an input and would be replaced", "inference", kind="infer", **options)
    assert _bytes(tmp_path / "in") == before


def test_label_maps_take_the_place_of_label_maps_only_when_asked(trained, tmp_path):
    for k in range(2):
        save(tmp_path / "in" / f"a{k}.nii.gz", image(k, (32, 32)))
    given = {"dataset_dir": str(tmp_path / "in"), "output_dir": str(tmp_path / "out")}
    given |= {"run_dir": str(trained)}
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "a1.nii.gz").write_bytes(b"mine")
    _refused("a1.nii.gz: is there already", "inference", kind="infer", **given)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["a1.nii.gz"]
    run("inference", kind="infer", **given, overwrite=True)
    assert nib.load(tmp_path / "out" / "a1.nii.gz").shape == (32, 32)


def test_every_series_and_every_spelling_keeps_its_name(tmp_path):
    for k in range(6):
        save(tmp_path / "src" / "images" / f"c{k}.nii.gz", image(k, (20, 18, 16)))
        if k < 3:
            save(tmp_path / "src" / "labels" / f"c{k}.nii.gz", label((20, 18, 16)))
    path = prepare_folder(tmp_path / "src", tmp_path / "dst", wanted=Wanted(2, 0, 1))
    trained = tmp_path / "run"
    run("train", "dataset_folder", dataset_dir=str(path.parent), output_dir=str(trained), **ALONE)
    for k in (1, 2, 3):
        write_slices(
            tmp_path / "in" / f"1.2.3.{k}", volume((12, 14, 13)), along_z(12), uid=f"1.{k}"
        )
    given = {"dataset_dir": str(tmp_path / "in"), "output_dir": str(tmp_path / "out")}
    run("inference", kind="infer", run_dir=str(trained), **given)
    names = sorted(path.name for path in (tmp_path / "out").glob("*.nii.gz"))
    assert names == ["1.2.3.1.nii.gz", "1.2.3.2.nii.gz", "1.2.3.3.nii.gz"]
    shutil.rmtree(tmp_path / "in")
    save(tmp_path / "in" / "c.nii.gz", image(0, (20, 18, 16)))
    (tmp_path / "in" / "c.nii.gz").rename(tmp_path / "in" / "C3.NII.GZ")
    run("inference", kind="infer", run_dir=str(trained), **given)
    assert (tmp_path / "out" / "C3.nii.gz").is_file()


def test_ids_of_an_atlas_and_sheared_grids_come_out_as_they_went_in(tmp_path):
    ids = np.array([0, 70_000, 484_682_470], np.uint32)
    sheared = np.diag([1.0, 1.5, 2.0, 1.0])
    sheared[1, 2] = 0.7
    for k in range(6):
        save(tmp_path / "src" / "images" / f"c{k}.nii.gz", image(k, (20, 18, 16)), affine=sheared)
        if k < 3:
            truth = ids[label((20, 18, 16))]
            save(tmp_path / "src" / "labels" / f"c{k}.nii.gz", truth, affine=sheared)
    path = prepare_folder(tmp_path / "src", tmp_path / "dst", wanted=Wanted(2, 0, 1))
    trained = tmp_path / "run"
    run(
        "train",
        "dataset_folder",
        dataset_dir=str(path.parent),
        output_dir=str(trained),
        **ALONE,
        pairs_interval=1,
    )
    saved = [next((trained / "test" / "predictions").iterdir())]
    given = {"dataset_dir": str(tmp_path / "src" / "images"), "output_dir": str(tmp_path / "out")}
    run("inference", kind="infer", run_dir=str(trained), **given)
    pair = {"moving": "images/c0", "fixed": "images/c1", "moving_label": "labels/c0"}
    pair = {key: str(tmp_path / "src" / f"{name}.nii.gz") for key, name in pair.items()}
    flow = workflow("register", run_dir=str(trained), output_dir=str(tmp_path / "reg"), **pair)
    flow.initialize()
    flow.run()
    saved += [*(tmp_path / "out").glob("*.nii.gz"), tmp_path / "reg" / "c0_to_c1_label.nii.gz"]
    for file in saved:
        written = nib.load(file)
        assert set(np.unique(np.asarray(written.dataobj))) <= set(ids.tolist()), file
        np.testing.assert_allclose(written.affine, sheared, atol=1e-6)
    for kind in ("field", "warped"):
        written = nib.load(tmp_path / "reg" / f"c0_to_c1_{kind}.nii.gz")
        np.testing.assert_allclose(written.affine, sheared, atol=1e-6)


@pytest.mark.parametrize("unlabeled", [2, 3])
def test_what_prepare_accepts_is_trained_on(tmp_path, unlabeled):
    source = folder(tmp_path, images=2 + unlabeled, labels=2, shape=(20, 24, 6))
    path = prepare_folder(source, tmp_path / "dst", wanted=Wanted(2, 0, 0))
    given = {"dataset_dir": str(path.parent), "output_dir": str(tmp_path / "run")}
    run("train", "dataset_folder", **given, **ALONE)
    given["output_dir"] = str(tmp_path / "pre")
    run("train", "dataset_folder", bundle=MIP, **given, **SMALL)
    record = json.loads((tmp_path / "pre" / "run.json").read_text())
    assert record["settings"]["pairs"] == min(4, unlabeled)


def test_a_label_that_changed_after_it_was_prepared_is_named(tmp_path):
    source = folder(tmp_path, images=6, labels=3)
    path = prepare_folder(source, tmp_path / "dst", wanted=Wanted(3, 0, 0))
    save(source / "labels" / "case1.nii.gz", label(values=(0, 1, 9)))
    options = {"dataset_dir": str(path.parent), "output_dir": str(tmp_path / "run")}
    told = "not as it was prepared: label of 'case1' holds something else"
    _refused(told, "train", "dataset_folder", **options)
    told = "case1.nii.gz: label value 9 was not there when"
    _refused(told, "train", "dataset_folder", **options, data_changed=True)
    assert not (tmp_path / "run").exists()


def test_a_run_of_another_bundle_or_with_code_in_it_is_not_packaged(trained, pretrained, tmp_path):
    with pytest.raises(InputError, match="a run of gemini_semi, which does not fit"):
        package_bundle(MIP, trained, output=tmp_path / "out")
    evil = shutil.copytree(pretrained, tmp_path / "evil")
    record = json.loads((evil / "run.json").read_text())
    record["settings"]["spacing"] = f"$open({str(tmp_path / 'ran')!r}, 'w')"
    (evil / "run.json").write_text(json.dumps(record))
    with pytest.raises(InputError, match="would be evaluated; what is read is data"):
        package_bundle(MIP, evil, output=tmp_path / "out")
    given = {"run_dir": str(evil), "dataset_dir": str(tmp_path), "output_dir": str(tmp_path / "o")}
    _refused("would be evaluated", "inference", kind="infer", bundle=MIP, **given)
    assert not (tmp_path / "ran").exists()
    assert not (tmp_path / "out").exists()


def test_a_pre_training_does_not_segment(pretrained, tmp_path):
    save(tmp_path / "in" / "a.nii.gz", image(0, (32, 32)))
    given = {"dataset_dir": str(tmp_path / "in"), "output_dir": str(tmp_path / "out")}
    options = given | {"run_dir": str(pretrained)}
    _refused("a run for pre-training", "inference", kind="infer", bundle=MIP, **options)
    assert not (tmp_path / "out").exists()


def test_two_exports_of_a_run_are_the_same_bytes_and_replace_nothing(pretrained, tmp_path):
    one, other = (export_backbone(pretrained, tmp_path / name) for name in ("a.pt", "b/c.pt"))
    assert one.read_bytes() == other.read_bytes()
    with pytest.raises(InputError, match=r"a\.pt: is there already"):
        export_backbone(pretrained, one)
    export_backbone(pretrained, one, overwrite=True)
