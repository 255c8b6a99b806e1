"""The end of a training that no longer gains."""

from __future__ import annotations

from ignite.engine import Engine, Events
from monai.engines.evaluator import Evaluator
from tqdm import tqdm

LEAST = 10
"""Epochs before which nothing is said to have stopped gaining."""


class Convergence:
    """Handler that ends a training whose best validation lies a share of it back.

    After epoch n it ends if the best was after epoch b with ``n - b >= share * n``, so that a long
    training is given more patience than a short one. A run that goes on after its end ends again.

    Attach it after what saves the run.

    Args:
        share: Of the training so far, above 0 to 1.
        validator: The evaluator whose best score counts.
        least: Epochs before which it does not end, 1 or more.
    """

    def __init__(self, share: float, *, validator: Evaluator, least: int = LEAST) -> None:
        self.share, self.validator, self.least = share, validator, least

    def attach(self, engine: Engine) -> None:
        """Follow a trainer."""
        engine.add_event_handler(Events.STARTED, self._end)
        engine.add_event_handler(Events.EPOCH_COMPLETED, self._end)

    def _end(self, engine: Engine) -> None:
        epoch, best = engine.state.epoch, self.validator.state.best_metric_epoch
        if epoch < self.least or best < 1 or epoch - best < self.share * epoch:
            return
        if getattr(engine.state, "rank", 0) == 0:
            tqdm.write(f"ends after epoch {epoch}: the best validation was after epoch {best}")
        engine.terminate()
