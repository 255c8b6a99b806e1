"""Checkpoints of a run: the last state to go on from, the best network to use."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import torch
from ignite.engine import Engine, Events
from monai.engines.evaluator import Evaluator
from torch import nn

from gemini_monai.data.iterations import RemainingIterations
from gemini_monai.errors import InputError
from gemini_monai.files import replacing


class RunCheckpoint:
    """Handler that saves a run after every epoch and takes it up again.

    ``last.pt`` holds network, optimiser, scheduler, position and best score; ``model.pt`` the
    network's state dict alone, of the best validation, or the last epoch without a validator.
    Both are written beside and renamed: a full disk or a kill leaves the previous ones whole.

    Attach it after the validation handler. The loader's sampler must be a
    ``RemainingIterations`` for a resumed run to see the images that it would have seen.

    Args:
        folder: Where both files go.
        network: What is trained, possibly under DistributedDataParallel.
        optimizer: Its optimiser.
        scheduler: Its learning-rate schedule, if any.
        validator: The evaluator whose ``best_metric`` chooses ``model.pt``, if any.
        resume: Go on from ``last.pt`` when it is there.

    Raises:
        InputError: On ``resume``, if ``last.pt`` is damaged or of another network.
    """

    def __init__(
        self,
        folder: str | Path,
        *,
        network: nn.Module,
        optimizer: torch.optim.Optimizer,
        scheduler: Any | None = None,
        validator: Evaluator | None = None,
        resume: bool = False,
    ) -> None:
        self.last, self.model = Path(folder) / "last.pt", Path(folder) / "model.pt"
        self.network = network
        self.parts: dict[str, Any] = {"network": unwrapped(network), "optimizer": optimizer}
        if scheduler is not None:
            self.parts["scheduler"] = scheduler
        self.validator = validator
        self.resume = resume

    def attach(self, engine: Engine) -> None:
        """Restore when the engine starts, save after each epoch."""
        engine.add_event_handler(Events.STARTED, self.restore)
        engine.add_event_handler(Events.EPOCH_COMPLETED, self.save)

    def restore(self, engine: Engine) -> None:
        """Put network, optimiser and position back to the last checkpoint."""
        if not self.resume or not self.last.exists():
            return
        try:
            saved = torch.load(self.last, map_location="cpu", weights_only=True)
            for name, part in self.parts.items():
                part.load_state_dict(saved[name])
        except Exception as error:
            reason = " ".join(str(error).split())[:300]
            raise InputError(f"{self.last}: cannot go on from this checkpoint: {reason}") from error
        engine.state.iteration = saved["iteration"]
        engine.state.epoch = saved["epoch"]
        sampler = getattr(engine.data_loader, "sampler", None)
        if isinstance(sampler, RemainingIterations):
            sampler.start = saved["iteration"]
        if self.validator is not None:
            self.validator.state.best_metric = saved["best_metric"]
            self.validator.state.best_metric_epoch = saved["best_metric_epoch"]
        logging.getLogger(__name__).info(
            "goes on from %s at iteration %d", self.last, saved["iteration"]
        )

    def save(self, engine: Engine) -> None:
        """Write ``last.pt``, and ``model.pt`` if this epoch is the best so far."""
        if getattr(engine.state, "rank", 0) != 0:
            return
        scores = self.validator.state if self.validator is not None else None
        state = {name: part.state_dict() for name, part in self.parts.items()} | {
            "iteration": engine.state.iteration,
            "epoch": engine.state.epoch,
            "best_metric": float(scores.best_metric) if scores else 0.0,
            "best_metric_epoch": int(scores.best_metric_epoch) if scores else engine.state.epoch,
        }
        if scores is None or scores.best_metric_epoch == engine.state.epoch:
            _save(state["network"], self.model)
        _save(state, self.last)


def _save(state: dict[str, Any], path: Path) -> None:
    try:
        with replacing(path) as part:
            torch.save(state, part)
    except (OSError, RuntimeError) as error:
        kept = "the previous one is kept" if path.exists() else "there is no earlier one"
        reason = str(error).splitlines()[0]
        raise InputError(f"{path}: checkpoint could not be written ({reason}); {kept}") from error


def unwrapped(network: nn.Module) -> nn.Module:
    """The network below DistributedDataParallel, for one process to use without the others."""
    if isinstance(network, nn.parallel.DistributedDataParallel):
        return network.module
    return network
