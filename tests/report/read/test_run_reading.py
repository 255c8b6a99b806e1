"""What a run folder holds, and what is said when it does not."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from gemini_monai.base.errors import InputError
from gemini_monai.report.read.run_reading import read_run


def test_every_part_of_a_run_is_read(run_2d: Path) -> None:
    run = read_run(run_2d)
    assert run.method == "GEMINI"
    assert run.structures == ["right lung", "left lung", "heart", "clavicles"]
    assert run.history is not None
    assert run.history.iterations.tolist() == list(range(1, 61))
    assert run.validation is not None
    assert "mean_dice" in run.validation.columns
    assert (len(run.scores), len(run.pairs)) == (20, 5)
    assert set(run.kept_pairs) == {"best", "median", "worst"}
    assert [arm.method for arm in run.arms] == ["supervised"]


def test_paths_are_relative_to_the_run(run_2d: Path) -> None:
    assert read_run(run_2d).scores[0].image == (run_2d / "data" / "s000.nii.gz",)


def test_every_measure_has_its_column(run: Path) -> None:
    columns = "average_surface_distance,hausdorff_distance_95,normalized_surface_dice"
    table = f"case,structure,dice,{columns},surface_tolerance,calibration_error\n"
    (run / "test" / "segmentation.csv").write_text(f"{table}s0,heart,.5,1,2,.75,3,.25\n")
    score = read_run(run).scores[0]
    assert (score.dice, score.distance, score.hausdorff) == (0.5, 1, 2)
    assert (score.surface_dice, score.tolerance, score.calibration) == (0.75, 3, 0.25)


def test_several_label_files_are_joined_by_semicolons(run: Path) -> None:
    table = "case,structure,dice,label\ns0,heart,0.5,a.png;/b.png\n"
    (run / "test" / "segmentation.csv").write_text(table)
    assert read_run(run).scores[0].label == (run / "a.png", Path("/b.png"))


def test_empty_cell_is_not_a_number(run: Path) -> None:
    table = "case,structure,dice,average_surface_distance\ns0,heart,,\n"
    (run / "test" / "segmentation.csv").write_text(table)
    score = read_run(run).scores[0]
    assert math.isnan(score.dice)
    assert math.isnan(score.distance)
    for name in ("hausdorff", "surface_dice", "tolerance", "calibration"):  # of later versions
        assert math.isnan(getattr(score, name))
    assert score.reference_voxels is None
    assert not score.missed


def test_run_that_only_started_is_read(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text("{}")
    run = read_run(tmp_path)
    assert (run.method, run.history, run.scores, run.arms) == ("run", None, (), ())


def test_folder_that_is_absent_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nowhere: no such run folder"):
        read_run(tmp_path / "nowhere")


def test_folder_that_is_no_run_names_the_missing_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"not a run folder, .*run\.json is missing"):
        read_run(tmp_path)


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("run.json", "{", r"run\.json: not JSON"),
        ("run.json", "[]", r"run\.json: expected a JSON object, found array"),
        ("run.json", '{"compare": ["."]}', r"run\.json: key 'compare': '\.' is not the name of"),
        ("run.json", '{"compare": ["../run"]}', "'../run' is not the name of a folder in the run"),
        ("run.json", '{"program": "gemini_monai", "format": 2}', "'format': expected 1, found 2"),
        ("history.csv", "step\n1\n", r"history\.csv: column 'iteration' is missing"),
        (
            "history.csv",
            "iteration,loss\n1,2\n2,x\n",
            r"line 3, column 'loss': expected a number, found 'x'",
        ),
        ("test/segmentation.csv", "case,dice\na,1\n", "column 'structure' is missing"),
        ("test/registration.csv", "moving,fixed\na,b\n", "column 'dice_before' is missing"),
        ("test/registration.json", "?", r"registration\.json: not JSON"),
    ],
)
def test_file_that_is_wrong_is_named(run: Path, file: str, content: str, message: str) -> None:
    (run / file).write_text(content)
    with pytest.raises(InputError, match=message):
        read_run(run)
