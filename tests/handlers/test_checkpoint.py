"""A run that is killed goes on as if it had not been; a full disk loses nothing."""

from __future__ import annotations

import operator
import resource
import signal
from math import nan
from types import SimpleNamespace

import pytest
import torch
from ignite.engine import Engine, Events
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from gemini_monai.base.errors import InputError
from gemini_monai.engines import CosineDecay, ObjectiveTrainer
from gemini_monai.handlers import History, RunCheckpoint
from gemini_monai.objectives import (
    HomeomorphismObjective,
    Learner,
    Objective,
    SegmentationObjective,
)
from tests.handlers.batches import loader, small_learner, small_network

EPOCHS, LENGTH = 4, 2


class _KilledError(RuntimeError):
    pass


class _StoppedError(KeyboardInterrupt):
    pass


class _KillAt:
    """Handler that stops the process of a run, as far as a test can."""

    def __init__(self, count, event=Events.ITERATION_STARTED, error=_KilledError):
        self.event = event(once=count)
        self.error = error

    def attach(self, engine):
        engine.add_event_handler(self.event, self._kill)

    def _kill(self):
        raise self.error


class _Teacher(Objective):
    """Owns a moving average that is not trained and a head that is, and draws noise."""

    reads = ("image",)

    def bind(self, network):
        self.average = AveragedModel(network, multi_avg_fn=get_ema_multi_avg_fn(0.5))
        self.average.requires_grad_(False)
        self.head = nn.Conv2d(3, 3, 1)

    def forward(self, network, batch, *, progress=1.0):
        image = batch["image"]
        noisy = network(image + 0.1 * torch.randn_like(image))
        return {"consistency": (self.head(noisy) - self.average(image)).square().mean()}

    def after_step(self, network, *, progress=1.0):
        self.average.update_parameters(network)


