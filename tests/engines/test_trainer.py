"""The trainer's step against a loop written by hand, non-finite losses, and two processes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from gemini_monai.base.errors import InputError
from gemini_monai.engines import NonFiniteLossError, ObjectiveTrainer, SegmentationEvaluator
from gemini_monai.objectives import (
    HomeomorphismObjective,
    Learner,
    Objective,
    SegmentationObjective,
)
from tests.handlers.batches import loader, small_network


def _objectives():
    return {"homeomorphism": HomeomorphismObjective(), "segmentation": SegmentationObjective()}


def _trainer(network, *, iterations=3, objectives=None, **options):
    learner = Learner(network, objectives or _objectives())
    return ObjectiveTrainer(
        **{
            "device": "cpu",
            "max_epochs": 1,
            "epoch_length": iterations,
            "train_data_loader": loader(iterations),
            "learner": learner,
            "optimizer": torch.optim.Adam(learner.trainable(), 1e-3),
            **options,
        }
    )


def _by_hand(network, *, groups, iterations=3):
    optimizer = torch.optim.Adam(network.parameters(), 1e-3)
    objectives = _objectives()
    for batch in loader(iterations):
        for group in groups:
            optimizer.zero_grad()
            sum(sum(objectives[name](network, batch).values()) for name in group).backward()
            optimizer.step()
    return network.state_dict()


@pytest.mark.parametrize(
    ("update", "groups"),
    [
        ("alternating", [["homeomorphism"], ["segmentation"]]),
        ("summed", [["homeomorphism", "segmentation"]]),
    ],
)
def test_an_iteration_is_the_steps_that_update_says(update, groups):
    network = small_network()
    _trainer(network, update=update).run()
    expected = _by_hand(small_network(), groups=groups)
    for name, value in network.state_dict().items():
        torch.testing.assert_close(value, expected[name])


def test_the_two_updates_differ():
    ends = [small_network(), small_network()]
    for network, update in zip(ends, ("alternating", "summed"), strict=True):
        _trainer(network, update=update).run()
    first, second = (network.state_dict()["head.1.weight"] for network in ends)
    assert not torch.allclose(first, second)


def test_the_output_is_every_term_and_their_sum():
    trainer = _trainer(small_network())
    trainer.run()
    output = dict(trainer.state.output[0])
    total = output.pop("loss")
    assert set(output) == {"smoothness", "visual", "semantic", "dice", "cross_entropy"}
    assert total == pytest.approx(sum(output.values()))


class _Broken(Objective):
    """An objective that is not finite at the iterations given."""

    def __init__(self, at):
        super().__init__()
        self.at = set(at)
        self.calls = 0

    def forward(self, network, batch, *, progress=1.0):
        self.calls += 1
        value = float("nan") if self.calls in self.at else 1.0
        return {"broken": value * network(batch["image"]).mean()}


class _Function(Objective):
    """An objective whose terms a function makes."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, network, batch, *, progress=1.0):
        return self.function(network, batch, progress)


def test_a_step_that_is_not_finite_is_left_out_and_counted():
    network = small_network()
    trainer = _trainer(network, objectives={"broken": _Broken({1, 2, 3})})
    before = {name: value.clone() for name, value in network.state_dict().items()}
    with pytest.raises(NonFiniteLossError, match="broken: 3 of 3 steps left out.*trained nothing"):
        trainer.run()
    assert trainer.state.skipped_steps == {"broken": 3}
    for name, value in network.state_dict().items():
        torch.testing.assert_close(value, before[name], rtol=0, atol=0)


def test_training_goes_on_after_one_bad_step(capsys):
    trainer = _trainer(small_network(), objectives={"broken": _Broken({2})}, max_skipped_steps=2)
    trainer.run()
    assert (trainer.state.skipped_steps, trainer.state.iteration) == ({"broken": 1}, 3)
    assert "broken: 1 of 3 steps left out, loss not finite" in capsys.readouterr().out


def test_an_objective_that_is_never_finite_stops_although_the_other_is():
    objectives = {"broken": _Broken(range(100)), "labels": SegmentationObjective()}
    trainer = _trainer(small_network(), objectives=objectives, max_skipped_steps=2)
    told = r"iteration 2, broken: .*2 steps in a row.*there is no checkpoint yet"
    with pytest.raises(NonFiniteLossError, match=told):
        trainer.run()


def test_a_gradient_that_is_not_finite_is_left_out():
    network = small_network()

    def root(network, batch, progress):
        return {"root": (0 * network(batch["image"])).square().sum().sqrt()}  # 0, slope 0 / 0

    before = {name: value.clone() for name, value in network.state_dict().items()}
    trainer = _trainer(network, objectives={"root": _Function(root)})
    with pytest.raises(NonFiniteLossError, match="root: 3 of 3 steps left out"):
        trainer.run()
    for name, value in network.state_dict().items():
        torch.testing.assert_close(value, before[name], rtol=0, atol=0)


