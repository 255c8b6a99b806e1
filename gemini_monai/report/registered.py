"""The part of the page about registration: means, pictures of pairs, every pair."""

from __future__ import annotations

import math
from html import escape

from gemini_monai.report.arms import Arm, Comparison
from gemini_monai.report.deformations import ORDER, deformation_rows
from gemini_monai.report.format import UNDEFINED, interval, number, percent, signed, spread
from gemini_monai.report.markup import Cell, note, picture_rows, section, table
from gemini_monai.report.read import Pair, Run
from gemini_monai.report.scores import paired_difference, summarize

LEGEND = (
    '<div class="legend"><p>Difference to the fixed image<span class="ramp difference"></span>'
    '<span class="ends"><span>darker</span><span>equal</span><span>brighter</span></span></p>'
    '<p>Folding map: volume sampled from the moving image<span class="ramp growth"></span>'
    '<span class="ends"><span>a quarter</span><span>same</span><span>4 times</span></span></p>'
    '<p><span class="chip" style="background:#000"></span>folded, Jacobian 0 or below<br>'
    '<span class="chip" style="background:#808080"></span>beyond the moving image</p></div>'
)


def registration(comparison: Comparison) -> str:
    """Registered pairs: pictures, then the table."""
    parts = []
    for arm in comparison.arms:
        if arm.run.pairs or arm.run.examples:
            parts += _registered(arm, several=comparison.several)
    if not parts and all(arm.run.is_pretraining for arm in comparison.arms):
        return ""
    if not parts:
        text = "No pairs were registered in a test, so there is no deformation to show."
        return section("registration", "Registration", note(text))
    return section(
        "registration", "Registration, worst pair first", registration_table(comparison), *parts
    )


def _registered(arm: Arm, *, several: bool) -> list[str]:
    kept = [name for name in ORDER if name in arm.run.examples]
    rows = deformation_rows(arm, names=tuple(kept[:1] if several else kept))
    heading = f"<h3>{escape(arm.name)}</h3>" if several else ""
    pictures = (
        picture_rows(rows, columns=4, legend_html=LEGEND)
        if rows
        else note(f"{arm.name} kept no pair to show.")
    )
    return [heading, pictures, pair_table(arm) if arm.run.pairs else ""]


def registration_table(comparison: Comparison) -> str:
    """Means over the pairs of every arm; several runs with their paired difference."""
    arms = [arm for arm in comparison.arms if arm.run.pairs]
    header = ["run", "pairs", "Dice before (%)", "Dice after (%)", "folded (%)"]
    header += ["SD of log Jacobian", "error before (voxels)", "error after (voxels)"]
    header += ["difference after (points)", "95 % interval"] * comparison.several
    rows = [_registration_row(arm, comparison) for arm in arms]
    caption = "Mean ± standard deviation over the pairs; error: distance to the true displacement."
    return table(header, rows, caption=caption)


def _registration_row(arm: Arm, comparison: Comparison) -> list[Cell | str]:
    def column(name: str) -> list[float]:
        return [float(getattr(pair, name)) for pair in arm.run.pairs]

    row: list[Cell | str] = [arm.name, str(len(arm.run.pairs))]
    row += [spread(summarize(column(name))) for name in ("dice_before", "dice_after")]
    row += [plain(column("folding_percent")), _log_jacobian(arm.run)]
    row += [plain(column("error_before")), plain(column("error_after"))]
    return row + (_paired(arm, comparison.first) if comparison.several else [])


def plain(values: list[float]) -> str:
    """Mean ± standard deviation in the values' own unit."""
    found = summarize(values)
    return number(found.mean) + ("" if math.isnan(found.std) else f" ± {number(found.std)}")


def _log_jacobian(run: Run) -> str:
    value = run.registration.get("std_log_jacobian")
    value = value.get("mean") if isinstance(value, dict) else value
    return number(float(value)) if isinstance(value, (int, float)) else UNDEFINED


def _paired(arm: Arm, reference: Arm) -> list[Cell | str]:
    """Paired difference of Dice after registration, over the pairs that both made."""
    scores, others = (
        {f"{pair.moving} → {pair.fixed}": pair.dice_after for pair in each.run.pairs}
        for each in (arm, reference)
    )
    found = paired_difference(scores, others) if arm is not reference else None
    if found is None:
        return [UNDEFINED, UNDEFINED]
    return [signed(100 * found.mean), interval(found)]


def pair_table(arm: Arm) -> str:
    """Every registered pair, worst first."""
    pairs = sorted(
        arm.run.pairs, key=lambda pair: (not math.isnan(pair.dice_after), pair.dice_after)
    )
    header = ["moving", "fixed", "Dice before", "Dice after", "change (points)", "folded (%)"]
    header += ["error before (voxels)", "error after (voxels)"]
    caption = f"Every registered pair of {arm.name}, worst first."
    return table(header, [_pair_row(pair) for pair in pairs], caption=caption, kind="tall")


def _pair_row(pair: Pair) -> list[Cell | str]:
    return [
        pair.moving,
        Cell(pair.fixed, "text"),
        percent(pair.dice_before),
        percent(pair.dice_after),
        signed(100 * (pair.dice_after - pair.dice_before)),
        number(pair.folding_percent),
        number(pair.error_before),
        number(pair.error_after),
    ]
