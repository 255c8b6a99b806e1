"""Smaller voxels, or a larger size, by which no structure is lost."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from gemini_monai.data.cohort import Cohort
from gemini_monai.data.prepare.propose import LARGEST, in_ras, propose, six_digits, up_to_8
from gemini_monai.data.prepare.scan import ImageFacts

CHEAP = 4
"""Times the voxels that the network sees, which a proposal may grow to unasked."""
FEW = {2: 256**2, 3: 64**3}
"""Voxels that it may grow to in any case, by the number of axes."""
Entry = Mapping[str, Any]
Losses = Callable[[Cohort, Entry], Iterable[Any]]
"""Structures that an entry loses."""


def is_cheap(view: Mapping[str, Any], cohort: Cohort) -> bool:
    """Whether another view is still one to propose: a training with it takes a few times as long.

    Args:
        view: Keys that change.
        cohort: What they would change.
    """
    size, axes = view.get("spatial_size", cohort.spatial_size), cohort.spatial_dims
    most = max(CHEAP * np.prod(cohort.spatial_size), FEW[axes])
    return max(size) <= LARGEST[axes] and bool(np.prod(size) <= most)


def view_that_keeps(
    cohort: Cohort, scans: Mapping[str, ImageFacts], entries: Sequence[Entry], *, lost: Losses
) -> dict[str, Any] | None:
    """``spacing`` and ``spatial_size``, as far as they must change; ``None`` if none keeps all.

    Voxels are halved until nothing is lost of a size that holds the images, down to the smallest
    of the files; then the size goes down again, axis by axis.

    Args:
        cohort: By whose view something is lost.
        scans: Every image of it by case.
        entries: Those that lose something.
        lost: What an entry loses by a view.
    """
    images = [scans[entry["case"]] for entry in entries]
    for spacing in _spacings(cohort, images):
        least_size = tuple(cohort.spatial_size)
        if spacing != cohort.spacing:
            least_size = tuple(propose(list(scans.values()), spacing=spacing)["spatial_size"])

        def keeps(size: Sequence[int], spacing: Any = spacing) -> bool:
            view: dict[str, Any] = {"spacing": spacing, "spatial_size": tuple(size)}
            seen = replace(cohort, **view)
            return not any(True for e in entries for _ in lost(seen, _on_grid(e, cohort, seen)))

        whole = _size_of_all(images, spacing, least=least_size)
        size = (
            _smallest(keeps, least_size=least_size, whole=whole)
            if spacing
            else _scaled(keeps, least_size, whole)
        )
        if size is not None:
            view = {"spacing": spacing, "spatial_size": size}
            return {key: value for key, value in view.items() if value != getattr(cohort, key)}
    return None


def _spacings(cohort: Cohort, images: Sequence[ImageFacts]) -> Iterator[tuple[float, ...] | None]:
    """The cohort's, then ever finer ones down to that of the files."""
    yield cohort.spacing
    if cohort.spacing is None:
        return
    now = np.asarray(cohort.spacing)
    least = np.minimum(six_digits(np.min([_voxel_size(facts) for facts in images], axis=0)), now)
    while (now > least).any():
        now = six_digits(np.maximum(now / 2, least))
        yield tuple(now.tolist())


def _voxel_size(scan: ImageFacts) -> np.ndarray:
    """In mm along right, anterior, superior."""
    axes = len(scan.shape)
    steps = np.linalg.norm(np.asarray(scan.affine)[:axes, :axes], axis=0)
    return in_ras(steps.tolist(), scan.affine)


def _size_of_all(
    images: Sequence[ImageFacts], spacing: Sequence[float] | None, *, least: Sequence[int]
) -> tuple[int, ...]:
    """Voxels along each axis that hold every image."""
    extents = [np.asarray(scan.shape, dtype=float) for scan in images]
    if spacing is not None:
        shapes = [in_ras(scan.shape, scan.affine) for scan in images]
        extents = [
            s * _voxel_size(facts) / spacing for s, facts in zip(shapes, images, strict=True)
        ]
    return tuple(np.maximum(up_to_8(np.max(extents, axis=0)), least).tolist())


def _smallest(
    keeps: Callable[[Sequence[int]], bool], *, least_size: Sequence[int], whole: Sequence[int]
) -> tuple[int, ...] | None:
    """A size between two that keeps every structure: along each axis the first, or half way."""
    if not keeps(whole):
        return None
    size = list(whole)
    for axis, (few, many) in enumerate(zip(least_size, whole, strict=True)):
        for fewer in (few, int(up_to_8((few + many) / 2))):
            tried = [*size[:axis], fewer, *size[axis + 1 :]]
            if fewer < size[axis] and keeps(tried):
                size = tried
                break
    return tuple(size)


def _scaled(
    keeps: Callable[[Sequence[int]], bool], least_size: Sequence[int], whole: Sequence[int]
) -> tuple[int, ...] | None:
    """The first doubling of a size, whose shape stays, up to that of the images."""
    size = np.asarray(least_size)
    while (size < whole).any():
        size = 2 * size
        if keeps(tuple(size.tolist())):
            return tuple(size.tolist())
    return None


def _on_grid(entry: Entry, before: Cohort, after: Cohort) -> dict[str, Any]:
    """An entry whose ``grid``, where it has one, has the voxels and the size of another view."""
    if "grid" not in entry:
        return dict(entry)
    voxels = np.asarray(after.spacing) / np.asarray(before.spacing)
    centers = [(np.asarray(cohort.spatial_size) - 1) / 2 for cohort in (before, after)]
    change = np.diag([*voxels, 1.0])
    change[:3, 3] = centers[0] - voxels * centers[1]
    return {**entry, "grid": (np.asarray(entry["grid"]) @ change).tolist()}
