"""The page on segmenting new scans: its commands and code run as written on small data."""

from __future__ import annotations

import re
import shutil

import nibabel as nib
import numpy as np
import pytest
import torch

from gemini_monai.base.tables import read_table
from tests.conftest import ROOT
from tests.docs.conftest import DOCS
from tests.pages import Page


@pytest.fixture
def trained(own_run):
    """``runs/own`` of the small scans, without its page, and ``runs/other`` of other weights."""
    place = own_run
    other = shutil.copytree(place / "runs" / "own", place / "runs" / "other")
    weights = torch.load(other / "models" / "model.pt", weights_only=True)
    torch.save({name: own * 0.9 for name, own in weights.items()}, other / "models" / "model.pt")
    return place


def test_slicer_and_monai_label(own_run):
    (own_run / "bundles").symlink_to(ROOT / "bundles")
    page = Page(DOCS / "how_to" / "slicer.md")
    page.run("segment", own_run)
    (file, *_) = sorted((own_run / "labels").glob("*.seg.nrrd"))
    header = file.read_bytes().partition(b"\n\n")[0].decode()
    shown = re.search(r"```text\n(space: .*?)```", page.text, re.S)[1].splitlines()
    names = [line for line in shown if "Name" not in line]  # of another run
    assert set(names) < set(header.splitlines()) | {"Segment1_LabelValue:=2"}
    page.run("package", own_run)
    assert (
        own_run / "monaibundle" / "model" / "gemini_semi" / "configs" / "inference.json"
    ).exists()


def test_segmenting_new_scans(trained):
    place, page = trained, Page(DOCS / "how_to" / "segment.md")
    told = [page.run(name, place) for name in page.commands()]
    assert all("post-processing: " in text for text in told)
    written = {own.name for own in (place / "sure").iterdir() if "case0" in own.name}
    assert written == {"case0.nii.gz", "case0_probabilities.nii.gz"}
    together = nib.load(place / "together" / "case0_probabilities.nii.gz").get_fdata()
    np.testing.assert_allclose(together.sum(-1), 1, atol=1e-5)
    columns = re.findall(r"`(\w+)`", page.text.split("| column | unit |")[1].split("\n\n")[0])
    assert set(read_table(place / "together" / "volumes.csv")[0]) < set(columns)
    (code,) = page.code()
    names = page.execute(code, place)
    assert names["probabilities"].shape[0] == len(names["run"].structures) + 1
