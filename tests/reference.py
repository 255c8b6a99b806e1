"""Slow oracles, written from the equations with loops or without our own code."""

from __future__ import annotations

import itertools

import numpy as np


def warp_loops(image: np.ndarray, ddf: np.ndarray) -> np.ndarray:
    """Linear sampling of image (*S) at p + ddf(p), ddf (N, *S); zeros outside."""
    result = np.zeros_like(image, dtype=np.float64)
    for point in np.ndindex(*image.shape):
        position = np.array(point) + ddf[(slice(None), *point)]
        low = np.floor(position).astype(int)
        for corner in itertools.product((0, 1), repeat=image.ndim):
            index = low + corner
            weight = np.prod(1 - np.abs(position - index))
            if np.all(index >= 0) and np.all(index < image.shape):
                result[point] += weight * image[tuple(index)]
    return result


def local_correlation_loops(
    a: np.ndarray, b: np.ndarray, *, window: int, outside: tuple[float, float] = (0, 0)
) -> np.ndarray:
    """cross^2 / (var_a var_b + 1e-5) per voxel over a window (equation 6); zeros lie outside."""
    half = window // 2
    a, b = (np.pad(x, half, constant_values=v) for x, v in zip((a, b), outside, strict=True))
    shape = tuple(size - 2 * half for size in a.shape)
    result = np.zeros(shape)
    for point in np.ndindex(*shape):
        box = tuple(slice(k, k + window) for k in point)
        u, v = a[box] - a[box].mean(), b[box] - b[box].mean()
        result[point] = (u * v).sum() ** 2 / ((u * u).sum() * (v * v).sum() + 1e-5)
    return result


def smoothness_loops(ddf: np.ndarray) -> float:
    """Mean over axes of the mean squared forward difference (equation 3); ddf (N, *S)."""
    return float(np.mean([np.mean(np.diff(ddf, axis=axis) ** 2) for axis in range(1, ddf.ndim)]))
