"""What an analysis comes to, and the files that it becomes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from gemini_monai.base.files import refuse_existing, replacing, write_json
from gemini_monai.base.tables import write_table


@dataclass(frozen=True)
class Analysis:
    """A measure of something.

    Attributes:
        name: Of its files.
        rows: Its table, cells by column.
        sentences: What it says, to be read on the terminal.
        figure: Its picture.
        settings: All that it depends on, as JSON holds it.
    """

    name: str
    rows: Sequence[Mapping[str, Any]]
    sentences: Sequence[str]
    figure: Figure
    settings: Mapping[str, Any]


def refuse_written(name: str, folder: str | Path, *, overwrite: bool = False) -> list[Path]:
    """Before anything is measured: the files of an analysis, none of which is to be replaced.

    Args:
        name: Of the analysis.
        folder: Where its files go.
        overwrite: They may be.

    Returns:
        Its table, picture and settings.

    Raises:
        InputError: If one is there already, or the folder cannot be.
    """
    files = [Path(folder) / f"{name}.{end}" for end in ("csv", "png", "json")]
    refuse_existing(files, overwrite=overwrite)
    return files


def write_analysis(
    analysis: Analysis, folder: str | Path, *, overwrite: bool = False
) -> list[Path]:
    """Write ``NAME.csv``, ``NAME.png`` and ``NAME.json``, the settings.

    Args:
        analysis: What was measured.
        folder: Where; made if it is not there.
        overwrite: Replace files of these names.

    Returns:
        The three files.

    Raises:
        InputError: If one is there already, or cannot be written.
    """
    table, picture, settings = refuse_written(analysis.name, folder, overwrite=overwrite)
    table.parent.mkdir(parents=True, exist_ok=True)
    write_table(table, analysis.rows)
    with replacing(picture) as part:
        analysis.figure.savefig(part, format="png", dpi=120)
    write_json(settings, dict(analysis.settings))
    return [table, picture, settings]
