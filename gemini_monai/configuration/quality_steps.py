"""Steps of an inference that say how far its masks are to be trusted."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from gemini_monai.base.errors import InputError
from gemini_monai.inference.proposer import Proposer
from gemini_monai.inference.trained_run import TrainedRun
from gemini_monai.quality import (
    Quality,
    TrustedProposer,
    bound_volumes,
    carried_labels,
    check_cases,
    keep_expected,
    refuse_quality,
    with_those_there,
    write_quality_table,
)
from gemini_monai.quality.carried import ALONE
from gemini_monai.quality.writing import PAGE, Checked
from gemini_monai.report import write_quality_page
from gemini_monai.runs import RunFolder, read_record
from gemini_monai.transforms import InputSpec
from gemini_monai.transforms.structure_volumes import TABLE as VOLUMES

READABLE = (".nii.gz", ".nii", ".nrrd", ".mha", ".png")
"""Formats of which the masks that were written are judged; else what the network finds is."""


class QualitySteps:
    """Before the first label map and after the last one.

    Args:
        run_dir: The run folder.
        weights: Those that segment.
        folder: Where label maps, table and page go.
        mode: ``on``; ``auto``, which says why there are no trust numbers and goes on; or ``off``.
        data: The run's ``dataset.json``, if it is elsewhere than when it was trained.
        device: Where the network goes.
        overwrite: Table and page may replace others.
    """

    def __init__(
        self,
        run_dir: str | Path,
        *,
        weights: str | Path,
        folder: str | Path,
        mode: str,
        data: str | Path | None = None,
        device: torch.device | str = "cpu",
        overwrite: bool = False,
    ) -> None:
        self.run_dir, self.weights = run_dir, weights
        self.folder, self.mode = Path(folder), mode
        self.data, self.device, self.overwrite = data, device, overwrite
        self.quality: Quality | None = None

    def before(self) -> None:
        """Learn what the run's doubts are worth, or read it.

        Raises:
            InputError: If a table or page is in the way; with ``on``, if it cannot be learned.
        """
        if self.mode == "off":
            return
        refuse_quality(self.folder, overwrite=self.overwrite)
        self.quality = opened_quality(
            self.run_dir,
            weights=self.weights,
            mode=self.mode,
            data=self.data,
            device=self.device,
        )

    def after(self, data: Iterable[Mapping[str, Any]], *, suffix: str) -> None:
        """Write ``quality.csv`` and ``quality.html``, and bounds into ``volumes.csv``.

        Args:
            data: Items with ``case`` and ``image`` that were segmented.
            suffix: Of their label maps.

        Raises:
            InputError: If an image cannot be read, or a file cannot be written.
        """
        if self.quality is None:
            return
        items = [{**item, "mask": self.folder / f"{item['case']}{suffix}"} for item in data]
        judged = suffix in READABLE and not self.quality.run.spec.overlapping
        checked = write_trust(self.quality, items, self.folder, given=judged)
        cases = {item["case"] for item in items}
        own = [pair for pair in checked if pair[0].case in cases]
        keep_expected(self.quality.run, own, data=self.data)
        if (self.folder / VOLUMES).is_file():
            bound_volumes(checked, self.folder / VOLUMES)


def opened_quality(
    run_dir: str | Path,
    *,
    weights: str | Path,
    mode: str,
    data: str | Path | None = None,
    device: torch.device | str = "cpu",
) -> Quality | None:
    """What a run's doubts are worth, read or learned; ``None`` if it cannot be told, or is not to.

    Args:
        run_dir: The run folder.
        weights: Those that segment.
        mode: As of ``QualitySteps``.
        data: As of ``QualitySteps``.
        device: Where the network goes.

    Raises:
        InputError: With ``on``, if it cannot be learned.
    """
    if mode == "off":
        return None
    own = RunFolder(run_dir).model
    try:
        if Path(weights).absolute() != own.absolute():
            raise InputError(f"key 'weights': {weights} are not those of the run, {own}")
        return Quality.of(TrainedRun.open(run_dir, device=device), data=data)
    except InputError as error:
        if mode == "on":
            raise
        logging.getLogger(__name__).warning("no trust numbers: %s", error)
    return None


def proposer_of(
    network: nn.Module,
    spec: InputSpec,
    *,
    run_dir: str | Path,
    weights: str | Path,
    mode: str,
    data: str | Path | None = None,
    device: torch.device | str = "cpu",
) -> Proposer:
    """What proposes labels: by trust numbers where the run has them, else by agreement.

    With trust numbers a run that registers carries labels along its fields, too. Where it might
    have, and cannot, the log says so.

    Args:
        network: With the run's weights.
        spec: How images were brought to it in training.
        run_dir: As of ``opened_quality``.
        weights: As of ``opened_quality``.
        mode: As of ``opened_quality``.
        data: As of ``opened_quality``.
        device: Where the network is.

    Raises:
        InputError: As ``opened_quality``.
    """
    quality = opened_quality(run_dir, weights=weights, mode=mode, data=data, device=device)
    if quality is not None:
        return TrustedProposer(quality, data=data, carried=carried_labels(quality, data=data))
    record = RunFolder(run_dir).record
    if mode != "off" and record.is_file() and read_record(run_dir).get("registers"):
        logging.getLogger(__name__).warning(ALONE, "only trust numbers can tell which is better")
    return Proposer(network, spec, device=device)


def write_trust(
    quality: Quality,
    items: Iterable[Mapping[str, Any]],
    folder: Path,
    *,
    given: bool = False,
    others: bool = False,
) -> Checked:
    """Check masks, write table and page, and print where they are; what is in the table.

    Args:
        quality: Of the run.
        items: As of ``check_cases``.
        folder: Where they go.
        given: As of ``check_cases``.
        others: As of ``check_cases``.

    Raises:
        InputError: If a file cannot be read or written.
    """
    checked = with_those_there(check_cases(quality, items, given=given, others=others), folder)
    table = write_quality_table(checked, folder)
    page = folder / PAGE
    validated = quality.learned.validated
    write_quality_page(checked, page, spec=quality.run.spec, validated=validated)
    print(f"{table}\n{page}")
    return checked
