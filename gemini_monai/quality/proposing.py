"""Labels proposed for the next scans in the order of the trust numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from monai.data.meta_tensor import MetaTensor

from gemini_monai.inference.proposer import Proposal, Proposer
from gemini_monai.quality.carried import CarriedLabels
from gemini_monai.quality.checking import Quality
from gemini_monai.quality.expected import keep_expected
from gemini_monai.quality.writing import check_cases


class TrustedProposer(Proposer):
    """A run that knows how far its masks are to be trusted.

    It proposes its own mask, or the one that labels come to that are carried along its fields,
    whichever has the higher expected Dice.

    Args:
        quality: Of the run.
        data: As of ``cohort_of``.
        carried: What carries labels; ``None`` for its own masks alone.
    """

    why = "the least expected Dice first"

    def __init__(
        self,
        quality: Quality,
        *,
        data: str | Path | None = None,
        carried: CarriedLabels | None = None,
    ) -> None:
        run = quality.run
        super().__init__(run.network, run.spec, device=run.device)
        self.quality = quality
        self.data = data
        self.carried = carried

    def ranked(self, items: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
        """As of ``Proposer``, by what is expected of the run's own masks, flagged or not.

        A scan that the run fails on teaches it most, also where a carried label is good there.
        """
        checked = check_cases(self.quality, items)
        keep_expected(self.quality.run, checked, data=self.data)
        return [item for _, item in sorted(checked, key=lambda pair: pair[0].expected)]

    def proposed(self, item: Mapping[str, Any]) -> Proposal:
        """As of ``Proposer``, with what is expected of it."""
        found = super().proposed(item)
        seen = torch.as_tensor(found.item["image"].as_tensor()).float()
        own, look = self.quality.judge(seen, case=str(item["case"]))
        found = found._replace(expected=own.expected, flags=own.flags)
        if self.carried is None:
            return found
        image = found.item["image"]
        votes = self.carried.votes(image, look.features, file=item["image"])
        other, _ = self.quality.judge(seen, self.carried.masks(votes), look=look)
        if other.expected <= own.expected:
            return found
        pred = MetaTensor(votes, affine=image.affine)
        return found._replace(
            item=found.item | {"pred": pred}, expected=other.expected, by="fields"
        )
