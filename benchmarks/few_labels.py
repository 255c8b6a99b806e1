"""The README's table: methods over several draws of the labeled images, on one test set.

    python -m benchmarks.few_labels RUNS --name chest --draws 3

reads the run folders ``RUNS/<name>_<method>_<draw>`` and prints one row per method: mean test Dice
over draws with its standard deviation between draws, the paired difference to the first of them
(percentile bootstrap over test patients, each case's difference being its mean over draws), the
same per draw, and registration Dice.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.command import run_command
from gemini_monai.base.errors import InputError
from gemini_monai.data import read_cohort
from gemini_monai.report.read import RunContents, paired_difference, per_case, read_run

METHODS = ("supervised", "gvsl", "gemini")


def table(runs: str, name: str, draws: int = 3, methods: Sequence[str] = METHODS) -> None:
    """Print the rows as Markdown; the first method is what the others are compared with."""
    found = {
        method: [read_run(Path(runs) / f"{name}_{method}_{draw}") for draw in range(draws)]
        for method in methods
    }
    scores = {method: [per_case(run) for run in found[method]] for method in methods}
    _refuse_other_cases(scores)
    reference = scores[methods[0]]
    print("| method | test Dice | difference, points | per draw | registration Dice |")
    print("|---|---|---|---|---|")
    for method in methods:
        means = 100 * np.array([np.mean(list(draw.values())) for draw in scores[method]])
        spread = means.std(ddof=1) if draws > 1 else float("nan")
        difference = " | "
        if method != methods[0]:
            difference = _difference(scores[method], reference, patients=_patients(found[method]))
        registration = _registration(found[method])
        print(f"| {method} | {means.mean():.1f} ± {spread:.1f} | {difference} | {registration} |")


def _refuse_other_cases(scores: dict[str, list[dict[str, float]]]) -> None:
    cases = {tuple(sorted(draw)) for draws in scores.values() for draw in draws}
    if len(cases) != 1:
        raise InputError("the runs were not tested on the same cases")


def _patients(runs: list[RunContents]) -> dict[str, str]:
    """Patient of each test case, where the data set is still there and names them."""
    path = Path(runs[0].dataset["path"])
    if not path.is_file():
        print(f"{path}: no such file: intervals are over cases, not patients", file=sys.stderr)
        return {}
    tested = read_cohort(path).test
    return {str(entry["case"]): str(entry["patient"]) for entry in tested if "patient" in entry}


def _difference(
    arm: list[dict[str, float]], reference: list[dict[str, float]], *, patients: dict[str, str]
) -> str:
    cases = list(reference[0])
    mean = [
        {case: float(np.mean([d[case] for d in draws])) for case in cases}
        for draws in (arm, reference)
    ]
    found = paired_difference(*mean, patients=patients)
    if found is None:
        return "- | -"
    each = [
        100 * np.mean([a[c] - b[c] for c in cases]) for a, b in zip(arm, reference, strict=True)
    ]
    points = f"{100 * found.mean:+.1f} ({100 * found.low:+.1f} to {100 * found.high:+.1f})"
    return f"{points} | {', '.join(f'{value:+.1f}' for value in each)}"


def _registration(runs: list[RunContents]) -> str:
    if not all(run.pairs for run in runs):
        return "-"
    before, after = (
        100 * np.mean([np.mean([getattr(pair, name) for pair in run.pairs]) for run in runs])
        for name in ("dice_before", "dice_after")
    )
    return f"{before:.1f} to {after:.1f}"


if __name__ == "__main__":
    run_command(table)
