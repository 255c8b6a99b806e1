"""The probe of a pre-training, of its own data set or of another one with labels."""

from __future__ import annotations

from pathlib import Path

from monai.data.dataset import Dataset

from gemini_monai.data import Cohort, read_cohort
from gemini_monai.data.streams.stream import RandomTransform
from gemini_monai.inference.probe import Probe
from gemini_monai.transforms import InputSpec, preprocessing


def pretraining_probe(
    cohort: Cohort,
    *,
    spec: InputSpec,
    transform: RandomTransform,
    datalist: str | Path | None = None,
    labeled_cases: int | None = None,
    labeled_draw: int = 0,
    points: int = 2048,
    seed: int = 0,
    data_changed: bool = False,
) -> Probe | None:
    """What scores a network's features on labeled and validation images, and reads no test image.

    Args:
        cohort: What is trained on.
        spec: How the network sees images.
        transform: Random transform of an item, for two views.
        datalist: Another ``dataset.json``, whose images are scored instead.
        labeled_cases: How many of the labeled images are fitted; ``None`` for all.
        labeled_draw: Seed of that choice.
        points: As of ``Probe``.
        seed: As of ``Probe``.
        data_changed: Files of the other data set may hold something else than when it was prepared.

    Returns:
        ``None`` where there are no labeled or no validation images.

    Raises:
        InputError: If the other data set cannot be read, or is of other dimensions, or there are
            fewer labeled images than are asked for.
    """
    if datalist is not None:
        cohort = read_cohort(datalist, data_changed=data_changed)
    seen = cohort.structures_in(spec)
    chain = preprocessing(seen, fit=True)
    if not (cohort.labeled and cohort.validation):
        return None
    return Probe(
        Dataset(cohort.few(labeled_cases, seed=labeled_draw), chain),
        Dataset(cohort.validation, chain),
        spec=seen,
        transform=transform,
        points=points,
        seed=seed,
    )
