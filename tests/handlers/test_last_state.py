"""A checkpoint that was changed is refused by name, before anything is taken from it."""

from __future__ import annotations

import shutil
from types import SimpleNamespace

import pytest
import torch
from ignite.engine import Engine, Events

from gemini_monai.base.errors import InputError
from gemini_monai.handlers import History, RunCheckpoint
from tests.handlers.batches import small_learner

LENGTH = 2


def _run(folder, *, epochs, resume=False, validated=True):
    """A training that moves one weight, validated at every second epoch."""
    learner = small_learner()
    optimizer = torch.optim.Adam(learner.trainable(), 1e-3)
    state = SimpleNamespace(best_metric=-1.0, best_metric_epoch=-1, epoch=0)
    validator = SimpleNamespace(state=state)

    def train(engine, batch):
        for parameter in learner.trainable():
            parameter.grad = torch.ones_like(parameter)
        optimizer.step()
        engine.state.output = [{"loss": float(engine.state.iteration)}]

    def validate(engine):
        epoch = engine.state.epoch
        state.epoch = epoch
        state.metrics = {"mean_dice": 1 / epoch}
        state.metric_details = {"mean_dice": torch.tensor([[1 / epoch]])}
        if state.best_metric_epoch == -1:
            state.best_metric, state.best_metric_epoch = 1 / epoch, epoch

    engine = Engine(lambda engine, batch: (train(engine, batch), engine.state.output)[1])
    if validated:
        engine.add_event_handler(Events.EPOCH_COMPLETED(every=2), validate)
    options = {"validator": validator if validated else None}
    History(folder, structures=["heart"], **options).attach(engine)
    RunCheckpoint(
        folder / "models", learner=learner, optimizer=optimizer, resume=resume, **options
    ).attach(engine)
    engine.run([0] * LENGTH, max_epochs=epochs)
    return learner.state_dict()


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("finished")
    _run(folder, epochs=4)
    return folder


@pytest.fixture
def run(finished, tmp_path):
    return shutil.copytree(finished, tmp_path / "run")


def _files(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def _refused(folder, message, **options):
    before = _files(folder)
    with pytest.raises(InputError, match=message):
        _run(folder, epochs=6, resume=True, **options)
    assert _files(folder) == before


def _change(folder, change):
    path = folder / "models" / "last.pt"
    state = torch.load(path)
    change(state)
    torch.save(state, path)


def test_an_unbroken_run_and_one_that_goes_on_are_one(run, tmp_path_factory):
    whole = tmp_path_factory.mktemp("whole")
    expected, found = _run(whole, epochs=6), _run(run, epochs=6, resume=True)
    assert all(torch.equal(found[name], value) for name, value in expected.items())
    for name in ("history.csv", "validation.csv"):
        assert (run / name).read_text() == (whole / name).read_text()


NEEDED = ("learner", "optimizer", "iteration", "epoch", "best_metric", "best_metric_epoch")


@pytest.mark.parametrize("name", NEEDED)
def test_what_is_missing_is_named(run, name):
    _change(run, lambda state: state.pop(name))
    _refused(run, rf"last\.pt: cannot go on from this checkpoint: it has no '{name}'")


@pytest.mark.parametrize("name", NEEDED)
@pytest.mark.parametrize("value", ["8", None, [1], torch.tensor(1.0)], ids=str)
def test_what_is_of_another_type_is_named(run, name, value):
    _change(run, lambda state: state.update({name: value}))
    _refused(run, r"last\.pt: cannot go on from this checkpoint: ")


@pytest.mark.parametrize(
    "change",
    [
        {"iteration": 7},
        {"iteration": -8, "epoch": -4},
        {"iteration": 0, "epoch": 0},
        {"epoch": 3},
        {"iteration": 8.0},
        {"settings": "[1]"},
        {"settings": "{"},
        {"settings": {}},
        {"best_metric": True},
    ],
    ids=str,
)
def test_a_position_that_no_run_saves_is_named(run, change):
    _change(run, lambda state: state.update(change))
    _refused(run, r"last\.pt: cannot go on from this checkpoint: (iteration|')")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (torch.Tensor.int, "holds whole numbers, expected real numbers"),
        (lambda value: value.to(torch.complex64), "holds complex"),
        (lambda value: value * float("nan"), "is not finite"),
        (lambda value: value[:1], "size mismatch"),
    ],
)
def test_weights_that_are_none_are_named(run, change, message):
    def spoil(state):
        name = next(n for n, value in state["learner"].items() if value.dim() == 4)
        state["learner"][name] = change(state["learner"][name])

    _change(run, spoil)
    _refused(run, rf"last\.pt: cannot go on from this checkpoint: .*{message}")


@pytest.mark.parametrize("how", ["gone", "cut", "other", "whole", "list"])
def test_the_best_network_is_missed_before_training_and_not_after(run, how):
    path = run / "models" / "model.pt"
    state = torch.load(path)
    if how == "gone":
        path.unlink()
    elif how == "cut":
        path.write_bytes(path.read_bytes()[:500])
    else:
        other = {"other": {"x": torch.ones(3)}, "list": [1]}
        torch.save(other.get(how, {k: v.int() for k, v in state.items()}), path)
    _refused(run, r"model\.pt: (the best network before .*|.* whole numbers)")


def test_without_a_validation_the_next_epoch_writes_the_network_again(tmp_path):
    _run(tmp_path, epochs=2, validated=False)
    (tmp_path / "models" / "model.pt").unlink()
    _run(tmp_path, epochs=3, resume=True, validated=False)
    assert (tmp_path / "models" / "model.pt").is_file()


@pytest.mark.parametrize("cut", ["row", "cell", "file"])
def test_cut_scores_are_named(run, cut):
    path = run / "validation.csv"
    lines = path.read_bytes().splitlines(keepends=True)
    if cut == "file":
        path.unlink()
    else:
        path.write_bytes(b"".join(lines[:-1]) + (lines[-1][:-5] if cut == "cell" else b""))
    message = {"row": "ends at iteration 4", "cell": "its last row was cut", "file": "is not there"}
    _refused(run, rf"validation\.csv: {message[cut]}")


def test_a_checkpoint_of_before_tells_the_last_validation_by_the_best(run):
    _change(run, lambda state: state.pop("validated_epoch"))
    _run(run, epochs=6, resume=True)
