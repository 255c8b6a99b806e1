"""Every arm spends as much: what a budget asks of the arms, and what it is read from."""

from __future__ import annotations

import json
import shlex
from dataclasses import replace

import pytest

from gemini_monai.base.errors import InputError
from gemini_monai.study.benchmark import (
    Budget,
    GridSpec,
    budget_of,
    grid_runs,
    probing_runs,
    waiting_arms,
    with_budget,
)

COSTS = {"supervised": 2.0, "gemini": 12.0}
"""Processor seconds of an epoch; the clock's are twice as many."""
STEPS = {"supervised": 50, "gemini": 150}


@pytest.fixture
def spec(tiny_phantom, tmp_path):
    return GridSpec(
        suite="few_labels",
        data=(tiny_phantom.parent,),
        methods=("gemini",),
        labels=(2, 3),
        draws=(0, 1),
        output=tmp_path,
        overrides=("--epochs", "8", "--epoch_length", "50"),
    )


def _option(run, name):
    words = shlex.split(run.command)
    return [words[k + 1] for k, word in enumerate(words) if word == f"--{name}"]


def _write(runs, *, device="cpu"):
    for run in runs:
        run.folder.mkdir(parents=True)
        epoch = {
            "optimizer_steps": STEPS[run.method],
            "cpu_seconds": COSTS[run.method],
            "seconds": 2 * COSTS[run.method],
        }
        dearer = epoch | {"cpu_seconds": 1.7 * epoch["cpu_seconds"], "seconds": 99.0}
        record = {"last_epochs": [dearer, epoch, dearer], "device": device}
        (run.folder / "run.json").write_text(json.dumps(record))
        (run.folder / "report.html").write_text("page")


def test_each_arm_is_probed_once_for_four_epochs(spec):
    runs = probing_runs(spec, Budget("time", 1.0))
    assert [run.method for run in runs] == ["supervised", "gemini"]
    for run in runs:
        assert _option(run, "epochs") == ["4"]
        assert _option(run, "epoch_length") == ["50"]
        assert (run.data, run.also) == ("", "")
    assert {run.name for run in runs}.isdisjoint(run.name for run in grid_runs(spec))
    assert probing_runs(spec, None) == probing_runs(spec, Budget("converged", 0.3)) == []


@pytest.mark.parametrize(
    ("budget", "device", "expected"),
    [
        (Budget("time", 2.0), "cpu", {"supervised": "60", "gemini": "10"}),
        (Budget("time", 2.0), "cuda", {"supervised": "30", "gemini": "5"}),
        (Budget("steps", 1200.0), "cpu", {"supervised": "24", "gemini": "8"}),
        (Budget("steps", 1.0), "cpu", {"supervised": "1", "gemini": "1"}),
    ],
)
def test_epochs_are_what_the_budget_buys(spec, budget, device, expected):
    _write(probing_runs(spec, budget), device=device)
    runs = grid_runs(with_budget(spec, budget))
    assert len(runs) == 8
    for run in runs:
        assert _option(run, "epochs") == [expected[run.method]]


def test_a_probe_that_failed_leaves_one_epoch(spec):
    assert {
        tuple(_option(run, "epochs")) for run in grid_runs(with_budget(spec, Budget("time", 1)))
    } == {("1",)}


@pytest.mark.parametrize(
    ("kind", "device", "said"),
    [("time", "cpu", True), ("time", "cuda", False), ("steps", "cpu", False)],
)
def test_probes_beside_other_work_are_said(spec, kind, device, said):
    budget = Budget(kind, 2.0)
    _write(probing_runs(spec, budget), device=device)
    assert waiting_arms(spec, budget) == (["supervised", "gemini"] if said else [])
    assert ("beside other work (supervised, gemini)" in with_budget(spec, budget).budget) == said


@pytest.mark.parametrize(
    ("budget", "expected"),
    [(Budget("time", 2.0), "--minutes 2"), (Budget("steps", 900.0), "--iterations 900")],
)
def test_nnunet_is_given_its_budget_as_it_is(spec, budget, expected):
    own = replace(spec, methods=("nnunet",), nnunet=("--mirroring", "False"))
    assert [run.method for run in probing_runs(own, budget)] == ["supervised"]
    (run, *_) = [r for r in grid_runs(with_budget(own, budget)) if r.method == "nnunet"]
    data, folder = spec.data[0], run.folder
    assert run.command == (
        f"gemini nnunet {data} --labeled_cases 2 --mirroring False {expected} --seed 0 "
        f"--output_dir {folder} --overwrite True"
    )
    assert run.also == ""


def test_of_pretrainings_the_pretraining_is_what_is_bought(spec):
    own = replace(spec, suite="pretraining", pretraining=("--epochs", "9"))
    probes = probing_runs(own, Budget("time", 2.0))
    assert [run.method for run in probes] == ["gemini"]
    _write(probes)
    for run in grid_runs(with_budget(own, Budget("time", 2.0))):
        assert _option(run, "epochs") == ["8" if run.labels else "10"]


def test_convergence_is_a_knob_of_every_arm(spec):
    own = with_budget(spec, Budget("converged", 0.25))
    assert all(_option(run, "stop_after") == ["0.25"] for run in grid_runs(own))
    assert "25 % of its training" in own.budget
    assert with_budget(spec, None) is spec


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", None),
        ("time", Budget("time", 5.0)),
        ("time 2.5", Budget("time", 2.5)),
        ("steps 300", Budget("steps", 300.0)),
    ],
)
def test_a_budget_is_a_kind_and_an_amount(text, expected):
    assert budget_of(text) == expected


@pytest.mark.parametrize("text", ["money", "time x", "time 1 2", "time 0", "converged 2"])
def test_what_is_no_budget_is_named(text):
    with pytest.raises(InputError, match="--budget"):
        budget_of(text)
