"""``gemini benchmark``: the tuning, then the grid with what it chose, then the tables."""

from __future__ import annotations

import pytest

import gemini_monai.study.benchmark
from tests.commands.calls import call, refused
from tests.conftest import ROOT
from tests.study.benchmark.synthetic_grid import write_grid, write_validation


@pytest.fixture
def grids(monkeypatch):
    """Runs of each grid that Snakemake would have made; tuned ones are better on validation."""
    asked = []

    def make(runs, *, output, cores, more):
        asked.append(list(runs))
        output.mkdir(parents=True, exist_ok=True)
        (output / "grid.json").write_text("{}")
        for run in runs:
            if not run.folder.exists():
                write_grid([run])
                write_validation(run, [0.5 + 0.1 * ("--pairs 3" in run.command)])
        return len(asked) < 3

    monkeypatch.setattr(gemini_monai.study.benchmark, "run_grid", make)
    return asked


def test_tuning_grid_and_tables_in_one_call(tiny_phantom, tmp_path, monkeypatch, capsys, grids):
    words = ["benchmark", "few_labels", tiny_phantom.parent, "--output", tmp_path / "out"]
    words += ["--labels", "[2]", "--draws", "2", "--tune", "['','--pairs 3']"]
    call(monkeypatch, *words)
    tuning, grid = grids
    assert ["--pairs 3" in run.command for run in tuning] == [False, False, True, True]
    assert all("--pairs 3" in run.command for run in grid)
    assert len(grid) == 2 * 2
    said = capsys.readouterr().out
    assert "2 labels: gemini" in said
    assert "tuning.csv" in said
    grids.append([])  # from here on a grid has runs that failed
    assert "some runs failed" in refused(monkeypatch, capsys, *words)


def test_overrides_of_pretrainings_are_one_word(tiny_phantom, tmp_path, monkeypatch, grids):
    words = ["benchmark", "pretraining", tiny_phantom.parent, "--output", tmp_path / "out"]
    words += [
        "--labels",
        "[2]",
        "--draws",
        "1",
        "--pretraining",
        "--pairs 3 --contrast#weight 2",
    ]
    call(monkeypatch, *words, "--epochs", "3")
    (grid,) = grids
    start = next(run for run in grid if not run.labels)
    assert "--pairs 3 '--contrast#weight' 2 " in start.command
    assert "--epochs" not in start.command
    assert all("--epochs 3 " in run.command for run in grid if run.labels)


@pytest.mark.parametrize("given", ["['width 3']", "[3]", "--pairs 3"])
def test_what_is_no_override_is_said(tiny_phantom, tmp_path, monkeypatch, capsys, given, grids):
    words = ["benchmark", "few_labels", tiny_phantom.parent, "--output", tmp_path]
    said = refused(monkeypatch, capsys, *words, "--tune", given)
    assert "--tune: expected " in said
    assert grids == []


def test_method_that_the_bundle_does_not_have_is_said_first(
    tiny_phantom, tmp_path, monkeypatch, capsys, grids
):
    words = ["benchmark", "pretraining", tiny_phantom.parent, "--output", tmp_path / "out"]
    said = refused(monkeypatch, capsys, *words, "--methods", "['scratch','gemini','simclear']")
    assert "--methods: expected one of" in said
    assert "simclr" in said
    assert "got 'simclear'; did you mean 'simclr'?" in said
    assert grids == []


def test_arms_that_have_no_file_are_among_the_names(
    tiny_phantom, tmp_path, monkeypatch, capsys, grids
):
    words = ["benchmark", "few_labels", tiny_phantom.parent, "--output", tmp_path / "out"]
    said = refused(monkeypatch, capsys, *words, "--methods", "['gemni']")
    assert all(f" {name}," in said for name in ("gemini", "nnunet", "supervised", "bcp"))
    assert said.endswith("got 'gemni'; did you mean 'gemini'?")
    said = refused(monkeypatch, capsys, *words, "--methods", "bcp")
    assert said.endswith("expected a list such as \"['bcp','supervised']\", got 'bcp'")
    assert grids == []


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--variants", "{'a':'--smoothnes 0'}"], "no key 'smoothnes'; did you mean 'smoothness'?"),
        (["--variants", "{'a':'--train#trainer#amq True'}"], "no key 'train#trainer#amq'"),
        (["--variants", "{'a':'--overlay own.json'}"], "no key 'optimiser'; did you mean"),
        (["--tune", "['','--learning_rat 1']"], "no key 'learning_rat'; did you mean"),
        (["--overlay", "own.json"], "no key 'optimiser'; did you mean 'optimizer'?"),
        (["--epoch", "3"], "no key 'epoch'; did you mean 'epochs'?"),
        (["--epochs", "0"], "key 'epochs': expected a whole number, 1 or more, got 0"),
        (["--device", "nothere"], "key 'device': 'nothere' is no device, try cpu"),
        (["--device", "cuda:99"], "key 'device': cuda:99, but "),
        (["--augmentation", "hevy"], "'augmentation': expected one of none, light, strong, got"),
        (["--variants", "{'a':'--augmentation hevy'}"], "'augmentation': expected one of none,"),
    ],
)
def test_what_changes_nothing_is_said_before_the_first_run(
    tiny_phantom, tmp_path, monkeypatch, capsys, grids, words, message
):
    (tmp_path / "own.json").write_text('{"optimiser": {"_target_": "torch.optim.SGD"}}')
    (tmp_path / "bundles").symlink_to(ROOT / "bundles")
    monkeypatch.chdir(tmp_path)
    asked = ["benchmark", "few_labels", tiny_phantom.parent, "--output", tmp_path / "out"]
    assert message in refused(monkeypatch, capsys, *asked, *words)
    assert grids == []
    assert not (tmp_path / "out").exists()
