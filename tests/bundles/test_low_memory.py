"""``--memory low``: the same training, and a run that goes on with it."""

from __future__ import annotations

import csv

import pytest

from tests.bundles.contract import FEW_BOXES
from tests.bundles.runs import MIP, SMALL, paths, run

QUICK = SMALL | {"registration_pairs": 1}


def _history(folder):
    with (folder / "history.csv").open(newline="") as file:
        return [{k: float(v) for k, v in row.items() if v} for row in csv.DictReader(file)]


@pytest.mark.parametrize("bundle", [None, MIP], ids=["semi", "mip"])
@pytest.mark.usefixtures("no_page")
def test_it_comes_to_the_same_and_goes_on(bundle, tiny_phantom, tmp_path):
    options = QUICK | (
        {"bundle": MIP} | FEW_BOXES
        if bundle
        else {"compare": [], "pairs_interval": 1, "final_learning_rate": 1.0}
    )
    begun, whole = (paths(tiny_phantom, tmp_path / name) for name in ("begun", "whole"))
    run("train", **begun, **options | {"memory": "normal", "epochs": 1})
    run("train", **begun, **options | {"memory": "low", "resume": True})
    run("train", **whole, **options | {"memory": "low"})
    begun, whole = _history(tmp_path / "begun"), _history(tmp_path / "whole")
    assert len(whole) == len(begun) == 4
    for row, other in zip(whole[:3], begun, strict=False):
        assert row == pytest.approx(other, rel=1e-3)