def _run(
    folder,
    *,
    resume=False,
    kill_at=None,
    kill_between=None,
    kill=_KilledError,
    settings=None,
    epochs=EPOCHS,
    final=1.0,
):
    objectives = {"pairs": HomeomorphismObjective(), "labels": SegmentationObjective()}
    learner = Learner(small_network(), {**objectives, "teacher": _Teacher()})
    optimizer = torch.optim.Adam(learner.trainable(), 1e-3)
    scheduler = CosineDecay(optimizer, steps=epochs, final=final)
    checkpoint = RunCheckpoint(
        folder / "models",
        learner=learner,
        optimizer=optimizer,
        scheduler=scheduler,
        settings={"epochs": epochs} | (settings or {}),
        resume=resume,
    )
    handlers = [_Step(scheduler), History(folder), checkpoint]
    handlers += [_KillAt(kill_at, error=kill)] if kill_at else []
    if kill_between:
        handlers.insert(2, _KillAt(kill_between, Events.EPOCH_COMPLETED))
    trainer = ObjectiveTrainer(
        device="cpu",
        max_epochs=epochs,
        epoch_length=LENGTH,
        train_data_loader=loader(epochs * LENGTH),
        learner=learner,
        optimizer=optimizer,
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
    for name, value in whole["learner"].items():
        torch.testing.assert_close(resumed["learner"][name], value, rtol=0, atol=0)
    for key, state in whole["optimizer"]["state"].items():
        for name, value in state.items():
            torch.testing.assert_close(
                resumed["optimizer"]["state"][key][name], value, rtol=0, atol=0
            )


def test_without_resume_a_run_starts_anew(tmp_path):
    first, _ = _run(tmp_path)
    again, table = _run(tmp_path)
    assert len(table.splitlines()) == 1 + EPOCHS * LENGTH
    for name, value in first["learner"].items():
        torch.testing.assert_close(again["learner"][name], value, rtol=0, atol=0)


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


def test_a_run_says_where_it_goes_on_and_how_to(tmp_path, capsys):
    with pytest.raises(_StoppedError):
        _run(tmp_path, kill_at=6, kill=_StoppedError)
    printed = capsys.readouterr().out
    assert "stopped at iteration 6; the same command with --resume True goes on" in printed
    assert "checkpoint, of iteration 4" in printed
    _run(tmp_path, resume=True)
    assert f"last.pt at iteration 4 of {EPOCHS * LENGTH}" in capsys.readouterr().out


def test_a_run_stopped_before_its_first_checkpoint_says_so(tmp_path, capsys):
    with pytest.raises(_StoppedError):
        _run(tmp_path, kill_at=1, kill=_StoppedError)
    assert "before the first checkpoint: start it again" in capsys.readouterr().out


@pytest.mark.parametrize("final", [1.0, 0.1])
def test_more_epochs_go_on_and_a_constant_rate_makes_them_one_run(tmp_path, final):
    whole, table = _run(tmp_path / "whole", epochs=6, final=final)
    _run(tmp_path / "grown", epochs=4, final=final)
    grown, grown_table = _run(tmp_path / "grown", epochs=6, final=final, resume=True)
    assert grown["iteration"] == whole["iteration"] == 12
    assert grown["scheduler"]["steps"] == 4  # the decay that it was planned for has ended
    same = all(
        torch.equal(value, grown["learner"][name]) for name, value in whole["learner"].items()
    )
    assert (same, grown_table == table) == (final == 1.0,) * 2
    rate = grown["optimizer"]["param_groups"][0]["lr"]
    assert rate == pytest.approx(1e-3 * final)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"settings": {"seed": 1}}, "trained with seed not set, now 1"),
        ({"epochs": 3}, "trained with epochs 4, now 3"),
    ],
)
def test_other_settings_are_refused_and_nothing_is_written(tmp_path, options, message):
    _run(tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    with pytest.raises(InputError, match=rf"last\.pt: {message}"):
        _run(tmp_path, resume=True, **options)
    assert {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()} == before


@pytest.mark.parametrize("old", ["no settings", "network"])
def test_a_checkpoint_of_an_earlier_version_is_refused(tmp_path, old):
    state, _ = _run(tmp_path)
    if old == "network":
        state["network"] = state.pop("learner")
    else:
        del state["settings"]
    torch.save(state, tmp_path / "models" / "last.pt")
    with pytest.raises(InputError, match=r"an earlier version wrote it; its weights can be used"):
        _run(tmp_path, resume=True)


def test_what_an_objective_owns_is_in_the_checkpoint_and_not_in_the_model(tmp_path):
    state, _ = _run(tmp_path)
    owned = [name for name in state["learner"] if name.startswith("objectives.teacher.")]
    assert any(".average." in name for name in owned)
    assert any(".head." in name for name in owned)
    assert (
        torch.load(tmp_path / "models" / "model.pt").keys() == small_network().state_dict().keys()
    )
    moved = state["learner"]["objectives.teacher.average.module.head.1.bias"]
    assert not torch.equal(moved, state["learner"]["network.head.1.bias"])
    assert state["scaler"] == {}


@pytest.mark.parametrize("cut", ["rows", "cell", "file"])
def test_a_cut_history_is_named(tmp_path, cut):
    _run(tmp_path)
    path = tmp_path / "history.csv"
    lines = path.read_text().splitlines()
    if cut == "file":
        path.unlink()
    else:
        path.write_text("\n".join(lines[:4] if cut == "rows" else [*lines[:-1], "8,x"]))
    message = {
        "rows": r"ends at iteration 3, the checkpoint is at 8",
        "cell": r"line 9, column 'loss': expected a number, found 'x'",
        "file": r"is not there, but the checkpoint is at iteration 8",
    }[cut]
    with pytest.raises(InputError, match=rf"history\.csv: {message}"):
        _run(tmp_path, resume=True, epochs=5)


def test_weights_that_are_not_finite_are_never_saved(tmp_path):
    _run(tmp_path)
    before = {path: path.read_bytes() for path in (tmp_path / "models").iterdir()}
    learner = small_learner()
    optimizer = torch.optim.Adam(learner.trainable(), 1e-3)
    checkpoint = RunCheckpoint(tmp_path / "models", learner=learner, optimizer=optimizer)
    with torch.no_grad():
        learner.network.head[1].weight[0] = float("nan")
    engine = Engine(lambda engine, batch: None)
    checkpoint.attach(engine)
    message = r"iteration 3: weight 'network\.head\.1\.weight' is not finite, so training diverged"
    with pytest.raises(InputError, match=message):
        engine.run([0] * 3, max_epochs=1)
    assert {path: path.read_bytes() for path in (tmp_path / "models").iterdir()} == before


def _ours(now, best):
    """The comparison of our configurations."""
    return now > best or best != best


@pytest.mark.parametrize(
    ("scores", "compare", "best"),
    [
        ([0.1, 0.3, 0.2], _ours, 2),
        ([nan, nan, nan], _ours, 3),
        ([nan, nan, nan], operator.gt, 3),
        ([nan, 0.2, nan], _ours, 2),
        ([0.2, nan, 0.1], _ours, 1),
    ],
)
def test_a_score_that_is_no_number_is_never_the_best(tmp_path, scores, compare, best):
    learner = small_learner()
    optimizer = torch.optim.SGD(learner.trainable(), 0.1)
    validator = SimpleNamespace(state=SimpleNamespace(best_metric=-1, best_metric_epoch=-1))

    def validate(engine):
        """What MONAI's evaluator does."""
        now, state = scores[engine.state.epoch - 1], validator.state
        if state.best_metric_epoch == -1 or compare(now, state.best_metric):
            state.best_metric, state.best_metric_epoch = now, engine.state.epoch

    def train(engine, batch):
        with torch.no_grad():
            learner.network.head[1].bias.fill_(engine.state.epoch)

    engine = Engine(train)
    engine.add_event_handler(Events.EPOCH_COMPLETED, validate)
    RunCheckpoint(tmp_path, learner=learner, optimizer=optimizer, validator=validator).attach(
        engine
    )
    engine.run([0], max_epochs=3)
    assert torch.load(tmp_path / "model.pt")["head.1.bias"][0] == best
