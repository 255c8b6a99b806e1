"""Each structure of an image is restored from the features that segment it."""

from __future__ import annotations

import torch
from torch import Tensor

from gemini_monai.networks import DenseNetwork, dense_head, last_layer, spatial_dims_of
from gemini_monai.objectives import Batch, Objective, full_precision


class AttentionRestoration(Objective):
    """MASSL's second task (Chen et al., MICCAI 2019: multi-task attention-based learning).

    The sum over classes ``c`` of ``a_c MSE(r_c, x p_c)`` on unlabeled images: ``p_c`` is the
    segmenter's own probability, which no gradient reaches, ``a_c`` its mean over the batch, and
    ``r``, from 0 to 1, what a head makes of the dense features, thrown away after training.

    After the alternating training of ``Network_training_SSL_epoch_attention_BraTS18.py`` of
    github.com/ShuaiChenBIGR/MASSL-segmentation-framework at commit 3bf9f02. There, ``r`` has a
    decoder of its own without skips, where this has a head, so that here the segmenter's decoder
    learns of both tasks; the classes are a structure and its background; gradients reach ``p``, by
    the encoder; and ``r`` is still that of the labeled images before, which we take for a slip. The
    weight is ours, as each task has an optimizer there.

    Args:
        weight: Factor of the term.
        in_channels: Channels of the image.
    """

    reads = ("unlabeled",)

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
            batch: ``unlabeled`` (B, C, *S), in [0, 1].
            progress: Unused; this objective has no schedule.
        """
        image = batch["unlabeled"]
        features = network.features(image)
        with torch.no_grad():
            attention = full_precision(network.head(features)).softmax(dim=1)
        restored = full_precision(self.head(features)).sigmoid()
        restored = restored.unflatten(1, (attention.shape[1], -1))
        error = (restored - attention[:, :, None] * image[:, None]).square()
        of_class = error.transpose(0, 1).flatten(1).mean(dim=1)
        share = attention.transpose(0, 1).flatten(1).mean(dim=1)
        return {"attention_restoration": self.weight * (share * of_class).sum()}
