"""What a training would cost, told before it is begun."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import deepcopy
from typing import Any

import numpy as np
from monai.bundle import ConfigParser
from torch import Tensor, nn

from gemini_monai.configuration.parser_access import running_configuration
from gemini_monai.engines import ObjectiveTrainer
from gemini_monai.engines.cost import (
    Work,
    count_work,
    cropped,
    doubled,
    peak_memory,
    seconds_an_iteration,
)
from gemini_monai.networks import spatial_dims_of
from gemini_monai.objectives import Learner
from gemini_monai.objectives.learner import unwrapped

MEASURED = 3
"""Iterations that are timed, after one that is not."""
GIGA, MEBI = 1e9, 2**20


def tell_cost(trainer: ObjectiveTrainer, *, batch: Mapping[str, Tensor]) -> None:
    """Print work, time, memory and disk of a training, and what each of them grows with.

    A few iterations are made, of which nothing is kept. Multiply-adds are those of convolutions and
    matrix products, there and back, as PyTorch counts them.

    Args:
        trainer: Of the whole training, which is not run.
        batch: Of one iteration, on any device.
    """
    learner, device = unwrapped(trainer.learner), trainer.state.device
    batch = {name: value.to(device) for name, value in batch.items()}
    seconds = seconds_an_iteration(measured_trainer(trainer, iterations=MEASURED + 1))
    peak = peak_memory(device)
    work = {name: count_work(learner, name, batch) for name in learner.objectives}
    print("\n".join(_parameters(learner)))
    print("\n".join(_work(work)))
    whole = _whole(learner, seconds, peak=peak, iterations=trainer.total_iterations)
    print("\n".join(whole))
    print("\n".join(_growth(learner, batch)))


def measured_trainer(trainer: ObjectiveTrainer, *, iterations: int) -> ObjectiveTrainer:
    """A trainer of the same learner, batches and optimizer, which tells nobody and keeps nothing.

    Args:
        trainer: Of the whole training.
        iterations: That the other makes.
    """
    return ObjectiveTrainer(
        device=trainer.state.device,
        max_epochs=1,
        epoch_length=iterations,
        train_data_loader=trainer.data_loader,
        learner=trainer.learner,
        optimizer=trainer.optimizer,
        update=trainer.update,
        seed=trainer.seed,
        amp=trainer.amp,
        amp_kwargs=trainer.amp_kwargs,
    )


def _parameters(learner: Learner) -> list[str]:
    counts = {name: _count(part) for name, part in learner.network.named_children()}
    counts["objectives' own"] = sum(_count(own) for own in learner.objectives.values())
    shown = ", ".join(f"{name} {count / 1e6:.2f}" for name, count in counts.items())
    return [f"parameters, in millions: {sum(counts.values()) / 1e6:.2f} ({shown})", ""]


def _count(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def _work(work: Mapping[str, Work]) -> list[str]:
    lines = [f"{'step of an iteration':<24}{'multiply-adds':>16}{'FLOPs':>12}{'kept':>12}"]
    rows = {_shown(name, own): (own.multiply_adds, own.kept) for name, own in work.items()}
    whole = _together(work.values())
    rows["an iteration, most kept"] = whole.multiply_adds, whole.kept
    for name, (adds, kept) in rows.items():
        cells = f"{adds / GIGA:>14.2f} G{2 * adds / GIGA:>10.2f} G{kept / MEBI:>8.0f} MiB"
        lines.append(f"{name:<24}{cells}")
    return lines


def _shown(name: str, work: Work) -> str:
    return name if work.interval == 1 else f"{name}, 1 in {work.interval}"


def _together(work: Iterable[Work]) -> Work:
    """Of an iteration: the sum of the work, the most that is kept."""
    parts = list(work)
    adds = sum(own.multiply_adds / own.interval for own in parts)
    return Work(round(adds), max(own.kept for own in parts))


def _whole(learner: Learner, seconds: list[float], *, peak: int, iterations: int) -> list[str]:
    each = float(np.mean(seconds))
    trained = sum(p.numel() * p.element_size() for p in learner.trainable())
    network = sum(p.numel() * p.element_size() for p in learner.network.state_dict().values())
    spread = f"{min(seconds):.2f} to {max(seconds):.2f}"
    return [
        "",
        f"an iteration: {each:.2f} s ({spread}, {len(seconds)} measured here); "
        f"peak memory {peak / MEBI:.0f} MiB",
        f"the whole training: {iterations} iterations, {each * iterations / 3600:.2f} h; "
        "validation, test and arms to compare with come on top",
        f"disk: {(3 * trained + network) / MEBI:.0f} MiB of weights, to go on from and to use",
        "",
    ]


def _growth(learner: Learner, batch: Mapping[str, Tensor]) -> list[str]:
    """How many times the work and what is kept, each counted on a quarter or eighth of a batch."""
    axes = spatial_dims_of(learner.network)
    small = cropped(batch, axes=axes)
    base = _all(learner, small)
    changes = {
        f"{2**axes} times the voxels": _all(learner, batch),
        "twice the images": _all(learner, doubled(small)),
    }
    for label, key in (("twice the widths", "channels"), ("twice the classes", "out_channels")):
        other = _changed(key)
        if other is not None:
            changes[label] = _all(other, small)
    lines = [f"{'it grows with':<24}{'multiply-adds':>16}{'kept':>12}"]
    for label, own in changes.items():
        adds, kept = own.multiply_adds / base.multiply_adds, own.kept / base.kept
        lines.append(f"{label:<24}{'x ' + format(adds, '.2f'):>16}{'x ' + format(kept, '.2f'):>12}")
    return lines


def _all(learner: Learner, batch: Mapping[str, Tensor]) -> Work:
    return _together(count_work(learner, name, batch) for name in learner.objectives)


def _changed(key: str) -> Learner | None:
    """The running configuration's learner with twice a knob, where it is one of its own network."""
    content: dict[str, Any] = deepcopy(running_configuration())
    parser = ConfigParser(content)
    if content.get("backbone") is not None and key == "channels":
        return None
    value = parser.get_parsed_content(key)
    content[key] = [2 * own for own in value] if isinstance(value, list) else 2 * value
    settings = parser.get_parsed_content("settings") | {key: content[key], "backbone": None}
    content["settings"] = settings  # which refuses other channels than the data's
    found: Learner = ConfigParser(content).get_parsed_content("learner")
    return found
