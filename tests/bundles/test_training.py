"""Training: what it leaves, every overlay, resuming, labels and arms."""

from __future__ import annotations

import csv
import json
import re
import shutil

import numpy as np
import pytest
import torch
from PIL import Image

from gemini_monai.base.errors import input_error_in
from gemini_monai.data.dataset_file import read_cohort
from gemini_monai.data.prepare import prepare_folder
from tests.bundles.runs import BUNDLE, PAIRED, SMALL, run, workflow
from tests.data.prepare.made import image, label, save


def _rows(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def _paths(dataset, folder):
    return {"dataset_dir": str(dataset.parent), "datalist": str(dataset), "output_dir": str(folder)}


def test_a_run_leaves_everything_a_person_looks_for(trained):
    for name in (
        "models/model.pt models/last.pt history.csv validation.csv run.json config.json "
        "monitor.csv "
        "report.html "
        "test/segmentation.csv test/segmentation.json test/registration.csv "
        "supervised/models/model.pt supervised/test/segmentation.csv"
    ).split():
        assert (trained / name).is_file(), name
    assert not list(trained.rglob(".part-*"))
    assert len(list((trained / "test" / "predictions").iterdir())) == 3
    assert [row["iteration"] for row in _rows(trained / "history.csv")] == ["1", "2", "3", "4"]
    assert set(_rows(trained / "history.csv")[0]) == {
        "iteration",
        "loss",
        "smoothness",
        "visual",
        "semantic",
        "pasted_dice",
        "pasted_cross_entropy",
    }
    validation = _rows(trained / "validation.csv")
    assert [row["iteration"] for row in validation] == ["2", "4"]
    assert {"mean_dice", "right lung", "left lung", "heart", "clavicles"} < set(validation[0])
    record = json.loads((trained / "run.json").read_text())
    assert record["settings"]["channels"] == [4, 8]
    assert record["dataset"]["cases"]["labeled"] == 3
    assert record["iterations"] == 4
    assert record["seconds"] > 0 < record["cpu_seconds"]


def test_a_segmenter_starts_from_a_pretrained_backbone(pretrained, tiny_phantom, tmp_path):
    still = {"learning_rate": 0.0, "pretrained": str(pretrained), "compare": ["supervised"]}
    run("train", **_paths(tiny_phantom, tmp_path), **SMALL | still)
    theirs = torch.load(pretrained / "models" / "model.pt")
    backbone = [key for key in theirs if key.startswith("backbone.")]
    for folder in (tmp_path, tmp_path / "supervised"):
        ours = torch.load(folder / "models" / "model.pt")
        assert all(torch.equal(ours[key], theirs[key]) for key in backbone)


def test_a_folder_named_from_here_is_shown_whole(tiny_phantom, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run("train", **_paths(tiny_phantom, "runs/own"), **SMALL)
    page = (tmp_path / "runs" / "own" / "report.html").read_text()
    assert page.count('<figure><svg class="panel"') > 12
    assert "Not shown" not in page
    assert 'class="panel empty"' not in page


def test_an_arm_is_the_run_that_its_overlay_gives(trained, tiny_phantom, tmp_path):
    """Same weights to begin with, same labeled batches, whatever was trained before it."""
    arm, alone = trained / "supervised", tmp_path / "alone"
    run("train", "method_supervised", **_paths(tiny_phantom, alone), **PAIRED)
    assert _equal_runs(arm, alone)
    record = json.loads((arm / "run.json").read_text())
    assert (record["method"], record["registers"]) == ("supervised", False)
    assert json.loads((trained / "run.json").read_text())["compare"] == ["supervised"]
    assert (arm / "report.html").is_file()
    assert set(_rows(arm / "history.csv")[0]) == {"iteration", "loss", "dice", "cross_entropy"}


def test_an_arm_is_added_to_a_finished_run(trained, tiny_phantom, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(trained, folder)
    before = (folder / "supervised" / "history.csv").read_text()
    own = tmp_path / "own_word.json"
    gvsl = json.loads((BUNDLE / "configs" / "method_gvsl.json").read_text())
    own.write_text(json.dumps(gvsl | {"method": "mine"}))
    options = _paths(tiny_phantom, folder) | PAIRED | {"resume": True}
    run("train", **options, compare=["supervised", "gvsl", str(own)])
    assert json.loads((folder / "run.json").read_text())["compare"] == [
        "supervised",
        "gvsl",
        "own_word",
    ]
    assert (folder / "supervised" / "history.csv").read_text() == before
    tables = [_rows(folder / name / "history.csv") for name in ("gvsl", "own_word")]
    assert tables[0] == tables[1]
    page = (folder / "report.html").read_text()
    assert all(name in page for name in ("supervised U-Net", "GVSL", "mine"))


@pytest.mark.parametrize(
    ("compare", "message"),
    [
        (
            ["absent"],
            "'absent' is neither a .* has .*gvsl, lc_voxelmorph, lt_net, .*, pairs, .*, supervised",
        ),
        (["gvsl", "gvsl"], "two arms of one name"),
        (True, r"expected a list of methods such as \['supervised'\], or \[\], got True"),
    ],
)
def test_an_arm_that_cannot_be_is_named_before_training(tiny_phantom, tmp_path, compare, message):
    options = _paths(tiny_phantom, tmp_path / "run") | SMALL
    with pytest.raises(RuntimeError) as raised:
        run("train", **options, compare=compare)
    assert re.search(message, str(input_error_in(raised.value)))
    assert not (tmp_path / "run" / "run.json").exists()


def test_scores_are_of_the_files_that_were_saved(trained, tiny_phantom):
    import nibabel as nib

    rows = _rows(trained / "test" / "segmentation.csv")
    assert len(rows) == 3 * 4
    for row in rows:
        prediction, truth = (
            nib.load(row[key]).get_fdata() == 1 + _structures(tiny_phantom).index(row["structure"])
            for key in ("prediction", "label")
        )
        total = prediction.sum() + truth.sum()
        expected = 2 * (prediction & truth).sum() / total
        assert float(row["dice"]) == pytest.approx(expected)


def _structures(path):
    return list(read_cohort(path).structures)


def test_the_same_seed_gives_the_same_run_and_another_does_not(trained, tiny_phantom, tmp_path):
    for seed, same in ((0, True), (1, False)):
        folder = tmp_path / str(seed)
        run("train", **_paths(tiny_phantom, folder), **SMALL, seed=seed, compare=[])
        equal = _rows(folder / "history.csv") == _rows(trained / "history.csv")
        assert equal == same


def test_a_killed_run_resumes_to_the_same_result(trained, tiny_phantom, tmp_path):
    paths = _paths(tiny_phantom, tmp_path)
    flow = workflow("train", **paths, **PAIRED)
    flow.initialize()
    trainer = flow.parser.get_parsed_content("train#trainer")

    def stop(engine):
        raise KeyboardInterrupt

    from ignite.engine import Events

    trainer.add_event_handler(Events.ITERATION_STARTED(once=4), stop)
    with pytest.raises(KeyboardInterrupt):
        trainer.run()
    run("train", **paths, **PAIRED, resume=True)
    assert _equal_runs(tmp_path, trained)
    assert _equal_runs(tmp_path / "supervised", trained / "supervised")
    run("train", **paths, **PAIRED, resume=True)  # nothing is left to do
    assert _equal_runs(tmp_path, trained)
    assert _equal_runs(tmp_path / "supervised", trained / "supervised")


def _equal_runs(first, second):
    tables = all(
        _rows(first / name) == _rows(second / name) for name in ("history.csv", "validation.csv")
    )
    scores = [json.loads((f / "test" / "segmentation.json").read_text()) for f in (first, second)]
    states = [torch.load(f / "models" / "last.pt")["learner"] for f in (first, second)]
    weights = all(torch.equal(states[0][key], states[1][key]) for key in states[0])
    return tables and weights and scores[0] == scores[1]


@pytest.mark.parametrize("method", ["supervised", "gvsl"])
def test_method_overlays_leave_out_their_terms(tiny_phantom, tmp_path, method):
    run("train", f"method_{method}", **_paths(tiny_phantom, tmp_path), **PAIRED)
    terms = set(_rows(tmp_path / "history.csv")[0]) - {"iteration", "loss"}
    expected = {"dice", "cross_entropy"}
    if method == "gvsl":
        expected |= {"smoothness", "visual"}
    assert terms == expected
    assert (tmp_path / "test" / "registration.csv").exists() == (method == "gvsl")
    assert not (tmp_path / "supervised").exists()


def test_supervised_training_needs_no_unlabeled_image(tiny_phantom, tmp_path):
    content = json.loads(tiny_phantom.read_text()) | {"unlabeled": []}
    path = tiny_phantom.parent / "labeled_only.json"
    path.write_text(json.dumps(content))
    run("train", "method_supervised", **_paths(path, tmp_path), **PAIRED)
    assert (tmp_path / "report.html").is_file()


@pytest.mark.parametrize("overlay", ["dataset_phantom_2d", "dataset_phantom_3d"])
def test_phantom_overlays_run(tiny_phantom, tiny_phantom_3d, tmp_path, overlay):
    path = tiny_phantom_3d if overlay.endswith("3d") else tiny_phantom
    run("train", overlay, **_paths(path, tmp_path), **PAIRED, compare=[])
    record = json.loads((tmp_path / "run.json").read_text())
    assert record["dataset"]["spatial_dims"] == int(overlay[-2])
    assert (tmp_path / "test" / "registration.json").is_file()


def test_three_dimensional_overlay_of_the_hippocampus_runs(tiny_phantom_3d, tmp_path):
    overrides = SMALL | {"spatial_size": [16, 16, 16]}
    run("train", "dataset_hippocampus", **_paths(tiny_phantom_3d, tmp_path), **overrides)
    assert (tmp_path / "report.html").is_file()


def test_a_folder_of_overlapping_masks_without_validation_or_test(tmp_path):
    source = tmp_path / "src"
    for k in range(6):
        save(source / "images" / f"c{k}.png", image(k, (24, 20)))
        for name in ("lung", "clavicle"):
            mask = 255 * label((24, 20), values=(0, 1)) if k < 2 else None
            if mask is not None:
                save(source / "labels" / f"c{k}" / f"{name}.png", mask)
    path = prepare_folder(source, tmp_path / "dst")
    folder = tmp_path / "run"
    run("train", "dataset_folder", **_paths(path, folder), **PAIRED)
    assert (folder / "models" / "model.pt").is_file()
    assert (folder / "report.html").is_file()
    assert not (folder / "test").exists()
    losses = [float(row["loss"]) for row in _rows(folder / "history.csv")]
    assert np.isfinite(losses).all()


def test_color_images_have_three_channels(tmp_path):
    source = tmp_path / "src"
    for k in range(6):
        path = source / "images" / f"c{k}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image(k, (20, 24, 3))).save(path)
        if k < 2:
            save(source / "labels" / f"c{k}.png", label((24, 20)))
    path = prepare_folder(source, tmp_path / "dst")
    run("train", "dataset_folder", **_paths(path, tmp_path / "run"), **PAIRED)
    weights = torch.load(tmp_path / "run" / "models" / "model.pt")
    assert weights["backbone.encoder.0.0.conv.weight"].shape[1] == 3
