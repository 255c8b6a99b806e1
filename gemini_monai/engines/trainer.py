"""A MONAI trainer that steps through objectives."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
from monai.engines.trainer import Trainer
from monai.engines.utils import IterationEvents
from monai.engines.workflow import Workflow
from torch import Tensor, nn

from gemini_monai.objectives.objective import Batch, Objective

UPDATES = ("alternating", "summed")


class NonFiniteLossError(RuntimeError):
    """The loss was not finite for too many steps in a row."""


class ObjectiveTrainer(Trainer):
    """Train one network by several objectives.

    An iteration is, for each objective in order: zero the gradients, compute its terms, step back
    from their sum, and one step of the one optimiser (what the authors' code does), or one step on
    the sum of all (what equations 10 and 11 say). ``engine.state.output`` holds every term as a
    float, and their sum as ``loss``.

    A step whose loss is not finite is left out and counted in ``engine.state.skipped_steps``.

    Args:
        device: Where the network is.
        max_epochs: Epochs to train.
        train_data_loader: Yields batches: ``image_a``, ``image_b``, ``image``, ``label``.
        network: What is trained, possibly under DistributedDataParallel.
        optimizer: Of the network's parameters.
        objectives: Named objectives, in the order of their steps.
        update: ``"alternating"`` or ``"summed"``.
        epoch_length: Iterations an epoch.
        max_skipped_steps: Non-finite steps in a row after which training stops.
        train_handlers: Objects with ``attach(engine)``.
        amp: Mixed precision for the network; losses stay in float32.
        amp_kwargs: Of ``torch.autocast``.
        non_blocking: Of the copy to the device.

    Raises:
        NonFiniteLossError: In ``run``, naming the objective, its terms and the iteration.
        ValueError: If ``update`` is neither of the two, or there is no objective.
    """

    def __init__(
        self,
        *,
        device: torch.device | str,
        max_epochs: int,
        train_data_loader: Iterable[Batch],
        network: nn.Module,
        optimizer: torch.optim.Optimizer,
        objectives: Mapping[str, Objective],
        update: str = "alternating",
        epoch_length: int | None = None,
        max_skipped_steps: int = 20,
        train_handlers: Sequence[Any] | None = None,
        amp: bool = False,
        amp_kwargs: dict[str, Any] | None = None,
        non_blocking: bool = False,
    ) -> None:
        if update not in UPDATES:
            raise ValueError(f"update must be one of {UPDATES}, got '{update}'")
        if not objectives:
            raise ValueError("objectives is empty: there is nothing to train by")
        super().__init__(
            device=device,
            max_epochs=max_epochs,
            data_loader=train_data_loader,
            epoch_length=epoch_length,
            non_blocking=non_blocking,
            handlers=train_handlers,
            amp=amp,
            amp_kwargs=amp_kwargs,
            decollate=False,
        )
        self.network = network
        self.optimizer = optimizer
        self.objectives = dict(objectives)
        self.update = update
        self.max_skipped_steps = max_skipped_steps
        self.state.skipped_steps = 0
        self._skipped_in_a_row = 0

    @property
    def total_iterations(self) -> int:
        """Iterations of the whole training."""
        return int(self.state.max_epochs * self.state.epoch_length)

    def run(self) -> None:
        """Train from the current iteration to the last."""
        device = self.state.device.type
        self.scaler = torch.amp.GradScaler(device, enabled=self.amp and device == "cuda")
        Workflow.run(self)  # Trainer.run would make a scaler of the deprecated kind

    def _iteration(self, engine: Any, batchdata: Batch) -> dict[str, float]:
        batch = {
            key: value.to(self.state.device, non_blocking=self.non_blocking)
            for key, value in batchdata.items()
        }
        self.network.train()
        progress = (self.state.iteration - 1) / self.total_iterations
        terms: dict[str, float] = {}
        for group in self._groups():
            terms |= self._step(group, batch, progress=progress)
        engine.state.output = {"loss": sum(terms.values()), **terms}
        engine.fire_event(IterationEvents.MODEL_COMPLETED)
        return dict(engine.state.output)

    def _groups(self) -> list[list[str]]:
        """Names of the objectives that share a step."""
        names = list(self.objectives)
        return [names] if self.update == "summed" else [[name] for name in names]

    def _step(self, names: list[str], batch: Batch, *, progress: float) -> dict[str, float]:
        self.optimizer.zero_grad(set_to_none=True)
        terms: dict[str, Tensor] = {}
        with torch.autocast(self.state.device.type, enabled=self.amp, **self.amp_kwargs):
            for name in names:
                terms |= self.objectives[name](self.network, batch, progress=progress)
        loss = torch.stack(list(terms.values())).sum()
        values = {name: float(term.detach()) for name, term in terms.items()}
        if not math.isfinite(float(loss.detach())):
            self._skip(names, values)
            return values
        self._skipped_in_a_row = 0
        self.scaler.scale(loss).backward()
        self.scaler.step(self.optimizer)
        self.scaler.update()
        return values

    def _skip(self, names: list[str], values: dict[str, float]) -> None:
        self.state.skipped_steps += 1
        self._skipped_in_a_row += 1
        message = f"iteration {self.state.iteration}, {' + '.join(names)}: loss not finite {values}"
        logging.getLogger(__name__).warning("%s; step left out", message)
        if self._skipped_in_a_row >= self.max_skipped_steps:
            raise NonFiniteLossError(
                f"{message}, for {self._skipped_in_a_row} steps in a row; training stops and the "
                "last checkpoint stays as it is. Check the images' intensities and lower the "
                "learning rate"
            )
