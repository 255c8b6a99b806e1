"""What is expected of a run's own scans, kept in the run for its page: ``expected.csv``.

Each row has the hash of the weights that it is of, so that what other weights found does not count.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from gemini_monai.base.errors import InputError
from gemini_monai.base.files import digest_of
from gemini_monai.base.tables import number, read_table, write_table
from gemini_monai.inference.trained_run import TrainedRun
from gemini_monai.quality.checking import cohort_of
from gemini_monai.quality.writing import Checked
from gemini_monai.runs import RunFolder

FILE = "expected.csv"
COLUMNS = ("case", "part", "expected_dice", "weights")
PARTS = ("test", "unlabeled")
"""Of a data set, without those whose labels the trust numbers were learned from."""

Expected = dict[str, dict[str, float]]
"""Mean expected Dice of the structures, 0 to 1, by case, by part."""


def keep_expected(run: TrainedRun, checked: Checked, *, data: str | Path | None = None) -> None:
    """Keep what is expected of test and unlabeled scans; of other scans nothing.

    What was kept before of the same weights stays.

    Args:
        run: It.
        checked: What it found in scans, each with its file ``image``.
        data: As of ``cohort_of``.

    Raises:
        InputError: If the table is there and is another, or cannot be written.
    """
    path, weights = run.folder / FILE, digest_of(RunFolder(run.folder).model)
    found = _by_part(run, checked, data)
    if not any(found.values()):
        return
    there = read_expected(run.folder)
    rows = [
        {"case": case, "part": part, "expected_dice": round(dice, 4), "weights": weights}
        for part in PARTS
        for case, dice in (there.get(part, {}) | found[part]).items()
    ]
    write_table(path, rows, columns=COLUMNS)


def _by_part(run: TrainedRun, checked: Checked, data: str | Path | None) -> Expected:
    """Of the scans of the run's data set, where that is there."""
    try:
        cohort = cohort_of(run, data)
    except InputError:
        return {part: {} for part in PARTS}
    images = {_file(item["image"]): own.expected for own, item in checked}
    return {
        part: {e["case"]: images[_file(e["image"])] for e in entries if _file(e["image"]) in images}
        for part, entries in (("test", cohort.test), ("unlabeled", cohort.unlabeled))
    }


def _file(image: object) -> str:
    return str(Path(str(image)).resolve())


def read_expected(folder: str | Path) -> Expected:
    """What ``keep_expected`` kept of the weights that a run has; nothing where there is none.

    Args:
        folder: The run folder.

    Raises:
        InputError: If the table is another.
    """
    path, model = Path(folder) / FILE, RunFolder(folder).model
    if not (path.is_file() and model.is_file()):
        return {}
    return _rows(read_table(path, required=COLUMNS), weights=digest_of(model), where=str(path))


def _rows(rows: Iterable[dict[str, str]], *, weights: str, where: str) -> Expected:
    found: Expected = {}
    for row in rows:
        if row["weights"] == weights:
            dice = number(row, "expected_dice", where=where)
            found.setdefault(row["part"], {})[row["case"]] = dice
    return found
