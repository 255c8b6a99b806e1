"""What drives a bundle from outside: federated learning, experiment tracking, MONAI's handlers."""

from __future__ import annotations

import csv
import shutil
import sys

import numpy as np
import pytest
import torch
from ignite.engine import Events
from monai.fl.client import MonaiAlgo
from monai.fl.utils.constants import ExtraItems
from monai.fl.utils.exchange_object import ExchangeObject
from monai.handlers import StatsHandler, from_engine

from gemini_monai.base.errors import InputError
from gemini_monai.configuration import refuse_unknown_overrides
from tests.bundles.runs import BUNDLE, CONFIGS, MIP, SMALL, paths, run, workflow

WHOLE = SMALL | {"compare": []}


def _client(bundle, dataset, place, **options):
    """A client with a copy of a bundle, as a server provides it."""
    skip = shutil.ignore_patterns("data", "runs", "models")
    shutil.copytree(bundle, place / "app" / bundle.name, ignore=skip)
    given = paths(dataset, place / "run") | options
    algo = MonaiAlgo(
        bundle_root=bundle.name,
        local_epochs=1,
        send_weight_diff=False,
        train_kwargs=dict(given),
        eval_kwargs=dict(given),
        **({"config_evaluate_filename": None} if bundle is MIP else {}),
    )
    algo.initialize({ExtraItems.CLIENT_NAME: "site", ExtraItems.APP_ROOT: str(place / "app")})
    return algo


def _rounds(algo, count):
    weights = ExchangeObject(weights=algo.trainer.network.state_dict())
    for _ in range(count):
        algo.train(weights)
        weights = algo.get_weights()
    return weights


@pytest.mark.parametrize("bundle", [BUNDLE, MIP], ids=["semi", "mip"])
def test_two_rounds_of_one_client_are_one_training(bundle, tiny_phantom, tmp_path):
    found = _rounds(_client(bundle, tiny_phantom, tmp_path, **WHOLE), 2).weights
    more = {"pairs_interval": 0} if bundle == BUNDLE else {}  # as the client's own configuration
    run("train", bundle=bundle, **paths(tiny_phantom, tmp_path / "whole"), **WHOLE, **more)
    expected = torch.load(tmp_path / "whole" / "models" / "last.pt", weights_only=True)["learner"]
    for name, value in found.items():
        assert torch.equal(torch.as_tensor(value), expected[f"network.{name}"]), name
    with (tmp_path / "run" / "history.csv").open(newline="") as file:
        assert [int(row["iteration"]) for row in csv.DictReader(file)] == [1, 2, 3, 4]


def test_a_client_evaluates(tiny_phantom, tmp_path):
    algo = _client(BUNDLE, tiny_phantom, tmp_path, **WHOLE)
    weights = _rounds(algo, 1)
    metrics = algo.evaluate(weights).metrics
    assert 0 <= metrics["mean_dice"] <= 1


def test_more_rounds_than_planned_are_named(tiny_phantom, tmp_path):
    algo = _client(MIP, tiny_phantom, tmp_path, **WHOLE | {"epochs": 1})
    with pytest.raises(InputError, match="goes on to iteration 4, but there are batches for 2"):
        _rounds(algo, 2)


def test_monais_handlers_read_the_output(tiny_phantom, tmp_path, caplog):
    flow = workflow("train", bundle=MIP, **paths(tiny_phantom, tmp_path / "run"), **SMALL)
    flow.initialize()
    trainer = flow.parser.get_parsed_content("train#trainer")
    seen = []
    trainer.add_event_handler(
        Events.ITERATION_COMPLETED,
        lambda engine: seen.append(from_engine(["loss"], first=True)(engine.state.output)),
    )
    StatsHandler(output_transform=from_engine(["loss"], first=True)).attach(trainer)
    trainer.run()
    assert len(seen) == 4
    assert all(isinstance(loss, float) for loss in seen)


def test_tensorboard_has_learning_rate_and_validation(trained):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    tags = {}
    for path in (trained / "tensorboard").iterdir():
        events = EventAccumulator(str(path)).Reload()
        for tag in events.Tags()["scalars"]:
            tags.setdefault(tag, []).extend(event.value for event in events.Scalars(tag))
    with (trained / "validation.csv").open(newline="") as file:
        expected = [float(row["mean_dice"]) for row in csv.DictReader(file)]
    assert tags["mean_dice"] == pytest.approx(expected)
    steps = np.array([1, 3])  # made before the last of each epoch, of four
    rate = 1e-3 * (0.01 + 0.99 * (1 + np.cos(np.pi * steps / 4)) / 2)
    assert tags["learning_rate"] == pytest.approx(rate)


@pytest.mark.parametrize("tracking", [[], ["--tracking", "mlflow"]])
def test_the_keys_of_tracking_are_known_with_it_alone(monkeypatch, tracking):
    words = ["--config_file", str(CONFIGS / "train.json"), "--run_name", "mine", *tracking]
    monkeypatch.setattr(sys, "argv", ["monai/bundle/__main__.py", "run", "training", *words])
    if tracking:
        refuse_unknown_overrides()
    else:
        with pytest.raises(InputError, match="no key 'run_name'"):
            refuse_unknown_overrides()


def test_mlflow_tracks_a_run(tiny_phantom, tmp_path):
    mlflow = pytest.importorskip("mlflow")
    address = f"sqlite:///{tmp_path / 'runs.db'}"
    options = {"tracking": "mlflow", "tracking_uri": address, "run_name": "mine"}
    run("train", **paths(tiny_phantom, tmp_path / "run"), **WHOLE, **options)
    client = mlflow.MlflowClient(tracking_uri=address)
    experiment = client.get_experiment_by_name("monai_experiment")
    metrics = {}
    for found in client.search_runs([experiment.experiment_id]):
        metrics |= found.data.metrics
    assert {"train_loss", "mean_dice"} <= set(metrics)
