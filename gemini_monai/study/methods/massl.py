"""Each structure of an image is restored from the features that segment it."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from gemini_monai.geometry.labels import counted_with, mean_where
from gemini_monai.networks import DenseNetwork, dense_head, last_layer, spatial_dims_of
from gemini_monai.objectives import Batch, Objective, full_precision


class AttentionRestoration(Objective):
    """MASSL's second task (Chen et al., MICCAI 2019: multi-task attention-based learning).

    The mean over classes ``c`` of ``MSE(r_c, x p_c)``, on images with and without labels: ``p_c``
    is the segmenter's own probability, which no gradient reaches, and ``r`` a head on the dense
    features, thrown away after training. Written from memory of the paper, which has a second
    decoder where this has a head, so that here the decoder learns of both tasks; its two classes
    are a structure and its background. The weight is ours. What is ignored is not restored.

    Args:
        weight: Factor of the term.
        in_channels: Channels of the image.
    """

    reads = ("image", "label", "unlabeled")

    def __init__(self, *, weight: float = 10.0, in_channels: int = 1) -> None:
        super().__init__()
        self.weight, self.in_channels = weight, in_channels

    def bind(self, network: DenseNetwork) -> None:
        """Fit the head to the network's dense features and classes."""
        channels = last_layer(network).out_channels * self.in_channels
        self.head = dense_head(spatial_dims_of(network), network.feature_channels, channels)

    def forward(
        self, network: DenseNetwork, batch: Batch, *, progress: float = 1.0
    ) -> dict[str, Tensor]:
        """Weighted ``attention_restoration``.

        Args:
            network: A ``Gemini`` with a head for exclusive classes.
            batch: ``image`` (B, C, *S), and ``unlabeled`` (B', C, *S); ``label`` (B, 1, *S) only
                says what is ignored, and may be absent.
            progress: Unused; this objective has no schedule.
        """
        image = torch.cat([batch["image"], batch["unlabeled"]])
        features = network.features(image)
        with torch.no_grad():
            attention = full_precision(network.head(features)).softmax(dim=1)
        restored = full_precision(self.head(features)).unflatten(1, (attention.shape[1], -1))
        wanted = attention[:, :, None] * image[:, None]
        label = batch.get("label")
        counts = None if label is None else counted_with(label, batch["unlabeled"])
        if counts is None:
            error = F.mse_loss(restored, wanted)
        else:
            error = mean_where((restored - wanted).square(), counts[:, None])
        return {"attention_restoration": self.weight * error}
