"""Puts the report together: one self-contained HTML page, no script, nothing from outside."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape
from pathlib import Path

import gemini_monai
from gemini_monai.errors import InputError
from gemini_monai.files import read_text, write_text
from gemini_monai.report import provenance, registered, restored, sections
from gemini_monai.report.arms import Comparison, compare
from gemini_monai.report.format import moment
from gemini_monai.report.read import Run, read_run
from gemini_monai.report.style import STYLE

PARTS: tuple[tuple[str, str, Callable[[Comparison], str]], ...] = (
    ("findings", "Findings", sections.headline),
    ("segmentation", "Segmentation", sections.segmentation),
    ("overlays", "Predictions", sections.overlays),
    ("registration", "Registration", registered.registration),
    ("restoration", "Restoration", restored.restoration),
    ("training", "Training", sections.training),
    ("cases", "Every case", sections.cases),
    ("provenance", "How it was made", provenance.provenance),
)
MAKER = '<meta name="generator" content="gemini_monai">'
SCORED = ("segmentation", "overlays", "cases")  # nothing of pre-training alone


def write_report(runs: Sequence[Path], *, output: Path | None = None) -> Path:
    """Write the page of one run, or one page that compares several.

    One run is compared with its own arms where it has any; several are compared with the
    first. A part that a run did not make is said in a sentence.

    Args:
        runs: Run folders, as a training run leaves them.
        output: The page; by default ``report.html`` in the run's folder, or ``comparison.html``
            beside the first of several.

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
    output = Path(output) if output is not None else folders[0] / "report.html"
    _refuse_foreign(output)
    write_text(output, page(comparison))
    return output


def _refuse_foreign(path: Path) -> None:
    """A page may take the place of a page, and of nothing else."""
    if path.is_file() and MAKER not in read_text(path)[:2000]:
        raise InputError(f"{path}: is there and no page of ours; give another --output")


def page(comparison: Comparison) -> str:
    """The whole page."""
    title = _title(comparison)
    made = _parts(comparison)
    links = "".join(f'<li><a href="#{anchor}">{name}</a></li>' for anchor, name, _ in made)
    body = "".join(html for _, _, html in made)
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"{MAKER}"
        f"<title>{escape(title)}</title><style>{STYLE}</style></head><body>"
        f'<header><h1>{escape(title)}</h1><p class="meta">{escape(_meta(comparison))}</p></header>'
        f"<nav><ul>{links}</ul></nav><main>{body}</main>"
        f"<footer>Made by gemini_monai {gemini_monai.__version__}.</footer></body></html>\n"
    )


def _parts(comparison: Comparison) -> list[tuple[str, str, str]]:
    """Anchor, name and HTML of what there is to say."""
    left_out = SCORED if all(arm.run.is_pretraining for arm in comparison.arms) else ()
    made = [(key, name, part(comparison)) for key, name, part in PARTS if key not in left_out]
    return [(key, name, html) for key, name, html in made if html]


def _title(comparison: Comparison) -> str:
    data = str(comparison.first.run.dataset.get("name") or "an unnamed data set")
    if comparison.several:
        return f"{' · '.join(arm.name for arm in comparison.arms)} on {data}"
    return f"{comparison.first.name} on {data}"


def _meta(comparison: Comparison) -> str:
    if comparison.several:
        return f"{len(comparison.arms)} runs, differences against {comparison.first.name}"
    return ", ".join(_circumstances(comparison.first.run))


def _circumstances(run: Run) -> list[str]:
    known = [
        f"{run.dataset['spatial_dims']}-D" if "spatial_dims" in run.dataset else "",
        f"{run.details['iterations']} iterations" if "iterations" in run.details else "",
        f"seed {run.details['seed']}" if "seed" in run.details else "",
        moment(run.details["started"]) if run.details.get("started") else "",
    ]
    return [part for part in known if part]
