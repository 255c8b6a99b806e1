"""Benchmarks of one iteration and of one volume, at a size of a test: what they print."""

from __future__ import annotations

import json

import pytest

from benchmarks import inference, memory

SMALL = {"size": (16, 12, 16), "channels": (4, 8)}


@pytest.mark.parametrize("amount", ["normal", "low"])
def test_an_iteration(amount, capsys):
    memory.measure(**SMALL, classes=3, memory=amount)
    found = json.loads(capsys.readouterr().out)
    assert (found["size"], found["memory"], found["classes"]) == ([16, 12, 16], amount, 3)
    assert 0 <= found["net"] <= found["peak_mebibytes"]
    assert found["cpu_seconds"] >= 0


def test_both_amounts_train_by_the_same_losses():
    first, second = (
        memory.setup((12, 12, 12), 3, (4, 8), amount, True) for amount in ("normal", "low")
    )
    assert first[0].objectives.keys() == second[0].objectives.keys()
    assert second[0].network.image_by_image
    assert not first[0].network.image_by_image


@pytest.mark.parametrize("window", [None, (8, 8, 8)])
def test_a_volume(window, capsys):
    inference.measure(**SMALL, window=window, classes=3)
    found = json.loads(capsys.readouterr().out)
    assert found["voxels"] == 16 * 12 * 16
    assert found["window"] == (window and [8, 8, 8])
    assert 0 <= found["net"] <= found["peak_mebibytes"]
