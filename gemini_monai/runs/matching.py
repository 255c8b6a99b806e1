"""Whether the pairs of a run matched, from a row of its ``monitor.csv``."""

from __future__ import annotations

from collections.abc import Mapping

MATCHING = ("similarity_before", "similarity_after", "displacement", "inverse_error")
"""Columns of ``monitor.csv`` that it is told from."""

LEAST_GAIN = 0.05
"""Of squared local correlation, that warping must bring."""


def pairs_match(row: Mapping[str, float]) -> bool | None:
    """Whether the fields of a row register its pairs: warping makes them alike, and leads back.

    Back is nearer to where it began than there was: two fields that know nothing of each other end
    farther away.

    Args:
        row: Of ``monitor.csv``, by column.

    Returns:
        ``None`` where the row has no field.
    """
    if not set(MATCHING) <= set(row):
        return None
    before, after, displacement, error = (row[name] for name in MATCHING)
    return after - before >= LEAST_GAIN and error <= displacement
