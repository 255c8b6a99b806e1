"""What pre-training buys over its cost, drawn from run folders."""

from __future__ import annotations

import json

import numpy as np
import pytest
from matplotlib.axes import Axes

from benchmarks.pretraining_cost import plot
from gemini_monai.base.tables import write_table


def _run(folder, *, dice, settings=None, **recorded):
    (folder / "test").mkdir(parents=True)
    run = {"method": "m", "dataset": {"name": "mine"}, "settings": settings or {}} | recorded
    (folder / "run.json").write_text(json.dumps(run))
    rows = [{"case": f"c{k}", "structure": "all", "dice": dice, "hd95": 1.0} for k in range(2)]
    write_table(folder / "test" / "segmentation.csv", rows)


def test_gains_stand_over_the_minutes_of_the_pretraining(tmp_path, monkeypatch):
    for draw, (scratch, tuned) in enumerate([(0.5, 0.6), (0.7, 0.74)]):
        _run(tmp_path / f"x_scratch_{draw}", dice=scratch)
        known = {"cpu_seconds": 120.0} if draw == 0 else {}
        _run(tmp_path / f"pre{draw}", dice=0.0, **known)
        settings = {"pretrained": str(tmp_path / f"pre{draw}")}
        _run(tmp_path / f"x_g_{draw}", dice=tuned, settings=settings)
    drawn = []
    monkeypatch.setattr(Axes, "plot", lambda axes, x, y, *rest, **how: drawn.append((x, y)))
    output = tmp_path / "picture.png"
    plot(str(tmp_path), str(output), name="x", lines={"GEMINI": ["g"]}, draws=2)
    (dots, gains), (means_at, means) = drawn
    assert np.array(dots) == pytest.approx([2.0, 2.0])
    assert np.array(gains) == pytest.approx([10.0, 4.0])
    assert (list(means_at), list(means)) == ([2.0], pytest.approx([7.0]))
    assert output.read_bytes().startswith(b"\x89PNG")
