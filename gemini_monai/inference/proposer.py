"""What proposes the labels of scans, and which scans it is asked for first."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import nn
from tqdm import tqdm

from gemini_monai.inference.agreement import agreement_of
from gemini_monai.inference.segmentation import Item, with_logits
from gemini_monai.transforms import InputSpec, preprocessing


class Proposal(NamedTuple):
    """A label of one scan, before it is written, and what is said of it."""

    item: Item
    """The scan by its preprocessing, with ``pred`` (K, *S) on the network's grid: logits, or
    shares of votes."""
    agreement: float
    """``agreement_of`` the network's logits, from 0 to 1."""
    expected: float = math.nan
    """Mean Dice that is expected of the structures, from 0 to 1; NaN where nobody knows."""
    flags: Sequence[str] = ()
    """Sentences on what makes the proposal doubtful."""
    by: str = "network"
    """``network``, or ``fields``, along which labels of other scans were carried."""


class Proposer:
    """A trained segmenter, by the agreement of its probabilities and its masks.

    Args:
        network: The segmenter.
        spec: How images were brought to the network in training.
        device: Where the network is.
    """

    why = "the least agreement first"
    """Order of the scans, in words."""

    def __init__(
        self, network: nn.Module, spec: InputSpec, *, device: torch.device | str = "cpu"
    ) -> None:
        self.network = network.eval()
        self.spec = spec
        self.device = device
        self.before = preprocessing(spec, keys=["image"])

    def ranked(self, items: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
        """Scans, the one that a label is wanted of most first.

        Args:
            items: With ``case`` and ``image``.

        Raises:
            InputError: If an image cannot be read.
        """
        agreements = [self.proposed(item).agreement for item in tqdm(items, desc="look")]
        ranked = sorted(zip(agreements, items, strict=True), key=lambda pair: pair[0])
        return [item for _, item in ranked]

    def proposed(self, item: Mapping[str, Any]) -> Proposal:
        """The label of a scan.

        Args:
            item: With ``case`` and ``image``.

        Raises:
            InputError: If the image cannot be read.
        """
        found = with_logits(
            self.network, item, spec=self.spec, before=self.before, device=self.device
        )
        return Proposal(found, agreement_of(found["pred"], overlapping=self.spec.overlapping))
