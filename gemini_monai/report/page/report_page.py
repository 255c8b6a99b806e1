"""Puts the report together: one self-contained HTML page, nothing from outside."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import gemini_monai
from gemini_monai.base.errors import InputError
from gemini_monai.base.files import write_text
from gemini_monai.report.figures.wording import moment
from gemini_monai.report.page.elements import Gallery, Page, Section
from gemini_monai.report.page.picture_sections import overlays, registration, restoration
from gemini_monai.report.page.rendering import render
from gemini_monai.report.page.round_sections import rounds
from gemini_monai.report.page.run_sections import provenance, training
from gemini_monai.report.page.score_sections import cases, findings, segmentation
from gemini_monai.report.page.viewer_code import viewer_code
from gemini_monai.report.read.comparison import Comparison, compare
from gemini_monai.report.read.run_contents import RunContents
from gemini_monai.report.read.run_reading import read_run
from gemini_monai.runs import RunFolder, rewriting

SECTIONS: tuple[Callable[[Comparison], Section | None], ...] = (
    findings,
    segmentation,
    rounds,
    overlays,
    registration,
    restoration,
    training,
    cases,
    provenance,
)
SCORED = (segmentation, rounds, overlays, cases)  # nothing of pre-training alone
GENERATOR = '<meta name="generator" content="gemini_monai">'
"""What the head of every page of ours holds, within its first 2000 characters."""


def write_report(runs: Sequence[Path], *, output: Path | None = None, images: bool = True) -> Path:
    """Write the page of one run, or one page that compares several.

    One run is compared with its own arms where it has any; several are compared with the
    first. A part that a run did not make is said in a sentence.

    Args:
        runs: Run folders, as a training run leaves them.
        output: The page; by default ``report.html`` in the run's folder, or ``comparison.html``
            beside the first of several.
        images: Whether it shows images of the data.

    Returns:
        Where the page is. It is written beside its place and renamed, so it is never half there.

    Raises:
        InputError: If a path is not a run folder, a file in it cannot be understood, or the page
            cannot be written.
    """
    if not runs:
        raise InputError("report: no run folder given, expected one or more")
    folders = [Path(run) for run in runs]
    comparison = compare([read_run(folder) for folder in folders])
    if output is None:
        several = len(folders) > 1
        output = folders[0].resolve().parent / "comparison.html" if several else None
    output = Path(output) if output is not None else RunFolder(folders[0]).report
    page = page_of(comparison)
    with rewriting(output.parent, output.name):
        _refuse_foreign(output)
        write_text(output, render(page, images=images))
    return output


def _refuse_foreign(path: Path) -> None:
    """A page may take the place of a page, and of nothing else."""
    if path.is_file() and GENERATOR.encode() not in path.read_bytes()[:2000]:
        raise InputError(f"{path}: is there and no page of ours; give another --output")


def page_of(comparison: Comparison) -> Page:
    """The whole page as plain data; what pre-training alone has no part in is left out."""
    left_out = SCORED if all(arm.run.is_pretraining for arm in comparison.arms) else ()
    made = [make(comparison) for make in SECTIONS if make not in left_out]
    sections = tuple(section for section in made if section is not None)
    return Page(
        title=_title(comparison),
        meta=_meta(comparison),
        sections=sections,
        version=gemini_monai.__version__,
        viewer=viewer_code() if _has_volumes(sections) else None,
    )


def _has_volumes(sections: Sequence[Section]) -> bool:
    galleries = [b for section in sections for b in section.blocks if isinstance(b, Gallery)]
    return any(row.volumes for gallery in galleries for row in gallery.rows)


def _title(comparison: Comparison) -> str:
    data = str(comparison.first.run.dataset.get("name") or "an unnamed data set")
    if comparison.several:
        return f"{' · '.join(arm.name for arm in comparison.arms)} on {data}"
    return f"{comparison.first.name} on {data}"


def _meta(comparison: Comparison) -> str:
    if comparison.several:
        return f"{len(comparison.arms)} runs, differences against {comparison.first.name}"
    return ", ".join(_circumstances(comparison.first.run))


def _circumstances(run: RunContents) -> list[str]:
    parts = [
        f"{run.dataset['spatial_dims']}-D" if "spatial_dims" in run.dataset else "",
        f"{run.details['iterations']} iterations" if "iterations" in run.details else "",
        f"seed {run.details['seed']}" if "seed" in run.details else "",
        moment(run.details["started"]) if run.details.get("started") else "",
    ]
    return [part for part in parts if part]
