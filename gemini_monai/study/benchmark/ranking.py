"""What a table of several systems needs beside means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

RESAMPLES = 10_000


def holm(p_values: Sequence[float]) -> list[float]:
    """P adjusted for several tests by Holm's step-down rule (1979).

    The k-th smallest of m becomes ``max over j <= k of (m - j + 1) p_j``, at most 1.

    Args:
        p_values: Of the tests, in any order; NaN for a test that there is not, which does not
            count.
    """
    adjusted = np.full(len(p_values), np.nan)
    tested = [k for k, p in enumerate(p_values) if not np.isnan(p)]
    order = sorted(tested, key=lambda k: p_values[k])
    largest = 0.0
    for position, k in enumerate(order):
        largest = max(largest, min(1.0, (len(order) - position) * p_values[k]))
        adjusted[k] = largest
    return adjusted.tolist()


def bootstrap_ranks(
    scores: Mapping[str, Mapping[str, float]],
    *,
    patients: Mapping[str, str],
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> dict[str, tuple[float, float]]:
    """Mean rank of each system (1 is best), and how often it is the best, over resampled patients.

    Args:
        scores: Value per case of each system, higher being better; all of the same cases.
        patients: Patient per case; a case without one is its own.
        seed: Of the resampling.
        resamples: How many.

    Returns:
        Mean rank and share of the resamples in which it is first, per system. Ties share a rank.

    Raises:
        ValueError: If two systems have other cases.
    """
    names, cases = list(scores), list(next(iter(scores.values())))
    if any(set(cases_of) != set(cases) for cases_of in scores.values()):
        raise ValueError("systems to rank must be scored on the same cases")
    owners = [patients.get(case, case) for case in cases]
    groups = {owner: k for k, owner in enumerate(dict.fromkeys(owners))}
    member = np.array([groups[owner] for owner in owners])
    values = np.array([[scores[name][case] for case in cases] for name in names])
    counts = np.bincount(member, minlength=len(groups)).astype(float)
    totals = np.array([np.bincount(member, weights=row, minlength=len(groups)) for row in values])
    generator = np.random.default_rng(seed)
    drawn = generator.multinomial(len(groups), np.full(len(groups), 1 / len(groups)), resamples)
    means = totals @ drawn.T / (counts @ drawn.T)
    higher = (means[:, None] < means[None]).sum(axis=1)
    equal = (means[:, None] == means[None]).sum(axis=1) - 1
    ranks = 1 + higher + equal / 2
    return {
        name: (float(rank.mean()), float((rank == 1).mean()))
        for name, rank in zip(names, ranks, strict=True)
    }
