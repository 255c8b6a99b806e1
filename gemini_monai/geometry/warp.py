"""The one place that knows coordinates.

Contract: ``warp(image_a, ddf_ab)(p) = image_a(p + ddf_ab(p))``, which training drives towards
``image_b(p)``. Displacements are in voxels, channel k moves along spatial axis k, voxel centers of
the corners are the corners of the grid, and zeros lie outside (the paper's appended zero set).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn

from gemini_monai.geometry.types import DDF, Image, Mask

FAR = 16.0
"""A place outside of every image, in units of its half side."""


def identity_grid(
    shape: Sequence[int],
    *,
    device: torch.device | str | None = None,
    dtype: torch.dtype = torch.float32,
) -> Tensor:
    """Voxel coordinate of every voxel, (N, *S): channel k holds the index along axis k."""
    axes = [torch.arange(size, device=device, dtype=dtype) for size in shape]
    return torch.stack(torch.meshgrid(*axes, indexing="ij"))


def sampling_positions(ddf: DDF) -> Tensor:
    """Where each voxel is sampled, ``p + ddf(p)`` in voxels, (B, N, *S), at least float32.

    Raises:
        ValueError: If the field does not have one channel per spatial axis.
    """
    axes = ddf.ndim - 2
    if axes not in (2, 3) or ddf.shape[1] != axes:
        raise ValueError(
            f"ddf must be (B, 2, H, W) or (B, 3, D, H, W) with one channel per spatial axis, "
            f"got shape {tuple(ddf.shape)}"
        )
    if ddf.dtype in (torch.float16, torch.bfloat16):  # half precision steps by 0.125 near 200
        ddf = ddf.float()
    return ddf + identity_grid(ddf.shape[2:], device=ddf.device, dtype=ddf.dtype)


def warp(image: Image, ddf: DDF, *, mode: str = "bilinear") -> Image:
    """Sample an image at ``p + ddf(p)``.

    Args:
        image: What is sampled, (B, C, *S).
        ddf: Displacement in voxels, (B, N, *S), on the grid of the result.
        mode: ``"bilinear"`` (linear in 2-D and 3-D) or ``"nearest"``; nearest passes no gradient
            to the field.

    Returns:
        The warped image, (B, C, *S); zero where the sample lies outside the image. Integer images
        come back in their own dtype.

    Raises:
        ValueError: If the field is not one channel per axis, or batch or spatial shape differ.
    """
    positions = sampling_positions(ddf)
    if image.shape[0] != ddf.shape[0] or image.shape[2:] != ddf.shape[2:]:
        raise ValueError(
            f"image and ddf must share batch and spatial shape, "
            f"got {tuple(image.shape)} and {tuple(ddf.shape)}"
        )
    return sample(image, positions, mode=mode)


class Warp(nn.Module):
    """``warp`` as a block, for configurations and networks.

    Args:
        mode: ``"bilinear"`` or ``"nearest"``.
    """

    def __init__(self, mode: str = "bilinear") -> None:
        super().__init__()
        self.mode = mode

    def forward(self, image: Image, ddf: DDF) -> Image:
        """The image (B, C, *S) sampled at ``p + ddf(p)``; see ``warp``."""
        return warp(image, ddf, mode=self.mode)


def sample(
    image: Image, positions: Tensor, *, mode: str = "bilinear", padding_mode: str = "zeros"
) -> Image:
    """Values of an image at any voxel positions; one that is not finite lies outside.

    Args:
        image: What is sampled, (B, C, *S).
        positions: Voxel coordinates in the image, (B, N, *T), channel k along spatial axis k.
        mode: ``"bilinear"`` or ``"nearest"``.
        padding_mode: ``"zeros"`` outside, or the ``"border"``'s values.

    Returns:
        (B, C, *T); integer images come back in their own dtype.
    """
    image, positions = _without_single_voxels(image, positions, padding_mode=padding_mode)
    with torch.autocast(image.device.type, enabled=False):
        sampled = F.grid_sample(
            image.to(positions.dtype),
            _normalized(positions, image.shape[2:]),
            mode=mode,
            padding_mode=padding_mode,
            align_corners=True,
        )
    return sampled if image.is_floating_point() else sampled.round().to(image.dtype)


def _without_single_voxels(
    image: Image, positions: Tensor, *, padding_mode: str
) -> tuple[Image, Tensor]:
    """A zero on both sides of an axis of one voxel, which grid_sample takes for an endless one."""
    single = [size == 1 for size in image.shape[2:]]
    if padding_mode != "zeros" or not any(single):
        return image, positions
    padding = [int(is_single) for is_single in reversed(single) for _ in range(2)]
    shift = positions.new_tensor([int(is_single) for is_single in single])
    return F.pad(image, padding), positions + shift.view(1, -1, *[1] * (positions.ndim - 2))


def _normalized(positions: Tensor, shape: Sequence[int]) -> Tensor:
    """Voxel positions (B, N, *T) as grid_sample has them: (B, *T, N), last axis first, [-1, 1]."""
    scale = 2.0 / (positions.new_tensor(list(shape)) - 1).clamp_min(1)
    unit = rearrange(positions, "b n ... -> b ... n") * scale - 1.0
    return unit.nan_to_num(FAR, FAR, -FAR).flip(-1)


@torch.no_grad()
def inbounds_mask(ddf: DDF) -> Mask:
    """1 where the nearest voxel to ``p + ddf(p)`` lies inside the image, (B, 1, *S).

    Equals a volume of ones warped with ``mode="nearest"`` (half-way positions round to even, as
    ``grid_sample`` does), from a bounds test alone. No gradient (section 3.1 of the paper: the
    appended zero set must not count as anatomy).
    """
    nearest = sampling_positions(ddf).round()
    last = nearest.new_tensor([size - 1 for size in ddf.shape[2:]])
    last = last.view(1, -1, *[1] * (ddf.ndim - 2))
    inside = ((nearest >= 0) & (nearest <= last)).all(dim=1, keepdim=True)
    return inside.to(nearest.dtype)


def compose(outer: DDF, inner: DDF) -> DDF:
    """The field that warps by ``outer`` first and ``inner`` second, (B, N, *S).

    ``warp(warp(image, outer), inner) = warp(image, compose(outer, inner))`` up to interpolation:
    ``compose(outer, inner)(p) = inner(p) + outer(p + inner(p))``.
    """
    return inner + warp(outer, inner)


def exponential(velocity: DDF, *, squarings: int = 7) -> DDF:
    """Where a stationary velocity leads in a unit of time, (B, N, *S), by scaling and squaring.

    Arsigny et al., MICCAI 2006: of ``velocity / 2 ** squarings``, composed with itself so many
    times; outside the image the border's values go on. What MONAI's ``DVF2DDF`` computes, which
    TorchScript does not take. ``exponential(-velocity)`` is the inverse, and neither folds, but for
    interpolation.

    Args:
        velocity: In voxels a unit of time, (B, N, *S).
        squarings: 0 or more.
    """
    ddf = velocity / 2**squarings
    for _ in range(squarings):
        ddf = ddf + sample(ddf, sampling_positions(ddf), padding_mode="border")
    return ddf


def inverse(ddf: DDF, *, iterations: int = 50) -> DDF:
    """The field that leads back, (B, N, *S), for one that does not fold.

    The fixed point of ``v(p) = -ddf(p + v(p))`` (Chen et al., Med. Phys. 2008), which is reached
    where displacements differ by less than a voxel from one voxel to the next; outside the image
    the border's values go on.

    Args:
        ddf: In voxels, (B, N, *S).
        iterations: Of the fixed point.
    """
    back = torch.zeros_like(ddf)
    for _ in range(iterations):
        back = -sample(ddf, sampling_positions(back), padding_mode="border")
    return back


def jacobian_determinant(ddf: DDF) -> Tensor:
    """Determinant of the Jacobian of ``p -> p + ddf(p)``, (B, 1, *S).

    Central differences inside, one-sided at the border; 1 for no displacement, 0 or below where
    the map folds.

    Raises:
        ValueError: If an axis is shorter than two voxels or the field has the wrong channels.
    """
    if min(ddf.shape[2:]) < 2:
        raise ValueError(f"every axis needs two voxels or more, got {tuple(ddf.shape[2:])}")
    axes = tuple(range(2, ddf.ndim))
    positions = sampling_positions(ddf)
    gradients = torch.gradient(positions, dim=axes)  # d phi_k / d x_j, one entry per axis j
    jacobian = rearrange(list(gradients), "k b n ... -> b ... n k")  # of channel n along axis k
    return rearrange(torch.linalg.det(jacobian), "b ... -> b 1 ...")
