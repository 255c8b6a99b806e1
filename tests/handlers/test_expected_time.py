"""The length of a training, told by its first steps; time is made up here."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from ignite.engine import Engine, Events

from gemini_monai.handlers import expected_time
from gemini_monai.handlers.expected_time import ExpectedTime, about


@pytest.fixture
def clock(monkeypatch):
    """A clock that stands still until it is moved."""
    clock = SimpleNamespace(now=100.0)
    monkeypatch.setattr(expected_time, "monotonic", lambda: clock.now)
    return clock


def _lines(clock, capsys, *, step, first=None, validation=0.0, epochs=16, begin=0, **options):
    """What is said by a training of ``epochs`` of 50 iterations of ``step`` seconds."""
    durations = iter([first or step])

    def iterate(engine, batch):
        clock.now += next(durations, step)

    engine = Engine(iterate)
    engine.state.device = "cpu"

    @engine.on(Events.STARTED)
    def resume():
        engine.state.epoch, engine.state.iteration = begin, 50 * begin

    @engine.on(Events.EPOCH_COMPLETED(every=options.get("interval") or 1))
    def validate():
        clock.now += validation

    ExpectedTime(**options).attach(engine)
    engine.run(range(50), max_epochs=epochs, epoch_length=50)
    return capsys.readouterr().out.splitlines()


def test_the_line_says_device_end_dice_arms_and_what_is_shorter(clock, capsys):
    (line,) = _lines(clock, capsys, step=10.0, interval=2, arms=["supervised"])
    assert line == (
        "cpu, 1 thread: about 2.2 h to the end of 800 iterations; first Dice in about 16 min; "
        "then supervised, as long again; shorter: --epochs 4, or gemini with --minutes N"
    )


def test_the_first_iteration_does_not_count_where_there_are_others(clock, capsys):
    (line,) = _lines(clock, capsys, step=1.0, first=35.0)
    assert "about 13 min to the end of 800 iterations" in line


def test_one_slow_iteration_is_enough(clock, capsys):
    (line,) = _lines(clock, capsys, step=60.0)
    assert "about 13.3 h to the end of 800 iterations" in line


def test_a_training_of_seconds_says_nothing(clock, capsys):
    assert _lines(clock, capsys, step=0.01) == []


def test_a_long_validation_is_said_after_the_first_one(clock, capsys):
    lines = _lines(clock, capsys, step=1.0, validation=100.0, interval=2)
    assert lines[1:] == [
        "what follows an epoch takes 2 min, validation among it: 23 min to the end"
    ]
    assert len(_lines(clock, capsys, step=1.0, validation=1.0, interval=2)) == 1


def test_what_goes_on_says_what_is_left_and_nothing_of_shorter(clock, capsys):
    (line,) = _lines(clock, capsys, step=10.0, begin=15, interval=4)
    assert "about 8 min to the end of 800 iterations; first Dice in about 8 min" in line
    assert "shorter" not in line


def test_other_processes_say_nothing(clock, capsys, monkeypatch):
    monkeypatch.setattr(expected_time, "is_first_process", lambda: False)
    assert _lines(clock, capsys, step=10.0) == []


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.2, "1 s"), (59, "59 s"), (89, "1 min"), (5399, "90 min"), (9000, "2.5 h")],
)
def test_times_are_said_in_one_unit(seconds, said):
    assert about(seconds) == said
