"""Functions as a benchmark's command line, whose errors are one line."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any

import fire

from gemini_monai.base.errors import show_error


def run_command(component: Callable[..., Any] | Mapping[str, Callable[..., Any]]) -> None:
    """Call what this process's arguments name; an error is one line on stderr, exit code not zero.

    Args:
        component: A function, or several by the word that picks one.
    """
    try:
        fire.Fire(component)
    except (Exception, KeyboardInterrupt) as error:
        sys.exit(show_error(error))
