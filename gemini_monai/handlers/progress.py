"""A progress bar over a whole training."""

from __future__ import annotations

import shutil
from typing import Any

from ignite.engine import Engine, Events
from tqdm import tqdm

WIDTH = 79
"""Columns of the bar, at most; it knows no terminal where its output goes to a file."""


class TrainingProgress:
    """Handler that shows the loss of each iteration and the time left of the whole run.

    ignite's ``ProgressBar``, which evaluators have, is one bar an epoch. The terms of the loss are
    in ``history.csv``; beside the bar they would not fit into a terminal.

    Args:
        name: Shown before the bar, such as the method.
    """

    def __init__(self, name: str = "train") -> None:
        self.name = name
        self._bar: tqdm[Any] | None = None

    def attach(self, engine: Engine) -> None:
        """Follow a trainer from start to end."""
        engine.add_event_handler(Events.STARTED, self._open)
        engine.add_event_handler(Events.ITERATION_COMPLETED, self._advance)
        engine.add_event_handler(Events.COMPLETED, self._close)
        engine.add_event_handler(Events.EXCEPTION_RAISED, self._interrupted)

    def _open(self, engine: Engine) -> None:
        state = engine.state
        if getattr(state, "rank", 0) == 0 and state.max_epochs and state.epoch_length:
            total = state.max_epochs * state.epoch_length
            self._bar = tqdm(
                total=total,
                initial=state.iteration,
                desc=self.name,
                mininterval=1.0,
                ncols=min(WIDTH, shutil.get_terminal_size().columns - 1),
            )

    def _advance(self, engine: Engine) -> None:
        if self._bar is not None:
            terms: dict[str, float] = engine.state.output[0]
            self._bar.set_postfix_str(f"loss {terms['loss']:.3g}", refresh=False)
            self._bar.update()

    def _close(self, engine: Engine) -> None:
        if self._bar is not None:
            self._bar.close()

    def _interrupted(self, engine: Engine, error: BaseException) -> None:
        self._close(engine)
        raise error
