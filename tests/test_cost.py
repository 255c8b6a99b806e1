"""The benchmark that sets fine-tuned Dice against what pre-training cost."""

from __future__ import annotations

import json

import pytest

from benchmarks.cost import cost
from gemini_monai.errors import InputError

SCORES = "case,structure,dice,average_surface_distance\n"


def _run(folder, *, dice=None, **record):
    (folder / "test").mkdir(parents=True)
    known = {"method": "x", "bundle": "gemini_mip", "task": "segmentation", "settings": {}}
    (folder / "run.json").write_text(json.dumps(known | record))
    if dice is not None:
        rows = "".join(f"{case},lung,{value},1\n" for case, value in dice.items())
        (folder / "test" / "segmentation.csv").write_text(SCORES + rows)
    return folder


def _fine(folder, source, dice):
    return _run(folder, dice=dice, settings={"pretrained": str(source)})


def test_runs_of_one_method_and_length_are_one_point(tmp_path, capsys):
    short, long = (
        _run(tmp_path / f"pre{k}", method="GEMINI", iterations=k, cpu_seconds=10.0 * k)
        for k in (1, 2)
    )
    _fine(tmp_path / "chest_scratch_0", "none", {"a": 0.5, "b": 0.7})
    _fine(tmp_path / "chest_short_0", short, {"a": 0.6, "b": 0.8})
    _fine(tmp_path / "chest_short_1", short, {"a": 0.7, "b": 0.9})
    _fine(tmp_path / "chest_long_0", long, {"a": 0.9, "b": 0.9})
    cost(str(tmp_path), str(tmp_path / "cost.png"))
    rows = capsys.readouterr().out.splitlines()[2:]
    assert rows == ["| GEMINI | 1 | 10 | 2 | 75.0 ± 7.1 |", "| GEMINI | 2 | 20 | 1 | 90.0 |"]
    assert (tmp_path / "cost.png").read_bytes().startswith(b"\x89PNG")


def test_pretrainings_that_do_not_tell_their_cost_are_no_points(tmp_path):
    before = _run(tmp_path / "pre", method="GEMINI", iterations=1)
    _fine(tmp_path / "chest_g_0", before, {"a": 0.6})
    with pytest.raises(InputError, match="no chest_START_DRAW whose pre-training tells its cpu_"):
        cost(str(tmp_path), str(tmp_path / "cost.png"))
    assert not (tmp_path / "cost.png").exists()
