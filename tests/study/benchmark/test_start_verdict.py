"""Which weights to take: what is clear, what is an anecdote, and the scratch of each network."""

from __future__ import annotations

import csv
from types import SimpleNamespace

import numpy as np
import pytest
from scipy import stats

from gemini_monai.base.errors import InputError
from gemini_monai.study.benchmark import (
    Budget,
    GridSpec,
    grid_runs,
    probing_runs,
    read_grid_results,
    start_verdict,
    verdict,
    write_results,
)
from tests.study.benchmark.synthetic_grid import write_grid

BIG = ("--channels", "[8, 16]")
GIVEN = {"own": ("run",), "big": ("big.pt", *BIG), "scratch_big": ("none", *BIG)}


@pytest.fixture
def spec(tiny_phantom, tmp_path):
    return GridSpec(
        suite="starts",
        data=(tiny_phantom.parent,),
        methods=(),
        labels=(2,),
        draws=tuple(range(5)),
        output=tmp_path / "out",
        given=GIVEN,
    )


@pytest.fixture
def told(spec, monkeypatch):
    """The verdict of mean Dice by arm, with a spread between draws, from a few cases each."""

    def tell(means, *, draws=5, spread=0.01, missing=""):
        random = np.random.default_rng(0)
        own = GridSpec(**{**vars(spec), "draws": tuple(range(draws))})
        scores = {
            arm: {
                draw: {
                    f"c{k}": means[arm] + 0.02 * k + spread * random.standard_normal()
                    for k in range(6)
                }
                for draw in own.draws
            }
            for arm in own.arms
        }
        runs = dict.fromkeys(grid_runs(own))
        monkeypatch.setattr(start_verdict, "scores_by_draw", lambda of, _: scores[of[0].method])
        rows = [
            SimpleNamespace(method=arm, mean=means[arm], missing={0: "x"} if arm == missing else {})
            for arm in own.arms
        ]
        results = SimpleNamespace(spec=own, finished=runs, rows=rows)
        return verdict(results), start_verdict.gains(results), scores

    return tell


FLAT = {"scratch": 0.8, "own": 0.8, "big": 0.8, "scratch_big": 0.8}


def test_every_arm_is_a_fine_tuning_and_scratch_is_first(spec):
    runs = grid_runs(spec)
    assert len(runs) == 4 * 5
    assert spec.arms == ("scratch", "own", "big", "scratch_big")
    assert all(run.command.startswith("gemini finetune ") and run.data for run in runs)
    first = {run.method: run.command for run in runs if run.draw == 0}
    assert "--pretrained none --labeled_cases 2 --seed 0" in first["scratch"]
    assert "--pretrained none --labeled_cases 2 --channels '[8, 16]'" in first["scratch_big"]
    with pytest.raises(InputError, match="no given given"):
        GridSpec(**{**vars(spec), "given": {}})


def test_a_budget_of_time_is_of_the_fine_tunings(spec):
    probes = probing_runs(spec, Budget("time", 2.0))
    assert [run.method for run in probes] == list(spec.arms)
    assert all("--epochs 4 " in run.command for run in probes)


def test_what_helps_clearly_is_taken(told):
    sentence, gains, scores = told(FLAT | {"own": 0.85, "big": 0.83})
    assert sentence.startswith("Take own: own +5.")
    assert sentence.endswith(", 5 draws.")
    assert [gain.scratch for gain in gains] == ["scratch", "scratch_big"]
    expected = [
        stats.ttest_rel(
            *(np.mean([[*d.values()] for d in scores[a].values()], axis=1) for a in pair)
        )
        for pair in (("own", "scratch"), ("big", "scratch_big"))
    ]
    raw = [own.pvalue for own in expected]
    low, high = sorted(raw)
    holm = {low: 2 * low, high: max(2 * low, high)}
    assert [gain.p for gain in gains] == pytest.approx([holm[p] for p in raw])


def test_where_nothing_is_clear_none_helps(told):
    sentence, gains, _ = told(FLAT)
    assert sentence.startswith("None helps here with 2 labels; do not spend GPU days. The best of")
    assert not any(gain.is_clear for gain in gains)
    sentence, _, _ = told(FLAT | {"own": 0.7, "big": 0.7})
    assert sentence.startswith("None helps here")


def test_a_larger_network_is_no_gain_of_its_weights(told):
    sentence, _, _ = told(FLAT | {"big": 0.9, "scratch_big": 0.9})
    assert sentence.startswith("None helps here")


def test_weights_that_help_a_worse_network_are_not_taken(told):
    sentence, _, _ = told(FLAT | {"own": 0.85, "scratch_big": 0.9, "big": 0.9})
    assert sentence.startswith("Take none, but the network of scratch_big")


def test_fewer_than_five_draws_are_an_anecdote(told):
    sentence, gains, _ = told(FLAT | {"own": 0.9}, draws=4)
    assert sentence.startswith("An anecdote of 4 draws and no verdict: own +")
    assert "Give --draws 5" in sentence
    assert str(gains[0]).count(", ") == 3  # each draw, and neither an interval nor a p
    assert told(FLAT, draws=1)[0].startswith("An anecdote of 1 draw and")


def test_missing_runs_are_no_verdict(told):
    assert told(FLAT, missing="big")[0] == "No verdict: runs of big are missing."


def test_page_and_tables_have_verdict_and_probes(tiny_phantom, tmp_path):
    own = GridSpec(
        suite="starts",
        data=(tiny_phantom.parent,),
        methods=(),
        labels=(2,),
        draws=(0, 1),
        output=tmp_path,
        given={"gemini": ("run",)},
    )
    write_grid(grid_runs(own))
    for run in grid_runs(own):
        rows = (
            f"iteration,linear_1,nearest,effective_rank\n0,0.{5 + run.draw},0.25,3\n9,0.9,0.9,9\n"
        )
        (run.folder / "probe.csv").write_text(rows)
    files = {path.name: path for path in write_results(read_grid_results(own), images=False)}
    with files["probes.csv"].open(newline="") as file:
        found = list(csv.DictReader(file))
    assert [(row["method"], row["draw"], row["linear_1"]) for row in found] == [
        *(("scratch", "0", "0.5"), ("gemini", "0", "0.5")),
        *(("scratch", "1", "0.6"), ("gemini", "1", "0.6")),
    ]
    page = files["benchmark.html"].read_text()
    assert "An anecdote of 2 draws and no verdict: gemini +" in page
    assert "55.0 ± 7.1" in page.split("Frozen")[-1]
    assert page.index("Which weights to take") < page.index("Mean over test cases")
