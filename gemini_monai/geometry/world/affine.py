"""Affine registration of two volumes, by ITK or ANTs."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from monai.data.itk_torch_bridge import metatensor_to_itk_image
from monai.data.meta_tensor import MetaTensor

from gemini_monai.base.errors import InputError
from gemini_monai.base.extras import optional, refuse_without
from gemini_monai.base.intensity import Intensity, is_z_score, rule_of, scale_bounds
from gemini_monai.geometry.world.axes import is_sheared, squared
from gemini_monai.geometry.world.first_shift import first_shift
from gemini_monai.geometry.world.transform import read_transform

METHODS = ("itk", "ants")
BY_ITK = "itk.itkImageRegistrationMethodv4Python"
"""What ``itk`` has and ``itk-io``, which reads files, has not."""
ADVICE = "expected images of one body part: choose another --reference, or leave out the image"
PERCENTILES = {"kind": "percentile", "lower": 0.5, "upper": 99.5}
"""Of what is registered where a network sees z-scores."""
LARGEST = 96  # voxels an axis: finer ones cost time and move an affine by nothing
SAMPLES = 60_000  # voxels at which images are compared
LEAST = 16  # voxels an axis of the coarsest level


def refuse_method(method: str, *, option: str = "--align") -> None:
    """Before anything is read.

    Args:
        method: What was asked for.
        option: By which it was.

    Raises:
        InputError: If there is no such method, or its package is not installed.
    """
    if method not in METHODS:
        raise InputError(f"{option} must be one of {', '.join(METHODS)}, got '{method}'")
    for module in (BY_ITK, "ants") if method == "ants" else (BY_ITK,):
        refuse_without(module, extra=method, purpose=f"{option} {method}")


def register_affine(
    moving: MetaTensor,
    reference: MetaTensor,
    *,
    intensity: Intensity,
    method: str = "itk",
    world: bool = False,
    advice: str = ADVICE,
    option: str = "--align",
) -> np.ndarray:
    """The affine T, (4, 4), that makes the moving image most like the reference.

    Images are clipped as the network sees them, and compared in their first channel. ITK: centers
    of mass, then normalized cross-correlation over a pyramid, single-threaded with a fixed seed.
    ANTs: its ``Affine``, from a start of its own.

    Args:
        moving: (C, *S) on its own grid, three axes.
        reference: (C, *T), likewise.
        intensity: As in ``dataset.json``; of several rules the first one.
        method: One of ``METHODS``.
        world: ITK begins with the images where they lie in the world if they are more alike there.
        advice: What to do where it fails, the end of the message.
        option: By which the method was asked for.

    Raises:
        InputError: If it fails, an image is constant, or the volume changes by more than eight
            times.
    """
    refuse_method(method, option=option)
    if _same(moving, reference):
        return np.eye(4)
    images = [_straight(_prepared(image, intensity)) for image in (moving, reference)]
    name, target = _name(moving, "image"), _name(reference, "the reference")
    try:
        prepared = [image for image, _ in images]
        found = _by_itk(*prepared, world=world) if method == "itk" else _by_ants(*prepared)
    except RuntimeError as error:
        reason = " ".join(str(error).split())[-200:]
        raise InputError(
            f"{name}: no affine onto {target} was found: {reason}; {advice}"
        ) from error
    transform = images[0][1] @ found @ np.linalg.inv(images[1][1])
    change = np.linalg.det(transform[:3, :3])
    if not 1 / 8 < change < 8:  # false for NaN too
        raise InputError(
            f"{name}: the affine onto {target} changes volumes {change:.3g} times; {advice}"
        )
    return transform


def _name(image: MetaTensor, otherwise: str) -> str:
    return str(image.meta.get("filename_or_obj", otherwise))


def _straight(image: MetaTensor) -> tuple[MetaTensor, np.ndarray]:
    """The image on a grid at right angles, as ITK and ANTs know them, and the way back, (4, 4)."""
    affine = np.asarray(image.affine, dtype=float)
    if not is_sheared(affine):
        return image, np.eye(4)
    straight = squared(affine)
    moved = MetaTensor(image.as_tensor(), affine=torch.as_tensor(straight))
    return moved, affine @ np.linalg.inv(straight)


def _same(moving: MetaTensor, reference: MetaTensor) -> bool:
    same_grid = torch.equal(moving.affine, reference.affine)
    return same_grid and torch.equal(moving.as_tensor(), reference.as_tensor())


def _prepared(image: MetaTensor, intensity: Intensity) -> MetaTensor:
    """The first channel (1, *S), clipped and scaled to [0, 1], with no axis above ``LARGEST``."""
    values = image.as_tensor()[:1].float()
    name = str(image.meta.get("filename_or_obj", "image"))
    rule = rule_of(intensity, 0)
    rule = PERCENTILES if is_z_score(rule) else rule
    lower, upper = scale_bounds(values.numpy(), rule, name=name)
    values = ((values - lower) / max(upper - lower, 1e-6)).clamp(0, 1)
    spacing = np.linalg.norm(np.asarray(image.affine)[:3, :3], axis=0)
    coarse = (spacing * values.shape[1:]).max() / LARGEST
    factors = [max(1, int(np.ceil(coarse / step - 1e-3))) for step in spacing]
    affine = np.asarray(image.affine, dtype=float).copy()
    affine[:3, 3] += affine[:3, :3] @ ((np.asarray(factors) - 1) / 2)
    affine[:3, :3] *= factors
    return MetaTensor(F.avg_pool3d(values[None], factors)[0], affine=torch.as_tensor(affine))


def _by_itk(moving: MetaTensor, reference: MetaTensor, *, world: bool) -> np.ndarray:
    itk = _itk()
    volume = itk.Image[itk.F, 3]
    affine = itk.AffineTransform[itk.D, 3].New()
    center, shift = first_shift(moving, reference, world=world)
    affine.SetCenter(center.tolist())
    affine.SetTranslation(shift.tolist())
    metric = itk.CorrelationImageToImageMetricv4[volume, volume].New()
    metric.SetMaximumNumberOfWorkUnits(1)  # sums in one order, so the same numbers every time
    levels = [f for f in (4, 2, 1) if min(reference.shape[1:]) >= f * LEAST] or [1]
    method = itk.ImageRegistrationMethodv4[volume, volume].New(
        FixedImage=_itk_image(reference),
        MovingImage=_itk_image(moving),
        Metric=metric,
        Optimizer=_optimizer(itk, metric),
        InitialTransform=affine,
    )
    method.InPlaceOn()
    method.SetNumberOfLevels(len(levels))
    method.SetShrinkFactorsPerLevel(levels)
    method.SetSmoothingSigmasPerLevel([level / 2 if level > 1 else 0.0 for level in levels])
    method.SetSmoothingSigmasAreSpecifiedInPhysicalUnits(False)
    method.SetMetricSamplingStrategy(
        itk.ImageRegistrationMethodv4Enums.MetricSamplingStrategy_REGULAR
    )
    method.SetMetricSamplingPercentage(min(1.0, SAMPLES / reference[0].numel()))
    method.MetricSamplingReinitializeSeed(0)
    method.Update()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "affine.tfm"
        itk.transformwrite([affine], str(path))
        return read_transform(path)


def _optimizer(itk: Any, metric: Any) -> Any:
    scales = itk.RegistrationParameterScalesFromPhysicalShift[type(metric)].New(Metric=metric)
    optimizer = itk.RegularStepGradientDescentOptimizerv4[itk.D].New()
    optimizer.SetScalesEstimator(scales)
    optimizer.SetDoEstimateLearningRateOnce(True)  # the first step moves a corner by a voxel
    optimizer.SetRelaxationFactor(0.6)
    optimizer.SetMinimumStepLength(1e-4)
    optimizer.SetGradientMagnitudeTolerance(1e-8)
    optimizer.SetNumberOfIterations(200)
    return optimizer


def _by_ants(moving: MetaTensor, reference: MetaTensor) -> np.ndarray:
    itk, ants = _itk(), optional("ants", extra="ants", purpose="a registration by ANTs")

    def converted(image: MetaTensor) -> Any:
        geometry = _itk_image(image)
        return ants.from_numpy(
            image[0].numpy(),
            origin=tuple(geometry.GetOrigin()),
            spacing=tuple(geometry.GetSpacing()),
            direction=itk.array_from_matrix(geometry.GetDirection()),
        )

    with tempfile.TemporaryDirectory() as folder:
        found = ants.registration(
            converted(reference),
            converted(moving),
            type_of_transform="Affine",
            outprefix=f"{folder}/",
            random_seed=1,
        )
        return read_transform(Path(found["fwdtransforms"][0]))


def _itk() -> Any:
    return optional("itk", extra="itk", purpose="an affine registration")


def _itk_image(image: MetaTensor) -> Any:
    return metatensor_to_itk_image(image, channel_dim=0, dtype=np.float32)
