"""Writes a kept pair whose displacement a test gives."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from gemini_monai.report.read.run_contents import RunContents


def run_of(folder: Path) -> RunContents:
    """A run of structures a and b that kept what is in the folder."""
    details = {"dataset": {"structures": ["a", "b"], "spatial_dims": 2}}
    kept_pairs = {path.stem: path for path in folder.glob("*.npz")}
    return RunContents(folder=folder, details=details, kept_pairs=kept_pairs)


def write(folder: Path, ddf: np.ndarray, **labels: np.ndarray) -> Path:
    """A black pair with a displacement (N, *S) in voxels, as ``worst.npz``."""
    image = np.zeros((1, *ddf.shape[1:]), np.float32)
    path = folder / "worst.npz"
    np.savez(path, moving=image, fixed=image, warped=image, ddf=ddf, **labels)
    return path
