"""Which images have no counterpart in others: a lesion, a device, another view."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor
from tqdm import tqdm

from gemini_monai.base.errors import InputError
from gemini_monai.data import read_cohort
from gemini_monai.data.streams.partner_sampler import PartnerSampler
from gemini_monai.geometry.types import Image
from gemini_monai.geometry.warp import inbounds_mask, warp
from gemini_monai.inference import register_pair
from gemini_monai.inference.trained_run import TrainedRun
from gemini_monai.losses import VisualSimilarityLoss
from gemini_monai.metrics import folding_percent
from gemini_monai.networks import Gemini
from gemini_monai.study.analyses.analysis import Analysis
from gemini_monai.transforms import preprocessing

NAMED = 10
"""Images that are named in the terminal; the table has all."""


def partners(
    run: str | Path, data: str | Path, *, each: int = 3, images: int = 200, seed: int = 0
) -> Analysis:
    """How well each unlabeled image is registered with others of its group.

    Where images are not homeomorphic (section 6.2.3), the field cannot bring one onto the other.
    Of every image the mean over its partners of the squared local correlation (equation 6) before
    and after it is warped onto them, and of the voxels that fold. An image stands out whose
    similarity after is below the lower quartile of all by more than 1.5 times the distance of the
    quartiles (Tukey's fence). Labels and test images are not read.

    Args:
        run: A run that trained the displacement field.
        data: A prepared data set.
        each: Partners of an image, drawn at random among other patients of its group.
        images: At most so many, drawn at random.
        seed: Of both draws.

    Raises:
        InputError: If the run trained no field, or nobody can be paired.
    """
    trained = TrainedRun.open(run, device="cpu")
    if not trained.record.get("registers"):
        raise InputError(f"{run}: a run of {trained.record['method']}, which trains no field")
    cohort = read_cohort(Path(data) / "dataset.json")
    columns = {"groups": cohort.column("unlabeled", "group")}
    columns |= {"patients": cohort.column("unlabeled", "patient")}
    sampler = PartnerSampler(len(cohort.unlabeled), **columns)  # type: ignore[arg-type]
    random = np.random.default_rng(seed)
    chosen = [k for k in random.permutation(len(cohort.unlabeled)) if sampler.has(int(k))]
    before = preprocessing(trained.spec, keys=["image"], fit=True)

    def seen(number: int) -> Image:
        image = before(dict(cohort.unlabeled[number]))["image"]
        return torch.as_tensor(np.asarray(image))[None].float()

    rows = []
    for k in tqdm(sorted(map(int, chosen[:images])), desc="partners"):
        others = [sampler.partner_of(random, k) for _ in range(each)]
        numbers = [_numbers(trained.network, seen(k), seen(other)) for other in others]
        row: dict[str, Any] = {"image": cohort.unlabeled[k]["case"]}
        rows.append(row | {name: float(np.mean([n[name] for n in numbers])) for name in numbers[0]})
    settings = {"run": str(run), "data": str(data), "each": each, "seed": seed}
    return _analysis(rows, settings)


def _numbers(network: Gemini, moving: Image, fixed: Image) -> dict[str, float]:
    ddf = register_pair(network, moving, fixed).ddf
    mask: Tensor = inbounds_mask(ddf)
    loss = VisualSimilarityLoss()
    return {
        "similarity_before": 1 - float(loss(moving, fixed, mask)),
        "similarity_after": 1 - float(loss(warp(moving, ddf), fixed, mask)),
        "folding_percent": float(folding_percent(ddf)),
    }


def _analysis(rows: Sequence[dict[str, Any]], settings: Mapping[str, Any]) -> Analysis:
    after = np.array([row["similarity_after"] for row in rows])
    low, high = np.percentile(after, (25, 75))
    fence = float(low - 1.5 * (high - low))
    table = sorted(
        ({**row, "stands_out": bool(row["similarity_after"] < fence)} for row in rows),
        key=lambda row: float(row["similarity_after"]),
    )
    return Analysis(
        name="partners",
        rows=table,
        sentences=_sentences(table, fence),
        figure=_figure(table, fence),
        settings={**settings, "images": len(table), "fence": fence},
    )


def _sentences(rows: Sequence[Mapping[str, Any]], fence: float) -> list[str]:
    out = [str(row["image"]) for row in rows if row["stands_out"]]
    count = f"{len(out)} of {len(rows)} images"
    if not out:
        return [f"{count} are registered with others much worse than the rest"]
    shown = ", ".join(out[:NAMED]) + (", ..." if len(out) > NAMED else "")
    return [
        f"{count} are registered with others much worse than the rest (below {fence:.3f}): {shown}",
        "look at them; one that shows what others have no counterpart of is paired with none by "
        '"paired": false in its entry of dataset.json',
    ]


def _figure(rows: Sequence[Mapping[str, Any]], fence: float) -> Figure:
    """Similarity of every image, the worst first, before and after."""
    figure = Figure(figsize=(7, 3), layout="constrained")
    axes = figure.subplots()
    for name, color in (("before", "0.7"), ("after", "tab:blue")):
        values = [row[f"similarity_{name}"] for row in rows]
        axes.plot(range(1, len(rows) + 1), values, ".", color=color, label=name)
    axes.axhline(fence, color="tab:red", linewidth=1, label="stands out below")
    axes.set(xlabel="images, the worst first", ylabel="local correlation, squared")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    return figure
