"""What a comparison asks for."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from gemini_monai.base.errors import InputError
from gemini_monai.data import Cohort, read_cohort
from gemini_monai.study.benchmark.grid_data import data_name

BASELINES = {"few_labels": "supervised", "pretraining": "scratch", "starts": "scratch"}
"""What the others are compared with, always first; also the names of the suites."""


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

    def split(self, folder: Path, draw: int) -> Path:
        """What a draw of the labels is of.

        Args:
            folder: Of the data set.
            draw: Its number.
        """
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
