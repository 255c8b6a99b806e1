"""Mean teacher, and the one that knows when it is unsure."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from gemini_monai.geometry.types import Image
from gemini_monai.networks import DenseNetwork
from gemini_monai.objectives import Batch, Objective, full_precision
from gemini_monai.study.methods.teacher import Teacher


class MeanTeacher(Objective):
    """A segmenter agrees with its moving average (Tarvainen and Valpola, NeurIPS 2017).

    Mean squared difference of two softmax outputs on unlabeled images, the teacher's of an image
    with noise, times ``weight * exp(-5 (1 - t)^2)`` at the share ``t`` of training.

    Args:
        weight: Factor of the term at the end of training.
        momentum: Share of the teacher that stays at every step, from 0 to 1.
        noise: Standard deviation of the noise, of images in [0, 1]; cut at twice of it.
    """

    reads = ("unlabeled",)

    def __init__(self, *, weight: float = 0.1, momentum: float = 0.99, noise: float = 0.1) -> None:
        super().__init__()
        self.weight, self.momentum, self.noise = weight, momentum, noise

    def bind(self, network: DenseNetwork) -> None:
        """Copy the network; no gradient reaches the copy."""
        self.teacher = Teacher(network, self.momentum)

    def forward(
        self, network: DenseNetwork, batch: Batch, *, progress: float = 1.0
    ) -> dict[str, Tensor]:
        """Weighted ``consistency``.

        Args:
            network: Maps an image to logits.
            batch: ``unlabeled`` (B, C, *S), in [0, 1].
            progress: Share of training that is done.
        """
        image = batch["unlabeled"]
        student = full_precision(network(image)).softmax(dim=1)
        with torch.no_grad():
            teacher = full_precision(self.teacher(self.noisy(image))).softmax(dim=1)
        error = (student - teacher).square().mean(dim=1, keepdim=True)
        ramp = self.weight * math.exp(-5 * (1 - progress) ** 2)
        return {"consistency": ramp * self.averaged(error, image, progress=progress)}

    def noisy(self, image: Image) -> Image:
        """The image with noise of its own."""
        noise = self.noise * torch.randn_like(image)
        return image + noise.clamp(-2 * self.noise, 2 * self.noise)

    def averaged(self, error: Tensor, image: Image, *, progress: float) -> Tensor:
        """Mean of the error (B, 1, *S) over all voxels."""
        return error.mean()

    def after_step(self, network: DenseNetwork, *, progress: float = 1.0) -> None:
        """Let the teacher follow."""
        self.teacher.update_parameters(network)


class UncertaintyAwareMeanTeacher(MeanTeacher):
    """UA-MT: only voxels of which the teacher is sure count (Yu et al., MICCAI 2019).

    The entropy ``u`` of the mean of the teacher's outputs over ``passes`` noisy images is compared
    with ``H = (0.75 + 0.25 exp(-5 (1 - t)^2)) ln C``; the error is averaged over ``u < H``. The
    paper has ``ln 2``, the greatest entropy of its two classes; for C classes it is ``ln C``.

    Args:
        weight: Factor of the term at the end of training.
        momentum: Share of the teacher that stays at every step, from 0 to 1.
        noise: Standard deviation of the noise, of images in [0, 1]; cut at twice of it.
        passes: Noisy images that the entropy is of.
    """

    def __init__(
        self,
        *,
        weight: float = 0.1,
        momentum: float = 0.99,
        noise: float = 0.1,
        passes: int = 8,
    ) -> None:
        super().__init__(weight=weight, momentum=momentum, noise=noise)
        self.passes = passes

    def averaged(self, error: Tensor, image: Image, *, progress: float) -> Tensor:
        """Mean of the error (B, 1, *S) over the voxels that are sure; 0 where there is none."""
        with torch.no_grad():
            sure = self._entropy(image) < 0.75 + 0.25 * math.exp(-5 * (1 - progress) ** 2)
        return (error * sure).sum() / sure.sum().clamp(min=1)

    def _entropy(self, image: Image) -> Tensor:
        """Of the mean output of the teacher over noisy images, (B, 1, *S), as a share of ln C."""
        outputs = [
            full_precision(self.teacher(self.noisy(image))).softmax(1) for _ in range(self.passes)
        ]
        mean = torch.stack(outputs).mean(dim=0)
        return -torch.xlogy(mean, mean).sum(dim=1, keepdim=True) / math.log(mean.shape[1])
