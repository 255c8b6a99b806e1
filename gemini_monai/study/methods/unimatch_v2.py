"""Two strong views of which complementary features are hidden."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from gemini_monai.geometry.types import Image, Mask
from gemini_monai.networks import DenseNetwork
from gemini_monai.objectives import Batch, Objective, full_precision
from gemini_monai.objectives.teacher import Teacher
from gemini_monai.study.methods.boxes import cut_mix_box, cut_mixed
from gemini_monai.study.methods.color_jitter import color_jittered
from gemini_monai.study.methods.feature_dropout import perturbed_features
from gemini_monai.study.methods.pseudo_labels import pseudo_label


class UniMatchV2(Objective):
    """UniMatch V2 (Yang et al., arXiv:2410.10777, 2024) without its encoder.

    Mean over two strong views, as those of ``UniMatch``, of the cross-entropy with the label map
    that a moving average makes of the image as it is, where that is sure, over all voxels. In half
    of the images, each channel of each level of the encoder is hidden in one of the two views, and
    doubled in the other.

    After ``unimatch_v2.py`` and ``model/semseg/dpt.py`` of github.com/LiheYoung/UniMatch-V2 at
    commit f6afb4d. Its encoder, DINOv2 with one draw for all levels, is the common one here. Its
    average's momentum at step ``t`` is ``min(1 - 1 / (t + 1), momentum)``.

    Args:
        weight: Factor of the term; theirs is that of supervised cross-entropy.
        threshold: Least certainty that counts, from 0 to 1.
        momentum: Share of the average that stays at every step, from 0 to 1.
    """

    reads = ("unlabeled",)

    def __init__(
        self, *, weight: float = 1.0, threshold: float = 0.95, momentum: float = 0.996
    ) -> None:
        super().__init__()
        self.weight, self.threshold, self.momentum = weight, threshold, momentum

    def bind(self, network: DenseNetwork) -> None:
        """Copy the network; no gradient reaches the copy."""
        self.teacher = Teacher(network, self.momentum)

    def forward(
        self, network: DenseNetwork, batch: Batch, *, progress: float = 1.0
    ) -> dict[str, Tensor]:
        """Weighted ``complementary_views``, 0 or more.

        Args:
            network: Maps an image to logits, by a backbone and a head.
            batch: ``unlabeled`` (B, C, *S), in [0, 1].
            progress: Unused; this objective has no schedule.
        """
        image = batch["unlabeled"]
        with torch.no_grad():
            guess = pseudo_label(self.teacher(image))
        boxes = [self.box(image) for _ in range(2)]
        views = torch.cat([cut_mixed(self.view(image), inside) for inside in boxes])
        logits = network.head(perturbed_features(network, views, self.hidden))
        wanted = [guess.mixed(inside) for inside in boxes]
        label, certainty = (torch.cat(own)[:, 0] for own in zip(*wanted, strict=True))
        error = F.cross_entropy(full_precision(logits), label, reduction="none")
        error = (error * (certainty >= self.threshold)).mean()
        return {"complementary_views": self.weight * error}

    def hidden(self, levels: list[Tensor]) -> list[Tensor]:
        """Levels of both views, (2 B, K, *S), with complementary channels hidden."""
        count = len(levels[0]) // 2
        whole = torch.randperm(count)[: count // 2]
        return [self.complementary(level, whole) for level in levels]

    def complementary(self, level: Tensor, whole: Tensor) -> Tensor:
        """One level of both views; images whose number is in ``whole`` stay as they are."""
        shape = (len(level) // 2, level.shape[1], *[1] * (level.dim() - 2))
        scale = 2 * torch.empty(shape).bernoulli_(0.5)
        scale[whole] = 1.0
        return level * torch.cat([scale, 2 - scale]).to(level)

    def view(self, image: Image) -> Image:
        """A strong view, before it is mixed, (B, C, *S)."""
        return color_jittered(image)

    def box(self, image: Image) -> Mask:
        """True where the next image's view is seen, (B, 1, *S)."""
        return cut_mix_box(image)

    def after_step(self, network: DenseNetwork, *, progress: float = 1.0) -> None:
        """Let the average follow."""
        self.teacher.update_parameters(network)
