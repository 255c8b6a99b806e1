"""The course of a run as tables: every iteration's loss terms, every validation's scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from ignite.engine import Engine, Events
from monai.engines.evaluator import Evaluator

from gemini_monai.base.errors import InputError
from gemini_monai.handlers.rows import rows_until, write_rows


class History:
    """Handler that appends to ``history.csv`` and ``validation.csv`` in a run folder.

    Rows reach the disk after every epoch. A run that goes on drops the rows of iterations that it
    will do again, so its tables equal those of an unbroken run. Attach it before the checkpoint: a
    run killed between the two has rows too many then, and never too few.

    Args:
        folder: The run folder.
        validator: Evaluator whose metric ``mean_dice`` is recorded, if any.
        structures: Names of the columns of that metric's details.
    """

    def __init__(
        self,
        folder: str | Path,
        *,
        validator: Evaluator | None = None,
        structures: Sequence[str] = (),
    ) -> None:
        self.terms = Path(folder) / "history.csv"
        self.scores = Path(folder) / "validation.csv"
        self.validator = validator
        self.structures = list(structures)
        self._rows: list[dict[str, float]] = []
        self._validations: list[dict[str, float]] = []
        self._started = False

    def attach(self, engine: Engine) -> None:
        """Follow a trainer."""
        # By then a checkpoint, wherever it is attached, has put the iteration back.
        engine.add_event_handler(Events.EPOCH_STARTED, self._start)
        engine.add_event_handler(Events.ITERATION_COMPLETED, self._record)
        engine.add_event_handler(Events.EPOCH_COMPLETED, self._write)

    def _start(self, engine: Engine) -> None:
        if self._started:
            return
        self._started = True
        iteration = engine.state.iteration
        self._rows = rows_until(self.terms, iteration, last=iteration, every=True)
        validated = self.validator.state.epoch if self.validator is not None else 0
        last = validated * int(engine.state.epoch_length or 0)
        self._validations = rows_until(self.scores, iteration, last=last)

    def _record(self, engine: Engine) -> None:
        terms: Mapping[str, float] = engine.state.output[0]
        self._rows.append({"iteration": engine.state.iteration, **terms})

    def _write(self, engine: Engine) -> None:
        if getattr(engine.state, "rank", 0) != 0:
            return
        write_rows(self.terms, self._rows)
        if self.validator is not None and self.validator.state.epoch == engine.state.epoch:
            details = self.validator.state.metric_details["mean_dice"]
            scores = details.nanmean(dim=0).tolist()
            if len(scores) != len(self.structures):
                raise InputError(
                    f"validate#key_metric: {len(scores)} scores an image, expected one of each of "
                    f"{', '.join(self.structures)}; leave include_background as it is"
                )
            row = dict(zip(self.structures, scores, strict=True))
            mean = float(self.validator.state.metrics["mean_dice"])
            self._validations.append(
                {"iteration": engine.state.iteration, "mean_dice": mean, **row}
            )
            write_rows(self.scores, self._validations)