def test_bad_steps_in_a_row_stop_with_their_terms():
    objectives = {"broken": _Broken({1, 2})}
    trainer = _trainer(small_network(), objectives=objectives, max_skipped_steps=2)
    with pytest.raises(NonFiniteLossError, match=r"iteration 2, broken: .*'broken': nan.*2 steps"):
        trainer.run()


def test_why_a_training_stops_is_logged_by_nobody_as_the_caller_tells_it(caplog):
    objectives = {"broken": _Broken({1, 2})}
    trainer = _trainer(small_network(), objectives=objectives, max_skipped_steps=2)
    with pytest.raises(NonFiniteLossError):
        trainer.run()
    told = [record.getMessage().partition(",")[0] for record in caplog.records]
    assert told == ["iteration 1"]  # a step left out, after which it went on


def test_why_an_evaluation_stops_is_logged_by_nobody_either(caplog):
    def damaged():
        raise InputError("a.nii.gz: damaged")
        yield

    evaluator = SegmentationEvaluator(
        device="cpu", val_data_loader=damaged(), network=small_network()
    )
    with pytest.raises(InputError, match=r"a\.nii\.gz: damaged"):
        evaluator.run()
    assert caplog.records == []


def test_objectives_are_told_how_far_training_is():
    seen = []

    def mean(network, batch, progress):
        seen.append(progress)
        return {"mean": network(batch["image"]).mean()}

    _trainer(small_network(), objectives={"a": _Function(mean)}).run()
    assert seen == [0, 1 / 3, 2 / 3]


def test_an_objective_without_terms_has_no_step():
    network = small_network()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    optimizer = torch.optim.AdamW(network.parameters(), 1e-3)  # whose step moves by itself
    trainer = _trainer(network, objectives={"a": _Function(lambda *_: {})}, optimizer=optimizer)
    trainer.run()
    assert trainer.state.output == [{"loss": 0}]
    for name, value in network.state_dict().items():
        torch.testing.assert_close(value, before[name], rtol=0, atol=0)


class _Watching(Objective):
    """Counts the steps that it is told of, beside one that is not finite at first."""

    def __init__(self, at):
        super().__init__()
        self.broken = _Broken(at)
        self.told = []

    def forward(self, network, batch, *, progress=1.0):
        return self.broken(network, batch)

    def after_step(self, network, *, progress=1.0):
        self.told.append(progress)


def test_objectives_are_told_of_steps_that_were_made():
    objective = _Watching({2})
    _trainer(small_network(), objectives={"a": objective}).run()
    assert objective.told == [0, 2 / 3]


def test_noise_is_a_function_of_seed_and_iteration():
    def noise(seed):
        seen = []

        def draw(network, batch, progress):
            seen.append(float(torch.rand(())))
            return {"mean": network(batch["image"]).mean()}

        _trainer(small_network(), objectives={"a": _Function(draw)}, seed=seed).run()
        return seen

    first = noise(0)
    torch.rand(7)
    assert noise(0) == first
    assert len(set(first + noise(1))) == 6


def test_wrong_settings_are_named():
    with pytest.raises(ValueError, match="update must be one of .*got 'both'"):
        _trainer(small_network(), update="both")


def test_mixed_precision_keeps_losses_and_weights_finite():
    network = small_network()
    trainer = _trainer(network, amp=True, amp_kwargs={"dtype": torch.bfloat16})
    trainer.run()
    assert trainer.state.skipped_steps == {}
    assert all(value.isfinite().all() for value in network.state_dict().values())


TWO_PROCESSES = """
import sys, torch, torch.distributed as dist
from torch.nn.parallel import DistributedDataParallel
from gemini_monai.engines import ObjectiveTrainer
from tests.handlers.batches import loader, small_learner
dist.init_process_group("gloo")
torch.set_num_threads(1)
rank = dist.get_rank()
learner = DistributedDataParallel(small_learner(seed=rank), find_unused_parameters=True)
optimizer = torch.optim.Adam(learner.module.trainable(), 1e-3)
ObjectiveTrainer(
    device="cpu", max_epochs=1, epoch_length=3, train_data_loader=loader(3, rank=rank),
    learner=learner, optimizer=optimizer,
).run()
torch.save(learner.module.network.state_dict(), sys.argv[1] + f"/{rank}.pt")
dist.destroy_process_group()
"""


def test_two_processes_on_their_own_images_stay_one_network(tmp_path):
    script = tmp_path / "train.py"
    script.write_text(TWO_PROCESSES)
    launch = ["-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    command = [sys.executable, *launch, str(script), str(tmp_path)]
    environment = os.environ | {"PYTHONPATH": str(Path.cwd()), "OMP_NUM_THREADS": "1"}
    subprocess.run(command, check=True, env=environment, timeout=240, capture_output=True)
    first, second = (torch.load(tmp_path / f"{rank}.pt") for rank in (0, 1))
    alone = _by_hand(small_network(), groups=[["homeomorphism"], ["segmentation"]])
    for name, value in first.items():
        torch.testing.assert_close(value, second[name], rtol=0, atol=0)
    assert not torch.allclose(first["deformer.field.weight"], alone["deformer.field.weight"])
