"""Each arm's overrides are the best of the candidates, by validation Dice alone."""

from __future__ import annotations

import csv
import shutil
from dataclasses import replace

import pytest

from gemini_monai.study.benchmark import (
    GridSpec,
    cells,
    failures,
    grid_runs,
    read_grid_results,
    read_trials,
    trial_runs,
    tuned,
    write_results,
)
from tests.study.benchmark.synthetic_grid import write_grid, write_validation

CANDIDATES = ("", "--learning_rate 0.003")


@pytest.fixture
def spec(tiny_phantom, tmp_path):
    return GridSpec(
        suite="few_labels",
        data=(tiny_phantom.parent,),
        methods=("cps",),
        labels=(1, 2),
        draws=(4, 5),
        output=tmp_path / "out",
        overrides=("--epochs", "1"),
    )


@pytest.fixture
def trained(spec):
    """Validation Dice: the defaults are best for the baseline, the other candidate for cps.

    A later, lower value and one that is not defined do not count.
    """
    dice = {
        ("supervised", False): [0.2, 0.8, 0.1],
        ("supervised", True): [0.7, 0.7, 0.7],
        ("cps", False): [0.3, "", 0.4],
        ("cps", True): [0.5, 0.6, 0.2],
    }
    runs = trial_runs(spec, CANDIDATES)
    write_grid(runs)
    for run in runs:
        write_validation(run, dice[run.method, "learning_rate" in run.command])
        (run.folder / "test" / "segmentation.csv").write_text("an error for whoever reads it")
    return spec


def test_every_arm_has_the_same_candidates_on_the_first_seed_and_number(spec):
    runs = trial_runs(spec, [*CANDIDATES, ""])
    assert [run.method for run in runs] == ["supervised", "cps"] * 2
    assert {(run.seed, run.labels) for run in runs} == {(4, 1)}
    assert ["--learning_rate 0.003" in run.command for run in runs] == [False, False, True, True]
    grid = grid_runs(spec)
    assert set(runs[:2]) <= set(grid)  # the defaults are cells of the grid: not made twice
    assert not set(runs[2:]) & set(grid)


def test_the_highest_of_all_epochs_is_chosen_and_the_test_is_not_read(trained):
    trials = read_trials(trained, CANDIDATES)
    assert [trial.dice for trial in trials] == [0.8, 0.7, 0.4, 0.6]
    chosen = tuned(trained, trials)
    for run in grid_runs(chosen):
        assert ("--learning_rate 0.003" in run.command) == (run.method == "cps")
    assert len(grid_runs(chosen)) == 2 * 2 * 2
    assert {trials[0].run, trials[3].run} <= set(grid_runs(chosen))


def test_of_two_that_are_equal_the_first_is_chosen(trained):
    for run in trial_runs(trained, CANDIDATES):
        write_validation(run, [0.5])
    chosen = tuned(trained, read_trials(trained, CANDIDATES))
    assert not any(chosen.tuned.values())


def test_an_arm_that_failed_with_every_candidate_is_a_row_that_says_why(trained):
    logs = trained.output / "logs"
    logs.mkdir()
    for run in trial_runs(trained, CANDIDATES):
        if run.method == "cps":
            shutil.rmtree(run.folder)
            (logs / f"{run.name}.txt").write_text("error: no memory left\n")
    chosen = tuned(trained, read_trials(trained, CANDIDATES))
    assert {run.method for run in grid_runs(chosen)} == {"supervised"}
    for run in grid_runs(chosen):
        shutil.rmtree(run.folder, ignore_errors=True)
    write_grid(grid_runs(chosen))
    row = read_grid_results(chosen).rows[1]
    assert cells(row)[:2] == ["cps", "failed"]
    assert failures(row) == ["cps, draws 4, 5: no choice could be made: error: no memory left"]


def test_nothing_is_chosen_before_every_candidate_was_tried(trained):
    shutil.rmtree(trial_runs(trained, CANDIDATES)[0].folder)
    chosen = tuned(trained, read_trials(trained, CANDIDATES))
    assert list(chosen.left_out.values()) == ["no choice could be made: not run"]


def test_a_choice_of_pretraining_is_of_the_fine_tuning_alone(spec):
    own = replace(spec, suite="pretraining", methods=("byol",))
    runs = trial_runs(own, CANDIDATES)
    starts = [run for run in runs if not run.labels]
    assert len(starts) == 1
    assert "learning_rate" not in starts[0].command
    assert [run.method for run in runs if run.labels] == ["scratch", "byol"] * 2


def test_the_tuning_is_on_the_page_and_in_its_table(trained):
    trials = read_trials(trained, CANDIDATES)
    chosen = tuned(trained, trials)
    for run in grid_runs(chosen):
        shutil.rmtree(run.folder, ignore_errors=True)
    (chosen.output / "logs").mkdir()
    files = {path.name: path for path in write_results(read_grid_results(chosen, trials))}
    with files["tuning.csv"].open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["chosen"] for row in rows] == ["yes", "no", "no", "yes"]
    assert [row["validation_dice"] for row in rows] == ["0.8", "0.7", "0.4", "0.6"]
    assert rows[1]["candidate"] == "'--learning_rate 0.003"  # a spreadsheet would run it
    text = files["benchmark.html"].read_text()
    assert '<td class="total">80.0</td>' in text
    assert "<td>70.0</td>" in text
    assert all(trial.run.command.replace("'", "&#39;") in text for trial in trials)
