"""Mean teacher, and the one that knows when it is unsure."""

from __future__ import annotations

import math
from typing import cast

import torch
from torch import Tensor

from gemini_monai.geometry.types import Image
from gemini_monai.networks import DenseNetwork
from gemini_monai.objectives import Batch, Objective, full_precision
from gemini_monai.objectives.teacher import Teacher
from gemini_monai.study.methods.feature_dropout import channel_dropout, perturbed_features


class MeanTeacher(Objective):
    """A segmenter agrees with its moving average (Tarvainen and Valpola, NeurIPS 2017).

    Mean squared difference of two softmax outputs on unlabeled images, the teacher's of an image
    with noise, times ``weight * exp(-5 (1 - t)^2)`` at the share ``t`` of training.

    As ``pytorch/main.py`` and ``mean_teacher/losses.py`` of github.com/CuriousAI/mean-teacher at
    commit 546348f have it for whole images, whose teacher's momentum at step ``t`` is
    ``min(1 - 1 / (t + 1), momentum)``, too. Weight and noise are those of ``UA-MT``'s code.

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
        student = self.probability(network, image)
        with torch.no_grad():
            teacher = self.guess(image)
        error = (student - teacher).square().mean(dim=1, keepdim=True)
        ramp = self.weight * math.exp(-5 * (1 - progress) ** 2)
        return {"consistency": ramp * self.averaged(error, image, progress=progress)}

    def probability(self, network: DenseNetwork, image: Image) -> Tensor:
        """What a network makes of an image, (B, K, *S)."""
        return full_precision(network(image)).softmax(dim=1)

    def guess(self, image: Image) -> Tensor:
        """What the teacher makes of an image with noise, (B, K, *S)."""
        return self.probability(cast(DenseNetwork, self.teacher.module), self.noisy(image))

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
    with ``H = (0.75 + 0.25 exp(-5 (1 - t)^2)) ln C``; the error is averaged over ``u < H``. In
    every pass, the student's too, half of the channels are hidden, of the deepest features and of
    the dense ones, where V-Net has its dropout.

    After ``code/train_LA_meanteacher_certainty_unlabel.py`` and ``networks/vnet.py`` of
    github.com/yulequan/UA-MT at commit 88ed29a. Its ``ln 2`` is the greatest entropy of its two
    classes; for C classes it is ``ln C``. Its supervised term has the dropout, too; the bundle's
    has none. Its teacher's momentum at step ``t`` is ``min(1 - 1 / (t + 1), momentum)``.

    Args:
        weight: Factor of the term at the end of training.
        momentum: Share of the teacher that stays at every step, from 0 to 1.
        noise: Standard deviation of the noise, of images in [0, 1]; cut at twice of it.
        passes: Noisy images that the entropy is of.
        dropout: Share of channels that are hidden, below 1.
    """

    def __init__(
        self,
        *,
        weight: float = 0.1,
        momentum: float = 0.99,
        noise: float = 0.1,
        passes: int = 8,
        dropout: float = 0.5,
    ) -> None:
        super().__init__(weight=weight, momentum=momentum, noise=noise)
        self.passes, self.dropout = passes, dropout

    def probability(self, network: DenseNetwork, image: Image) -> Tensor:
        """What a network with hidden channels makes of an image, (B, K, *S)."""
        dense = perturbed_features(network, image, self._hidden_at_the_deepest)
        logits = network.head(channel_dropout(dense, self.dropout))
        return full_precision(logits).softmax(dim=1)

    def _hidden_at_the_deepest(self, levels: list[Tensor]) -> list[Tensor]:
        if len(levels) == 1:
            return levels  # the dense ones, which are hidden below
        return [*levels[:-1], channel_dropout(levels[-1], self.dropout)]

    def averaged(self, error: Tensor, image: Image, *, progress: float) -> Tensor:
        """Mean of the error (B, 1, *S) over the voxels that are sure; 0 where there is none."""
        with torch.no_grad():
            sure = self._entropy(image) < 0.75 + 0.25 * math.exp(-5 * (1 - progress) ** 2)
        return (error * sure).sum() / sure.sum().clamp(min=1)

    def _entropy(self, image: Image) -> Tensor:
        """Of the mean output of the teacher over noisy images, (B, 1, *S), as a share of ln C."""
        mean = torch.stack([self.guess(image) for _ in range(self.passes)]).mean(dim=0)
        return -torch.xlogy(mean, mean).sum(dim=1, keepdim=True) / math.log(mean.shape[1])
