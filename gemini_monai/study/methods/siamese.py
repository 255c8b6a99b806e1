"""Two views of an image predict one another, without negatives."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from gemini_monai.networks import DenseNetwork
from gemini_monai.objectives import Batch, full_precision
from gemini_monai.study.methods.embedding import image_embedding, perceptron, width_of
from gemini_monai.study.methods.view_objective import TaughtViewObjective, ViewObjective


class SimSiam(ViewObjective):
    """``-(cos(p1, sg z2) + cos(p2, sg z1)) / 2`` (Chen and He, CVPR 2021).

    ``z`` is a projection of the pooled deepest features, ``p`` a prediction from it, ``sg`` stops
    the gradient. Heads and loss are those of github.com/facebookresearch/simsiam, a7bc177
    (``simsiam/builder.py``, ``main_simsiam.py``), but narrower, and normalized over both views
    together: there the batch of a view is 512 images, here a few. Trains the encoder; the decoder
    stays as it is initialized.

    Args:
        projection: Width of the projection; 2048 in the paper.
        hidden: Width of the predictor's hidden layer, a quarter of it in the paper.
    """

    trains = "encoder"
    several = True

    def __init__(self, *, projection: int = 256, hidden: int = 64) -> None:
        super().__init__()
        self.projection, self.hidden = projection, hidden

    def bind(self, network: DenseNetwork) -> None:
        """Fit the heads to the network's deepest features."""
        width = self.projection
        self.projector = perceptron(width_of(network), width, width, width, normalized=True)
        self.predictor = perceptron(width, self.hidden, width)

    def forward(
        self, network: DenseNetwork, batch: Batch, *, progress: float = 1.0
    ) -> dict[str, Tensor]:
        """``similarity``, from -1 to 1.

        Args:
            network: A ``Gemini``.
            batch: ``view_a`` and ``view_b`` (B, C, *S), 2 images or more.
            progress: Unused; this objective has no schedule.

        Raises:
            InputError: If there is one image only.
        """
        projected = self.projector(image_embedding(network, torch.cat(self.views(batch))))
        return {"similarity": -_crossed(self.predictor(projected), projected) / 2}


class BYOL(TaughtViewObjective):
    """``2 - 2 cos(q(z1), z2')``, both ways (Grill et al., NeurIPS 2020).

    ``z'`` is of a moving average, whose momentum grows from ``momentum`` to 1 by half a cosine.
    Heads, loss and schedule are those of github.com/google-deepmind/deepmind-research, 4822a45
    (``byol``), but narrower, and normalized over both views together: there the batch of a view is
    4096 images, here a few. Trains the encoder; the decoder stays as it is initialized.

    Args:
        momentum: At the start of training; in that code 0.97 to 0.996, the longer the training.
        hidden: Width of the hidden layers; 4096 in the paper.
        projection: Width of projection and prediction; 256 in the paper.
    """

    trains = "encoder"
    several = True
    rises = True

    def __init__(self, *, momentum: float = 0.99, hidden: int = 512, projection: int = 128) -> None:
        super().__init__(momentum)
        self.hidden, self.projection = hidden, projection

    def bind(self, network: DenseNetwork) -> None:
        """Fit the heads to the network's deepest features, and copy what is averaged."""
        self.projector = perceptron(width_of(network), self.hidden, self.projection)
        self.predictor = perceptron(self.projection, self.hidden, self.projection)
        super().bind(network)

    def forward(
        self, network: DenseNetwork, batch: Batch, *, progress: float = 1.0
    ) -> dict[str, Tensor]:
        """``prediction``, from 0 to 8.

        Args:
            network: A ``Gemini``.
            batch: ``view_a`` and ``view_b`` (B, C, *S), 2 images or more.
            progress: Unused here.

        Raises:
            InputError: If there is one image only.
        """
        views = torch.cat(self.views(batch))
        prediction = self.predictor(self.projector(image_embedding(network, views)))
        with torch.no_grad():
            average, projector = self.averages()
            target = projector(image_embedding(average, views))
        return {"prediction": 4 - 2 * _crossed(prediction, target)}


def _crossed(prediction: Tensor, target: Tensor) -> Tensor:
    """Mean cosine of the first half's predictions and the second half's targets, and vice versa.

    From -2 to 2, the sum of both; no gradient reaches the targets.
    """
    with torch.autocast(prediction.device.type, enabled=False):
        one, other = full_precision(prediction), full_precision(target.detach())
        return 2 * F.cosine_similarity(one, other.roll(len(other) // 2, 0), dim=1).mean()
