"""All that a run of its own folder needs beside its trainer, in the order that it needs it."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from ignite.engine import Engine, Events
from monai.engines.evaluator import Evaluator
from monai.handlers.tensorboard_handlers import TensorBoardStatsHandler
from torch.nn.parallel import DistributedDataParallel

from gemini_monai.base.errors import InputError
from gemini_monai.data.cohort import Cohort
from gemini_monai.data.iterations import IterationDataset
from gemini_monai.engines.processes import is_first_process
from gemini_monai.handlers.checkpoint import RunCheckpoint
from gemini_monai.handlers.convergence import Convergence
from gemini_monai.handlers.expected_time import ExpectedTime
from gemini_monai.handlers.history import History
from gemini_monai.handlers.monitor import CorrespondenceMonitor
from gemini_monai.handlers.progress import TrainingProgress
from gemini_monai.handlers.run_record import RunRecord
from gemini_monai.inference.registration_scores import RegistrationScores
from gemini_monai.objectives import Learner
from gemini_monai.objectives.learner import unwrapped
from gemini_monai.runs import arm_name
from gemini_monai.transforms import InputSpec

WATCHED = 4
"""Images whose correspondence is watched, each paired with the next."""


class RunHandlers:
    """Handler that attaches the handlers of a run folder, one after the other.

    ``History``, ``CorrespondenceMonitor`` where correspondence is learned or features are watched,
    ``RunCheckpoint``, ``RunRecord``, ``TrainingProgress``, ``Convergence`` where it is asked for,
    ``ExpectedTime``, and MONAI's ``TensorBoardStatsHandler`` where TensorBoard is installed. Attach
    it after those that validate and set the learning rate.

    Args:
        folder: The run folder.
        bundle: Whose configuration it is.
        task: As of ``RunRecord``.
        method: Its name.
        cohort: What is trained on.
        spec: How the network sees images.
        learner: Network and objectives.
        optimizer: Of their parameters.
        scheduler: Of the learning rate.
        dataset: The batches.
        settings: The knobs of the run, by name.
        identity: All that decides what the training comes to.
        configuration: The whole configuration, every overlay and override in it.
        validator: The evaluator of each epoch; ``None`` where nothing is validated.
        registration: Validation images in pairs, to be scored too; ``None`` for none.
        checkpoint: ``"best"`` or ``"last"``, as of ``RunCheckpoint``.
        stop_after: Share of the training without a gain after which it ends, above 0 to 1; ``None``
            for its whole length.
        resume: Go on from the last checkpoint when it is there.
        data_changed: As of ``RunCheckpoint``.

    Raises:
        InputError: If it is to end by a validation that there is not.
    """

    def __init__(
        self,
        folder: str | Path,
        *,
        bundle: str,
        task: str,
        method: str,
        cohort: Cohort,
        spec: InputSpec,
        learner: Learner | DistributedDataParallel,
        optimizer: torch.optim.Optimizer,
        scheduler: Any,
        dataset: IterationDataset,
        settings: Mapping[str, Any],
        identity: Mapping[str, Any],
        configuration: Mapping[str, Any],
        validator: Evaluator | None = None,
        registration: RegistrationScores | None = None,
        checkpoint: str = "best",
        stop_after: float | None = None,
        resume: bool = False,
        data_changed: bool = False,
    ) -> None:
        self.folder, self.validator = Path(folder), validator
        self.handlers: list[Any] = [
            History(folder, validator=validator, structures=spec.structures),
            *self._monitor(unwrapped(learner), dataset, registration, task=task),
            RunCheckpoint(
                self.folder / "models",
                learner=learner,
                optimizer=optimizer,
                scheduler=scheduler,
                validator=validator,
                keeps=checkpoint,
                settings=identity,
                resume=resume,
                data_changed=data_changed,
            ),
            RunRecord(
                folder,
                bundle=bundle,
                task=task,
                cohort=cohort,
                learner=learner,
                settings=settings,
                spec=spec,
                configuration=configuration,
            ),
            TrainingProgress(method),
        ]
        if stop_after is not None:
            if validator is None:
                raise InputError(
                    f"key 'stop_after': got {stop_after}, but nothing is validated; give null"
                )
            self.handlers.append(Convergence(stop_after, validator=validator))
        self.handlers.append(
            ExpectedTime(
                interval=None if validator is None else settings.get("val_interval"),
                arms=[arm_name(name) for name in settings.get("compare", ())],
            )
        )

    def _monitor(
        self,
        learner: Learner,
        dataset: IterationDataset,
        registration: RegistrationScores | None,
        *,
        task: str,
    ) -> list[CorrespondenceMonitor]:
        if not (learner.registers or task == "pre-training"):
            return []
        monitor = CorrespondenceMonitor(
            self.folder,
            network=learner.network,
            images=dataset.first_images(WATCHED),
            pairs=learner.registers,
            labeled=registration if learner.registers else None,
        )
        return [monitor]

    def attach(self, engine: Engine) -> None:
        """Follow a trainer."""
        for handler in self.handlers:
            handler.attach(engine)
        if is_first_process() and find_spec("tensorboard"):
            # not before: it makes a folder, and a trainer may be made to be measured alone
            engine.add_event_handler(Events.STARTED, self._log)

    def _log(self, engine: Engine) -> None:
        options: dict[str, Any] = {"log_dir": str(self.folder / "tensorboard")}
        TensorBoardStatsHandler(
            **options,
            output_transform=lambda output: output[0],
            state_attributes=["learning_rate"],
        ).attach(engine)
        if self.validator is not None:
            TensorBoardStatsHandler(**options, iteration_log=False).attach(self.validator)
