"""Which runs a question needs, as commands that can be typed by hand."""

from __future__ import annotations

import hashlib
import json
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import gemini_monai
from gemini_monai.errors import InputError
from gemini_monai.files import read_json

BASELINES = {"few_labels": "supervised", "pretraining": "scratch"}
"""What the others are compared with, always first; also the names of the suites."""
DEFAULT = "gemini"
"""The bundle without a ``method_*.json``."""


@dataclass(frozen=True)
class Run:
    """One cell of the grid.

    Attributes:
        name: Of its folder and its log.
        command: As it would be typed.
        done: The file that it writes last.
        after: Names of those that must be done before.
        data: Name of the data set that it is tested on; empty for a pre-training.
        method: Its method.
        labels: Labeled images that it has; 0 for a pre-training.
        seed: Of weights, batches, and the choice of labeled images.
    """

    name: str
    command: str
    done: str
    after: tuple[str, ...]
    data: str
    method: str
    labels: int
    seed: int

    @property
    def folder(self) -> Path:
        """Its run folder."""
        return Path(self.done).parent


@dataclass(frozen=True)
class Question:
    """What is to be compared.

    Args:
        suite: A key of ``BASELINES``.
        data: Prepared data sets. ``few_labels`` trains and tests on each; ``pretraining`` takes the
            first to pre-train on, and trains and tests on each of the others, or on itself.
        methods: Names of overlays ``method_NAME.json``, and ``gemini``.
        labels: Numbers of labeled images.
        seeds: Of the repetitions.
        output: Folder of the runs.
        overrides: More of every training, as on the command line.
        pretraining: More of every pre-training, likewise.

    Raises:
        InputError: If the suite is unknown, a data set is not there, or nothing is to be compared.
    """

    suite: str
    data: tuple[Path, ...]
    methods: tuple[str, ...]
    labels: tuple[int, ...]
    seeds: tuple[int, ...]
    output: Path
    overrides: tuple[str, ...] = ()
    pretraining: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.suite not in BASELINES:
            raise InputError(f"no suite '{self.suite}'; there are {', '.join(BASELINES)}")
        for name in ("data", "methods", "labels", "seeds"):
            if not getattr(self, name):
                raise InputError(f"benchmark: no {name} given, expected one or more")
        for folder in self.data:
            if not (folder / "dataset.json").is_file():
                raise InputError(f"{folder / 'dataset.json'}: no such file; prepare the data first")

    @property
    def baseline(self) -> str:
        """What the others are compared with."""
        return BASELINES[self.suite]

    @property
    def arms(self) -> tuple[str, ...]:
        """The baseline, then the methods."""
        return tuple(dict.fromkeys([self.baseline, *self.methods]))

    @property
    def tested(self) -> tuple[Path, ...]:
        """Data sets that are tested on."""
        return self.data[1:] if self.suite == "pretraining" and len(self.data) > 1 else self.data

    def runs(self) -> list[Run]:
        """All cells; a pre-training stands before what is fine-tuned from it."""
        make = self._few_labels if self.suite == "few_labels" else self._pretraining
        return list(make())

    def _few_labels(self) -> Iterator[Run]:
        for data in self.data:
            for labels in self.labels:
                for seed in self.seeds:
                    for method in self.arms:
                        words = [*_train("semi", data, method), "--compare", "[]"]
                        words += ["--labeled_cases", str(labels), *self.overrides]
                        yield self._run(words, data=data, method=method, labels=labels, seed=seed)

    def _pretraining(self) -> Iterator[Run]:
        for seed in self.seeds:
            for method in self.arms:
                source = "none"
                before: tuple[str, ...] = ()
                if method != self.baseline:
                    words = [*_train("mip", self.data[0], method), *self.pretraining]
                    start = self._run(words, data=self.data[0], method=method, labels=0, seed=seed)
                    source, before = str(start.folder), (start.name,)
                    yield start
                for data in self.tested:
                    for labels in self.labels:
                        words = ["finetune", str(data), "--pretrained", source]
                        words += ["--labeled_cases", str(labels), *self.overrides]
                        yield self._run(
                            words, data=data, method=method, labels=labels, seed=seed, after=before
                        )

    def _run(
        self,
        words: Sequence[str],
        *,
        data: Path,
        method: str,
        labels: int,
        seed: int,
        after: tuple[str, ...] = (),
    ) -> Run:
        """A cell whose folder is another one as soon as its settings, data or code are others."""
        words = [*words, "--seed", str(seed)]
        content = hashlib.sha256((data / "dataset.json").read_bytes()).hexdigest()
        known = json.dumps([words, content, gemini_monai.__version__, after])
        digest = hashlib.sha256(known.encode()).hexdigest()[:8]
        part = f"{labels}_labels" if labels else "pretraining"
        name = f"{_name(data)}-{method}-{part}-{seed}-{digest}"
        folder = self.output.absolute() / name
        command = ["gemini", *words, "--output_dir", str(folder), "--resume", "True"]
        return Run(
            name=name,
            command=shlex.join(command),
            done=str(folder / "report.html"),
            after=after,
            data=_name(data) if labels else "",
            method=method,
            labels=labels,
            seed=seed,
        )


def as_json(runs: Sequence[Run]) -> list[dict[str, Any]]:
    """Cells as the workflow reads them."""
    return [asdict(run) for run in runs]


def _train(bundle: str, data: Path, method: str) -> list[str]:
    words = ["train", bundle, str(data.absolute())]
    return words if method == DEFAULT else [*words, "--method", method]


def _name(data: Path) -> str:
    """Of the data set; several draws of one have the folder's."""
    return f"{read_json(data / 'dataset.json', dict)['name']}_{data.absolute().name}"
