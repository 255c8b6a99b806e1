"""What a run's doubts are worth, learned from its labels and what it finds in those images."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from gemini_monai.base.errors import InputError
from gemini_monai.data import Cohort
from gemini_monai.inference.trained_run import TrainedRun
from gemini_monai.quality.disturbed import DISTURBANCES
from gemini_monai.quality.estimate import Estimator
from gemini_monai.quality.familiar import Familiarity, Uprightness, numbers_of, small_image
from gemini_monai.quality.looks import features_in, look_at, masks_of
from gemini_monai.quality.signs import Reference, dice, pooled, signs_of
from gemini_monai.transforms import preprocessing

LOOKS = 120
"""At images with labels, disturbed or not, where these are small."""
VOXELS = 20_000_000
"""In all of them together, where they are large; each is looked at once all the same."""
IMAGES = 200
"""Images trained on that others are compared with, at most."""
TRAINED_ON = 0.3
"""Weight of an image that was trained on, beside one of validation."""
FEWEST = 3
"""Images with labels, at least."""


class Learned(NamedTuple):
    """What is needed to say how far a mask of a run is to be trusted."""

    estimator: Estimator
    """Of Dice."""
    sizes: Estimator
    """Of the share of the structure in the sum of its size and its mask's."""
    references: list[Reference | None]
    """Of each structure; ``None`` where no label has it."""
    familiarity: Familiarity
    uprightness: Uprightness
    validated: bool
    """Whether there were validation images; else all had been trained on."""


class Known(NamedTuple):
    """An image with a label, as the network sees it."""

    case: str
    patient: str
    image: Tensor
    """(C, *S)."""
    label: Tensor
    """(1 or K, *S)."""
    weight: float


class Row(NamedTuple):
    """A structure of an image that was looked at."""

    signs: np.ndarray
    structure: int
    dice: float
    share: float
    patient: str
    image: str
    weight: float


def learn(run: TrainedRun, cohort: Cohort) -> Learned:
    """Learn from the labeled and the validation images of a run; no other label is opened.

    Args:
        run: A segmenter.
        cohort: What it was trained on.

    Raises:
        InputError: If fewer than three images have labels, or one cannot be read.
    """
    entries = [*cohort.labeled, *cohort.validation]
    if len(entries) < FEWEST:
        raise InputError(
            f"{cohort.path}: {len(entries)} image(s) with labels; expected {FEWEST} or more to "
            "learn how far masks are to be trusted"
        )
    familiarity, orientation, patients = _familiar(run, cohort)
    references = _references(run, cohort)
    estimators = _estimators(run, cohort, references, familiarity, patients)
    return Learned(*estimators, references, familiarity, orientation, bool(cohort.validation))


def _familiar(run: TrainedRun, cohort: Cohort) -> tuple[Familiarity, Uprightness, dict[str, int]]:
    """Of at most ``IMAGES`` images trained on, evenly taken; and numbers of patients."""
    entries = [*cohort.labeled, *cohort.unlabeled]
    chosen = [entries[k] for k in _evenly(len(entries), IMAGES)]
    load = preprocessing(run.spec, keys=["image"])
    rows, small = [], []
    for entry in tqdm(chosen, desc="trust: images trained on"):
        image = _tensor(load({"image": entry["image"], "case": entry["case"]})["image"])
        rows.append(pooled(features_in(run.network, image[None].to(run.device), run.spec)))
        small.append(small_image(image))
    names = [_patient(entry) for entry in chosen]
    numbers = numbers_of(names)
    known = dict(zip(names, map(int, numbers), strict=True))
    return Familiarity(np.stack(rows), numbers), Uprightness(np.stack(small), numbers), known


