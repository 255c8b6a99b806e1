"""An image that goes to another and comes back is to be what it was."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from gemini_monai.geometry.labels import Target
from gemini_monai.geometry.warp import compose, warp
from gemini_monai.networks import DenseNetwork
from gemini_monai.objectives import Batch, OverlapLoss
from gemini_monai.study.methods.anatomy import label_maps
from gemini_monai.study.methods.voxelmorph import AtlasRegistration, atlas_pairs


class CycleRegistration(AtlasRegistration):
    """LT-Net's correspondence (Wang S. et al., CVPR 2020): registration, there and back again.

    With a labeled image ``x``, its label ``y`` and the fields to an unlabeled image and back:
    smoothness and visual similarity, and

    - ``image`` times the mean of ``|x - warp(warp(x, there), back)|``,
    - ``transformation`` times the mean squared length in voxels of the way there and back,
    - ``anatomy`` times Dice of ``warp(warp(y, there), back)`` with ``y``.

    ``AtlasInferer`` segments by it. Written from memory of the paper; no code of the authors was
    found to check it against. Its adversarial realism of the warped image is left out; it has one
    labeled image, here there may be several; its two networks for the two ways are one. The weights
    of the cycles are ours, and small: a field that is 0 everywhere costs them nothing, and large
    ones keep it there.

    Args:
        image: Weight of the image's cycle.
        transformation: Weight of the field's cycle.
        anatomy: Weight of the label's cycle.
        smoothness: Weight of equation 3 of GEMINI's paper.
        visual: Weight of its equation 6.
    """

    reads = ("image", "label", "partner")

    def __init__(
        self,
        *,
        image: float = 0.1,
        transformation: float = 0.01,
        anatomy: float = 0.1,
        smoothness: float = 0.4,
        visual: float = 1.0,
    ) -> None:
        super().__init__(smoothness=smoothness, visual=visual)
        self.image, self.transformation, self.anatomy = image, transformation, anatomy
        self.dice_loss = OverlapLoss()

    def forward(
        self, network: DenseNetwork, batch: Batch, *, progress: float = 1.0
    ) -> dict[str, Tensor]:
        """Weighted ``smoothness``, ``visual`` and the three cycles, ``image_cycle`` and so on.

        Args:
            network: A ``Gemini`` with a head for exclusive classes, which is not trained.
            batch: ``image`` (B, C, *S), ``label`` (B, 1, *S), ``partner`` (B', C, *S); the first
                of each as far as both go.
            progress: Unused; this objective has no schedule.
        """
        image, label, other = atlas_pairs(batch)
        pair = network.correspond(image, other)
        there, back = pair.ddf_ab, pair.ddf_ba
        target = label_maps(label, network)
        target = Target(target.maps.to(there.dtype), target.counts)
        image_again = warp(warp(image, there), back)
        target_again = target.warped(there).warped(back)
        length = compose(there, back).square().sum(dim=1)
        return self.similarity(pair, image, other) | {
            "image_cycle": self.image * F.l1_loss(image_again, image),
            "transformation_cycle": self.transformation * length.mean(),
            "anatomy_cycle": self.anatomy
            * self.dice_loss(target_again.maps, target.where(target_again.counts)),
        }
