"""Dense features of voxels laid out on a plane, and how well structures part there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from gemini_monai.base.errors import InputError
from gemini_monai.base.extras import refuse_without
from gemini_monai.inference.linear import LinearClassifier
from gemini_monai.inference.trained_run import TrainedRun
from gemini_monai.networks import Gemini
from gemini_monai.study.analyses.analysis import Analysis
from gemini_monai.study.analyses.sampled_images import (
    SampledImage,
    as_initialized,
    scan_of,
    seen_items,
)

METHODS = ("tsne", "pca")


def embedding(
    run: str | Path,
    data: str | Path,
    *,
    method: str = "tsne",
    images: int = 8,
    points: int = 200,
    seed: int = 0,
) -> Analysis:
    """Dense features of voxels of labeled images on a plane, by structure (figure 17).

    Of the network as initialized and as trained. Beside the picture three numbers that do not
    depend on it: the silhouette of the structures among the features themselves (Rousseeuw 1987;
    cosine distance, -1 to 1), the accuracy of a linear classifier that is fitted on the first half
    of the images and asked about the others, and the same with voxel coordinates in the place of
    features, which is what position alone gives away. Labeled and validation images alone,
    one of each patient.

    Args:
        run: A run folder.
        data: A prepared data set with labels.
        method: ``"tsne"`` (scikit-learn's, the extra ``embed``) or ``"pca"``.
        images: At most so many images.
        points: Foreground voxels of an image.
        seed: Of images, voxels, the initialized weights and t-SNE.

    Raises:
        InputError: If scikit-learn is missing, the method is neither, or there are not four images
            of two structures with labels.
    """
    _check(method)
    trained = TrainedRun.open(run, device="cpu")
    cohort, items = seen_items(data, least=4)
    torch.manual_seed(seed)
    networks = {"initialized": as_initialized(trained.network), "trained": trained.network}
    order = np.random.default_rng(seed).permutation(len(items))[:images]
    spec = cohort.structures_in(trained.spec)
    scans = [scan_of(items[k], spec, points) for k in order]
    labels = torch.cat([scan.label.flatten()[scan.places] for scan in scans])
    if len(labels.unique()) < 2:
        raise InputError(f"{data}: one structure in the images that are looked at, expected two")
    groups = torch.cat([torch.full_like(s.places, k) for k, s in enumerate(scans)])
    features = {name: _features(network, scans) for name, network in networks.items()}
    features["coordinates"] = _coordinates(scans)
    rows = [
        {"features": name, **_numbers(vectors, labels, groups)}
        for name, vectors in features.items()
    ]
    planes = {name: _plane(vectors, method, seed) for name, vectors in features.items()}
    settings = {"run": str(run), "data": str(data), "method": method, "points": points}
    return Analysis(
        name="embed",
        rows=rows,
        sentences=list(map(_sentence, rows)),
        figure=_figure(planes, labels, spec.structures),
        settings=settings | {"images": len(scans), "seed": seed},
    )


def _check(method: str) -> None:
    if method not in METHODS:
        raise InputError(f"method: expected one of {', '.join(METHODS)}, got '{method}'")
    refuse_without("sklearn", extra="embed", purpose="embed")


@torch.no_grad()
def _features(network: Gemini, scans: Sequence[SampledImage]) -> Tensor:
    """One dense feature vector a row."""
    vectors = [network.features(scan.image)[0].flatten(1).T[scan.places] for scan in scans]
    return torch.cat(vectors).float()


def _coordinates(scans: Sequence[SampledImage]) -> Tensor:
    """Voxel coordinates from 0 to 1, one place a row."""
    coordinates = []
    for scan in scans:
        shape = scan.label.shape
        places = torch.stack(torch.unravel_index(scan.places, shape), dim=1)
        coordinates.append(places / (torch.tensor(shape) - 1))
    return torch.cat(coordinates).float()


def _numbers(features: Tensor, labels: Tensor, groups: Tensor) -> dict[str, float]:
    from sklearn.metrics import silhouette_score

    structures = labels.unique()
    truth = labels[:, None] == structures
    fitted = groups < (int(groups.max()) + 1) // 2
    classifier = LinearClassifier(features[fitted], truth[fitted], overlapping=False)
    logits = classifier.logits(features[~fitted].T[None])[0, 1:]  # without the background
    hits = structures[logits.argmax(dim=0)] == labels[~fitted]
    distance = float(silhouette_score(features.numpy(), labels.numpy(), metric="cosine"))
    return {"silhouette": distance, "linear_accuracy": float(hits.double().mean())}


def _plane(features: Tensor, method: str, seed: int) -> np.ndarray:
    """(points, 2)."""
    if method == "pca":
        centered = features - features.mean(dim=0)
        return (centered @ torch.linalg.svd(centered, full_matrices=False)[2][:2].T).numpy()
    from sklearn.manifold import TSNE

    plane: np.ndarray = TSNE(random_state=seed, init="pca").fit_transform(features.numpy())
    return plane


def _sentence(row: Mapping[str, Any]) -> str:
    numbers = f"silhouette {row['silhouette']:+.2f}, linear {100 * row['linear_accuracy']:.1f} %"
    return f"{row['features']:<12} {numbers} of voxels of other images"


def _figure(planes: Mapping[str, np.ndarray], labels: Tensor, structures: Sequence[str]) -> Figure:
    figure = Figure(figsize=(4 * len(planes), 4), layout="constrained")
    for axes, (name, plane) in zip(figure.subplots(1, len(planes)), planes.items(), strict=True):
        _draw(axes, plane, labels, structures)
        axes.set(title=name, xticks=[], yticks=[])
    handles = axes.get_legend_handles_labels()
    figure.legend(*handles, loc="outside lower center", ncols=5, frameon=False)
    return figure


def _draw(axes: Axes, plane: np.ndarray, labels: Tensor, structures: Sequence[str]) -> None:
    for value in labels.unique().tolist():
        x, y = plane[(labels == value).numpy()].T
        name = structures[value - 1] if value <= len(structures) else f"set {value}"
        axes.scatter(x, y, s=3, alpha=0.6, label=name)
