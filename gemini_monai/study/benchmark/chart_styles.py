"""How charts tell systems apart: colors for the few worth following, gray for the rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gemini_monai.report.figures.charts import DASHES
from gemini_monai.report.figures.colors import INK, MUTED, SERIES
from gemini_monai.study.benchmark.grid_cells import DEFAULT
from gemini_monai.study.benchmark.result_rows import ResultRow


@dataclass(frozen=True)
class ChartStyle:
    """Of one system in every chart of a page.

    Attributes:
        color: Of lines and markers.
        dashes: Of lines.
        marker: Of points.
        named: Whether the legend names it; the others are gray and go together.
    """

    color: str
    dashes: Any
    marker: str
    named: bool = True

    @property
    def line(self) -> dict[str, Any]:
        """As keywords of a plot; gray lies below."""
        return {
            "color": self.color,
            "linestyle": self.dashes,
            "linewidth": 1.8 if self.named else 1.0,
            "alpha": 1.0 if self.named else 0.4,
            "zorder": 3 if self.named else 2,
        }


BASELINE = ChartStyle(INK, DASHES[1], "s")
OTHERS = ChartStyle(MUTED, DASHES[0], "o", named=False)


def chart_styles(
    arms: Sequence[str], rows: Sequence[ResultRow], *, baseline: str
) -> Mapping[str, ChartStyle]:
    """A style for each arm: the baseline's, a color for GEMINI and the best, gray for the rest.

    Args:
        arms: All systems of the page.
        rows: All of its tables, over which Dice is averaged; a system without any comes last.
        baseline: What the others are compared with.
    """
    others = [arm for arm in arms if arm != baseline]
    dice = {
        arm: [d for row in rows if row.method == arm for d in row.dice.values()] for arm in others
    }
    ranked = sorted(others, key=lambda arm: -np.mean(dice[arm]) if dice[arm] else np.inf)
    shown = ranked[: len(SERIES)]
    if DEFAULT in ranked and DEFAULT not in shown:
        shown[-1] = DEFAULT
    colored = {
        arm: ChartStyle(color, DASHES[0], "o") for arm, color in zip(shown, SERIES, strict=False)
    }
    return {baseline: BASELINE, **dict.fromkeys(ranked, OTHERS), **colored}
