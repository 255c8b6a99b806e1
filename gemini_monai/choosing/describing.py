"""A vector for every scan of a list, read one at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from monai.transforms.compose import Compose
from numpy.typing import NDArray
from tqdm import tqdm

from gemini_monai.base.errors import InputError
from gemini_monai.choosing.distances import Array, principal_components
from gemini_monai.choosing.features import (
    DenseFeatures,
    Describe,
    histogram,
    picture,
    random_backbone,
    thumbnail,
)
from gemini_monai.data import Cohort
from gemini_monai.inference import TrainedRun
from gemini_monai.inference.segmentation import loaded
from gemini_monai.transforms import InputSpec, preprocessing
from gemini_monai.weights import load_backbone

FEATURES = ("thumbnail", "histogram", "network", "combined", "registered")
"""What scans are compared by; ``"combined"`` is the first three."""
SIDES = {2: 64, 3: 32}
"""Voxels along each axis that a whole scan is seen with, by the number of axes."""


LOOKS: dict[str, Describe] = {"thumbnail": thumbnail, "histogram": histogram}
"""Features that need no network."""
ALONE: dict[str, Describe] = {**LOOKS, "registered": picture}
"""Those that stand by themselves."""


class Description(NamedTuple):
    """How a scan becomes vectors."""

    before: Compose
    """From files to what is looked at."""
    kinds: tuple[Describe, ...]
    """Each makes a vector of its own; all kinds weigh the same in distances."""


def description_of(
    cohort: Cohort, features: str, *, pretrained: str | Path | None = None
) -> Description:
    """How scans of a data set become vectors.

    A whole scan is seen, in few voxels and turned as its data set says; a run sees scans as it was
    trained to.

    Args:
        cohort: Whose scans; intensities are scaled as it says.
        features: One of ``FEATURES``.
        pretrained: Of ``"network"``: a run, or any file that ``load_backbone`` takes for the
            bundles' backbone; ``None`` for random weights.

    Raises:
        InputError: If there are no such features, the run sees other images, or a file does not
            fit.
    """
    if features not in FEATURES:
        raise InputError(f"--features: expected one of {', '.join(FEATURES)}, got '{features}'")
    if pretrained is not None and features != "network":
        raise InputError(f"--pretrained is for --features network, got '{features}'")
    if pretrained is not None and Path(pretrained).is_dir():
        return _of_run(TrainedRun.open(pretrained, device="cpu"), cohort)
    small = replace(
        cohort.input_spec(),
        spacing=None,
        align=None,
        reference=None,
        spatial_size=(SIDES[cohort.spatial_dims],) * cohort.spatial_dims,
    )
    if features in ALONE:
        return Description(_reader(small), (ALONE[features],))
    backbone = random_backbone(cohort.spatial_dims, cohort.channels)
    if pretrained is not None:
        load_backbone(backbone, pretrained)
    looks = () if features == "network" else tuple(LOOKS.values())
    return Description(_reader(small), (*looks, DenseFeatures(backbone)))


def _of_run(run: TrainedRun, cohort: Cohort) -> Description:
    spec = run.spec
    if (spec.network_dims, spec.in_channels) != (cohort.spatial_dims, cohort.channels):
        raise InputError(
            f"{run.folder}: sees {spec.network_dims}-D images of {spec.in_channels} channel(s), "
            f"those of {cohort.path} are {cohort.spatial_dims}-D of {cohort.channels}"
        )
    return Description(_reader(spec), (DenseFeatures(run.backbone),))


def _reader(spec: InputSpec) -> Compose:
    return preprocessing(spec, keys=["image"], fit=True)


def described(scans: Sequence[Mapping[str, Any]], description: Description) -> Array:
    """Features of scans, (n, K): principal components of their vectors.

    Args:
        scans: Entries of a data set; nothing but their images is read.
        description: How a scan becomes vectors.

    Raises:
        InputError: If a scan cannot be read, or its features are not finite.
    """
    return weighed_alike(raw_vectors(scans, description))


def raw_vectors(
    scans: Sequence[Mapping[str, Any]], description: Description
) -> list[NDArray[np.float32]]:
    """Vectors of scans by each kind of features, (n, F) each.

    Args:
        scans: As of ``described``.
        description: As of ``described``.

    Raises:
        InputError: As ``described``.
    """
    rows = [_vectors(scan, description) for scan in tqdm(scans, desc="features")]
    return [np.stack(kind) for kind in zip(*rows, strict=True)]


def weighed_alike(kinds: Sequence[NDArray[np.float32]]) -> Array:
    """Principal components of all kinds of features together, each of mean square 1, (n, K).

    Args:
        kinds: Vectors of the same scans, (n, F) each.
    """
    return principal_components(np.concatenate([_scaled(own) for own in kinds], axis=1))


def _vectors(scan: Mapping[str, Any], description: Description) -> list[NDArray[np.float32]]:
    image = loaded(description.before, {"image": scan["image"]})["image"].as_tensor()[None]
    vectors = [describe(image) for describe in description.kinds]
    if not all(np.isfinite(vector).all() for vector in vectors):
        raise InputError(f"{scan['image']}: its features are not finite (NaN or infinity)")
    return vectors


def _scaled(vectors: NDArray[np.float32]) -> Array:
    """The same around 0 and of mean square 1, so that kinds of features weigh the same."""
    centered = np.asarray(vectors, dtype=np.float64) - vectors.mean(axis=0)
    scaled: Array = centered / max(float(np.sqrt((centered**2).sum(axis=1).mean())), 1e-9)
    return scaled
