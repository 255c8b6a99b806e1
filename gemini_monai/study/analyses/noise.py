"""What a contrast of pixels learns when some of its pairs are wrong."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from matplotlib.figure import Figure
from torch import Tensor
from tqdm import tqdm

from gemini_monai.metrics import dice_per_structure
from gemini_monai.networks import UNetBackbone
from gemini_monai.study.analyses.analysis import Analysis
from gemini_monai.study.analyses.sampled_images import SampledImage, scan_of, seen_items

RATES = ((0.94, 0.17), (0.31, 0.06), (0.0, 0.0))
"""Of false positives and of false negatives, as in figure 15."""
TEMPERATURE = 0.1
ANCHORS, NEGATIVES = 256, 64
CHANNELS = (16, 32, 64, 128)


def noise_fit(
    data: str | Path,
    *,
    iterations: int = 1000,
    every: int = 100,
    largest: int = 96,
    seed: int = 0,
    rates: Sequence[tuple[float, float]] = RATES,
) -> Analysis:
    """Fit a U-Net to one labeled image by contrast of its pixels with wrong pairs (figure 15).

    Anchors are drawn evenly from all structures and the background. The positive of an anchor is a
    voxel of its structure, or with the rate of false positives of another; each of its negatives is
    one of another structure, or with the rate of false negatives of its own. The loss is
    ``-log(e^(s+/t) / (e^(s+/t) + sum e^(s-/t)))`` of cosines (Wang et al., ICCV 2021). What was
    learned is seen by labeling every voxel by the structure whose mean feature in that image, by
    its true labels, is most alike: Dice on the image itself and on one of another patient. Labeled
    and validation images alone are looked at.

    Args:
        data: A prepared data set with labels.
        iterations: Of each fit.
        every: Iterations between two looks.
        largest: Voxels along an axis, at most.
        seed: Of weights and pairs, the same for all rates.
        rates: Of false positives and false negatives, 0 to 1.

    Raises:
        InputError: If there are not two images with labels.
    """
    cohort, items = seen_items(data, least=2)
    spec = cohort.input_spec(spatial_size=[min(largest, size) for size in cohort.spatial_size])
    fitted, other = (scan_of(item, spec, 1) for item in items[:2])
    rows: list[dict[str, float]] = []
    for positives, negatives in rates:
        torch.manual_seed(seed)
        network = UNetBackbone(fitted.label.dim(), cohort.channels, CHANNELS)
        given = {"false_positives": positives, "false_negatives": negatives}
        fit = _fit(network, fitted, iterations, rates=(positives, negatives))
        for iteration, loss in fit:
            if iteration % every == 0:
                dice = dict(zip(("dice", "dice_other"), _dice(network, fitted, other), strict=True))
                rows.append({**given, "iteration": iteration, "loss": loss, **dice})
    settings = {"data": str(data), "iterations": iterations, "seed": seed}
    settings |= {"image": items[0]["case"], "other": items[1]["case"]}
    return Analysis(
        name="noise",
        rows=rows,
        sentences=[_sentence(row) for row in rows if row["iteration"] == rows[-1]["iteration"]],
        figure=_figure(rows),
        settings=settings,
    )


def _fit(
    network: UNetBackbone, scan: SampledImage, iterations: int, *, rates: tuple[float, float]
) -> Iterator[tuple[int, float]]:
    """Number and loss of each iteration; the weights are trained in between."""
    optimizer = torch.optim.Adam(network.parameters(), 1e-3)
    label = scan.label.flatten()
    for iteration in tqdm(range(1, iterations + 1), desc=f"noise {rates[0]:.2f}, {rates[1]:.2f}"):
        places = draw_pairs(label, ANCHORS, NEGATIVES, rates=rates)
        features = F.normalize(network(scan.image)[0].flatten(1).T, dim=1)
        loss = pair_loss(*(features[voxels] for voxels in places))
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        yield iteration, float(loss.detach())


def draw_pairs(
    label: Tensor, anchors: int, negatives: int, *, rates: tuple[float, float]
) -> tuple[Tensor, Tensor, Tensor]:
    """Places of anchors (A,), their positives (A,) and their negatives (A, M).

    Args:
        label: Structure of every voxel, (V,); two or more of them, beside what is ignored.
        anchors: How many.
        negatives: Of each anchor.
        rates: Of positives of another structure, and of negatives of the same one.
    """
    values = _structures(label)
    anchor = values[torch.randint(len(values), (anchors,))]
    wrong = torch.rand(anchors) < rates[0]
    positive = torch.where(wrong, _other(anchor, values), anchor)
    same = torch.rand(anchors, negatives) < rates[1]
    repeated = anchor[:, None].repeat(1, negatives)
    negative = torch.where(same, repeated, _other(repeated, values))
    return _place(anchor, label), _place(positive, label), _place(negative, label)


def _structures(label: Tensor) -> Tensor:
    """Those that are there, background among them, ascending."""
    return label[label >= 0].unique()


def _other(anchor: Tensor, values: Tensor) -> Tensor:
    """Another structure for each, all of them as often."""
    places = torch.searchsorted(values, anchor)
    return values[(places + torch.randint(1, len(values), anchor.shape)) % len(values)]


def _place(wanted: Tensor, label: Tensor) -> Tensor:
    """A random voxel of each structure that is wanted."""
    order = label.argsort(stable=True)
    values, counts = label.unique(return_counts=True)
    which = torch.searchsorted(values, wanted)
    starts = counts.cumsum(0) - counts
    return order[starts[which] + (torch.rand(wanted.shape) * counts[which]).long()]


def pair_loss(anchor: Tensor, positive: Tensor, negative: Tensor) -> Tensor:
    """Mean over anchors of the cross-entropy of the positive among it and the negatives.

    Args:
        anchor: Unit features, (A, K).
        positive: (A, K).
        negative: (A, M, K).
    """
    near = (anchor * positive).sum(dim=1, keepdim=True)
    far = torch.einsum("ak,amk->am", anchor, negative)
    scores = torch.cat([near, far], dim=1) / TEMPERATURE
    return F.cross_entropy(scores, torch.zeros(len(scores), dtype=torch.long))


@torch.no_grad()
def _dice(network: UNetBackbone, fitted: SampledImage, other: SampledImage) -> list[float]:
    """Mean Dice of the structures on both images, by the mean features of the first."""
    values = _structures(fitted.label)
    first, second = (F.normalize(network(s.image)[0].flatten(1), dim=0) for s in (fitted, other))
    labels = fitted.label.flatten()
    means = torch.stack([first[:, labels == value].mean(dim=1) for value in values])
    means = F.normalize(means, dim=1)
    scores = []
    for features, scan in ((first, fitted), (second, other)):
        predicted = values[(means @ features).argmax(dim=0)].reshape(1, 1, *scan.label.shape)
        wanted = values[values > 0].reshape(1, -1, *[1] * scan.label.dim())
        counts = (scan.label >= 0)[None, None]
        dice = dice_per_structure((predicted == wanted) & counts, scan.label[None, None] == wanted)
        scores.append(float(dice.nanmean()))
    return scores


def _sentence(row: Mapping[str, float]) -> str:
    rates = (100 * row[f"false_{name}"] for name in ("positives", "negatives"))
    return (
        "false positives {:.0f} %, false negatives {:.0f} %: ".format(*rates)
        + f"Dice {100 * row['dice']:.1f} on the image, {100 * row['dice_other']:.1f} on another"
    )


def _figure(rows: Sequence[Mapping[str, Any]]) -> Figure:
    """Dice over iterations, on the image and on another, for each pair of rates."""
    figure = Figure(figsize=(8, 3.2), layout="constrained")
    panels = figure.subplots(1, 2, sharey=True)
    rates = dict.fromkeys((row["false_positives"], row["false_negatives"]) for row in rows)
    for axes, name in zip(panels, ("dice", "dice_other"), strict=True):
        for pair in rates:
            line = [r for r in rows if (r["false_positives"], r["false_negatives"]) == pair]
            label = "{:.0%} false positives, {:.0%} false negatives".format(*pair)
            axes.plot([r["iteration"] for r in line], [r[name] for r in line], label=label)
        axes.set(title={"dice": "the image", "dice_other": "another"}[name], xlabel="iterations")
        axes.spines[["top", "right"]].set_visible(False)
    panels[0].set(ylabel="Dice")
    panels[0].legend(frameon=False, fontsize="small")
    return figure
