"""The reason of a stop is told once: by who receives the exception, not by ignite's logger too."""

from __future__ import annotations

import logging

from ignite.engine import Engine

TOLD_LATER = (
    "Current run is terminating due to exception",
    "Engine run is terminating due to exception",
)
"""How ignite begins a line on an exception that it raises again."""


def leave_reason_to_caller(engine: Engine) -> None:
    """Keep ignite from logging an exception of a run that its caller receives anyway.

    Args:
        engine: Whose logger is changed; ignite has one for each class.
    """
    engine.logger.addFilter(_is_news)


def _is_news(record: logging.LogRecord) -> bool:
    return not record.getMessage().startswith(TOLD_LATER)
