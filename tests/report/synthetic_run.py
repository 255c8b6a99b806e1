"""Writes run folders as training leaves them, small and seeded, for the tests of the report."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import torch
from scipy.ndimage import gaussian_filter

from gemini_monai.geometry.warp import warp

STRUCTURES = ("right lung", "left lung", "heart", "clavicles")
SHAPES = {  # center and radius per axis, as shares of the image's side, first across, then down
    "right lung": [((0.30, 0.52), (0.15, 0.29))],
    "left lung": [((0.71, 0.50), (0.14, 0.27))],
    "heart": [((0.55, 0.66), (0.15, 0.14))],
    "clavicles": [((0.30, 0.17), (0.17, 0.035)), ((0.70, 0.17), (0.17, 0.035))],
}
LEVELS = (0.62, 0.25, 0.28, 0.85, 0.95)


def anatomy(shape: Sequence[int]) -> np.ndarray:
    """Index map (*S) of a chest-like anatomy; constant along a third axis but for its ends."""
    axes = np.meshgrid(*[(np.arange(n) + 0.5) / n for n in shape], indexing="ij")
    depth = ((axes[2] - 0.5) / 0.7) ** 2 if len(shape) == 3 else 0.0
    label = np.zeros(shape, np.int16)
    for value, name in enumerate(STRUCTURES, 1):
        for (x, y), (a, b) in SHAPES[name]:
            label[((axes[0] - x) / a) ** 2 + ((axes[1] - y) / b) ** 2 + depth < 1] = value
    return label


def smooth_field(generator: np.random.Generator, shape: Sequence[int], size: float) -> np.ndarray:
    """Smooth displacement (N, *S) with the given largest length in voxels."""
    noise = generator.standard_normal((len(shape), *shape))
    field = np.stack([gaussian_filter(channel, min(shape) / 10) for channel in noise])
    return (size * field / np.abs(field).max()).astype(np.float32)


def deform(array: np.ndarray, field: np.ndarray) -> np.ndarray:
    """Warp an index map (*S) by a field."""
    image = torch.as_tensor(array.astype(np.float32))[None, None]
    return warp(image, torch.as_tensor(field)[None], mode="nearest")[0, 0].numpy().astype(np.int16)


def appearance(generator: np.random.Generator, label: np.ndarray) -> np.ndarray:
    """A low-contrast noisy image of an index map, 0 to 1."""
    clean = gaussian_filter(np.array(LEVELS)[label], 1.0)
    shade = gaussian_filter(generator.standard_normal(label.shape), min(label.shape) / 5)
    noise = gaussian_filter(generator.standard_normal(label.shape), 0.6)
    return (clean + 0.1 * shade / np.abs(shade).max() + 0.05 * noise).clip(0, 1).astype(np.float32)


def dice(first: np.ndarray, second: np.ndarray) -> float:
    """Overlap of two masks, NaN when both are empty."""
    total = int(first.sum()) + int(second.sum())
    return 2 * int((first & second).sum()) / total if total else float("nan")


def write_table(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    """A CSV of rows; NaN and None are left empty."""
    path.parent.mkdir(parents=True, exist_ok=True)
    empty = (None, "nan")
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        for row in rows:
            writer.writerow({k: "" if v in empty or v != v else v for k, v in row.items()})


def write_image(path: Path, array: np.ndarray) -> None:
    """A NIfTI of 1.5 mm voxels whose axes are shown as they lie."""
    path.parent.mkdir(parents=True, exist_ok=True)
    affine = np.diag([-1.5, -1.5, 1.5, 1.0])
    nibabel.save(nibabel.Nifti1Image(array, affine), path)


def write_run(
    folder: Path,
    *,
    shape: Sequence[int] = (32, 32),
    cases: int = 5,
    iterations: int = 60,
    method: str = "GEMINI",
    error: float = 1.0,
    seed: int = 0,
    supervised: bool = True,
) -> Path:
    """A run folder whose predictions are the truth, deformed by up to ``error`` voxels.

    The clavicles of case ``s001`` are missed.
    """
    generator = np.random.default_rng(seed)
    structures = list(STRUCTURES)
    details = {
        "method": method,
        "compare": ["supervised"] if supervised else [],
        "dataset": {
            "name": f"phantom_{len(shape)}d",
            "path": str(folder / "nowhere" / "dataset.json"),
            "hash": "9f2c" * 16,
            "spatial_dims": len(shape),
            "structures": structures,
            "cases": {"labeled": 5, "unlabeled": 50, "validation": 5, "test": cases},
        },
        "seed": seed,
        "iterations": iterations,
        "skipped_steps": 0,
        "versions": {"python": "3.11.7", "monai": "1.6.1", "torch": "2.13.0"},
        "command": "python -m monai.bundle run training --config_file <train.json>",
        "settings": {
            **{"learning_rate": 1e-3, "channels": [16, 32, 64], "loss": {"semantic": 0.8}},
            **{"largest_component": ["heart"], "fill_holes": []},
        },
        "parameters": 1_962_468,
        "seconds": 272.0,
        "peak_memory_mib": 1432,
        "device": "cpu",
        "threads": 2,
        "started": "2026-11-23T20:14:03+00:00",
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "run.json").write_text(json.dumps(details, indent=1))
    _write_curves(folder, generator, iterations=iterations, registration=method != "supervised")
    _write_segmentation(folder, shape=shape, cases=cases, error=error, seed=seed)
    if method != "supervised":
        _write_registration(folder, generator, shape=shape, pairs=cases)
    if supervised:
        write_run(
            folder / "supervised",
            shape=shape,
            cases=cases,
            iterations=iterations,
            method="supervised",
            error=1.7 * error,
            seed=seed,
            supervised=False,
        )
    return folder


def _write_curves(
    folder: Path, generator: np.random.Generator, *, iterations: int, registration: bool
) -> None:
    names = ["dice", "cross_entropy"]
    if registration:
        names = ["smoothness", "visual", "semantic", *names]
    rows = []
    for iteration in range(1, iterations + 1):
        decay = np.exp(-4 * iteration / iterations)
        terms = {name: (0.2 + decay) * generator.gamma(30, 1 / 30) for name in names}
        if registration:
            terms |= {"inbounds": 1 - 0.05 * (1 - decay), "folding": 0.002 * generator.random()}
        rows.append({"iteration": iteration, "loss": sum(terms[name] for name in names), **terms})
    write_table(folder / "history.csv", rows)
    rows = []
    for iteration in np.linspace(iterations / 10, iterations, 10).astype(int):
        rise = 0.93 - 0.7 * np.exp(-5 * iteration / iterations)
        scores = {name: rise - 0.05 * generator.random() for name in STRUCTURES}
        mean = float(np.mean(list(scores.values())))
        rows.append({"iteration": int(iteration), "mean_dice": mean, **scores})
    write_table(folder / "validation.csv", rows)


def _write_segmentation(
    folder: Path, *, shape: Sequence[int], cases: int, error: float, seed: int
) -> None:
    rows = []
    for place in range(cases):
        generator = np.random.default_rng((seed, place))
        case, base = f"s{place:03d}", anatomy(shape)
        truth = deform(base, smooth_field(generator, shape, shape[0] / 16))
        size = error * generator.uniform(0.3, 1.7) * shape[0] / 32
        predicted = deform(truth, smooth_field(generator, shape, size))
        if place == 1:
            predicted[predicted == len(STRUCTURES)] = 0
        files = {
            "image": folder / "data" / f"{case}.nii.gz",
            "label": folder / "data" / f"{case}_label.nii.gz",
            "prediction": folder / "test" / "predictions" / f"{case}.nii.gz",
        }
        write_image(files["image"], appearance(generator, truth))
        write_image(files["label"], truth)
        write_image(files["prediction"], predicted)
        names = {name: str(path.relative_to(folder)) for name, path in files.items()}
        for value, structure in enumerate(STRUCTURES, 1):
            first, second = truth == value, predicted == value
            both = bool(first.any() and second.any())
            score = {
                "dice": dice(first, second),
                "average_surface_distance": 4 * (1 - dice(first, second)) if both else None,
                "hausdorff_distance_95": 9 * (1 - dice(first, second)) if both else None,
                "normalized_surface_dice": dice(first, second) ** 2,
                "surface_tolerance": 1.5,
                "reference_voxels": int(first.sum()),
                "predicted_voxels": int(second.sum()),
            }
            rows.append({"case": case, "structure": structure, **score, **names})
    write_table(folder / "test" / "segmentation.csv", rows)
    (folder / "test" / "segmentation.json").write_text('{"fill_holes": ["clavicles"]}')


def _write_registration(
    folder: Path, generator: np.random.Generator, *, shape: Sequence[int], pairs: int
) -> None:
    rows = [
        {
            "moving": f"s{place:03d}",
            "fixed": f"s{(place + 1) % pairs:03d}",
            "dice_before": generator.uniform(0.4, 0.55),
            "dice_after": generator.uniform(0.58, 0.75),
            "folding_percent": generator.uniform(0, 0.3),
            "error_before": generator.uniform(4, 5),
            "error_after": generator.uniform(2, 3),
        }
        for place in range(pairs)
    ]
    write_table(folder / "test" / "registration.csv", rows)
    (folder / "test" / "registration.json").write_text(json.dumps({"std_log_jacobian": 0.21}))
    (folder / "test" / "pairs").mkdir()
    for name, share in (("worst", 1.6), ("median", 1.0), ("best", 0.6)):
        write_pair(folder / "test" / "pairs" / f"{name}.npz", generator, shape=shape, share=share)


def write_pair(
    path: Path, generator: np.random.Generator, *, shape: Sequence[int], share: float
) -> None:
    """A kept pair; a share of 1 undoes part of the difference, a large one folds."""
    moving = deform(anatomy(shape), smooth_field(generator, shape, shape[0] / 24))
    field = smooth_field(generator, shape, shape[0] / 14)
    fixed = deform(moving, field)
    ddf = (
        0.8 * field
        if share <= 1
        else 0.8 * field + smooth_field(generator, shape, share * shape[0] / 10)
    )
    image = appearance(generator, moving)[None]
    tensors = torch.as_tensor(image)[None], torch.as_tensor(ddf)[None]
    np.savez_compressed(
        path,
        moving=image,
        fixed=appearance(generator, fixed)[None],
        warped=warp(*tensors)[0].numpy(),
        ddf=ddf,
        moving_label=moving[None],
        fixed_label=fixed[None],
        warped_label=deform(moving, ddf)[None],
    )
