"""Backbones, methods, data sets and transforms of one's own, as the pages say."""

from __future__ import annotations

import json
import re

import pytest
import torch
from monai.bundle import ConfigParser

from gemini_monai.networks import Gemini
from tests.data.prepare.made import image, label, save
from tests.docs.conftest import DOCS, prepared
from tests.pages import Page


def test_another_backbone(place):
    page = Page(DOCS / "how_to" / "another_backbone.md").write_files(place)
    prepared(place)
    page.run("train", place)
    state = torch.load(place / "runs/basic_unet/models/model.pt", weights_only=True)
    assert "backbone.conv_0.conv_0.conv.weight" in state
    assert len(list((place / "labels").glob("*.nii.gz"))) == 9
    assert (place / "basic_unet.pt").is_file()
    page.run("transunet", place)
    state = torch.load(place / "runs/transunet/models/model.pt", weights_only=True)
    assert state["backbone.bottleneck.position"].shape == (1, 192, 14, 14)
    page.execute(page.code()[-1], place)


def _tried():
    text = (DOCS / "how_to" / "another_backbone.md").read_text()
    return re.findall(r"^\| `(\w+)` \| `(\{.*\})` \| (\d+) \|$", text, re.M)


@pytest.mark.parametrize(("name", "arguments", "multiple"), _tried())
def test_backbones_that_were_tried(name, arguments, multiple):
    known = {"spatial_dims": 2, "in_channels": 1, "out_channels": 4, **json.loads(arguments)}
    theirs = ConfigParser({"net": {"_target_": name, **known}}).get_parsed_content("net")
    network = Gemini(2, 1, 3, backbone=theirs, feature_channels=4, backbone_multiple=int(multiple))
    images = torch.rand(2, 1, 36, 44)
    assert network(images).shape == (2, 3, 36, 44)
    network.correspond(images).ddf_ab.square().mean().backward()
    assert any(p.grad is not None and p.grad.abs().sum() > 0 for p in theirs.parameters())


def test_there_are_backbones_in_the_table():
    assert len(_tried()) >= 5


@pytest.mark.usefixtures("clone")
def test_a_new_method(place):
    page = Page(DOCS / "how_to" / "new_method.md").write_files(place)
    prepared(place)
    assert page.run("train", place).startswith("ok: objectives#consistency#weight")
    history = (place / "runs/teacher/history.csv").read_text().splitlines()
    assert history[0] == "iteration,loss,dice,cross_entropy,consistency"
    last = [float(value) for value in history[-1].split(",")]
    assert last[-1] > 0
    page.run("compare", place)
    assert (place / "runs/compared/slow_teacher/run.json").is_file()
    found = page.execute(page.code()[-1], place)
    network, objective = found["network"], found["learner"].objectives["teacher"]
    before = [p.clone() for p in objective.teacher.parameters()]
    objective.after_step(network)
    for old, own, new in zip(
        before, objective.teacher.parameters(), network.parameters(), strict=True
    ):
        assert not own.requires_grad
        torch.testing.assert_close(own, 0.99 * old + 0.01 * new)


def test_a_new_data_set(place):
    page = Page(DOCS / "how_to" / "new_data_set.md").write_files(place)
    for k in range(10):
        patient = place / "clinic" / f"P{k:02d}"
        save(patient / "scan.nii.gz", image(k, (16, 16)))
        if k < 7:
            save(patient / "organs.nii.gz", label((16, 16)))
    page.run("train", place)
    run = json.loads((place / "runs/clinic/run.json").read_text())
    assert run["dataset"]["structures"] == ["liver", "spleen"]
    assert run["settings"]["pairing"] == "separate"
    assert json.loads((place / "prepared/dataset.json").read_text())["source"] == "clinic"


def test_an_augmentation_of_ones_own(place):
    page = Page(DOCS / "how_to" / "augmentation.md").write_files(place)
    prepared(place)
    page.run("train", place)
    assert (place / "runs/strong/models/model.pt").is_file()


def test_transforms_of_ones_own(place):
    page = Page(DOCS / "concepts" / "preprocessing.md").write_files(place)
    prepared(place)
    page.run("train", place)
    assert len(list((place / "labels").glob("*.nii.gz"))) == 9
    Page.run_line("! gemini segment runs/equalized scans/images other", place)
    assert not (place / "other").exists()
