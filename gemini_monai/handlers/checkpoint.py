"""Checkpoints of a run: the last state to go on from, the best network to use."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from ignite.engine import Engine, Events, State
from monai.engines.evaluator import Evaluator
from torch.nn.parallel import DistributedDataParallel
from tqdm import tqdm

from gemini_monai.base.errors import InputError
from gemini_monai.base.files import write_tensors
from gemini_monai.data.iterations import RemainingIterations
from gemini_monai.handlers.last_state import not_taken_up, read_last, refuse_lost_model
from gemini_monai.networks.state import refuse_other_kinds
from gemini_monai.objectives import Learner
from gemini_monai.objectives.learner import unwrapped
from gemini_monai.runs import refuse_other_settings


class RunCheckpoint:
    """Handler that saves a run after every epoch and takes it up again.

    ``last.pt`` holds learner, optimizer, scheduler, scaler, position, best score and settings;
    ``model.pt`` the state dict alone of what the learner keeps, of the best validation, or the last
    epoch where nothing was validated or that is what is kept. Both are written beside and renamed:
    a full disk or a kill leaves the previous ones whole. Weights that are not finite are never
    saved.

    Attach it after the validation handler. The loader's sampler must be a
    ``RemainingIterations`` for a resumed run to see the images that it would have seen.

    Args:
        folder: Where both files go.
        learner: Network and objectives, possibly under DistributedDataParallel.
        optimizer: The optimizer of their parameters, whose state is saved too.
        scheduler: The scheduler of the learning rate, whose state is saved too; ``None`` for a
            constant rate.
        validator: The evaluator whose ``best_metric`` chooses ``model.pt``, if any.
        keeps: What ``model.pt`` is: the network of the ``"best"`` validation, or of the ``"last"``
            epoch.
        settings: What it is trained by, nested names and values; a run does not go on by others.
        resume: Go on from ``last.pt`` when it is there.
        data_changed: Images and labels may hold something else by then; a line says so.

    Raises:
        InputError: On ``resume``, if ``last.pt`` or the ``model.pt`` of a validation before is
            damaged, of another network, or trained by other settings; after an epoch, if weights
            are not finite.
    """

    def __init__(
        self,
        folder: str | Path,
        *,
        learner: Learner | DistributedDataParallel,
        optimizer: torch.optim.Optimizer,
        scheduler: Any | None = None,
        validator: Evaluator | None = None,
        keeps: str = "best",
        settings: Mapping[str, Any] | None = None,
        resume: bool = False,
        data_changed: bool = False,
    ) -> None:
        self.last, self.model = Path(folder) / "last.pt", Path(folder) / "model.pt"
        self.network = unwrapped(learner).kept
        self.parts: dict[str, Any] = {"learner": unwrapped(learner), "optimizer": optimizer}
        if scheduler is not None:
            self.parts["scheduler"] = scheduler
        self.validator = validator
        self.keeps = keeps
        self.settings = json.loads(json.dumps(settings or {}, default=str))
        self.resume = resume
        self.data_changed = data_changed

    def attach(self, engine: Engine) -> None:
        """Restore when the engine starts; after each epoch check, then save."""
        engine.add_event_handler(Events.STARTED, self._take_scaler)
        engine.add_event_handler(Events.STARTED, self.restore)
        engine.add_event_handler(
            Events.ITERATION_COMPLETED(event_filter=_ends_epoch), self._refuse_not_finite
        )  # before anything looks at the network
        engine.add_event_handler(Events.EPOCH_COMPLETED, self.save)

    def _take_scaler(self, engine: Engine) -> None:
        scaler = getattr(engine, "scaler", None)
        if scaler is not None:
            self.parts["scaler"] = scaler

    def restore(self, engine: Engine) -> None:
        """Put learner, optimizer and position back to the last checkpoint, if asked.

        A trainer that is run once more, for more epochs, goes on with the iteration that follows.

        Raises:
            InputError: As the class says, or if more iterations are to come than batches.
        """
        self._follow(engine)
        if not self.resume or not self.last.exists():
            return
        length = int(engine.state.epoch_length or 0)
        saved = read_last(self.last, parts=self.parts, epoch_length=length)
        others = refuse_other_settings(
            json.loads(saved["settings"]),
            self.settings,
            done=saved["epoch"],
            where=str(self.last),
            data_changed=self.data_changed,
        )
        try:
            refuse_other_kinds(
                self.parts["learner"].state_dict(), saved["learner"], where="learner"
            )
            for name, part in self.parts.items():
                part.load_state_dict(saved[name])
        except Exception as error:
            raise not_taken_up(self.last, " ".join(str(error).split())[:300]) from error
        engine.state.iteration = engine.state.saved_at = saved["iteration"]
        engine.state.epoch = saved["epoch"]
        self._follow(engine)
        if self.validator is not None:
            self._restore_scores(self.validator, saved)
        total = int(engine.state.max_epochs or 0) * length
        if getattr(engine.state, "rank", 0) == 0:
            tqdm.write(f"goes on from {self.last} at iteration {saved['iteration']} of {total}")
            if others:
                tqdm.write(f"it was trained on other {' and '.join(others)} until there")

    def _follow(self, engine: Engine) -> None:
        sampler = getattr(getattr(engine, "data_loader", None), "sampler", None)
        if not isinstance(sampler, RemainingIterations):
            return
        sampler.start = engine.state.iteration
        total = int(engine.state.max_epochs or 0) * int(engine.state.epoch_length or 0)
        if total > sampler.iterations:
            raise InputError(
                f"key 'epochs': training goes on to iteration {total}, but there are batches for "
                f"{sampler.iterations}; give the epochs of all rounds together"
            )

    def _restore_scores(self, validator: Evaluator, saved: Mapping[str, Any]) -> None:
        state = validator.state
        state.best_metric, state.best_metric_epoch = (
            saved["best_metric"],
            saved["best_metric_epoch"],
        )
        state.epoch = max(0, saved.get("validated_epoch", saved["best_metric_epoch"]))
        if state.epoch:
            refuse_lost_model(self.model, self.network, last=self.last)

    def save(self, engine: Engine) -> None:
        """Write ``last.pt``, and ``model.pt`` if this epoch is the best so far.

        Nothing is written while an objective has made no step: such a run ends by saying that it
        trained nothing, and the one that it was to replace comes back.

        Raises:
            InputError: If the files cannot be written.
        """
        if getattr(engine.state, "rank", 0) != 0 or getattr(engine, "untrained", []):
            return
        scores = self.validator.state if self.validator is not None else None
        state = {name: part.state_dict() for name, part in self.parts.items()} | {
            "iteration": engine.state.iteration,
            "epoch": engine.state.epoch,
            "best_metric": float(scores.best_metric) if scores else 0.0,
            "best_metric_epoch": int(scores.best_metric_epoch) if scores else engine.state.epoch,
            "validated_epoch": int(getattr(scores, "epoch", 0)),
            "settings": json.dumps(self.settings),
        }
        if self.keeps == "last" or scores is None or _is_best(scores, engine):
            write_tensors(self.model, self.network.state_dict())
        write_tensors(self.last, state)
        engine.state.saved_at = engine.state.iteration

    def _refuse_not_finite(self, engine: Engine) -> None:
        saved = getattr(engine.state, "saved_at", 0)
        for name, value in self.parts["learner"].state_dict().items():
            if value.is_floating_point() and not bool(torch.isfinite(value).all()):
                kept = f"; {self.last} is of iteration {saved}" if saved else ""
                raise InputError(
                    f"iteration {engine.state.iteration}: weight '{name}' is not finite, so "
                    f"training diverged and nothing of this epoch is saved{kept}; lower the "
                    "learning rate"
                )


def _ends_epoch(engine: Engine, iteration: int) -> bool:
    return iteration % int(engine.state.epoch_length or 1) == 0


def _is_best(scores: State, engine: Engine) -> bool:
    """Whether this epoch is the best; any is, as long as no validation gave a number."""
    best = scores.best_metric_epoch in (-1, engine.state.epoch)
    return best or math.isnan(scores.best_metric)
