"""What restores noisy images tells the segmenter of anatomy, and hard regions weigh more."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from gemini_monai.base.errors import InputError
from gemini_monai.networks import DenseNetwork
from gemini_monai.objectives import Batch, Objective, full_precision
from gemini_monai.study.methods.anatomy import label_maps


class DeepPrior(Objective):
    """DPA-DenseBiasNet's terms (He Y. et al., MedIA 2020), for a ``PriorUNetBackbone``.

    ``denoising`` is the mean squared error of what the prior makes of images with Gaussian noise,
    with and without labels, against them as they are; nothing else trains the prior.
    ``hard_regions`` is the cross-entropy, one class against the rest, where a class's probability
    is off its label by more than ``error``, over the number of such voxels, ignored ones not among
    them; 0 where there are none. In part from memory of the paper, which trains the prior first.
    The weights are ours. The authors' repository, github.com/YutingHe-list/DenseBiasNet-pytorch at
    commit fc7cd7f, has the dense biased network and common losses, neither the prior nor hard
    regions, so that nothing here is checked against it.

    Args:
        weight: Factor of ``hard_regions``.
        restoration: Factor of ``denoising``; as the prior learns of it alone, a factor hardly
            matters to Adam.
        noise: Standard deviation, of images in [0, 1].
        error: From 0 to 1.
    """

    reads = ("image", "label", "unlabeled")

    def __init__(
        self,
        *,
        weight: float = 1.0,
        restoration: float = 100.0,
        noise: float = 0.2,
        error: float = 0.1,
    ) -> None:
        super().__init__()
        self.weight, self.restoration = weight, restoration
        self.noise, self.error = noise, error

    def forward(
        self, network: DenseNetwork, batch: Batch, *, progress: float = 1.0
    ) -> dict[str, Tensor]:
        """Weighted ``denoising`` and ``hard_regions``.

        Args:
            network: A ``Gemini`` with a ``PriorUNetBackbone`` and a head for exclusive classes.
            batch: ``image`` (B, C, *S), ``label`` (B, 1, *S), ``unlabeled`` (B', C, *S).
            progress: Unused; this objective has no schedule.

        Raises:
            InputError: If the backbone has no prior, or structures may overlap.
        """
        restore = getattr(network.backbone, "restored", None)
        if restore is None:
            found = type(network.backbone).__name__
            raise InputError(f"backbone: DeepPrior needs a PriorUNetBackbone, got {found}")
        clean = torch.cat([batch["image"], batch["unlabeled"]])
        noisy = clean + self.noise * torch.randn_like(clean)
        restored = full_precision(restore(noisy))
        hard = self._hard_regions(network, batch)
        return {
            "denoising": self.restoration * F.mse_loss(restored, clean.to(restored.dtype)),
            "hard_regions": self.weight * hard,
        }

    def _hard_regions(self, network: DenseNetwork, batch: Batch) -> Tensor:
        logits = full_precision(network(batch["image"]))
        target = label_maps(batch["label"], network)
        label, probability = target.maps.to(logits.dtype), logits.softmax(dim=1)
        hard = (probability.detach() - label).abs() > self.error
        hard = hard if target.counts is None else hard & target.counts
        chance = torch.where(label > 0, probability, 1 - probability)
        error = -(chance + 1e-6).log()
        return (error * hard).sum() / hard.sum().clamp(min=1)
