"""Labels proposed for the next scans in the order of the trust numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from gemini_monai.inference.proposer import Proposal, Proposer
from gemini_monai.quality.checking import Quality
from gemini_monai.quality.expected import keep_expected
from gemini_monai.quality.writing import check_cases


class TrustedProposer(Proposer):
    """A run that knows how far its masks are to be trusted.

    Args:
        quality: Of the run.
        data: As of ``cohort_of``.
    """

    why = "the least expected Dice first"

    def __init__(self, quality: Quality, *, data: str | Path | None = None) -> None:
        run = quality.run
        super().__init__(run.network, run.spec, device=run.device)
        self.quality = quality
        self.data = data

    def ranked(self, items: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
        """As of ``Proposer``; a flagged scan has no other place than its expected Dice gives it."""
        checked = check_cases(self.quality, items)
        keep_expected(self.quality.run, checked, data=self.data)
        return [item for _, item in sorted(checked, key=lambda pair: pair[0].expected)]

    def proposed(self, item: Mapping[str, Any]) -> Proposal:
        """As of ``Proposer``, with what is expected of it."""
        found = super().proposed(item)
        seen = torch.as_tensor(found.item["image"].as_tensor()).float()
        own, _ = self.quality.judge(seen, case=str(item["case"]))
        return found._replace(expected=own.expected, flags=own.flags)
