"""Small scans in a working directory of one's own, where no clone lies."""

from __future__ import annotations

import pytest

from gemini_monai.data.prepare import prepare_folder
from gemini_monai.data.prepare.split import Wanted
from tests.bundles.runs import SMALL, paths, run
from tests.conftest import ROOT
from tests.data.prepare.made import folder
from tests.pages import Page

DOCS = ROOT / "docs"


@pytest.fixture
def place(tmp_path):
    """A working directory with small scans and nothing else."""
    folder(tmp_path, images=9, labels=6, shape=(32, 32)).rename(tmp_path / "scans")
    return tmp_path


@pytest.fixture
def clone(place):
    """``place`` with the bundles, like the root of a clone."""
    (place / "bundles").symlink_to(ROOT / "bundles")
    return place


@pytest.fixture
def own_run(place, monkeypatch):
    """``place`` with ``runs/own``, trained on the small scans, without its page."""
    steps = "gemini_monai.configuration.process_steps."
    monkeypatch.setattr(f"{steps}write_report", lambda folders: None)
    monkeypatch.setattr(f"{steps}print_findings", lambda folders, page: None)
    data = prepare_folder(place / "scans", place / "data", wanted=Wanted(labeled=5))
    small = SMALL | {"spatial_size": [32, 32], "compare": [], "epochs": 1}
    run("train", "dataset_folder", **paths(data, place / "runs" / "own"), **small)
    return place


def prepared(place):
    """Prepare the small scans."""
    Page.run_line("gemini prepare folder scans data --labeled 5", place)
