"""``benchmarks.registration``: systems on the same pairs, in one table."""

from __future__ import annotations

import csv

import pytest

from benchmarks.registration import compare
from gemini_monai.base.errors import InputError


def test_systems_are_scored_on_the_same_pairs(trained, tiny_phantom, tmp_path, capsys):
    systems = ["network", "refined", "alone"]
    compare(trained, tiny_phantom.parent, tmp_path, systems=systems, pairs=2, iterations=2)
    rows = [line for line in capsys.readouterr().out.splitlines() if line.startswith("| ")]
    assert [row.split(" | ")[0].strip("| ") for row in rows] == ["system", *systems]
    assert len({row.split(" | ")[1] for row in rows[1:]}) == 1  # Dice before
    assert len({row.split(" | ")[5] for row in rows[1:]}) == 3  # error after
    pairs = []
    for name in systems:
        with (tmp_path / name / "registration.csv").open(newline="") as file:
            pairs.append([(row["moving"], row["fixed"]) for row in csv.DictReader(file)])
    assert pairs[0] == pairs[1] == pairs[2]
    own = trained / "test" / "registration.csv"
    with own.open(newline="") as file:
        first = next(csv.DictReader(file))
    with (tmp_path / "network" / "registration.csv").open(newline="") as file:
        again = {(row["moving"], row["fixed"]): row for row in csv.DictReader(file)}
    same = again.get((first["moving"], first["fixed"]))
    if same:  # the run's own test has it, too
        assert float(same["dice_after"]) == pytest.approx(float(first["dice_after"]))


def test_an_unknown_system_is_named(trained, tiny_phantom, tmp_path):
    with pytest.raises(InputError, match="expected some of network, .*, got 'elastix'"):
        compare(trained, tiny_phantom.parent, tmp_path, systems=["elastix"])
