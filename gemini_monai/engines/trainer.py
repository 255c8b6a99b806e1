"""A MONAI trainer that steps through objectives."""

from __future__ import annotations

import logging
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import torch
from monai.engines.trainer import SupervisedTrainer
from monai.engines.utils import IterationEvents
from monai.engines.workflow import Workflow
from torch import Tensor
from torch.nn.parallel import DistributedDataParallel
from tqdm import tqdm

from gemini_monai.base.errors import InputError
from gemini_monai.engines.precision import autocast_options, on_gpu
from gemini_monai.engines.processes import all_agree, naming_who_is_behind
from gemini_monai.engines.reasons import leave_reason_to_caller
from gemini_monai.objectives import Batch, Learner
from gemini_monai.objectives.learner import unwrapped

UPDATES = ("alternating", "summed")


class NonFiniteLossError(InputError):
    """The loss of an objective was not finite for too many steps in a row, or in all of them."""


class ObjectiveTrainer(SupervisedTrainer):
    """Train one network by several objectives.

    An iteration is, for each objective in order: zero the gradients, compute its terms, step back
    from their sum, and one step of the one optimizer (what the authors' code does), or one step on
    the sum of all (what equations 10 and 11 say). ``engine.state.output`` is a list of one
    dictionary, as MONAI's handlers expect it: every term as a float, and their sum as ``loss``.
    ``engine.state.learning_rate`` is that of the step. An objective without terms has no step.

    It is a ``SupervisedTrainer`` for whoever asks for one, with the learner as the loss.

    A step whose loss or gradient is not finite is left out, in all processes where it is so in one,
    and counted by objective in ``engine.state.skipped_steps``; the end of a run says how many there
    were. Those that are made are counted in ``engine.state.optimizer_steps``.

    Before each iteration PyTorch is seeded by seed, rank and iteration: noise, masks and dropout of
    a run that goes on are those of an unbroken one.

    Args:
        device: Where the network is.
        max_epochs: Epochs to train.
        train_data_loader: Yields batches with what the objectives read.
        learner: Network and objectives, possibly under DistributedDataParallel.
        optimizer: The one optimizer, made with the learner's trainable parameters.
        update: ``"alternating"`` or ``"summed"``.
        seed: Seed of what objectives draw at random, 0 or more; with rank and iteration.
        epoch_length: Iterations an epoch.
        max_skipped_steps: Non-finite steps of an objective in a row after which training stops.
        train_handlers: Objects with ``attach(engine)``.
        amp: Mixed precision for the network; losses stay in float32.
        amp_kwargs: Further arguments for ``torch.autocast``; ``None`` for ``autocast_options``.
        non_blocking: Copy batches to a GPU of CUDA without waiting.

    Raises:
        NonFiniteLossError: In ``run``, naming the objective, its terms and the iteration.
        ValueError: If ``update`` is neither of the two.
    """

    def __init__(
        self,
        *,
        device: torch.device | str,
        max_epochs: int,
        train_data_loader: Iterable[Batch],
        learner: Learner | DistributedDataParallel,
        optimizer: torch.optim.Optimizer,
        update: str = "alternating",
        seed: int = 0,
        epoch_length: int | None = None,
        max_skipped_steps: int = 20,
        train_handlers: Sequence[Any] | None = None,
        amp: bool = False,
        amp_kwargs: dict[str, Any] | None = None,
        non_blocking: bool = True,
    ) -> None:
        if update not in UPDATES:
            raise ValueError(f"update must be one of {UPDATES}, got '{update}'")
        super().__init__(
            device=device,
            max_epochs=max_epochs,
            train_data_loader=train_data_loader,
            network=unwrapped(learner).network,
            optimizer=optimizer,
            loss_function=learner,
            epoch_length=epoch_length,
            non_blocking=non_blocking and on_gpu(device),  # Apple's GPU would read too early
            train_handlers=train_handlers,
            amp=amp,
            amp_kwargs=autocast_options(device) if amp_kwargs is None else amp_kwargs,
            decollate=False,
        )
        leave_reason_to_caller(self)
        self.learner = learner
        self.update = update
        self.seed = seed
        self.max_skipped_steps = max_skipped_steps
        self.scaler = torch.amp.GradScaler(
            self.state.device.type, enabled=self.amp and self._autocast_dtype() == torch.float16
        )
        self.state.skipped_steps = {}
        self.state.optimizer_steps = 0
        self.state.learning_rate = float(optimizer.param_groups[0]["lr"])
        self.state.saved_at = 0
        self._steps: Counter[str] = Counter()
        self._skipped_in_a_row: Counter[str] = Counter()

    def _autocast_dtype(self) -> torch.dtype:
        """Of the network's arithmetic; only float16 needs gradients that are scaled."""
        given: torch.dtype | None = self.amp_kwargs.get("dtype")
        return given or torch.get_autocast_dtype(self.state.device.type)

    @property
    def total_iterations(self) -> int:
        """Iterations of the whole training."""
        return int(self.state.max_epochs * self.state.epoch_length)

    @property
    def untrained(self) -> list[str]:
        """Objectives all of whose steps so far were left out."""
        skipped = self.state.skipped_steps
        return [names for names, count in skipped.items() if count == self._steps[names]]

    def run(self) -> None:
        """Train from the current iteration to the last."""
        try:
            with naming_who_is_behind():  # validation and gradients are of all processes, too
                Workflow.run(self)  # Trainer.run would make a scaler of the deprecated kind
        except KeyboardInterrupt:
            tqdm.write(self._how_to_go_on())
            raise
        self._tell_skipped()

    def _how_to_go_on(self) -> str:
        stopped = f"stopped at iteration {self.state.iteration}"
        if not self.state.saved_at:
            return f"{stopped}, before the first checkpoint: start it again"
        return (
            f"{stopped}; the same command with --resume True goes on from the last checkpoint, of "
            f"iteration {self.state.saved_at}"
        )

    def _tell_skipped(self) -> None:
        """Say which steps were left out.

        Raises:
            NonFiniteLossError: If an objective never made one.
        """
        for names, count in self.state.skipped_steps.items():
            text = f"{names}: {count} of {self._steps[names]} steps left out, loss not finite"
            tqdm.write(text)
            if names in self.untrained:
                raise NonFiniteLossError(f"{text}: it trained nothing")

    def _iteration(self, engine: Any, batchdata: Batch) -> list[dict[str, float]]:
        batch = {
            key: value.to(self.state.device, non_blocking=self.non_blocking)
            for key, value in batchdata.items()
        }
        self.learner.train()
        self._seed()
        self.state.learning_rate = float(self.optimizer.param_groups[0]["lr"])
        progress = (self.state.iteration - 1) / self.total_iterations
        terms: dict[str, float] = {}
        for group in self._groups():
            terms |= self._step(group, batch, progress=progress)
        engine.state.output = [{"loss": sum(terms.values()), **terms}]
        engine.fire_event(IterationEvents.MODEL_COMPLETED)
        return list(engine.state.output)

    def _seed(self) -> None:
        known = np.random.SeedSequence([self.seed, self.state.rank, self.state.iteration])
        torch.manual_seed(int(known.generate_state(1)[0]))

    def _groups(self) -> list[list[str]]:
        """Names of the objectives that share a step."""
        names = list(unwrapped(self.learner).objectives)
        return [names] if self.update == "summed" else [[name] for name in names]

    def _step(self, names: list[str], batch: Batch, *, progress: float) -> dict[str, float]:
        self.optimizer.zero_grad(set_to_none=True)
        with (
            naming_who_is_behind(),  # the network's buffers come from the first process
            torch.autocast(self.state.device.type, enabled=self.amp, **self.amp_kwargs),
        ):
            terms: dict[str, Tensor] = self.learner(names, batch, progress=progress)
        if not terms:
            return {}
        loss = torch.stack(list(terms.values())).sum()
        values = {name: float(term.detach()) for name, term in terms.items()}
        label = " + ".join(names)
        self._steps[label] += 1
        if not all_agree(math.isfinite(float(loss.detach()))):
            self._skip(label, f"loss not finite {values}")
            return values
        self.scaler.scale(loss).backward()
        if not self.scaler.is_enabled() and not self._has_finite_gradients():
            self._skip(label, "gradient not finite")
            return values
        self._skipped_in_a_row[label] = 0
        if self._advance():
            unwrapped(self.learner).after_step(names, progress=progress)
        return values

    def _advance(self) -> bool:
        """One step of the optimizer; whether a scaler let it happen."""
        scale = self.scaler.get_scale()
        self.scaler.step(self.optimizer)
        self.scaler.update()
        made = self.scaler.get_scale() >= scale
        self.state.optimizer_steps += made
        return made

    def _has_finite_gradients(self) -> bool:
        """Whether the step would leave the weights finite; under a scaler it is the scaler's."""
        gradients = [p.grad for group in self.optimizer.param_groups for p in group["params"]]
        known = [gradient for gradient in gradients if gradient is not None]
        return not known or math.isfinite(float(torch.nn.utils.get_total_norm(known)))

    def _skip(self, label: str, reason: str) -> None:
        skipped = self.state.skipped_steps
        skipped[label] = skipped.get(label, 0) + 1
        self._skipped_in_a_row[label] += 1
        message = f"iteration {self.state.iteration}, {label}: {reason}"
        if self._skipped_in_a_row[label] >= self.max_skipped_steps:
            left = f"the last checkpoint, of iteration {self.state.saved_at}, stays as it is"
            if not self.state.saved_at:
                left = "there is no checkpoint yet"
            raise NonFiniteLossError(
                f"{message}, for {self._skipped_in_a_row[label]} steps in a row; training stops, "
                f"{left}. Check the images' intensities and lower the learning rate"
            )
        logging.getLogger(__name__).warning("%s; step left out", message)
