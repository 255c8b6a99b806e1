"""The bar of a training, which fits into a terminal."""

from __future__ import annotations

import re

import pytest
from ignite.engine import Engine

from gemini_monai.handlers import TrainingProgress


@pytest.mark.parametrize("name", ["GEMINI", "supervised of a test"])
def test_the_bar_has_the_loss_and_fits_into_80_columns(name, capsys):
    terms = {"loss": 1234.5678, "pasted_cross_entropy": 9.999, "pasted_dice": 4.321}
    engine = Engine(lambda engine, batch: [terms])
    TrainingProgress(name).attach(engine)
    engine.run(range(20), max_epochs=1, epoch_length=20)
    lines = re.split(r"[\r\n]+", capsys.readouterr().err)
    assert max(map(len, lines)) < 80
    assert any("loss 1.23e+03" in line for line in lines)
