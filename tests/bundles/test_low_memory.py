"""``--memory low``: the same training, and a run that goes on with it."""

from __future__ import annotations

import csv

import pytest

from tests.bundles.runs import MIP, SMALL, paths, run


def _history(folder):
    with (folder / "history.csv").open(newline="") as file:
        return [{name: float(v) for name, v in row.items()} for row in csv.DictReader(file)]


@pytest.mark.parametrize("bundle", [None, MIP], ids=["semi", "mip"])
def test_it_comes_to_the_same_and_goes_on(bundle, tiny_phantom, tmp_path):
    options = SMALL | ({"bundle": MIP} if bundle else {"compare": []})
    histories = []
    for memory in ("normal", "low"):
        places = paths(tiny_phantom, tmp_path / memory)
        run("train", **places, **options | {"memory": memory, "epochs": 1})
        run("train", **places, **options | {"memory": "low", "epochs": 2}, resume=True)
        histories.append(_history(tmp_path / memory))
    normal, low = histories
    assert len(low) == len(normal) > 1
    assert low[0] == pytest.approx(normal[0], rel=1e-4)