def _references(run: TrainedRun, cohort: Cohort) -> list[Reference | None]:
    masks: list[list[Tensor]] = [[] for _ in run.spec.structures]
    features: list[list[Tensor]] = [[] for _ in run.spec.structures]
    for known in _with_labels(run, cohort):
        seen = features_in(run.network, known.image[None].to(run.device), run.spec)
        for k, mask in enumerate(masks_of(known.label, run.spec)):
            if bool(mask.any()):
                masks[k].append(mask)
                features[k].append(seen)
    pairs = zip(masks, features, strict=True)
    return [Reference.of(own, seen) if own else None for own, seen in pairs]


def _estimators(
    run: TrainedRun,
    cohort: Cohort,
    references: Sequence[Reference | None],
    familiarity: Familiarity,
    patients: Mapping[str, int],
) -> tuple[Estimator, Estimator]:
    plan = _plan(run, len(cohort.labeled) + len(cohort.validation))
    rows: list[Row] = []
    with tqdm(total=sum(map(len, plan)), desc="trust: images with labels") as bar:
        for known, kinds in zip(_with_labels(run, cohort), plan, strict=True):
            number = patients.get(known.patient, -1)
            for name in kinds:
                rows += _rows(run, known, name, references, familiarity, number)
                bar.update()
    estimator = Estimator(
        signs=np.stack([row.signs for row in rows]),
        structure=np.array([row.structure for row in rows]),
        value=np.array([row.dice for row in rows]),
        patient=numbers_of([row.patient for row in rows]),
        image=numbers_of([row.image for row in rows]),
        weight=np.array([row.weight for row in rows]),
    )
    return estimator, replace(estimator, value=np.array([row.share for row in rows]))


def _rows(
    run: TrainedRun,
    known: Known,
    disturbance: str,
    references: Sequence[Reference | None],
    familiarity: Familiarity,
    patient: int,
) -> list[Row]:
    """What the run finds in an image that is disturbed, and what it comes to."""
    image, label = DISTURBANCES[disturbance](known.image, known.label)
    look = look_at(run.network, image[None].to(run.device), run.spec)
    distance = familiarity.distance(pooled(look.features), patient=patient)
    signs = signs_of(look, look.found, references, distance=distance)
    both = zip(look.found, masks_of(label, run.spec), strict=True)
    return [
        Row(
            signs[k],
            k,
            dice(found, truth),
            float(truth.sum() / (truth.sum() + found.sum())),
            known.patient,
            known.case,
            known.weight,
        )
        for k, (found, truth) in enumerate(both)
        if bool(truth.any()) or bool(found.any())
    ]


def _plan(run: TrainedRun, count: int) -> list[list[str]]:
    """Which disturbances each image goes through, itself first; as many as there is time for."""
    voxels = float(np.prod([int(size) for size in run.spec.spatial_size]))
    looks = max(count, int(min(LOOKS, VOXELS / voxels)))
    names = list(DISTURBANCES)
    plan = [[names[0]] for _ in range(count)]
    others = names[1:]
    for number in range(min(looks - count, count * len(others))):
        case, turn = number % count, number // count
        plan[case].append(others[(case + turn) % len(others)])
    return plan


def _with_labels(run: TrainedRun, cohort: Cohort) -> Iterator[Known]:
    load = preprocessing(run.spec)
    beside = TRAINED_ON if cohort.validation else 1.0
    weighted = [(entry, beside) for entry in cohort.labeled]
    weighted += [(entry, 1.0) for entry in cohort.validation]
    for entry, weight in weighted:
        item = load({key: entry[key] for key in ("image", "label", "case")})
        image, label = _tensor(item["image"]), _tensor(item["label"])
        yield Known(entry["case"], _patient(entry), image, label, weight)


def _patient(entry: Mapping[str, Any]) -> str:
    return str(entry.get("patient", entry["case"]))


def _tensor(values: Any) -> Tensor:
    return torch.as_tensor(values.as_tensor()).float()


def _evenly(count: int, most: int) -> list[int]:
    """At most so many of the first numbers, evenly spread."""
    return sorted(set(np.linspace(0, count - 1, min(count, most)).round().astype(int).tolist()))
