"""Geometric visual similarity (GVS), equation 6: masked local cross-correlation of intensities."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gemini_monai.geometry.types import Image, Mask

LARGEST = 2.0
"""Intensity beyond which sums of squares over a window lose digits in single precision."""


class VisualSimilarityLoss(nn.Module):
    r"""One minus the mean squared local normalized cross-correlation inside a mask.

    ``cc = cross**2 / (var_a * var_b + 1e-5)`` over windows of ``window`` voxels a side, zero
    outside the image (equation 6, with the squared denominator of the authors' code). 0 when the
    images agree up to gain and offset in every window, 1 when they share nothing or the mask is
    empty. The constant is meant for intensities of about 1: a batch that goes beyond ``LARGEST`` is
    shifted by each image's mean and scaled into [-1, 1] first, with what lies outside, which leaves
    the correlation as it is and single precision its digits. Values outside the mask may be
    anything.

    Args:
        window: Side of the window in voxels, odd.

    Raises:
        ValueError: If ``window`` is not a positive odd number.
    """

    epsilon = 1e-5

    def __init__(self, window: int = 9) -> None:
        super().__init__()
        if window < 1 or window % 2 == 0:
            raise ValueError(f"window must be a positive odd number of voxels, got {window}")
        self.window = window

    def forward(self, warped: Image, fixed: Image, mask: Mask) -> Tensor:
        """Return a scalar for two images (B, C, *S) and a mask (B, 1, *S).

        Raises:
            ValueError: If the images differ in shape (torch would broadcast).
        """
        if warped.shape != fixed.shape:
            raise ValueError(
                f"images must have one shape, got {tuple(warped.shape)} and {tuple(fixed.shape)}"
            )
        with torch.autocast(warped.device.type, enabled=False):
            if warped.dtype in (torch.float16, torch.bfloat16):
                warped = warped.float()
            fixed = fixed.to(warped.dtype)
            counts = mask > 0
            correlation = self.local_correlation(_known(warped, counts), _known(fixed, counts))
            mask = mask.to(warped.dtype).expand_as(correlation)
            return 1 - (mask * correlation).sum() / (mask.sum() + self._mask_epsilon(mask))

    def local_correlation(self, image_a: Image, image_b: Image) -> Tensor:
        """Squared local correlation of each voxel's window, (B, C, *S), in [0, 1]."""
        voxels = self.window ** (image_a.ndim - 2)
        (image_a, out_a), (image_b, out_b) = _of_order_one(image_a), _of_order_one(image_b)
        products = [image_a, image_b, image_a * image_a, image_b * image_b, image_a * image_b]
        sums = _box_sums(products, window=self.window)
        if out_a.any() or out_b.any():
            beyond = [out_a, out_b, out_a * out_a, out_b * out_b, out_a * out_b]
            count = voxels - _inside(image_a, window=self.window)
            sums = [own + count * value for own, value in zip(sums, beyond, strict=True)]
        sum_a, sum_b, sum_aa, sum_bb, sum_ab = sums
        cross = sum_ab - sum_a * sum_b / voxels
        variance_a = (sum_aa - sum_a * sum_a / voxels).clamp_min(0)  # rounding may leave less
        variance_b = (sum_bb - sum_b * sum_b / voxels).clamp_min(0)
        return cross * cross / (variance_a * variance_b + self.epsilon)

    @staticmethod
    def _mask_epsilon(mask: Mask) -> float:
        # The authors add 1e-5 to the mask's sum in 2-D, and 1e-6 to each of its voxels in 3-D.
        return 1e-5 if mask.ndim == 4 else 1e-6 * mask.numel()


def _known(image: Image, counts: Tensor) -> Image:
    """The image, with zero for what is not finite where nothing counts."""
    return torch.where(torch.isfinite(image) | counts, image, 0.0)


def _of_order_one(image: Image) -> tuple[Image, Tensor]:
    """Images as they are, or, beyond ``LARGEST``, of mean 0 and in [-1, 1]; and what is outside."""
    values = image.detach()
    if not bool(values.abs().max() > LARGEST):
        return image, image.new_zeros(())
    axes = tuple(range(1, image.ndim))
    shift = values.mean(axes, keepdim=True)
    scale = 1 / (values - shift).abs().amax(axes, keepdim=True).clamp_min(1)
    return (image - shift) * scale, -shift * scale


def _inside(image: Image, *, window: int) -> Tensor:
    """Voxels of each window that lie in the image, (*S)."""
    reach, total = window // 2, image.new_ones(())
    for size in image.shape[2:]:
        place = torch.arange(size, device=image.device)
        along = (place + reach).clamp_max(size - 1) - (place - reach).clamp_min(0) + 1
        total = total[..., None] * along.to(image.dtype)
    return total


def _box_sums(images: list[Tensor], *, window: int) -> list[Tensor]:
    """Sum of each image over a cube of ``window`` voxels a side, zeros outside, axis by axis."""
    stacked = torch.cat(images, dim=1)
    axes = stacked.ndim - 2
    pool = F.avg_pool2d if axes == 2 else F.avg_pool3d
    for axis in range(axes):
        kernel = [window if k == axis else 1 for k in range(axes)]
        padding = [k // 2 for k in kernel]
        if stacked.shape[2 + axis] < window:  # which 3-D pooling refuses, padding or not
            stacked = F.pad(stacked, [side for k in padding[::-1] for side in (k, k)])
            padding = [0] * axes
        stacked = pool(stacked, kernel, stride=1, padding=padding, divisor_override=1)
    return list(stacked.chunk(len(images), dim=1))
