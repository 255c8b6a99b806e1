"""The images that pre-training restored and kept to be looked at."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from gemini_monai.report.read.planes import Array

RESTORED = ("corrupted", "restored", "clean")


def read_restored(path: Path) -> dict[str, Array]:
    """Arrays ``corrupted``, ``restored`` and ``clean``, (B, C, *S) each.

    Raises:
        OSError: If the file cannot be read or lacks one of them.
    """
    try:
        with np.load(path) as file:
            return {name: file[name] for name in RESTORED}
    except Exception as error:  # a cut file raises one of several kinds
        raise OSError(f"{path} cannot be read") from error
