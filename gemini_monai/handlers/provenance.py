"""Where a run comes from: its data, the command, versions, and what the machine gave."""

from __future__ import annotations

import importlib.metadata
import platform
import sys
import time
from typing import Any

import torch

from gemini_monai.base.command_lines import typed_command
from gemini_monai.data.checks import SPLITS
from gemini_monai.data.cohort import Cohort
from gemini_monai.engines.cost import peak_memory

PACKAGES = ("gemini_monai", "monai", "torch", "pytorch-ignite", "numpy", "nibabel", "itk", "itk-io")
CLOCKS = {"seconds": time.monotonic, "cpu_seconds": time.process_time}
"""By name in ``run.json``: time that passed, processor time of all threads without workers."""


def data_facts(cohort: Cohort) -> dict[str, Any]:
    """``dataset`` of ``run.json``: what was trained on."""
    return {
        "name": cohort.name,
        "path": str(cohort.path),
        "hash": cohort.content_hash,
        "identity": cohort.identity,
        "license": cohort.license,
        "spatial_dims": cohort.spatial_dims,
        "structures": list(cohort.structures),
        "cases": {split: len(getattr(cohort, split)) for split in SPLITS},
        "changes": list(cohort.changes.values()),
    }


def process_facts(*packages: str) -> dict[str, Any]:
    """Versions, the command as it was typed, and threads of this process.

    Args:
        packages: Whose versions are told beside ``PACKAGES``.
    """
    known = {package: _version(package) for package in (*PACKAGES, *packages)}
    return {
        "versions": {"python": platform.python_version()} | known,
        "command": typed_command(sys.argv),
        "threads": torch.get_num_threads(),
    }


def peak_memory_mib(device: torch.device) -> float:
    """Peak of memory so far in MiB: of the accelerator when there is one, else of the process."""
    return peak_memory(device) / 2**20


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"
