"""Registration makes labeled images, and says where its labels can be believed."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from gemini_monai.geometry.labels import mean_where
from gemini_monai.geometry.types import Image
from gemini_monai.geometry.warp import warp
from gemini_monai.networks import DenseNetwork, spatial_dims_of
from gemini_monai.objectives import Batch, Objective, OverlapLoss, full_precision
from gemini_monai.study.methods.anatomy import label_maps
from gemini_monai.study.methods.fixmatch import changed_intensity
from gemini_monai.study.methods.pair_network import PairNetwork
from gemini_monai.study.methods.voxelmorph import atlas_pairs


class PartialWayTeaching(Objective):
    """DeepRS's segmentation (He Y. et al., ECCV 2020), beside ``AtlasRegistration``.

    - Dice on labeled images that went a random share, from 0 to 1, of their way to an unlabeled
      one, with the label that went with them.
    - Cross-entropy on the unlabeled image with the label warped onto it, weighted voxel by voxel by
      a discriminator's confidence that the warped image and the unlabeled one are aligned.
    - The discriminator, a network of its own that is thrown away, learns to tell the pair of an
      unlabeled image and itself in other intensities, which is aligned, from that registered pair.

    No gradient reaches a field, nor one of the segmentation the discriminator. Written from memory
    of the paper, where the discriminator also trains the registration: nothing adversarial reaches
    the field here. How aligned pairs are made and the weights are ours. No code of the authors was
    found to check it against.

    Args:
        weight: Factor of Dice.
        confident: Factor of the weighted cross-entropy.
        strength: Of the other intensities, as that of ``FixMatch``.
        in_channels: Channels of the image.
    """

    reads = ("image", "label", "partner")

    def __init__(
        self,
        *,
        weight: float = 10.0,
        confident: float = 5.0,
        strength: float = 0.2,
        in_channels: int = 1,
    ) -> None:
        super().__init__()
        self.weight, self.confident, self.strength = weight, confident, strength
        self.in_channels = in_channels
        self.dice_loss = OverlapLoss()

    def bind(self, network: DenseNetwork) -> None:
        """Make the discriminator, of as many axes as the segmenter has."""
        dims = spatial_dims_of(network)
        self.discriminator = PairNetwork(dims, self.in_channels, 1)

    def forward(
        self, network: DenseNetwork, batch: Batch, *, progress: float = 1.0
    ) -> dict[str, Tensor]:
        """Weighted ``partial_way`` and ``confident_teaching``, and ``discriminator``.

        Args:
            network: A ``Gemini`` with a head for exclusive classes.
            batch: ``image`` (B, C, *S), in [0, 1], ``label`` (B, 1, *S), ``partner``
                (B', C, *S), in [0, 1]; the first of each as far as both go.
            progress: Unused; this objective has no schedule.
        """
        image, label, other = atlas_pairs(batch)
        target = label_maps(label, network)
        with torch.no_grad():
            ddf = network.correspond(image, other).ddf_ab
        some_way = self.drawn(image) * ddf
        on_the_way, seen = full_precision(network(torch.cat([warp(image, some_way), other]))).chunk(
            2
        )
        aligned = self.discriminator(other, self.changed(other))
        registered = self.discriminator(other, warp(image, ddf))
        wanted, on_the_way = target.warped(ddf), on_the_way.softmax(dim=1)
        error = F.cross_entropy(seen, wanted.maps, reduction="none")[:, None]
        believed = registered.detach().sigmoid() * error
        return {
            "partial_way": self.weight * self.dice_loss(on_the_way, target.warped(some_way)),
            "confident_teaching": self.confident * mean_where(believed, wanted.counts),
            "discriminator": F.softplus(-aligned).mean() + F.softplus(registered).mean(),
        }

    def drawn(self, image: Image) -> Tensor:
        """A share from 0 to 1 for each image, (B, 1, ...)."""
        return torch.rand(len(image), *[1] * (image.dim() - 1), device=image.device)

    def changed(self, image: Image) -> Image:
        """Itself in other intensities, (B, C, *S)."""
        return changed_intensity(image, strength=self.strength)
