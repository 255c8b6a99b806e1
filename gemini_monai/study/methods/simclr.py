"""Two views of an image are told from those of other images of the batch."""

from __future__ import annotations

import torch
from monai.losses.contrastive import ContrastiveLoss
from torch import Tensor

from gemini_monai.networks import DenseNetwork
from gemini_monai.objectives import Batch, full_precision
from gemini_monai.study.methods.embedding import image_embedding, two_layers, width_of
from gemini_monai.study.methods.view_objective import ViewObjective


class SimCLR(ViewObjective):
    """NT-Xent over the pooled deepest features (Chen et al., ICML 2020).

    The loss is MONAI's ``ContrastiveLoss``, half of ``add_contrastive_loss`` of github.com/
    google-research/simclr, 383d414, which adds what is averaged here; temperature and width are its
    defaults. The projection is the paper's two layers; its code normalizes over the batch of 4,096,
    which a few images cannot do. Trains the encoder; the decoder stays as it is initialized.

    Args:
        temperature: Of the cosines, above 0.
        projection: Width of the projection, whose hidden layer is as wide as the features.
    """

    trains = "encoder"
    several = True

    def __init__(self, *, temperature: float = 0.1, projection: int = 128) -> None:
        super().__init__()
        self.loss = ContrastiveLoss(temperature=temperature)
        self.projection = projection

    def bind(self, network: DenseNetwork) -> None:
        """Fit the projection to the network's deepest features."""
        width = width_of(network)
        self.projector = two_layers(width, width, self.projection)

    def forward(
        self, network: DenseNetwork, batch: Batch, *, progress: float = 1.0
    ) -> dict[str, Tensor]:
        """``instance_contrast``, 0 or more.

        Args:
            network: A ``Gemini``.
            batch: ``view_a`` and ``view_b`` (B, C, *S), 2 images or more.
            progress: Unused; this objective has no schedule.

        Raises:
            InputError: If there is one image only.
        """
        projected = self.projector(image_embedding(network, torch.cat(self.views(batch))))
        with torch.autocast(projected.device.type, enabled=False):
            found = self.loss(*full_precision(projected).chunk(2))
        return {"instance_contrast": found}
