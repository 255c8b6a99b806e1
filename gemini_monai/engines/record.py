"""What a run was: settings, seed, versions, data, time and memory."""

from __future__ import annotations

import importlib.metadata
import json
import platform
import resource
import shlex
import sys
import time
from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import torch
from ignite.engine import Engine, Events
from torch import nn

from gemini_monai.data.checks import SPLITS
from gemini_monai.data.dataset import Dataset
from gemini_monai.files import read_json, write_json
from gemini_monai.runs import RunFolder

PACKAGES = ("gemini_monai", "monai", "torch", "pytorch-ignite", "numpy", "nibabel", "itk")


class RunRecord:
    """Handler that writes ``run.json`` when a run starts and after every epoch.

    A run that goes on keeps when it was started and by which command, and adds an entry to
    ``resumed``.

    Args:
        folder: The run folder.
        method: Name of the method, for people.
        dataset: What is trained on.
        network: What is trained.
        settings: The knobs of the run, by name.
        seed: Of the run.
    """

    def __init__(
        self,
        folder: str | Path,
        *,
        method: str,
        dataset: Dataset,
        network: nn.Module,
        settings: Mapping[str, Any],
        seed: int,
    ) -> None:
        self.path = RunFolder(folder).record
        self.content: dict[str, Any] = {
            "method": method,
            "dataset": {
                "name": dataset.name,
                "path": str(dataset.path),
                "hash": dataset.hash,
                "identity": dataset.identity,
                "licence": dataset.licence,
                "spatial_dims": dataset.spatial_dims,
                "structures": list(dataset.structures),
                "cases": {split: len(getattr(dataset, split)) for split in SPLITS},
            },
            "seed": seed,
            "settings": json.loads(json.dumps(dict(settings), default=str)),
            "versions": {"python": platform.python_version()} | _versions(),
            "command": shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]]),
            "parameters": sum(parameter.numel() for parameter in network.parameters()),
            "threads": torch.get_num_threads(),
        }
        self._earlier = 0.0
        self._skipped: Counter[str] = Counter()
        self._started = time.monotonic()

    def attach(self, engine: Engine) -> None:
        """Follow a trainer."""
        # By then a checkpoint, wherever it is attached, has put the iteration back.
        engine.add_event_handler(Events.EPOCH_STARTED(once=1), self._write)
        engine.add_event_handler(Events.STARTED, self._start)
        engine.add_event_handler(Events.EPOCH_COMPLETED, self._write)

    def _start(self, engine: Engine) -> None:
        self._started = time.monotonic()
        self.content["started"] = datetime.now(timezone.utc).isoformat(timespec="seconds")
        if not engine.state.iteration or not self.path.exists():
            return
        earlier = read_json(self.path, dict)
        self._earlier = float(earlier.get("seconds", 0.0))
        self._skipped = Counter(earlier.get("skipped_steps") or {})
        again = {"iteration": engine.state.iteration}
        again |= {name: self.content[name] for name in ("started", "command")}
        self.content["resumed"] = [*earlier.get("resumed", []), again]
        self.content |= {k: earlier[k] for k in ("started", "command") if k in earlier}

    def _write(self, engine: Engine) -> None:
        if getattr(engine.state, "rank", 0) != 0:
            return
        self.content |= {
            "iterations": engine.state.iteration,
            "skipped_steps": dict(
                self._skipped + Counter(getattr(engine.state, "skipped_steps", {}))
            ),
            "seconds": round(self._earlier + time.monotonic() - self._started, 1),
            "peak_memory_mib": round(_peak_memory_mib(engine.state.device)),
            "device": str(engine.state.device),
        }
        write_json(self.path, self.content)


def _peak_memory_mib(device: torch.device) -> float:
    """Of the accelerator when there is one, else of the process."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024  # KiB on Linux


def _versions() -> dict[str, str]:
    versions = {}
    for package in PACKAGES:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            versions[package] = "not installed"
    return versions
