"""What an iteration costs: multiply-adds, what is kept for the way back, seconds, memory."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import torch
from ignite.engine import Events
from torch import Tensor
from torch.autograd.graph import saved_tensors_hooks
from torch.utils.flop_counter import FlopCounterMode

from gemini_monai.base import system
from gemini_monai.engines.trainer import ObjectiveTrainer
from gemini_monai.objectives import Learner


@dataclass(frozen=True)
class Work:
    """Of one step, there and back.

    Attributes:
        multiply_adds: Of convolutions and matrix products; a multiply-add is two FLOPs.
        kept: Bytes that the forward pass keeps for the backward pass, without weights.
        interval: Iterations from one such step to the next.
    """

    multiply_adds: int
    kept: int
    interval: int = 1


def count_work(learner: Learner, name: str, batch: Mapping[str, Tensor]) -> Work:
    """Make one step of an objective, without the optimizer's, and count it by PyTorch's counter.

    Args:
        learner: Network and objectives; gradients are left behind.
        name: Which objective.
        batch: On the network's device.
    """
    weights = {own.untyped_storage().data_ptr() for own in learner.parameters()}
    storages: dict[int, tuple[int, Tensor]] = {}

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            storages[storage.data_ptr()] = storage.nbytes(), tensor
        return tensor

    interval = learner.objectives[name].interval
    for _ in range(interval):  # until it is the objective's turn
        storages.clear()
        with FlopCounterMode(display=False) as counter:
            with saved_tensors_hooks(keep, lambda tensor: tensor):
                terms = learner([name], dict(batch))
            kept = sum(size for size, _ in storages.values())
            if terms:
                storages.clear()
                torch.stack(list(terms.values())).sum().backward()
        if terms:
            break
    return Work(counter.get_total_flops() // 2, kept, interval)


def seconds_an_iteration(trainer: ObjectiveTrainer) -> list[float]:
    """Wall-clock seconds of each iteration but the first, its batch's reading among them.

    Args:
        trainer: Run here, to its end.
    """
    ends: list[float] = []

    def note() -> None:
        if torch.device(trainer.state.device).type != "cpu":
            torch.accelerator.synchronize(trainer.state.device)
        ends.append(time.perf_counter())

    trainer.add_event_handler(Events.ITERATION_COMPLETED, note)
    trainer.run()
    return [end - start for start, end in pairwise(ends)]


def peak_memory(device: torch.device | str) -> int:
    """Most bytes at any time: of tensors on a GPU, of the process on a CPU.

    An Apple GPU's is what Metal has given so far, most of which PyTorch keeps.
    """
    device = torch.device(device)
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    if device.type == "mps":
        return torch.mps.driver_allocated_memory()
    return system.peak_memory()


def cropped(batch: Mapping[str, Tensor], *, axes: int) -> dict[str, Tensor]:
    """The first half of each spatial axis, 8 voxels or more; other tensors as they are."""
    found = {}
    for key, value in batch.items():
        sizes = value.shape[2:] if value.dim() == 2 + axes else ()
        parts = [slice(0, max(min(8, size), size // 2)) for size in sizes]
        found[key] = value[(slice(None), slice(None), *parts)] if sizes else value
    return found


def doubled(batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Each image twice."""
    return {key: torch.cat([value, value]) for key, value in batch.items()}
