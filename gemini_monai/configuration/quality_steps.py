"""Steps of an inference that say how far its masks are to be trusted."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch

from gemini_monai.base.errors import InputError
from gemini_monai.inference.trained_run import TrainedRun
from gemini_monai.quality import (
    Quality,
    bound_volumes,
    check_cases,
    refuse_quality,
    with_those_there,
    write_quality_table,
)
from gemini_monai.quality.writing import PAGE, Checked
from gemini_monai.report import write_quality_page
from gemini_monai.runs import RunFolder
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
        self.run_dir, self.weights = Path(run_dir), Path(weights)
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
        try:
            self.quality = self._open()
        except InputError as error:
            if self.mode == "on":
                raise
            logging.getLogger(__name__).warning("no trust numbers: %s", error)

    def _open(self) -> Quality:
        own = RunFolder(self.run_dir).model
        if self.weights.absolute() != own.absolute():
            raise InputError(f"key 'weights': {self.weights} are not those of the run, {own}")
        return Quality.of(TrainedRun.open(self.run_dir, device=self.device), data=self.data)

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
        if (self.folder / VOLUMES).is_file():
            bound_volumes(checked, self.folder / VOLUMES)


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
