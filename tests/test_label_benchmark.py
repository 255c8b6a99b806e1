"""The benchmark of labels on other grids, with one draw: what it prints and what it finds."""

from __future__ import annotations

import numpy as np

from benchmarks import labels
from benchmarks.command import run_command


def test_thin_structures_live():
    """The largest share alone takes half of the thinnest tube; training has it all."""
    drawn = [labels.drawn(seed, (1.0, 1.0, 5.0)) for seed in range(4)]
    found = {
        name: [labels.kept(method, label, (1.4, 1.4, 1.4)) for label in drawn]
        for name, method in labels.METHODS.items()
    }
    thin = {name: np.mean([each.volume[1] for each in own]) for name, own in found.items()}
    assert thin["largest"] < 0.7 < 0.9 < thin["training"] < 1.1
    dice = {name: np.mean([each.dice for each in own], axis=0) for name, own in found.items()}
    assert dice["training"].mean() > dice["nearest"].mean()


def test_the_table(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["labels", "compare", "--draws", "1"])
    monkeypatch.setattr(labels, "GRIDS", labels.GRIDS[2:3])
    run_command({"compare": labels.compare})
    rows = [row.split(" | ") for row in capsys.readouterr().out.splitlines()[2:]]
    assert [row[2] for row in rows] == list(labels.METHODS)
    assert np.isfinite([float(cell.strip(" |")) for row in rows for cell in row[3:]]).all()
