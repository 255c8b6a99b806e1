"""Snakemake is asked for every run, and makes none twice."""

from __future__ import annotations

import importlib.util
import json
import shlex
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from gemini_monai.base.errors import InputError
from gemini_monai.study import benchmark
from gemini_monai.study.benchmark import GridRun, GridSpec, grid_runs, run_grid
from gemini_monai.study.benchmark import workflow as engine
from tests.conftest import ROOT


@pytest.fixture
def spec(tiny_phantom, tmp_path):
    return GridSpec(
        suite="few_labels",
        data=(tiny_phantom.parent,),
        methods=("gemini",),
        labels=(2,),
        draws=(0, 1),
        output=tmp_path / "out",
    )


def test_without_the_engine_one_line_says_how_to_have_it(spec, monkeypatch):
    monkeypatch.setitem(sys.modules, "snakemake", None)
    with pytest.raises(InputError, match=r"comparison of systems needs .*: pip install snakemake$"):
        run_grid(grid_runs(spec), output=spec.output)


def test_the_engine_gets_every_run_once_and_goes_on_after_one_that_fails(spec, monkeypatch):
    asked = []

    def start(command, check):
        asked.append(command)
        return type("Done", (), {"returncode": 1})

    monkeypatch.setattr(engine, "refuse_without", lambda module, **told: None)
    monkeypatch.setattr(engine.subprocess, "run", start)
    runs = grid_runs(spec)
    assert not run_grid([*runs, runs[0]], output=spec.output, cores=2, more=["--dry-run"])
    assert {"--keep-going", "--rerun-incomplete", "--dry-run"} <= set(asked[0])
    grid = json.loads((spec.output / "grid.json").read_text())
    assert [run["name"] for run in grid["runs"]] == [run.name for run in runs]
    assert Path(asked[0][asked[0].index("--snakefile") + 1]).is_file()


def test_no_environment_has_to_be_activated(spec, monkeypatch, tmp_path):
    asked = []

    def start(command, check):
        asked.append(command)
        return type("Done", (), {"returncode": 0})

    monkeypatch.setattr(engine, "refuse_without", lambda module, **told: None)
    monkeypatch.setattr(engine.subprocess, "run", start)
    runs = grid_runs(spec)
    run_grid([*runs, replace(runs[0], name="other", command="bash -c 'gemini'")], output=tmp_path)
    assert asked[0][:3] == [sys.executable, "-m", "snakemake"]
    *ours, other = json.loads((tmp_path / "grid.json").read_text())["runs"]
    for run, own in zip(ours, runs, strict=True):
        words = shlex.split(own.command)
        assert words[0] == "gemini"  # as a person types it
        ours_too = [sys.executable, "-m", "gemini_monai"]
        first, second = run["command"].split(" && ")
        assert shlex.split(first) == [*ours_too, *words[1:]]
        assert shlex.split(second) == [*ours_too, *shlex.split(own.also)[1:]]
    assert other["command"].startswith("bash -c gemini && ")
    monkeypatch.undo()
    done = subprocess.run(
        [*shlex.split(ours[0]["command"])[:3], "--help"],
        env={"PATH": "/nowhere", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert "usage: gemini" in done.stdout, done.stderr


def test_two_benchmarks_do_not_share_a_folder(spec, monkeypatch):
    def start(command, check):
        with pytest.raises(InputError, match="another benchmark is running there"):
            run_grid([], output=spec.output)
        return type("Done", (), {"returncode": 0})

    monkeypatch.setattr(engine, "refuse_without", lambda module, **told: None)
    monkeypatch.setattr(engine.subprocess, "run", start)
    assert run_grid(grid_runs(spec), output=spec.output)
    assert len(json.loads((spec.output / "grid.json").read_text())["runs"]) == 4
    done = type("Done", (), {"returncode": 0})
    monkeypatch.setattr(engine.subprocess, "run", lambda command, check: done)
    assert run_grid([], output=spec.output)


with_snakemake = pytest.mark.skipif(
    importlib.util.find_spec("snakemake") is None, reason="snakemake is of the extra 'benchmark'"
)


@with_snakemake
def test_what_a_killed_grid_leaves_does_not_stop_the_next(tmp_path):
    run = GridRun("well", "true", str(tmp_path / "well" / "page"), (), "d", "m", 1, 0, 0)
    lock = tmp_path / "out" / ".snakemake" / "locks" / "0.output.lock"
    lock.parent.mkdir(parents=True)
    lock.write_text("finished/well\n")
    assert run_grid([run], output=tmp_path / "out")


@with_snakemake
def test_a_second_call_makes_only_what_failed_even_from_another_folder(tmp_path, monkeypatch):
    count = f"bash -c 'echo once >> {tmp_path}/{{}}.txt; {{}}'"
    run = GridRun(
        "well", count.format("well", "true"), str(tmp_path / "well" / "page"), (), "d", "m", 1, 0, 0
    )
    bad = replace(run, name="bad", command=count.format("bad", "false"))
    waits = replace(run, name="waits", command=count.format("waits", "true"), after=("bad",))
    assert not run_grid([run, bad, waits], output=tmp_path / "out")
    assert not (tmp_path / "waits.txt").exists()
    monkeypatch.chdir(tmp_path)
    mended = replace(bad, command=count.format("bad", "true"))
    assert run_grid([run, mended, waits], output=tmp_path / "out")
    made = {path.stem: path.read_text().split() for path in tmp_path.glob("*.txt")}
    assert made == {"well": ["once"], "bad": ["once", "once"], "waits": ["once"]}


def test_early_names_go_on_working_for_a_release():
    for early, now in (("Question", GridSpec), ("Run", GridRun)):
        with pytest.warns(FutureWarning, match=f"is {now.__name__} since 0.2"):
            assert getattr(benchmark, early) is now
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        benchmark.Nothing  # noqa: B018
