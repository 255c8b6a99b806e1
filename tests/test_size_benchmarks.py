"""Benchmarks of one iteration and of one volume, at a size of a test: what they print."""

from __future__ import annotations

import json

import pytest
import torch

from benchmarks import gpu, inference, memory
from benchmarks.command import run_command

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


def test_both_ways_of_windows_find_the_same(capsys):
    inference.ways(size=(24, 24, 16), window=(8, 8, 8), channels=(4, 8), repeats=1)
    found = json.loads(capsys.readouterr().out)
    assert found["same_voxels"] > 0.999
    assert (found["at_a_time"], len(found["cpu_seconds"])) == (4, 2)


def test_a_way_to_compute_a_step(monkeypatch):
    for name in ("empty_cache", "reset_peak_memory_stats"):
        monkeypatch.setattr(torch.cuda, name, lambda: None)
    monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda: 3 * 2**20)
    found = gpu.row("tf32", lambda: [0.01, 0.02, 0.04], adds=10**9, peak=10**12)
    assert found == {
        "way": "tf32",
        "milliseconds": 20.0,
        "spread": [10.0, 40.0],
        "mebibytes": 3,
        "percent_of_bfloat16_peak": 10.0,  # two FLOPs a multiply-add: 0.1 of 1 TFLOP/s
    }

    def too_much():
        raise torch.OutOfMemoryError

    assert gpu.row("float32", too_much, adds=1, peak=1) == {
        "way": "float32",
        "failed": "out of memory",
    }


def test_every_setting_is_computed_in_ways_that_are_known():
    assert all(set(setting.ways) <= set(gpu.WAYS) for setting in gpu.SETTINGS.values())
    assert gpu.WAYS.keys().isdisjoint(gpu.COMPILED)


def test_without_a_gpu_one_line_says_so(monkeypatch, capsys):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr("sys.argv", ["gpu"])
    with pytest.raises(SystemExit, match="1"):
        run_command(gpu.main)
    assert capsys.readouterr().err.startswith("error: expected a GPU, and PyTorch ")
