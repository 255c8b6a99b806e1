"""How many pairs of voxels that a method contrasts are true, and how many negatives are false."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure

from gemini_monai.base.errors import InputError
from gemini_monai.inference.trained_run import TrainedRun
from gemini_monai.networks import Gemini
from gemini_monai.study.analyses.analysis import Analysis
from gemini_monai.study.analyses.pair_rates import (
    false_negatives_between,
    false_negatives_within,
    true_by_field,
    true_by_likeness,
)
from gemini_monai.study.analyses.sampled_images import (
    SampledImage,
    as_initialized,
    scan_of,
    seen_items,
)

WORDS = {
    "initialized_nearest": "most alike feature, as initialized",
    "trained_nearest": "most alike feature, trained",
    "same_place": "same place",
    "field": "place that the field says",
}
"""Ways to find a partner."""


def pairing(
    run: str | Path, data: str | Path, *, pairs: int = 20, points: int = 2048, seed: int = 0
) -> Analysis:
    """True pairs and false negatives among labeled images (figure 14).

    Of foreground voxels of one image, the percentage whose partner in another is in the same
    structure. The partner has the most alike dense feature (DenseCL's pairing), of the network as
    initialized, where the paper looks, and as trained; or lies at the same place; or where the
    trained field says. And the percentage of pairs of foreground voxels that are of one structure,
    so that calling them negatives is false, within an image and between two. Labeled and validation
    images alone are looked at, one of each patient.

    Args:
        run: A run that trained the displacement field.
        data: A prepared data set with labels.
        pairs: At most so many ordered pairs of images, drawn at random.
        points: At most so many voxels of an image whose partners are looked for.
        seed: Of pairs, voxels and the initialized weights.

    Raises:
        InputError: If the run trained no field, the data do not fit it, or there are not two
            images with labels.
    """
    trained = TrainedRun.open(run, device="cpu")
    if not trained.record.get("registers"):
        raise InputError(f"{run}: a run of {trained.record['method']}, which trains no field")
    cohort, items = seen_items(data, least=2)
    torch.manual_seed(seed)
    networks: dict[str, Gemini] = {
        "initialized": as_initialized(trained.network),
        "trained": trained.network,
    }
    random = np.random.default_rng(seed)
    ordered = list(permutations(range(len(items)), 2))
    chosen = [ordered[k] for k in random.permutation(len(ordered))[:pairs]]
    spec = cohort.structures_in(trained.spec)
    scans = {
        k: scan_of(items[k], spec, points) for k in sorted({k for pair in chosen for k in pair})
    }
    rows = [
        {"image": str(items[a]["case"]), "other": str(items[b]["case"])}
        | _rates(networks, scans[a], scans[b])
        for a, b in chosen
    ]
    settings = {"run": str(run), "data": str(data), "points": points, "seed": seed}
    return _analysis(rows, settings)


@torch.no_grad()
def _rates(
    networks: Mapping[str, Gemini], scan: SampledImage, other: SampledImage
) -> dict[str, float]:
    """Percentages of one pair."""
    labels, rates = (scan.label, other.label), {}
    for name, network in networks.items():
        pair = network.correspond(scan.image, other.image)
        rates[f"{name}_nearest"] = true_by_likeness(
            pair.features_a, pair.features_b, labels, scan.places
        )
    still = torch.zeros_like(pair.ddf_ba)
    rates["same_place"] = true_by_field(still, labels, scan.places)
    rates["field"] = true_by_field(pair.ddf_ba, labels, scan.places)
    rates["false_negatives_within"] = false_negatives_within(scan.label)
    rates["false_negatives_between"] = false_negatives_between(*labels)
    return {name: 100 * value for name, value in rates.items()}


def _analysis(rows: Sequence[dict[str, Any]], settings: Mapping[str, Any]) -> Analysis:
    names = list(rows[0])[2:]
    means = {name: float(np.nanmean([row[name] for row in rows])) for name in names}
    return Analysis(
        name="pairs",
        rows=rows,
        sentences=list(_sentences(means, len(rows))),
        figure=_figure(rows),
        settings={**settings, "pairs": len(rows), "means": means},
    )


def _sentences(means: Mapping[str, float], count: int) -> Iterator[str]:
    yield f"{count} pairs of images; of foreground voxels the partner is in the same structure:"
    for name, words in WORDS.items():
        yield f"  {means[name]:5.1f} %  {words}"
    within, between = (means[f"false_negatives_{name}"] for name in ("within", "between"))
    yield f"false negatives: {within:.1f} % within an image, {between:.1f} % between two"


def _figure(rows: Sequence[Mapping[str, Any]]) -> Figure:
    """True pairs of every pair of images, by how a partner is found."""
    figure = Figure(figsize=(7, 3), layout="constrained")
    axes = figure.subplots()
    values = [[row[name] for row in rows if np.isfinite(row[name])] for name in WORDS]
    axes.boxplot(values[::-1], orientation="horizontal", tick_labels=list(WORDS.values())[::-1])
    axes.set(xlim=(0, 100), xlabel="true pairs, % of foreground voxels")
    axes.spines[["top", "right"]].set_visible(False)
    return figure
