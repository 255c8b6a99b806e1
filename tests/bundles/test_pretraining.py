"""GEMINI-MIP: pre-training, its overlays, and fine-tuning of what it made."""

from __future__ import annotations

import csv
import json

import monai.bundle
import nibabel as nib
import pytest
import torch

from gemini_monai.base.errors import InputError, input_error_in
from tests.bundles.runs import FINE, MIP, SMALL, paths, run, workflow


def _rows(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def finetuned(pretrained, tiny_phantom, tmp_path_factory):
    folder = tmp_path_factory.mktemp("fine") / "run"
    places = paths(tiny_phantom, folder)
    run("finetune", bundle=MIP, **places, **FINE, pretrained=str(pretrained))
    return folder


def test_pretraining_leaves_its_terms_its_watch_and_a_page(pretrained):
    assert set(_rows(pretrained / "history.csv")[0]) == {
        "iteration",
        "loss",
        "smoothness",
        "visual",
        "semantic",
        "contrast",
    }
    assert [row["iteration"] for row in _rows(pretrained / "monitor.csv")] == ["2", "4"]
    for name in ("models/model.pt", "report.html", "test/registration.csv"):
        assert (pretrained / name).is_file()


def test_a_pretraining_too_small_to_pay_is_told(tiny_phantom, tmp_path, capsys):
    run("train", bundle=MIP, **paths(tiny_phantom, tmp_path), **SMALL)
    assert "unlabeled images and 4 iterations" in capsys.readouterr().out


def test_the_probe_starts_from_the_initialized_network(pretrained, tiny_phantom, tmp_path):
    rows = _rows(pretrained / "probe.csv")
    assert [row["iteration"] for row in rows] == ["0", "4"]
    places = {"dataset_dir": str(tiny_phantom.parent), "datalist": str(tiny_phantom)}
    options = places | {"run_dir": str(pretrained), "output_dir": str(tmp_path), "seed": 0}
    probe = workflow("probe", kind="infer", bundle=MIP, **options)
    probe.initialize()
    probe.run()
    table = _rows(tmp_path / "probe.csv")
    assert [row.pop("network") for row in table] == ["initialized", "trained"]
    for row, other in zip(rows, table, strict=True):
        del row["iteration"]
        assert row == other
    with pytest.raises(RuntimeError) as raised:
        probe.run()
    assert "probe.csv: is there already" in str(input_error_in(raised.value))


def test_labels_to_probe_with_may_be_of_other_data(tiny_phantom, tmp_path):
    content = json.loads(tiny_phantom.read_text())
    path = tiny_phantom.parent / "images_alone.json"
    path.write_text(json.dumps({**content, "labeled": [], "validation": [], "test": []}))
    options = paths(path, tmp_path) | SMALL | {"probe_datalist": str(tiny_phantom)}
    run("train", bundle=MIP, **options)
    assert [row["iteration"] for row in _rows(tmp_path / "probe.csv")] == ["0", "4"]


def test_pretraining_opens_no_label(tiny_phantom, tmp_path):
    content = json.loads(tiny_phantom.read_text())
    unlabeled = {**content, "labeled": [], "validation": [], "test": []}
    path = tiny_phantom.parent / "unlabeled.json"
    path.write_text(json.dumps(unlabeled))
    run("train", bundle=MIP, **paths(path, tmp_path), **SMALL)
    assert (tmp_path / "models" / "model.pt").is_file()
    assert not (tmp_path / "test").exists()


@pytest.mark.parametrize(
    ("method", "terms"),
    [
        ("gvsl", {"smoothness", "visual", "restoration"}),
        ("restoration_only", {"restoration"}),
        ("contrast", {"contrast"}),
        ("published", {"smoothness", "visual", "semantic", "restoration"}),
    ],
)
def test_method_overlays_leave_out_their_terms(tiny_phantom, tmp_path, method, terms):
    run("train", f"method_{method}", bundle=MIP, **paths(tiny_phantom, tmp_path), **SMALL)
    assert set(_rows(tmp_path / "history.csv")[0]) - {"iteration", "loss"} == terms


def test_pretraining_in_three_dimensions(tiny_phantom_3d, tmp_path):
    run("train", bundle=MIP, **paths(tiny_phantom_3d, tmp_path), **SMALL, pairs=3)
    assert (tmp_path / "models" / "model.pt").is_file()


def test_finetuning_starts_from_the_pretrained_backbone(pretrained, tiny_phantom, tmp_path, capsys):
    places = paths(tiny_phantom, tmp_path)
    still = {"learning_rate": 0.0, "pretrained": str(pretrained)}
    run("finetune", bundle=MIP, **places, **FINE, **still)
    ours, theirs = (torch.load(folder / "models" / "model.pt") for folder in (tmp_path, pretrained))
    backbone = [key for key in ours if key.startswith("backbone.")]
    assert all(torch.equal(ours[key], theirs[key]) for key in backbone)
    assert "matched" in capsys.readouterr().out


def test_frozen_features_are_probed_on_the_labels_of_the_draw(pretrained, tiny_phantom, tmp_path):
    start = {"pretrained": str(pretrained), "labeled_cases": 1, "probe_interval": 1000}
    run("finetune", bundle=MIP, **paths(tiny_phantom, tmp_path), **FINE, **start)
    first, last = _rows(tmp_path / "probe.csv")
    assert (first["iteration"], last["iteration"]) == ("0", "4")
    flow = workflow("finetune", bundle=MIP, **paths(tiny_phantom, tmp_path), **FINE, **start)
    flow.initialize()
    probe = flow.parser.get_parsed_content("train#probe")
    assert [len(own) for own in probe.scans] == [1, 2]


def test_what_does_not_fit_is_refused_where_it_is_timed(pretrained, tiny_phantom, tmp_path):
    wide = FINE | {"channels": [8, 16], "pretrained": str(pretrained)}
    flow = workflow("finetune", bundle=MIP, **paths(tiny_phantom, tmp_path / "run"), **wide)
    flow.initialize()
    with pytest.raises(RuntimeError) as raised:
        flow.parser.get_parsed_content("timing")
    said = str(input_error_in(raised.value))
    assert "of the backbone's" in said
    assert said.endswith("give --channels [4,8]")
    assert not (tmp_path / "run").exists()


def test_scratch_has_a_network_of_its_own_and_the_same_batches(finetuned, tiny_phantom, tmp_path):
    run("finetune", bundle=MIP, **paths(tiny_phantom, tmp_path), **FINE, pretrained="none")
    assert json.loads((tmp_path / "run.json").read_text())["method"] == "scratch"
    assert json.loads((finetuned / "run.json").read_text())["method"] == "fine-tuned"
    assert _rows(tmp_path / "history.csv") != _rows(finetuned / "history.csv")
    assert (finetuned / "test" / "segmentation.csv").is_file()


def test_a_2d_network_on_volumes_slice_by_slice(pretrained, tiny_phantom_3d, tmp_path):
    places = paths(tiny_phantom_3d, tmp_path / "run")
    run("finetune", bundle=MIP, **places, **FINE, pretrained=str(pretrained), slices=True)
    state = torch.load(tmp_path / "run" / "models" / "model.pt")
    assert state["backbone.encoder.0.0.conv.weight"].ndim == 4
    scores = _rows(tmp_path / "run" / "test" / "segmentation.csv")
    assert len({row["case"] for row in scores}) == 3  # volumes, not slices
    folders = {"dataset_dir": str(tiny_phantom_3d.parent / "images")}
    folders |= {"output_dir": str(tmp_path / "out"), "run_dir": str(tmp_path / "run")}
    run("inference", kind="infer", bundle=MIP, **folders)
    test = scores[0]["case"]
    saved, inferred = (
        nib.load(folder / f"{test}.nii.gz").get_fdata()
        for folder in (tmp_path / "run" / "test" / "predictions", tmp_path / "out")
    )
    assert saved.shape == (16, 16, 16)
    assert (saved == inferred).all()


def test_fewer_labels_by_a_knob(pretrained, tiny_phantom, tmp_path):
    places = paths(tiny_phantom, tmp_path)
    run("finetune", bundle=MIP, **places, **FINE, pretrained=str(pretrained), labeled_cases=1)
    assert json.loads((tmp_path / "run.json").read_text())["settings"]["labeled_cases"] == 1


def test_a_backbone_that_is_not_there_is_named(tiny_phantom, tmp_path):
    places = paths(tiny_phantom, tmp_path / "run")
    with pytest.raises(RuntimeError) as raised:
        run("finetune", bundle=MIP, **places, **FINE, pretrained=str(tmp_path))
    error = input_error_in(raised.value)
    assert isinstance(error, InputError)
    assert "models/model.pt: no such weights file" in str(error)


def test_a_finetuned_run_is_evaluated_and_used(finetuned, tiny_phantom, tmp_path):
    weights = {"weights": str(finetuned / "models" / "model.pt")}
    places = paths(tiny_phantom, tmp_path / "again")
    run("finetune", "evaluate", bundle=MIP, **places, **FINE, **weights, pretrained="none")
    scores = [f / "test" / "segmentation.json" for f in (tmp_path / "again", finetuned)]
    assert scores[0].read_text() == scores[1].read_text()
    folders = {"dataset_dir": str(tiny_phantom.parent / "images")}
    folders |= {"output_dir": str(tmp_path / "out"), "run_dir": str(finetuned)}
    run("inference", kind="infer", bundle=MIP, **folders)
    assert nib.load(next((tmp_path / "out").glob("*.nii.gz"))).shape == (32, 32)


def test_data_without_what_is_scored_are_named(pretrained, finetuned, tiny_phantom, tmp_path):
    content = json.loads(tiny_phantom.read_text())
    path = tiny_phantom.parent / "labels_alone.json"
    path.write_text(json.dumps({**content, "validation": [], "test": []}))
    run_dir = {"run_dir": str(pretrained), "seed": 0}
    probe = workflow("probe", kind="infer", bundle=MIP, **paths(path, tmp_path / "p"), **run_dir)
    weights = FINE | {"weights": str(finetuned / "models" / "model.pt"), "pretrained": "none"}
    scores = workflow("finetune", "evaluate", bundle=MIP, **paths(path, tmp_path / "s"), **weights)
    for flow, expected in ((probe, "has no labeled or no validation"), (scores, "no test case to")):
        flow.initialize()
        with pytest.raises(RuntimeError) as raised:
            flow.run()
        assert expected in str(input_error_in(raised.value))
    assert not list(tmp_path.glob("*/*"))


def test_the_default_network_is_that_of_the_metadata():
    monai.bundle.verify_net_in_out(
        net_id="network_def",
        meta_file=str(MIP / "configs" / "metadata.json"),
        config_file=str(MIP / "configs" / "inference.json"),
        device="cpu",
        bundle_root=str(MIP),
    )
