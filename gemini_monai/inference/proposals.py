"""Labels proposed for the next scans: files to correct in 3D Slicer or ITK-SNAP, worst first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tqdm import tqdm

from gemini_monai.base.errors import InputError
from gemini_monai.base.files import refuse_existing, write_text
from gemini_monai.base.presence import refuse_absent_folder
from gemini_monai.base.tables import read_table, write_table
from gemini_monai.data import read_cohort
from gemini_monai.data.entries import has_label
from gemini_monai.images import find_images, snap_descriptions
from gemini_monai.images.names import SEGMENTATION
from gemini_monai.inference.proposer import Proposer
from gemini_monai.transforms import InputSpec, postprocessing, refuse_outputs

LABELS = "labels"
"""Folder of the proposals, which holds nothing else, so that it can be copied as a whole."""
TABLE = "proposals.csv"
DESCRIPTIONS = "itksnap_labels.txt"


def scans_of(place: str | Path) -> list[dict[str, Any]]:
    """Items of ``case`` and ``image`` that labels are proposed for.

    Args:
        place: A prepared data set, of which the unlabeled images are meant, without those that have
            a label file which its split does not use; or an image, or a folder of images.

    Raises:
        InputError: If there is none, or as ``read_cohort`` and ``find_images``.
    """
    refuse_absent_folder(place)
    prepared = Path(place) / "dataset.json"
    if not prepared.is_file():
        return [{"case": case, "image": str(path)} for case, path in find_images(place).items()]
    unlabeled = read_cohort(prepared).unlabeled
    wanted = [entry for entry in unlabeled if not has_label(entry)]
    unused = len(unlabeled) - len(wanted)
    if not wanted:
        more = f"; {unused} have a label file that the split does not use" if unused else ""
        raise InputError(f"{prepared}: no unlabeled image to propose a label for{more}")
    if unused:
        print(f"{unused} unlabeled scan(s) have a label file that the split does not use: left out")
    return [{"case": entry["case"], "image": entry["image"]} for entry in wanted]


class Proposals:
    """Labels of the scans that are most in need of one, as files to correct.

    ``labels/<case>`` with the suffix for each of them, on the scan's own grid with the values of
    the training's labels; ``proposals.csv`` in their order; and ``itksnap_labels.txt``, names and
    colors for ITK-SNAP, beside NIfTI files.

    Args:
        spec: What the labels mean.
        folder: Where the files go.
        count: How many scans, at most.
        order: Table whose column ``case`` says the order; ``None`` for the proposer's.
        suffix: ``.seg.nrrd`` for 3D Slicer, ``.nii.gz`` for ITK-SNAP.
        overwrite: They may replace files that are there.
    """

    def __init__(
        self,
        *,
        spec: InputSpec,
        folder: str | Path,
        count: int = 5,
        order: str | Path | None = None,
        suffix: str = SEGMENTATION,
        overwrite: bool = False,
    ) -> None:
        self.spec = spec
        self.folder = Path(folder)
        self.count = count
        self.order = None if order is None else Path(order)
        self.suffix = suffix
        self.overwrite = overwrite

    def refuse(self, items: Sequence[Mapping[str, Any]]) -> None:
        """Stop before hours of work.

        Args:
            items: As of ``run``.

        Raises:
            InputError: If a file is in the way, the order names none of the scans, or the format
                cannot hold the labels.
        """
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
        inputs = [] if self.order is None else [self.order]
        refuse_existing(tables, overwrite=self.overwrite, inputs=inputs)
        if self.order is not None:
            _ordered(items, self.order)

    def run(self, items: Sequence[Mapping[str, Any]], proposer: Proposer) -> list[dict[str, Any]]:
        """Write the proposals.

        Args:
            items: ``case`` and ``image`` of every scan that may be chosen.
            proposer: What makes them.

        Returns:
            Rows of the table.

        Raises:
            InputError: As ``refuse``, or if a file is unreadable.
        """
        self.refuse(items)
        chosen = self._ranked(items, proposer)[: self.count]
        rows = [self._write(item, proposer) for item in tqdm(chosen, desc="propose")]
        if self.suffix != SEGMENTATION:
            values = zip(self.spec.label_values[1:], self.spec.structures, strict=True)
            write_text(self.folder / DESCRIPTIONS, snap_descriptions(dict(values)))
        write_table(self.folder / TABLE, rows)
        for row in rows:
            if row["flags"]:
                print(f"{row['case']}: {row['flags']}")
        print(f"{len(rows)} proposals to correct: {self.folder / LABELS}")
        return rows

    def _ranked(
        self, items: Sequence[Mapping[str, Any]], proposer: Proposer
    ) -> list[Mapping[str, Any]]:
        if self.order is None:
            print(f"order: {proposer.why}")
            return proposer.ranked(items)
        ranked, others = _ordered(items, self.order)
        if others:
            print(f"{self.order}: {others} cases are none of the scans, and are passed over")
        return ranked

    def _write(self, item: Mapping[str, Any], proposer: Proposer) -> dict[str, Any]:
        found = proposer.proposed(item)
        after = postprocessing(
            self.spec,
            preprocessing=proposer.before,
            folder=self.folder / LABELS,
            suffix=self.suffix,
        )
        after(found.item)
        return {
            "case": item["case"],
            "expected_dice": round(found.expected, 4),
            "by": found.by,
            "agreement": round(found.agreement, 4),
            "flags": "; ".join(found.flags),
            "file": f"{LABELS}/{item['case']}{self.suffix}",
        }


def _ordered(items: Sequence[Mapping[str, Any]], path: Path) -> tuple[list[Mapping[str, Any]], int]:
    """Scans in the order of a table, and how many others it names."""
    named = [row["case"] for row in read_table(path, required=["case"])]
    by_case = {item["case"]: item for item in items}
    found = [by_case[case] for case in dict.fromkeys(named) if case in by_case]
    if not found:
        raise InputError(f"{path}: names none of the {len(by_case)} scans in its column 'case'")
    return found, len({*named} - by_case.keys())
