"""A run takes the place of another: whole, or not at all; and what is no run stays."""

from __future__ import annotations

import json
import shutil
import zipfile

import pytest
import torch

from gemini_monai.base.errors import input_error_in
from gemini_monai.engines import ObjectiveTrainer
from gemini_monai.report import write_report
from gemini_monai.runs import close_run
from gemini_monai.weights import package_bundle
from tests.bundles.runs import FINE, MIP, PAIRED, SMALL, paths, run, workflow
from tests.runs.made import bytes_of

ALONE = SMALL | {"compare": []}


@pytest.fixture
def finished(trained, tmp_path):
    return shutil.copytree(trained, tmp_path / "run")


def _without_list(folder):
    """As a version before the list left it."""
    for record in folder.rglob("run.json"):
        content = json.loads(record.read_text())
        for name in ("program", "format", "files"):
            content.pop(name)
        record.write_text(json.dumps(content))
    for number, events in enumerate(list(folder.rglob("events.out.tfevents.*"))):
        events.rename(events.with_name(f"events.out.tfevents.1.elsewhere.1.{number}"))


def _refused(match, *names, **options):
    flow = workflow(*names, **options)  # without a check of its properties, which makes events
    flow.initialize()
    with pytest.raises(Exception, match=r"\w") as raised:
        flow.run()
    assert match in str(input_error_in(raised.value))
    close_run(options["output_dir"])


@pytest.mark.parametrize("early", [False, True])
def test_a_run_of_two_structures_and_two_arms_is_replaced_by_another(finished, tiny_phantom, early):
    """Each of its predictions is named once for every structure."""
    if early:
        _without_list(finished)
    (finished / "models" / "notes.txt").write_text("mine")
    before = bytes_of(finished)
    run("train", **paths(tiny_phantom, finished), **SMALL, overwrite=True, seed=4)
    after = bytes_of(finished)
    assert {n for n in before if "tfevents" not in n} == {n for n in after if "tfevents" not in n}
    for name in ("models/model.pt", "supervised/models/model.pt", "history.csv"):
        assert before[name] != after[name]
    assert after["models/notes.txt"] == b"mine"
    assert not [name for name in before if "tfevents" in name and name in after]
    files = json.loads(after["run.json"])["files"]
    own = {n for n in after if not n.startswith("supervised/") and n != "models/notes.txt"}
    assert set(files) == own
    _refused("a run is there already", "train", **paths(tiny_phantom, finished), **SMALL)


def test_a_run_without_its_last_checkpoint_is_not_started_over(finished, tiny_phantom):
    (finished / "models" / "last.pt").unlink()
    before = bytes_of(finished)
    options = paths(tiny_phantom, finished) | SMALL
    _refused("a run is there (GEMINI, 4 iterations) that cannot go on", "train", **options)
    _refused("that cannot go on", "train", **options, resume=True)
    assert {name: bytes_of(finished)[name] for name in before} == before


@pytest.mark.parametrize("error", [RuntimeError("no memory"), KeyboardInterrupt()])
def test_what_fails_before_its_first_checkpoint_leaves_the_run_that_was_there(
    finished, tiny_phantom, monkeypatch, error
):
    before = bytes_of(finished)

    def fail(*arguments):
        raise error

    monkeypatch.setattr(ObjectiveTrainer, "_iteration", fail)
    options = paths(tiny_phantom, finished) | SMALL | {"overwrite": True, "seed": 4}
    with pytest.raises((RuntimeError, KeyboardInterrupt)):
        run("train", **options)
    assert bytes_of(finished) == before
    monkeypatch.undo()
    close_run(finished)
    assert bytes_of(finished) == before


@pytest.mark.parametrize("there", [True, False])
def test_a_training_without_a_finite_step_saves_and_replaces_nothing(
    finished, tiny_phantom, tmp_path, there
):
    folder = finished if there else tmp_path / "new"
    before = bytes_of(folder) if there else {}
    options = paths(tiny_phantom, folder) | ALONE | {"supervised_weight": 1e39, "overwrite": there}
    _refused("4 of 4 steps left out, loss not finite: it trained nothing", "train", **options)
    if there:
        assert bytes_of(folder) == before
    assert there or not list(folder.rglob("*.pt"))


