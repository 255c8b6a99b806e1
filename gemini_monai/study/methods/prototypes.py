"""Places of one meaning share a prototype."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from gemini_monai.study.methods.key_queue import unit


class Prototypes(nn.Module):
    """The term that makes DSC-PM of DenseCL (Li et al., ACM Multimedia 2021).

    ``-sum_k s_jk log softmax_k(q_i c_k / t)``, mean over pairs ``i, j`` of places; ``c`` are the
    prototypes, and ``s_j`` is their share in the key of place ``j``, by Sinkhorn's iterations over
    the batch, in which every prototype has as many places (SwAV, Caron et al., NeurIPS 2020).
    From the abstract and memory of the paper (arXiv 2109.07756), whose code was announced and not
    found: number, weight, temperature and sharpness are ours, the equation may be another.

    Args:
        width: Of a query; the ``projection`` of ``DenseCL``.
        number: Of prototypes.
        weight: Factor of the term.
        temperature: ``t``, above 0.
        sharpness: Of the shares: cosines are divided by it before Sinkhorn; above 0.
        rounds: Of Sinkhorn's iterations.
    """

    def __init__(
        self,
        width: int = 64,
        *,
        number: int = 32,
        weight: float = 0.5,
        temperature: float = 0.1,
        sharpness: float = 0.05,
        rounds: int = 3,
    ) -> None:
        super().__init__()
        self.weight, self.temperature = weight, temperature
        self.sharpness, self.rounds = sharpness, rounds
        self.centers = nn.Parameter(torch.randn(number, width))

    def forward(self, query: Tensor, key: Tensor, pairs: Tensor) -> Tensor:
        """Return the weighted term, 0 or more.

        Args:
            query: Of the places of the first view, (B, P, K), of any length.
            key: Of the second view, likewise.
            pairs: Which of them are a pair, (B, P, P).
        """
        image, own, other = pairs.nonzero(as_tuple=True)
        centers = unit(self.centers)
        found = (unit(query[image, own]) @ centers.T.to(query.dtype)) / self.temperature
        with torch.no_grad():
            shares = self.shares(unit(key).flatten(0, 1) @ centers.T.to(key.dtype))
        wanted = shares.unflatten(0, key.shape[:2])[image, other]
        return -self.weight * (wanted * found.log_softmax(dim=1)).sum(dim=1).mean()

    def shares(self, cosine: Tensor) -> Tensor:
        """Of each prototype in each place, (M, number), summing to 1 over prototypes.

        Args:
            cosine: Of places and prototypes, (M, number).
        """
        shares = ((cosine - cosine.max()) / self.sharpness).exp()
        tiny = torch.finfo(shares.dtype).tiny  # a far prototype has sums below 1e-12
        for _ in range(self.rounds):
            shares = shares / shares.sum(dim=0, keepdim=True).clamp(min=tiny)
            shares = shares / shares.sum(dim=1, keepdim=True).clamp(min=tiny)
        return shares
