"""Python and other pipelines: the pages' code runs as written."""

from __future__ import annotations

import re

import torch

from tests.conftest import ROOT
from tests.docs.conftest import DOCS, prepared
from tests.pages import Page


def test_the_backbone_elsewhere(place):
    page = Page(DOCS / "how_to" / "backbone_elsewhere.md")
    assert '"part": "backbone"' in page.run("export", place)
    ours, theirs = page.code()
    page.execute(ours.replace("(16, 32, 64, 128)", "(4, 8)"), place)
    assert page.execute(theirs, place)["logits"].shape == (1, 3, 64, 64)
    page.run("finetune", place)
    assert (place / "curves.html").is_file()


def test_from_python(place):
    run, memory, loop = Page(DOCS / "how_to" / "python.md").code()
    prepared(place)
    options = "--output_dir runs/own --spatial_size '[32,32]' --pairs_interval 1"
    Page.run_line(f"gemini train semi data {options}", place)
    names = Page.execute(run, place)
    assert names["labels"].shape[0] == 1
    assert names["pair"].displacement.shape[0] == 2
    held = Page.execute(memory, place)
    assert all(torch.equal(held[name], held["label"]) for name in ("same", "also"))
    assert held["bare"].shape == held["label"].shape
    Page.execute(loop, place)
    assert "encoder.0.0.conv.weight" in torch.load(place / "backbone.pt", weights_only=True)
    assert len([line for line in loop.splitlines() if line and "import" not in line]) <= 15


def test_the_example_trains_from_python(clone):
    place = clone
    code = (ROOT / "examples" / "train_from_python.py").read_text()
    small = {
        "spatial_size=(96, 96)": "spatial_size=(32, 32)",
        '{"epochs": 6, "epoch_length": 50,': '{"epochs": 2, "epoch_length": 2, "channels": [4, 8],',
    }
    for now, then in small.items():
        assert code.count(now) == 1
        code = code.replace(now, then)
    (place / "train_from_python.py").write_text(code)
    printed = Page.run_line("python train_from_python.py", place)
    assert re.search(r"^iteration +4  loss \d+\.\d\d$", printed, re.M)
    assert re.search(r"^ +heart  Dice \d+\.\d %$", printed, re.M)
