"""The streams that every configuration offers to its objectives."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from gemini_monai.data.cohort import Cohort
from gemini_monai.data.streams.images import Labeled, Partners, Unlabeled
from gemini_monai.data.streams.looks import Looks
from gemini_monai.data.streams.paired import Corrupted, Pairs
from gemini_monai.data.streams.stream import RandomTransform, Stream
from gemini_monai.data.streams.views import Views


def named_streams(
    cohort: Cohort,
    *,
    labeled_images: int = 2,
    unlabeled_images: int = 2,
    pairs: int = 1,
    pairing: str = "separate",
    group_choice: str = "uniform",
    slices: bool = False,
    transform: RandomTransform | None = None,
    view_transform: RandomTransform | None = None,
    corruption: Callable[[Tensor], Tensor] | None = None,
) -> dict[str, Stream]:
    """Every stream, by name; what nobody reads costs nothing.

    Args:
        cohort: Whose images they are; says which may be paired.
        labeled_images: How many labeled images an iteration has.
        unlabeled_images: How many unlabeled images an iteration has by themselves, as many to
            register labeled ones with, and as many others for views, and to be seen twice.
        pairs: How many pairs an iteration has.
        pairing: ``"separate"`` or ``"ring"``, see ``Pairs``.
        group_choice: ``"uniform"`` or ``"proportional"``, see ``Pairs``.
        slices: Whether labeled images are slices of volumes.
        transform: Random transform of an item.
        view_transform: That of the two views of an image; ``None`` for the same.
        corruption: What restoration undoes; ``None`` for no such stream.
    """
    streams: dict[str, Stream] = {
        "labeled": Labeled(labeled_images, slices=slices, transform=transform),
        "unlabeled": Unlabeled(unlabeled_images, transform=transform),
        "partners": Partners(unlabeled_images, paired=cohort.paired, transform=transform),
        "pairs": Pairs(
            pairs,
            pairing=pairing,
            groups=cohort.column("unlabeled", "group"),
            patients=cohort.column("unlabeled", "patient"),
            paired=cohort.paired,
            choice=group_choice,
            transform=transform,
        ),
        "looks": Looks(unlabeled_images, transform=transform),
        "views": Views(unlabeled_images, transform=view_transform or transform),
    }
    return streams | ({"corrupted": Corrupted(corruption)} if corruption is not None else {})
