"""A training that no longer gains ends, after a share of what it has trained."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from ignite.engine import Engine, Events
from monai.engines.evaluator import Evaluator

from gemini_monai.base.errors import InputError, input_error_in
from gemini_monai.handlers.convergence import Convergence
from tests.bundles.runs import SMALL, paths, run


def _epochs(best, *, share=0.5, least=4, start=0, epochs=30):
    """After which epoch an engine ends whose best validation is after ``best``."""
    validator = SimpleNamespace(state=SimpleNamespace(best_metric_epoch=-1))
    engine = Engine(lambda engine, batch: None)

    @engine.on(Events.STARTED)
    def begin():
        engine.state.epoch = start
        validator.state.best_metric_epoch = min(start, best) or -1

    @engine.on(Events.EPOCH_COMPLETED)
    def validate():
        validator.state.best_metric_epoch = min(engine.state.epoch, best)

    Convergence(share, validator=validator, least=least).attach(engine)
    engine.run([0], max_epochs=epochs)
    return engine.state.epoch


@pytest.mark.parametrize(
    ("best", "share", "expected"),
    [(1, 0.5, 4), (3, 0.5, 6), (10, 0.5, 20), (8, 0.2, 10), (30, 0.5, 30), (20, 0.5, 30)],
)
def test_it_ends_when_the_best_lies_a_share_back(best, share, expected):
    assert _epochs(best, share=share) == expected


def test_one_that_has_ended_ends_again():
    assert _epochs(3, start=6) == 6
    assert _epochs(3, start=5) == 6


def test_a_run_ends_and_stays_ended(tiny_phantom, tmp_path):
    """Ten epochs at a rate of 0, so that the first is the best."""
    still = {"learning_rate": 0.0, "epoch_length": 1, "epochs": 14, "stop_after": 0.3}
    options = paths(tiny_phantom, tmp_path) | SMALL | {"compare": []} | still
    flow = run("train", "method_supervised", **options)
    assert flow.parser.get_parsed_content("train#trainer").state.epoch == 10
    again = run("train", "method_supervised", **options, resume=True)
    assert again.parser.get_parsed_content("train#trainer").state.epoch == 10
    assert isinstance(again.parser.get_parsed_content("validate#validator"), Evaluator)


def test_without_validation_it_cannot_end(tiny_phantom, tmp_path):
    options = paths(tiny_phantom, tmp_path) | SMALL | {"use_validation": False, "stop_after": 0.3}
    with pytest.raises(RuntimeError) as raised:
        run("train", **options)
    error = input_error_in(raised.value)
    assert isinstance(error, InputError)
    assert "'stop_after': got 0.3, but nothing is validated" in str(error)
