"""How long a training is to be, by the minutes that it may take on this machine."""

from __future__ import annotations

import json
import time
from typing import Any

import numpy as np

from gemini_monai.configuration.cost import measured_trainer
from gemini_monai.engines import ObjectiveTrainer
from gemini_monai.engines.cost import seconds_an_iteration

MEASURED = 16
"""Iterations that are timed, after one that is not; spread over the whole schedule."""


def tell_seconds(trainer: ObjectiveTrainer, *, validator: Any | None) -> None:
    """Print what an iteration and a validation take here, in seconds, as a line of JSON.

    A few iterations are made, of which nothing is kept. They go through the schedule of every
    objective from beginning to end, as some cost more later.

    Args:
        trainer: Of the whole training, which is not run.
        validator: Run twice, as the first time fills a cache; ``None`` for none.
    """
    seconds = seconds_an_iteration(measured_trainer(trainer, iterations=MEASURED + 1))
    found = {"iteration": float(np.mean(seconds)), "validation": 0.0}
    if validator is not None:
        validator.run()
        start = time.perf_counter()
        validator.run()
        found["validation"] = time.perf_counter() - start
    print(json.dumps(found), flush=True)
