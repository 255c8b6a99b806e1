"""What trust numbers are worth: a run's test scans, as they are, disturbed and mirrored.

    python -m benchmarks.trust RUN [FOLDER_OF_ANOTHER_ORGAN]

Dice is on the grid that the network sees. Of scans as they are: mean absolute error of the expected
Dice of each structure, how often its interval and that of its size hold it, correlation, and how
many of the worst tenth of the scans stand in the first fifth to look at, beside the order by
certainty, by agreement and by entropy alone. Of others: the same error, and the share that is
flagged.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from benchmarks.command import run_command
from gemini_monai.images import find_images
from gemini_monai.inference import TrainedRun
from gemini_monai.quality import CaseQuality, Quality
from gemini_monai.quality.checking import cohort_of
from gemini_monai.quality.disturbed import DISTURBANCES
from gemini_monai.quality.familiar import ways
from gemini_monai.quality.looks import Look, masks_of
from gemini_monai.quality.signs import SIGNS, dice, signs_of
from gemini_monai.transforms import preprocessing

SHIFTS = ("lighter", "darker", "some noise", "blurred", "cut")
"""Disturbances that were learned from, of test scans."""
BASELINES = ("certainty", "agreement", "doubt")
Change = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]


class Judged(NamedTuple):
    """A test scan: what was expected and what it came to, of each structure that is somewhere."""

    quality: CaseQuality
    expected: np.ndarray
    within: np.ndarray
    dice: np.ndarray
    signs: np.ndarray
    sized: np.ndarray
    """Whether the interval of the size holds it; NaN of what was not found."""


def trust(run: str, other: str | None = None) -> None:
    """Print what the trust numbers of a run are worth.

    Args:
        run: A segmenter whose data set has test scans.
        other: Images of another organ.
    """
    quality = Quality.of(TrainedRun.open(run))
    changes: dict[str, Change] = {name: DISTURBANCES[name] for name in ("as it is", *SHIFTS)}
    for way in ways(quality.run.spec.network_dims):
        dims = [axis + 1 for axis in way]
        name = f"mirrored along axis {', '.join(map(str, way))}"
        changes[name] = lambda image, label, dims=dims: (image.flip(dims), label.flip(dims))
    for name, change in changes.items():
        _tell(name, _judged(quality, change, name=name))
    if other is not None:
        flags = [bool(quality.check(image).flags) for image in find_images(other).values()]
        print(f"another organ: {sum(flags)} of {len(flags)} flagged")


def _judged(quality: Quality, change: Change, *, name: str) -> list[Judged]:
    load = preprocessing(quality.run.spec)
    found = []
    for entry in tqdm(cohort_of(quality.run, None).test, desc=name):
        item = load({key: entry[key] for key in ("image", "label", "case")})
        image, label = (item[key].as_tensor().float() for key in ("image", "label"))
        image, label = change(image, label)
        judged, look = quality.judge(image, case=entry["case"])
        found.append(_one(quality, judged, look, masks_of(label, quality.run.spec)))
    return found


def _one(quality: Quality, judged: CaseQuality, look: Look, truth: Tensor) -> Judged:
    signs = signs_of(look, look.found, quality.learned.references, distance=1.0)
    rows = []
    for k, own in enumerate(judged.structures):
        if bool(truth[k].any()) or bool(look.found[k].any()):
            came_to, expected = dice(look.found[k], truth[k]), own.expected
            within = expected.lower <= came_to <= expected.upper
            size = float(truth[k].sum()) / own.voxels if own.voxels else np.nan
            sized = own.size.lower <= size <= own.size.upper if own.voxels else np.nan
            rows.append((expected.value, within, came_to, sized, k))
    expected, within, came, sized, places = (np.array(own) for own in zip(*rows, strict=True))
    return Judged(judged, expected, within, came, signs[places], sized)


def _tell(name: str, scans: Sequence[Judged]) -> None:
    expected, within, came, sized = (
        np.concatenate([getattr(own, key) for own in scans])
        for key in ("expected", "within", "dice", "sized")
    )
    error, flagged = np.abs(expected - came).mean(), np.mean([bool(s.quality.flags) for s in scans])
    print(
        f"{name}: Dice {100 * came.mean():.1f}, error {100 * error:.1f} points, bias "
        f"{100 * (expected - came).mean():+.1f}, {100 * within.mean():.0f} % within the interval, "
        f"{100 * np.nanmean(sized):.0f} % of sizes in theirs, "
        f"{100 * flagged:.0f} % of {len(scans)} flagged"
    )
    if name == "as it is":
        print(f"  correlation {np.corrcoef(expected, came)[0, 1]:.2f}; {_first_fifth(scans)}")


def _first_fifth(scans: Sequence[Judged]) -> str:
    """How much of the worst tenth comes first, by each order."""
    true = np.array([own.dice.mean() for own in scans])
    orders = {
        "trust": np.array([100 * own.quality.order[0] + own.expected.mean() for own in scans])
    }
    for name in BASELINES:
        sign = -1 if name == "doubt" else 1
        column = SIGNS.index(name)
        orders[name] = np.array([sign * own.signs[:, column].mean() for own in scans])
    worst = set(np.argsort(true)[: max(1, round(0.1 * len(true)))].tolist())
    count = round(0.2 * len(true))
    shares = {
        name: len(worst & set(np.argsort(own)[:count].tolist())) / len(worst)
        for name, own in orders.items()
    }
    text = ", ".join(f"{name} {100 * share:.0f} %" for name, share in shares.items())
    return f"of the worst tenth in the first fifth: {text}"


if __name__ == "__main__":
    torch.set_num_threads(1)
    run_command(trust)
