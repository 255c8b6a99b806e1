"""nnU-Net's own training, for as long as is said."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, NamedTuple

import torch

from gemini_monai.base.files import read_json
from gemini_monai.study.nnunet.raw_data_set import NAME
from gemini_monai.study.nnunet.wanted import Wanted

EPOCHS = 50
"""At least, where there are as many iterations: nnU-Net sets the learning rate once an epoch."""
OWN_EPOCH = 250
"""Iterations of nnU-Net's own epochs, the most that one has here."""
WARMING, LEAST, MOST = 2, 3, 10
"""Iterations that are not timed, and the fewest and most that are."""
SHARE = 0.05
"""Of the time, what timing them may take beyond the fewest."""


class Schedule(NamedTuple):
    """A training in nnU-Net's terms."""

    epochs: int
    epoch_length: int


class Trained(NamedTuple):
    """What a training came to."""

    trainer: Any
    """nnU-Net's, with the weights of the last iteration."""
    schedule: Schedule
    optimizer_steps: int
    """Those that were made: of half precision on a GPU, some may be left out."""
    started: datetime
    seconds: float
    cpu_seconds: float
    """Of all threads of this process."""


def make_trainer(
    plans: dict[str, Any], configuration: str, *, mirroring: bool, device: torch.device
) -> Any:
    """nnU-Net's trainer for all labeled cases, which writes no checkpoint and no picture meanwhile.

    Its picture of the losses, once an epoch, would take longer than short epochs do.

    Args:
        plans: As of ``plan``.
        configuration: One of them.
        mirroring: Along every axis, in training and in the test, as nnU-Net does by itself.
        device: Where it trains.
    """
    from nnunetv2.paths import nnUNet_preprocessed

    data = read_json(Path(nnUNet_preprocessed) / NAME / "dataset.json", dict)
    own = plans | {"continue_training": False}
    kind = _trainer_class(mirroring=mirroring)
    trainer = kind(own, configuration, "all", data, device=device)
    trainer.disable_checkpointing = True
    trainer.logger.plot_progress_png = lambda folder: None
    trainer.num_val_iterations_per_epoch = 1  # on what it trains on, and nothing follows from it
    return trainer


def _trainer_class(*, mirroring: bool) -> Any:
    if mirroring:
        from nnunetv2.training.nnUNetTrainer.nnUNetTrainer import nnUNetTrainer

        return nnUNetTrainer
    from nnunetv2.training.nnUNetTrainer.variants.data_augmentation import nnUNetTrainerNoMirroring

    return nnUNetTrainerNoMirroring.nnUNetTrainerNoMirroring


def augmentation_of(device: torch.device) -> dict[str, str]:
    """Variables by which nnU-Net augments: on a CPU in this process, whose time is measured."""
    return {"nnUNet_n_proc_DA": "0"} if device.type == "cpu" else {}


def clock_name(device: torch.device) -> str:
    """What minutes are measured in: of a CPU, what other processes take does not count."""
    return "processor time" if device.type == "cpu" else "time"


def _clock(device: torch.device) -> Callable[[], float]:
    return time.process_time if device.type == "cpu" else time.monotonic


def schedule_of(wanted: Wanted, make: Callable[[], Any]) -> Schedule:
    """Epochs and their length; where minutes are said, by the time that a few iterations take.

    Args:
        wanted: How long.
        make: Makes a trainer, which is used up.
    """
    if wanted.iterations is not None:
        return divided(wanted.iterations)
    whole = 60 * float(wanted.minutes or 0)
    step, validation = _seconds(make(), whole)
    return divided(int((whole - EPOCHS * validation) / step))


def divided(iterations: int) -> Schedule:
    """As many iterations, or a few less, in epochs: at least one of one iteration."""
    length = max(1, min(OWN_EPOCH, math.ceil(iterations / EPOCHS)))
    return Schedule(max(1, iterations // length), length)


def _seconds(trainer: Any, whole: float) -> tuple[float, float]:
    """Of an iteration of training, and of one of validation, by the budget's clock."""
    now = _clock(trainer.device)
    trainer.on_train_start()
    trainer.on_train_epoch_start()
    for _ in range(WARMING):
        trainer.train_step(next(trainer.dataloader_train))
    start, made = now(), 0
    while made < LEAST or (made < MOST and now() - start < SHARE * whole):
        trainer.train_step(next(trainer.dataloader_train))
        made += 1
    step = (now() - start) / made
    trainer.on_validation_epoch_start()
    start = now()
    with torch.no_grad():
        trainer.validation_step(next(trainer.dataloader_val))
    validation = now() - start
    trainer.on_train_end()
    return step, validation


def train(trainer: Any, schedule: Schedule) -> Trained:
    """Train from the first iteration to the last, and save that as nnU-Net's final checkpoint.

    Args:
        trainer: A new one.
        schedule: How long.
    """
    trainer.num_epochs, trainer.num_iterations_per_epoch = schedule
    steps = 0

    def count(*_: Any) -> None:
        nonlocal steps
        steps += 1

    begun = datetime.now(timezone.utc), time.monotonic(), time.process_time()
    trainer.initialize()
    trainer.optimizer.register_step_post_hook(count)
    trainer.run_training()
    seconds, cpu_seconds = time.monotonic() - begun[1], time.process_time() - begun[2]
    trainer.disable_checkpointing = False
    trainer.current_epoch -= 1  # as nnU-Net does, which counts one more in the file
    trainer.save_checkpoint(str(checkpoint_of(trainer)))
    trainer.current_epoch += 1
    return Trained(trainer, schedule, steps, begun[0], seconds, cpu_seconds)


def checkpoint_of(trainer: Any) -> Path:
    """nnU-Net's final checkpoint."""
    return Path(trainer.output_folder) / "checkpoint_final.pth"
