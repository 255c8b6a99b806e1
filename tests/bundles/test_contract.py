"""What holds for every method and every data set that the bundles ship, whatever it trains by."""

from __future__ import annotations

import csv
import json
import math

import pytest
import torch

from gemini_monai.data.dataset_file import read_cohort
from gemini_monai.weights import load_backbone
from tests.bundles.contract import CASES, Killed, saved, trained
from tests.bundles.runs import MIP, files, run, workflow


@pytest.fixture(scope="module")
def unbroken(datasets, tmp_path_factory):
    """Folder, trainer and what a gradient reached of each case, trained when first asked for."""
    made = {}

    def ask(case):
        if case not in made:
            folder = tmp_path_factory.mktemp("contract") / "run"
            made[case] = folder, trained(case, datasets[case.spatial_dims], folder)
        return made[case]

    return ask


def _has_state_of_its_own(case):
    """A method that owns something, or a data set; not one that has another encoder alone."""
    name = case.overlay or ""
    if name in ("finetune_imagenet", "finetune_med3d"):
        return False
    return not name.startswith("method_") or (case.owns and not case.again)


every_case = pytest.mark.parametrize("case", CASES, ids=str)
every_way = pytest.mark.parametrize("case", [case for case in CASES if not case.again], ids=str)
every_state = pytest.mark.parametrize(
    "case",
    [c for c in CASES if _has_state_of_its_own(c)],
    ids=str,
)


@every_case
def test_terms_are_finite_and_named_once(unbroken, case):
    with (unbroken(case)[0] / "history.csv").open(newline="") as file:
        header, *rows = csv.reader(file)
    assert header[:2] == ["iteration", "loss"]
    assert len(set(header)) == len(header) > 2
    assert len(rows) == 4
    assert all(math.isfinite(float(value)) for row in rows for value in row)


@every_case
def test_a_gradient_reaches_all_that_is_trained_and_nothing_else(unbroken, case):
    """But what is idle; a teacher is not the optimizer's."""
    folder, (trainer, reached) = unbroken(case)
    learner = trainer.learner
    trainable = {name for name, p in learner.named_parameters() if p.requires_grad}
    idle = () if learner.registers else ("network.deformer.",)
    idle += () if _uses_head(learner) and _task(folder) != "registration" else ("network.head.",)
    whole = any(own.trains == "backbone" for own in learner.objectives.values())
    idle += () if whole else ("network.backbone.decoder.",)
    assert reached == {name for name in trainable if not name.startswith(idle)}
    held = {id(p) for group in trainer.optimizer.param_groups for p in group["params"]}
    assert held == {id(p) for name, p in learner.named_parameters() if name in trainable}
    assert all(p.grad is None for p in learner.parameters() if not p.requires_grad)


def _task(folder):
    return json.loads((folder / "run.json").read_text())["task"]


def _uses_head(learner):
    """What learns labels or restores an image."""
    keys = {"label", "clean"} & set(learner.reads)
    return keys or any("masked" in name for name in learner.objectives)


def _options(case, datasets, folder):
    path = datasets[case.spatial_dims]
    places = {"dataset_dir": str(path.parent), "datalist": str(path), "output_dir": str(folder)}
    return places | case.overrides()


@every_state
def test_a_killed_run_goes_on_bit_for_bit(unbroken, datasets, case, tmp_path):
    folder, _ = unbroken(case)
    dataset = datasets[case.spatial_dims]
    with pytest.raises(Killed):
        trained(case, dataset, tmp_path, kill_at=4)
    trained(case, dataset, tmp_path, resume=True)
    torch.testing.assert_close(
        _numbers(saved(tmp_path)), _numbers(saved(folder)), rtol=0, atol=0, equal_nan=True
    )
    tables = {path.name for path in folder.glob("*.csv")}
    assert {path.name for path in tmp_path.glob("*.csv")} == tables
    for name in tables:
        assert (tmp_path / name).read_text() == (folder / name).read_text(), name


def _numbers(checkpoint):
    return {key: checkpoint[key] for key in ("learner", "optimizer", "iteration", "best_metric")}


@every_way
def test_what_was_trained_is_used(unbroken, datasets, case, tmp_path):
    """A segmenter segments by ``inference.json``; ``finetune.json`` takes a backbone whole."""
    folder, _ = unbroken(case)
    if _task(folder) == "segmentation":
        item = read_cohort(datasets[case.spatial_dims]).test[0]
        source = tmp_path / "in"
        source.mkdir()
        (source / "case.nii.gz").symlink_to(item["image"])
        places = {"dataset_dir": str(source), "output_dir": str(tmp_path / "out")}
        run("inference", kind="infer", bundle=case.bundle, run_dir=str(folder), **places)
        assert (tmp_path / "out" / "case.nii.gz").is_file()
        return
    spec = {"spatial_dims": case.spatial_dims, "channels": [4, 8]}
    flow = workflow("finetune", bundle=MIP, **_options(case, datasets, tmp_path) | spec)
    loaded = load_backbone(flow.parser.get_parsed_content("network_def"), folder, verbose=False)
    assert loaded.matched
    assert loaded.missing == loaded.unexpected == loaded.adapted == []


def test_no_overlay_is_left_out():
    known = {(case.bundle, name) for case in CASES for name in case.files}
    for bundle in {case.bundle for case in CASES}:
        for path in (bundle / "configs").glob("*_*.json"):
            if path.stem.startswith(("multi_gpu_", "inference_")):  # test_two_processes, test_zoo
                continue
            assert (bundle, path.stem) in known, path
    assert files("train")
