"""Objects whose methods are running, for what a configuration's expression is not told.

MONAI 1.6.1 hands an expression what it refers to, and neither its parser nor the place of its file.
A workflow class of one's own would carry both, but only ``run_workflow --workflow_name`` takes one:
``monai.bundle run``, ``load`` and ``MonaiAlgo`` make a ``ConfigWorkflow``.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any


def calling_objects() -> Iterator[Any]:
    """``self`` of every method that is running, the innermost first."""
    frame = inspect.currentframe()
    while frame is not None:
        if "self" in frame.f_locals:
            yield frame.f_locals["self"]
        frame = frame.f_back
