"""How long a training will take, said while it can still be made shorter."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from time import monotonic

import torch
from ignite.engine import Engine, Events
from tqdm import tqdm

from gemini_monai.engines.processes import is_first_process

SETTLED = 10.0
"""Seconds of a training after which its length is told."""
ALONE = 40.0
"""Seconds after which a single iteration is enough to tell it by."""
NOTED = 0.1
"""Share of the time left from which the end of an epoch is worth another line."""
SHORTER = 4
"""How many times as short the training is that is named."""


class ExpectedTime:
    """Handler that says in one line, in the first minute, when a training ends.

    The line has the device, the time to the end, when the first Dice is expected, the arms that
    follow, and a shorter setting. It is measured by the first iterations. Where validation and
    saving turn out to take more than a tenth of the time, a second line says so after the first
    validation.

    Attach it last: what is attached before belongs to the end of an epoch.

    Args:
        interval: Epochs from one validation to the next; ``None`` where nothing is validated.
        arms: Names of the runs that are trained after this one.
    """

    def __init__(self, *, interval: int | None = None, arms: Sequence[str] = ()) -> None:
        self.validates = interval is not None
        self.every = interval or 1
        self.arms = list(arms)
        self._steps: list[float] = []
        self._end: float | None = None
        self._told = False
        self._began = self._last = 0.0
        self._resumed = False

    def attach(self, engine: Engine) -> None:
        """Follow a trainer, in the first process alone."""
        if not is_first_process():
            return
        engine.add_event_handler(Events.STARTED, self._start)
        engine.add_event_handler(Events.EPOCH_STARTED, self._begin_epoch)
        engine.add_event_handler(Events.ITERATION_COMPLETED, self._step)
        engine.add_event_handler(Events.EPOCH_COMPLETED, self._end_epoch)

    def _start(self, engine: Engine) -> None:
        self._began = monotonic()

    def _begin_epoch(self, engine: Engine) -> None:
        self._resumed = self._resumed or (not self._steps and engine.state.iteration > 0)
        self._last = monotonic()

    def _step(self, engine: Engine) -> None:
        now = monotonic()
        self._steps.append(now - self._last)
        self._last = now
        passed = now - self._began
        if not self._told and passed >= (SETTLED if len(self._steps) > 1 else ALONE):
            self._told = True
            tqdm.write(self._line(engine))

    def _end_epoch(self, engine: Engine) -> None:
        if self._end is not None or engine.state.epoch % self.every:
            return
        self._end = monotonic() - self._last
        left = self._left(engine)
        if self._told and self._ends(engine) * self._end > NOTED * left:
            tqdm.write(
                f"what follows an epoch takes {about(self._end)}, validation among it: "
                f"{about(left)} to the end"
            )

    def _line(self, engine: Engine) -> str:
        state, total = engine.state, _total(engine)
        parts = [f"about {about(self._left(engine))} to the end of {total} iterations"]
        if self.validates and self._end is None:
            epoch = -(-state.epoch // self.every) * self.every
            steps = epoch * int(state.epoch_length or 0) - state.iteration
            parts.append(f"first Dice in about {about(steps * self._each())}")
        if self.arms:
            each = " each" if len(self.arms) > 1 else ""
            parts.append(f"then {' and '.join(self.arms)}, as long again{each}")
        epochs = int(state.max_epochs or 0) // SHORTER
        if epochs and not self._resumed:
            parts.append(f"shorter: --epochs {epochs}, or gemini with --minutes N")
        return f"{device_name(state.device)}: {'; '.join(parts)}"

    def _each(self) -> float:
        """Seconds of an iteration; the first one may wait for files and compilers."""
        return median(self._steps[1:] or self._steps)

    def _left(self, engine: Engine) -> float:
        steps = _total(engine) - engine.state.iteration
        return steps * self._each() + self._ends(engine) * (self._end or 0.0)

    def _ends(self, engine: Engine) -> int:
        """Validations, or ends of epochs, that are still to come, but for that of this epoch."""
        return int(engine.state.max_epochs or 0) // self.every - engine.state.epoch // self.every


def device_name(device: torch.device | str) -> str:
    """A device in words: how many threads, or which card."""
    device = torch.device(device)
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    if device.type == "mps":
        return "Apple GPU"
    count = torch.get_num_threads()
    threads = f", {count} thread{'s' if count > 1 else ''}" if device.type == "cpu" else ""
    return f"{device.type}{threads}"


def about(seconds: float) -> str:
    """A time as one would say it: seconds, minutes or hours."""
    if seconds < 60:
        return f"{max(1, round(seconds))} s"
    if seconds < 90 * 60:
        return f"{round(seconds / 60)} min"
    return f"{seconds / 3600:.1f} h"


def _total(engine: Engine) -> int:
    return int(engine.state.max_epochs or 0) * int(engine.state.epoch_length or 0)
