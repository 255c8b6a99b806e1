"""Which runs a comparison needs."""

from __future__ import annotations

import hashlib
import itertools
import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import gemini_monai
from gemini_monai.base.errors import InputError
from gemini_monai.data import Cohort, read_cohort
from gemini_monai.networks import NETWORK_SETTINGS
from gemini_monai.study.benchmark.grid_data import content_hash, data_name, is_segmenter
from gemini_monai.study.benchmark.grid_run import PROGRAM, GridRun, other_test

BASELINES = {"few_labels": "supervised", "pretraining": "scratch", "starts": "scratch"}
"""What the others are compared with, always first; also the names of the suites."""
NO_PAIRS = {"few_labels": ("--registers", "False"), "pretraining": (), "starts": ()}
"""What leaves out the registration of test pairs, which the run itself has tested."""
NNUNET = "nnunet"
"""The arm that is nnU-Net itself, which takes no override of ours and no validation."""
DEFAULT = "gemini"
"""The bundle without a ``method_*.json``."""


class Repetition(NamedTuple):
    """Which repetition of an arm on a data set a run is; no labels for a pre-training."""

    labels: int
    draw: int
    seed: int


@dataclass(frozen=True)
class GridSpec:
    """What is to be compared.

    Args:
        suite: A key of ``BASELINES``.
        data: Prepared data sets. ``few_labels`` trains and tests on each; ``pretraining`` takes the
            first to pre-train on, and trains and tests on each of the others, or on itself;
            ``starts`` fine-tunes and tests on each what is ``given``.
        methods: Names of overlays ``method_NAME.json``, ``gemini``, and of few labels ``nnunet``.
        labels: Numbers of labeled images.
        draws: Seeds of the choice of labeled images.
        seeds: Of weights and batches, each with every draw; none for the draw's own number.
        output: Folder of the runs.
        overrides: More of every training, as on the command line.
        pretraining: More of every pre-training, likewise.
        variants: Further arms, which are the bundle without an overlay and these overrides, of the
            pre-training where there is one.
        given: Further arms, all those of ``starts``: weights, or ``none``, and more of their
            fine-tunings.
        nnunet: Options of nnU-Net's trainings, as of ``gemini nnunet``.
        tuned: More of an arm's trainings on a data set, by the names of both.
        lengths: How long an arm trains on a data set, or is pre-trained on it, likewise.
        budget: How these were chosen, in words.
        checkpoint: Which one the tables are of, ``"best"`` on validation images or ``"last"``.
        left_out: Why an arm is not run on a data set, by the names of both.
        folds: Folders of the folds that each data set is split into anew, of which draw ``k`` has
            number ``k``, by the name of the data set; none where a data set's own split is used.

    Raises:
        InputError: If the suite is unknown, a data set is not there, or nothing is to be compared.
    """

    suite: str
    data: tuple[Path, ...]
    methods: tuple[str, ...]
    labels: tuple[int, ...]
    draws: tuple[int, ...]
    output: Path
    seeds: tuple[int, ...] = ()
    overrides: tuple[str, ...] = ()
    pretraining: tuple[str, ...] = ()
    variants: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    given: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    nnunet: tuple[str, ...] = ()
    tuned: Mapping[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)
    lengths: Mapping[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)
    budget: str = ""
    checkpoint: str = "best"
    left_out: Mapping[tuple[str, str], str] = field(default_factory=dict)
    folds: Mapping[str, Sequence[Path]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.suite not in BASELINES:
            raise InputError(f"no suite '{self.suite}'; there are {', '.join(BASELINES)}")
        for name in ("data", "given" if self.suite == "starts" else "methods", "labels", "draws"):
            if not getattr(self, name):
                raise InputError(f"benchmark: no {name} given, expected one or more")
        names = [self.baseline, *self.methods, *self.variants, *self.given]
        for name in (*self.variants, *self.given):
            if names.count(name) > 1:
                raise InputError(f"benchmark: '{name}' is a method and a variant; rename one")
        for folder in self.data:
            if not (folder / "dataset.json").is_file():
                raise InputError(f"{folder / 'dataset.json'}: no such file; prepare the data first")

    def cohort(self, folder: Path) -> Cohort:
        """A data set, compared with what was recorded of its files.

        Args:
            folder: Its folder.

        Raises:
            InputError: If it is damaged, or a file holds something else than when it was prepared
                and no override says that this is meant.
        """
        return read_cohort(folder / "dataset.json", data_changed=self.data_changed)

    @property
    def data_changed(self) -> bool:
        """Whether an override says that files may hold something else than when prepared."""
        words = [*self.overrides, *self.pretraining]
        return ("--data_changed", "True") in itertools.pairwise(words)

    def splits(self, folder: Path) -> Sequence[Path]:
        """The folders of a data set's folds, or its own alone.

        Args:
            folder: Of the data set.
        """
        return self.folds.get(data_name(folder), (folder,))

    def _split(self, folder: Path, draw: int) -> Path:
        """What a draw of the labels is of."""
        places = self.splits(folder)
        return places[draw % len(places)]

    @property
    def baseline(self) -> str:
        """What the others are compared with."""
        return BASELINES[self.suite]

    @property
    def arms(self) -> tuple[str, ...]:
        """The baseline, then the methods, then the variants, then the weights that are given."""
        return tuple(dict.fromkeys([self.baseline, *self.methods, *self.variants, *self.given]))

    @property
    def tested(self) -> tuple[Path, ...]:
        """Data sets that are tested on."""
        return self.data[1:] if self.suite == "pretraining" and len(self.data) > 1 else self.data

    @property
    def pretrained_on(self) -> str:
        """Name of the data set that is pre-trained on."""
        return data_name(self.data[0])

    def runs(self) -> list[GridRun]:
        """All cells; a pre-training stands before what is fine-tuned from it."""
        make = self._few_labels if self.suite == "few_labels" else self._pretraining
        return list(make())

    def _few_labels(self) -> Iterator[GridRun]:
        for data in self.data:
            for labels in self.labels:
                for draw, seed in self.repetitions:
                    for method in self.arms:
                        if (data_name(data), method) in self.left_out:
                            continue
                        words = self._train("semi", self._split(data, draw), method)
                        words += self._labels(labels, draw=draw, seed=seed)
                        words += self._overrides(data, method)
                        repetition = Repetition(labels, draw, seed)
                        yield self._run(words, data=data, method=method, repetition=repetition)

    def _pretraining(self) -> Iterator[GridRun]:
        for seed in dict.fromkeys(seed for _, seed in self.repetitions):
            for method in self.arms:
                tested = [d for d in self.tested if (data_name(d), method) not in self.left_out]
                source, *more = self.given.get(method, ("none",))
                before: tuple[str, ...] = ()
                if method not in (self.baseline, *self.given) and tested:
                    words = [*self._train("mip", self.data[0], method), *self.pretraining]
                    words += self.lengths.get((self.pretrained_on, method), ())
                    repetition = Repetition(0, seed, seed)
                    start = self._run(
                        words, data=self.data[0], method=method, repetition=repetition
                    )
                    source, before = str(start.folder), (start.name,)
                    yield start
                cells = itertools.product(tested, self.labels, self._draws_of(seed))
                for data, labels, draw in cells:
                    place = self._split(data, draw)
                    words = ["finetune", str(place), "--pretrained", source]
                    words += self._labels(labels, draw=draw, seed=seed)
                    words += [*more, *self._network(method), *self._overrides(data, method)]
                    repetition = Repetition(labels, draw, seed)
                    yield self._run(
                        words, data=data, method=method, repetition=repetition, after=before
                    )

    def _train(self, bundle: str, data: Path, method: str) -> list[str]:
        if method == NNUNET:
            return [NNUNET, str(data.absolute())]
        words = ["train", bundle, str(data.absolute())]
        if method in self.variants:
            words += self.variants[method]
        elif method != DEFAULT:
            words += ["--method", method]
        return [*words, "--compare", "[]"] if bundle == "semi" else words

    def _other_test(self, folder: Path, method: str) -> str:
        """The command that tests the last checkpoint, of a segmenter that was validated."""
        if self.reads_no_validation or method == NNUNET or not is_segmenter(method):
            return ""
        pairs = [pair for pair in itertools.pairwise(self.overrides) if pair[0] == "--overlay"]
        words = ["evaluate", str(folder), str(other_test(folder)), *itertools.chain(*pairs)]
        words += ["--weights", str(folder / "models" / "last.pt"), "--overwrite", "True"]
        return shlex.join([PROGRAM, *words, *NO_PAIRS[self.suite]])

    @property
    def repetitions(self) -> list[tuple[int, int]]:
        """Draw and seed of each run of an arm."""
        return [(draw, seed) for draw in self.draws for seed in self.seeds or (draw,)]

    @property
    def labels_read(self) -> str:
        """Whether labels of validation images were read beside the labeled ones, in a sentence."""
        if self.reads_no_validation:
            return "No other label was read before the test: the last checkpoint is tested."
        places = [place for folder in self.tested for place in self.splits(folder)]
        counts = sorted({len(self.cohort(place).validation) for place in places})
        number = f"{counts[0]} to {counts[-1]}" if len(counts) > 1 else f"{counts[0]}"
        return (
            f"Labels of {number} validation images were read, too; the tables are of the "
            f"{self.checkpoint} checkpoint, as was said before the runs."
        )

    @property
    def reads_no_validation(self) -> bool:
        """Whether the labeled images are all the labels that are read before the test."""
        return ("--use_validation", "False") in itertools.pairwise(self.overrides)

    def _draws_of(self, seed: int) -> list[int]:
        return [draw for draw, of_draw in self.repetitions if of_draw == seed]

    def _labels(self, labels: int, *, draw: int, seed: int) -> list[str]:
        words = ["--labeled_cases", str(labels)]
        return words if draw == seed else [*words, "--labeled_draw", str(draw)]

    def _network(self, method: str) -> list[str]:
        """What a variant says of the network, whose pre-trained weights fit no other."""
        pairs = itertools.pairwise(self.variants.get(method, ()))
        known = {f"--{name}" for name in NETWORK_SETTINGS}
        return [word for key, value in pairs if key in known for word in (key, value)]

    def _overrides(self, data: Path, method: str) -> tuple[str, ...]:
        key = (data_name(data), method)
        length = self.lengths.get(key, ()) if self.suite != "pretraining" else ()
        if method == NNUNET:
            return (*self.nnunet, *length)
        return (*self.overrides, *length, *self.tuned.get(key, ()))

    def _run(
        self,
        words: Sequence[str],
        *,
        data: Path,
        method: str,
        repetition: Repetition,
        after: tuple[str, ...] = (),
    ) -> GridRun:
        """A cell whose folder is another one as soon as its settings, data or code are others."""
        words = [*words, "--seed", str(repetition.seed)]
        held = content_hash(self._split(data, repetition.draw))
        identity = json.dumps([words, held, gemini_monai.__version__, after])
        digest = hashlib.sha256(identity.encode()).hexdigest()[:8]
        part = f"{repetition.labels}_labels" if repetition.labels else "pretraining"
        name = f"{data_name(data)}-{method}-{part}-{repetition.draw}-{digest}"
        folder = self.output.absolute() / name
        again = "--overwrite" if method == NNUNET else "--resume"
        command = [PROGRAM, *words, "--output_dir", str(folder), again, "True"]
        return GridRun(
            name=name,
            command=shlex.join(command),
            done=str(folder / "report.html"),
            after=after,
            data=data_name(data) if repetition.labels else "",
            method=method,
            **repetition._asdict(),
            also=self._other_test(folder, method) if repetition.labels else "",
        )
