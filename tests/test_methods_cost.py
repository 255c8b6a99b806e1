"""Every compared system is in the tables of the methods' page, with what an iteration costs."""

from __future__ import annotations

import re

import pytest

from benchmarks import methods
from tests.conftest import ROOT

PAGE = (ROOT / "docs" / "methods.md").read_text(encoding="utf-8")
SECTIONS = {"gemini_semi": "## From few labels", "gemini_mip": "## Without labels"}


def _costs(bundle):
    """Cells of the column of costs, by the names of the first column."""
    section = PAGE.split(SECTIONS[bundle])[1].split("\n## ")[0]
    found, column = {}, 0
    for line in section.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        column = cells.index("cost") if "cost" in cells else column
        if line.startswith("| `") or line.startswith("| (default)"):
            names = re.findall(r"`(\w+)`", cells[0]) or [cells[0]]
            found |= dict(zip(names, cells[column].split(", "), strict=True))
    return found


@pytest.mark.parametrize("bundle", SECTIONS)
def test_every_system_says_what_it_costs(bundle):
    costs = _costs(bundle)
    assert set(costs) == set(methods.methods(bundle))
    assert all(float(cost) > 0 for cost in costs.values())


def test_supervised_is_the_unit_and_a_second_network_costs_more(tiny_phantom, capsys, monkeypatch):
    monkeypatch.setattr(methods, "methods", lambda bundle: ["supervised", "cps"])
    monkeypatch.setattr(methods, "write_phantom", lambda folder: tiny_phantom)
    monkeypatch.setattr(methods, "seconds", _counted)
    methods.main("semi", iterations=3)
    rows = [row.split(" | ") for row in capsys.readouterr().out.splitlines()[2:]]
    assert [row[0] for row in rows] == ["| supervised", "| cps"]
    assert [row[2] for row in rows] == ["1.0 |", "2.5 |"]


def _counted(bundle, method, *, datalist, iterations):
    return [{"supervised": 2.0, "cps": 5.0}[method]] * (iterations - 1)


@pytest.mark.parametrize(
    ("bundle", "method"), [("gemini_semi", "cps"), ("gemini_mip", "(default)")]
)
def test_each_iteration_but_the_first_takes_time(bundle, method, tiny_phantom):
    found = methods.seconds(bundle, method, datalist=tiny_phantom, iterations=3)
    assert len(found) == 2
    assert min(found) > 0
