"""What a run was: settings, seed, versions, data, time and memory."""

from __future__ import annotations

import json
from collections import Counter, deque
from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from ignite.engine import Engine, Events
from torch.nn.parallel import DistributedDataParallel

from gemini_monai.base.files import read_json, write_json, write_text
from gemini_monai.base.fingerprint import describe
from gemini_monai.data.cohort import Cohort
from gemini_monai.engines.processes import process_count
from gemini_monai.handlers.provenance import (
    CLOCKS,
    data_facts,
    peak_memory_mib,
    process_facts,
)
from gemini_monai.objectives import Learner
from gemini_monai.objectives.learner import unwrapped
from gemini_monai.runs import MARK, RunFolder, files_to_write, go_on, lasting, round_of, settle
from gemini_monai.transforms import InputSpec

UNKEPT = ("data_changed",)
"""What is said of one run, and has to be said again of the next."""
LAST = 3
"""Epochs whose steps and time are told one by one."""
KEPT = ("started", "command", "compare", "round", "continued_from")
"""What a run that goes on has of its beginning."""


class RunRecord:
    """Handler that writes ``run.json`` when a run starts and after every epoch.

    ``config.json`` beside it is the configuration as it ran, to be run again. The record lists the
    files of the run before they are written. A run that this one replaces goes with the first
    checkpoint: attach this after it.

    A run that goes on keeps when it was started and by which command, and adds an entry to
    ``resumed``. Files that changed since they were prepared, which was said to be meant, are the
    ``changes`` of the data set, all that there ever were.

    Args:
        folder: The run folder.
        bundle: Whose configuration it is.
        task: What the network is for afterwards: ``"segmentation"``, ``"pre-training"``, or
            ``"registration"`` where no segmenter is trained.
        cohort: What is trained on.
        learner: What is trained.
        settings: The knobs of the run, by name, ``method`` and ``seed`` among them.
        spec: How the network sees images.
        configuration: The whole configuration, every overlay and override in it.
    """

    def __init__(
        self,
        folder: str | Path,
        *,
        bundle: str,
        task: str,
        cohort: Cohort,
        learner: Learner | DistributedDataParallel,
        settings: Mapping[str, Any],
        spec: InputSpec,
        configuration: Mapping[str, Any],
    ) -> None:
        self.run = RunFolder(folder)
        kept = {key: False for key in UNKEPT if key in configuration}
        self.configuration = json.dumps({**configuration, **kept}, indent=4, default=str)
        own = unwrapped(learner)
        knobs = json.loads(json.dumps(lasting(settings), default=str))
        self.content: dict[str, Any] = MARK | {
            "method": knobs.pop("method"),
            "bundle": bundle,
            "compare": [],
            "task": task,
            "registers": own.registers,
            "dataset": data_facts(cohort),
            "seed": knobs.pop("seed"),
            "settings": knobs,
            "transforms": describe({"before": spec.before, "after": spec.after}),
            **process_facts(),
            "parameters": sum(parameter.numel() for parameter in own.network.parameters()),
            "processes": process_count(),
        }
        if task == "segmentation":
            labeled = [entry["case"] for entry in cohort.labeled]
            self.content |= round_of(knobs.get("continue_from"), labeled=labeled)
        self._earlier = dict.fromkeys(CLOCKS, 0.0)
        self._skipped: Counter[str] = Counter()
        self._steps: int | None = 0  # not known of early runs
        self._epoch_steps = 0
        self._epochs: deque[dict[str, Any]] = deque(maxlen=LAST)
        self._started = self._epoch_started = _now()
        self._has_begun = False

    def attach(self, engine: Engine) -> None:
        """Follow a trainer."""
        # By then a checkpoint, wherever it is attached, has put the iteration back.
        engine.add_event_handler(Events.EPOCH_STARTED, self._begin)
        engine.add_event_handler(Events.COMPLETED, self._begin)  # no epoch may be left to do
        engine.add_event_handler(Events.STARTED, self._start)
        engine.add_event_handler(Events.EPOCH_STARTED, self._begin_epoch)
        engine.add_event_handler(Events.EPOCH_COMPLETED, self._end_epoch)
        engine.add_event_handler(Events.EPOCH_COMPLETED, self._write)

    def _start(self, engine: Engine) -> None:
        self._started = _now()
        self.content["started"] = datetime.now(timezone.utc).isoformat(timespec="seconds")
        if not engine.state.iteration or not self.run.record.exists():
            return
        earlier = read_json(self.run.record, dict)
        self._earlier = {name: float(earlier.get(name, 0.0)) for name in CLOCKS}
        self._skipped = Counter(earlier.get("skipped_steps") or {})
        self._steps = earlier.get("optimizer_steps")
        again = {"iteration": engine.state.iteration}
        again |= {name: self.content[name] for name in ("started", "command")}
        again["changes"] = self.content["dataset"]["changes"]
        before = earlier.get("dataset", {}).get("changes", [])
        self.content["dataset"]["changes"] = list(dict.fromkeys([*before, *again["changes"]]))
        self.content["resumed"] = [*earlier.get("resumed", []), again]
        self.content |= {k: earlier[k] for k in KEPT if k in earlier}

    def _begin(self, engine: Engine) -> None:
        if self._has_begun or getattr(engine.state, "rank", 0) != 0:
            return
        self._has_begun = True
        if engine.state.iteration and self.run.record.exists():
            go_on(self.run.path)
        else:
            self._write(engine)

    def _begin_epoch(self, engine: Engine) -> None:
        self._epoch_started = _now()
        self._epoch_steps = _steps(engine)

    def _end_epoch(self, engine: Engine) -> None:
        took = {name: round(now - self._epoch_started[name], 2) for name, now in _now().items()}
        self._epochs.append({"optimizer_steps": _steps(engine) - self._epoch_steps} | took)

    def _write(self, engine: Engine) -> None:
        if getattr(engine.state, "rank", 0) != 0:
            return
        self.content |= {
            "iterations": engine.state.iteration,
            "optimizer_steps": self._all_steps(engine),
            "skipped_steps": dict(
                self._skipped + Counter(getattr(engine.state, "skipped_steps", {}))
            ),
            "peak_memory_mib": round(peak_memory_mib(engine.state.device)),
            "device": str(engine.state.device),
            "files": files_to_write(self.run.path),
            "last_epochs": list(self._epochs),
        }
        for name, now in _now().items():
            self.content[name] = round(self._earlier[name] + now - self._started[name], 1)
        write_json(self.run.record, self.content)
        write_text(self.run.configuration, self.configuration)
        settle(self.run.path)

    def _all_steps(self, engine: Engine) -> int | None:
        return None if self._steps is None else self._steps + _steps(engine)


def _steps(engine: Engine) -> int:
    steps: int = getattr(engine.state, "optimizer_steps", 0)
    return steps


def _now() -> dict[str, float]:
    return {name: clock() for name, clock in CLOCKS.items()}