def test_an_unpacked_archive_is_no_place_to_train(pretrained, tiny_phantom, tmp_path):
    archive = package_bundle(MIP, pretrained, output=tmp_path)
    zipfile.ZipFile(archive).extractall(tmp_path)
    folder = tmp_path / "gemini_mip"
    before = bytes_of(folder, but=())
    options = paths(tiny_phantom, folder) | {"bundle": MIP}
    for asked in ({}, {"overwrite": True}, {"resume": True}):
        for name, knobs in (("train", SMALL), ("finetune", FINE | {"pretrained": "none"})):
            _refused("is an archive of 'gemini package'", name, **options, **knobs, **asked)
            assert bytes_of(folder, but=()) == before


def test_a_prediction_of_ones_own_is_named_before_training(tiny_phantom, tmp_path):
    case = json.loads(tiny_phantom.read_text())["test"][0]["case"]
    place = tmp_path / "run" / "test" / "predictions" / f"{case}.nii.gz"
    place.parent.mkdir(parents=True)
    place.write_text("mine")
    options = paths(tiny_phantom, tmp_path / "run") | ALONE
    _refused(f"{case}.nii.gz: is there, but", "train", **options)
    assert bytes_of(tmp_path / "run") == {f"test/predictions/{case}.nii.gz": b"mine"}


def test_a_folder_of_ones_own_in_the_place_of_an_arm_is_named_before_training(
    tiny_phantom, tmp_path
):
    place = tmp_path / "run" / "supervised" / "run.json"
    place.parent.mkdir(parents=True)
    place.write_text('{"my": "experiment"}')
    options = paths(tiny_phantom, tmp_path / "run") | SMALL
    _refused("not the record of a run of gemini_monai", "train", **options)
    assert list(bytes_of(tmp_path / "run")) == ["supervised/run.json"]


@pytest.mark.parametrize("name", ["test", "Models", "method_", ".hidden", "method_probe"])
def test_an_arm_has_a_folder_of_its_own(tiny_phantom, tmp_path, name):
    overlay = tmp_path / f"{name}.json"
    overlay.write_text("{}")
    options = paths(tiny_phantom, tmp_path / "run") | SMALL | {"compare": [str(overlay)]}
    _refused("give its overlay another name", "train", **options)
    assert not (tmp_path / "run" / "run.json").exists()


def test_scores_and_page_of_a_run_are_made_anew_and_stay_its_own(finished, tiny_phantom):
    options = paths(tiny_phantom, finished) | ALONE
    weights = {"weights": str(finished / "models" / "model.pt")}
    _refused("segmentation.csv: is there already", "train", "evaluate", **options, **weights)
    run("train", "evaluate", **options, **weights, overwrite=True)
    write_report([finished])
    run("train", **options, resume=True)
    run("train", **options, overwrite=True)


def test_a_corrected_prediction_is_never_lost(finished, tiny_phantom):
    path = next((finished / "test" / "predictions").iterdir())
    path.write_bytes(b"corrected")
    options = paths(tiny_phantom, finished) | ALONE
    match = f"{path.name}: was changed since the run wrote it"
    _refused(match, "train", **options, overwrite=True)
    _refused(match, "train", **options, resume=True)
    _refused(match, "train", "evaluate", **options, overwrite=True)
    assert path.read_bytes() == b"corrected"


def test_scores_of_a_run_do_not_go_into_another(finished, trained, tiny_phantom):
    weights = {"weights": str(trained / "models" / "model.pt"), "overwrite": True}
    options = paths(tiny_phantom, finished) | ALONE
    _refused("is a run, but not that of the weights", "train", "evaluate", **options, **weights)


def test_an_early_run_goes_on_and_lists_its_files_then(finished, tiny_phantom):
    _without_list(finished)
    weights = torch.load(finished / "models" / "model.pt")
    options = paths(tiny_phantom, finished) | PAIRED | {"resume": True}
    run("train", **options)
    assert "files" not in json.loads((finished / "run.json").read_text())  # nothing was trained
    assert torch.load(finished / "models" / "model.pt").keys() == weights.keys()
    run("train", **options | {"epochs": 3})
    listed = json.loads((finished / "run.json").read_text())["files"]
    assert listed["models/last.pt"]
    assert [name for name in listed if name.startswith("test/predictions/")]


def test_a_run_is_not_replaced_by_one_that_starts_from_it(pretrained, tiny_phantom, tmp_path):
    folder = shutil.copytree(pretrained, tmp_path / "pre")
    before = bytes_of(folder)
    options = paths(tiny_phantom, folder) | FINE | {"overwrite": True, "bundle": MIP}
    match = "model.pt: is an input and would be replaced"
    _refused(match, "finetune", **options, pretrained=str(folder))
    assert bytes_of(folder) == before
