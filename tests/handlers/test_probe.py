"""When the features of a backbone are looked at."""

from __future__ import annotations

import csv
from itertools import count

import pytest
import torch
from ignite.engine import Engine

from gemini_monai.handlers import ProbeCurve


class _Counting:
    """A probe that scores how often it was asked."""

    def __init__(self):
        self.asked = count()

    def look(self, network, device):
        return {"linear_1": float(next(self.asked))}


def _iterations(folder):
    with (folder / "probe.csv").open() as file:
        return [int(row["iteration"]) for row in csv.DictReader(file)]


@pytest.mark.parametrize(
    ("epochs", "looked"), [(1, [0, 3]), (2, [0, 6]), (3, [0, 6, 9]), (4, [0, 6, 12])]
)
def test_it_looks_at_the_start_every_other_epoch_and_at_the_end(tmp_path, epochs, looked):
    engine = Engine(lambda engine, batch: None)
    engine.state.device = torch.device("cpu")
    probe = ProbeCurve(tmp_path, probe=_Counting(), network=None, interval=2)
    probe.attach(engine)
    engine.run(range(3), max_epochs=epochs)
    assert _iterations(tmp_path) == looked
