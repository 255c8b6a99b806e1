"""A choice as files: what to label, what stands out, and what goes on to ``prepare``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from gemini_monai.base.files import refuse_existing
from gemini_monai.base.tables import write_table
from gemini_monai.choosing.choice import Choice

FILES = ("chosen.csv", "outstanding.csv", "labeled_from.csv")
COLUMNS = ("order", "case", "patient", "group", "image", "why", "share", "distance_left")
OUT_COLUMNS = ("case", "patient", "group", "image", "outlyingness")


def write_choice(choice: Choice, folder: str | Path, *, overwrite: bool = False) -> list[Path]:
    """Write the tables of a choice, each whole or not at all.

    ``chosen.csv`` has the scans to label in their order, ``outstanding.csv`` those that stand out,
    and ``labeled_from.csv`` all cases that then have labels, for ``gemini prepare folder SCANS DST
    --labeled_from``.

    Args:
        choice: What was chosen.
        folder: Where they go.
        overwrite: They may replace others.

    Raises:
        InputError: If they are there already or cannot be written.
    """
    chosen, outstanding, labeled = (Path(folder) / name for name in FILES)
    refuse_existing([chosen, outstanding, labeled], overwrite=overwrite)
    write_table(chosen, _chosen_rows(choice), columns=COLUMNS)
    rows = [
        {**vars(choice.scans[k]), "outlyingness": round(float(choice.outlyingness[k]), 2)}
        for k in choice.outstanding
    ]
    write_table(outstanding, rows, columns=OUT_COLUMNS)
    known = [choice.scans[k].case for k in (*choice.already, *choice.chosen)]
    write_table(labeled, [{"case": case} for case in known], columns=("case",))
    return [chosen, outstanding, labeled]


def _chosen_rows(choice: Choice) -> list[dict[str, Any]]:
    known = zip(choice.chosen, choice.reasons, choice.shares, choice.distances_left, strict=True)
    return [
        {
            "order": order,
            **vars(choice.scans[k]),
            "why": why,
            "share": round(share, 4),
            "distance_left": round(left, 4),
        }
        for order, (k, why, share, left) in enumerate(known, start=1)
    ]
