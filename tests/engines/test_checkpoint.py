"""A run that is killed goes on as if it had not been; a full disk loses nothing."""

from __future__ import annotations

import resource
import signal

import pytest
import torch
from ignite.engine import Events

from gemini_monai.engines import History, ObjectiveTrainer, RunCheckpoint
from gemini_monai.errors import InputError
from gemini_monai.objectives import HomeomorphismObjective, SegmentationObjective
from tests.engines.batches import loader, small_network

EPOCHS, LENGTH = 4, 2


class _KilledError(RuntimeError):
    pass


class _KillAt:
    """Handler that stops the process of a run, as far as a test can."""

    def __init__(self, count, event=Events.ITERATION_STARTED):
        self.event = event(once=count)

    def attach(self, engine):
        engine.add_event_handler(self.event, self._kill)

    def _kill(self):
        raise _KilledError


def _run(folder, *, resume=False, kill_at=None, kill_between=None):
    network = small_network()
    optimizer = torch.optim.Adam(network.parameters(), 1e-3)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, EPOCHS)
    checkpoint = RunCheckpoint(
        folder / "models", network=network, optimizer=optimizer, scheduler=scheduler, resume=resume
    )
    handlers = [_Step(scheduler), History(folder), checkpoint]
    handlers += [_KillAt(kill_at)] if kill_at else []
    if kill_between:
        handlers.insert(2, _KillAt(kill_between, Events.EPOCH_COMPLETED))
    trainer = ObjectiveTrainer(
        device="cpu",
        max_epochs=EPOCHS,
        epoch_length=LENGTH,
        train_data_loader=loader(EPOCHS * LENGTH),
        network=network,
        optimizer=optimizer,
        objectives={"pairs": HomeomorphismObjective(), "labels": SegmentationObjective()},
        train_handlers=handlers,
    )
    trainer.run()
    return torch.load(folder / "models" / "last.pt"), (folder / "history.csv").read_text()


class _Step:
    def __init__(self, scheduler):
        self.scheduler = scheduler

    def attach(self, engine):
        engine.add_event_handler(Events.EPOCH_COMPLETED, lambda _: self.scheduler.step())


@pytest.mark.parametrize(
    "kill", [*({"kill_at": k} for k in (1, 3, 4, 5, 8)), {"kill_between": 1}, {"kill_between": 3}]
)
def test_a_killed_run_ends_as_an_unbroken_one(tmp_path, kill):
    whole, table = _run(tmp_path / "whole")
    with pytest.raises(_KilledError):
        _run(tmp_path / "killed", **kill)
    resumed, resumed_table = _run(tmp_path / "killed", resume=True)
    assert resumed_table == table
    assert resumed["iteration"] == whole["iteration"] == EPOCHS * LENGTH
    for name, value in whole["network"].items():
        torch.testing.assert_close(resumed["network"][name], value, rtol=0, atol=0)
    for key, state in whole["optimizer"]["state"].items():
        for name, value in state.items():
            torch.testing.assert_close(
                resumed["optimizer"]["state"][key][name], value, rtol=0, atol=0
            )


def test_without_resume_a_run_starts_anew(tmp_path):
    first, _ = _run(tmp_path)
    again, table = _run(tmp_path)
    assert len(table.splitlines()) == 1 + EPOCHS * LENGTH
    for name, value in first["network"].items():
        torch.testing.assert_close(again["network"][name], value, rtol=0, atol=0)


def test_a_full_disk_keeps_the_previous_checkpoint(tmp_path):
    _run(tmp_path)
    before = {path: path.read_bytes() for path in (tmp_path / "models").iterdir()}
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, limits[1]))
    try:
        with pytest.raises(InputError, match=r"cannot be written: .*the previous one is kept"):
            _run(tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert {path: path.read_bytes() for path in (tmp_path / "models").iterdir()} == before
    assert torch.load(tmp_path / "models" / "last.pt")["iteration"] == EPOCHS * LENGTH


def test_a_damaged_checkpoint_is_named(tmp_path):
    _run(tmp_path)
    last = tmp_path / "models" / "last.pt"
    last.write_bytes(last.read_bytes()[:1000])
    with pytest.raises(InputError, match=r"last\.pt: cannot go on from this checkpoint"):
        _run(tmp_path, resume=True)
