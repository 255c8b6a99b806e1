"""Labels proposed for the next scans: files to correct in 3D Slicer or ITK-SNAP, worst first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn
from tqdm import tqdm

from gemini_monai.base.errors import InputError
from gemini_monai.base.files import refuse_existing, write_text
from gemini_monai.base.presence import refuse_absent_folder
from gemini_monai.base.tables import read_table, write_table
from gemini_monai.data import read_cohort
from gemini_monai.images import find_images, snap_descriptions
from gemini_monai.images.names import SEGMENTATION
from gemini_monai.inference.agreement import agreement_of, with_logits
from gemini_monai.transforms import InputSpec, postprocessing, preprocessing, refuse_outputs

LABELS = "labels"
"""Folder of the proposals, which holds nothing else, so that it can be copied as a whole."""
TABLE = "proposals.csv"
DESCRIPTIONS = "itksnap_labels.txt"


def scans_of(place: str | Path) -> list[dict[str, Any]]:
    """Items of ``case`` and ``image`` that labels are proposed for.

    Args:
        place: A prepared data set, of which the unlabeled images are meant and no other; or an
            image, or a folder of images.

    Raises:
        InputError: If there is none, or as ``read_cohort`` and ``find_images``.
    """
    refuse_absent_folder(place)
    prepared = Path(place) / "dataset.json"
    if not prepared.is_file():
        return [{"case": case, "image": str(path)} for case, path in find_images(place).items()]
    unlabeled = read_cohort(prepared).unlabeled
    if not unlabeled:
        raise InputError(f"{prepared}: no unlabeled image to propose a label for")
    return [{"case": entry["case"], "image": entry["image"]} for entry in unlabeled]


class Proposals:
    """Propose labels of the scans that a trained segmenter is least sure of.

    ``labels/<case>`` with the suffix for each of them, on the scan's own grid with the values of
    the training's labels; ``proposals.csv`` with ``case``, ``agreement`` and ``file`` in their
    order; and ``itksnap_labels.txt``, names and colors for ITK-SNAP, beside NIfTI files.

    Args:
        network: A trained segmenter.
        spec: How images were brought to the network in training.
        folder: Where the files go.
        count: How many scans, at most.
        order: Table whose column ``case`` says the order; ``None`` for the least agreement first
            (``agreement_of``).
        suffix: ``.seg.nrrd`` for 3D Slicer, ``.nii.gz`` for ITK-SNAP.
        device: Where the network is.
        overwrite: They may replace files that are there.
    """

    def __init__(
        self,
        *,
        network: nn.Module,
        spec: InputSpec,
        folder: str | Path,
        count: int = 5,
        order: str | Path | None = None,
        suffix: str = SEGMENTATION,
        device: torch.device | str = "cpu",
        overwrite: bool = False,
    ) -> None:
        self.network = network.eval()
        self.spec = spec
        self.folder = Path(folder)
        self.count = count
        self.order = order
        self.suffix = suffix
        self.device = device
        self.overwrite = overwrite
        self._before = preprocessing(spec, keys=["image"])

    def run(self, items: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Write the proposals.

        Args:
            items: ``case`` and ``image`` of every scan that may be chosen.

        Raises:
            InputError: If a file is unreadable or in the way, the order names none of the scans, or
                the format cannot hold the labels.
        """
        self._refuse(items)
        chosen = self._chosen(items)
        rows = [self._write(item) for item in tqdm(chosen, desc="propose")]
        if self.suffix != SEGMENTATION:
            values = zip(self.spec.label_values[1:], self.spec.structures, strict=True)
            write_text(self.folder / DESCRIPTIONS, snap_descriptions(dict(values)))
        write_table(self.folder / TABLE, rows)
        print(f"{len(rows)} proposals to correct: {self.folder / LABELS}")
        return rows

    def _refuse(self, items: Sequence[Mapping[str, Any]]) -> None:
        """Before hours of work."""
        if self.spec.overlapping and self.suffix != SEGMENTATION:
            raise InputError(
                f"--output_ext {self.suffix}: structures overlap, which one label map cannot hold; "
                f"give {SEGMENTATION}"
            )
        there = sorted((self.folder / LABELS).glob("*"))
        if there:
            raise InputError(
                f"{self.folder / LABELS}: is there already, with {len(there)} file(s) that may be "
                f"corrected, such as {there[0].name}; give another OUT, or move them away"
            )
        refuse_outputs(items, self.folder / LABELS, suffix=self.suffix, overwrite=self.overwrite)
        tables = [self.folder / name for name in (TABLE, DESCRIPTIONS)]
        inputs = [Path(self.order)] if self.order else []
        refuse_existing(tables, overwrite=self.overwrite, inputs=inputs)

    def _chosen(self, items: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
        if self.order is not None:
            return self._ordered(items, Path(self.order))[: self.count]
        agreements = [self._agreement(item) for item in tqdm(items, desc="look")]
        ranked = sorted(zip(agreements, items, strict=True), key=lambda pair: pair[0])
        return [item for _, item in ranked[: self.count]]

    def _ordered(self, items: Sequence[Mapping[str, Any]], path: Path) -> list[Mapping[str, Any]]:
        """Scans in the order of a table, which may name others too."""
        named = [row["case"] for row in read_table(path, required=["case"])]
        by_case = {item["case"]: item for item in items}
        found = [by_case[case] for case in dict.fromkeys(named) if case in by_case]
        if not found:
            raise InputError(f"{path}: names none of the {len(by_case)} scans in its column 'case'")
        others = len({*named} - by_case.keys())
        if others:
            print(f"{path}: {others} cases are none of the scans, and are passed over")
        return found

    def _agreement(self, item: Mapping[str, Any]) -> float:
        return agreement_of(self._with_logits(item)["pred"], overlapping=self.spec.overlapping)

    def _write(self, item: Mapping[str, Any]) -> dict[str, Any]:
        found = self._with_logits(item)
        agreement = agreement_of(found["pred"], overlapping=self.spec.overlapping)
        after = postprocessing(
            self.spec,
            preprocessing=self._before,
            folder=self.folder / LABELS,
            suffix=self.suffix,
        )
        after(found)
        file = f"{LABELS}/{item['case']}{self.suffix}"
        return {"case": item["case"], "agreement": agreement, "file": file}

    def _with_logits(self, item: Mapping[str, Any]) -> dict[str, Any]:
        return with_logits(
            self.network, item, spec=self.spec, preprocessing=self._before, device=self.device
        )
