"""Features of a trained run on a plane; the numbers against loops and against what they must be."""

from __future__ import annotations

import sys

import numpy as np
import pytest
import torch

from gemini_monai.base.errors import InputError
from gemini_monai.study.analyses import embedding
from gemini_monai.study.analyses.embed import _numbers, _plane


@pytest.mark.parametrize("method", ["pca", "tsne"])
def test_a_run_and_its_data(trained, tiny_phantom, method):
    found = embedding(trained, tiny_phantom.parent, method=method, images=4, points=20)
    assert [row["features"] for row in found.rows] == ["initialized", "trained", "coordinates"]
    for row in found.rows:
        assert -1 <= row["silhouette"] <= 1
        assert 0 <= row["linear_accuracy"] <= 1
    assert len(found.figure.axes) == 3
    again = embedding(trained, tiny_phantom.parent, method=method, images=4, points=20)
    assert again.rows == found.rows


def test_the_silhouette_is_that_of_its_definition():
    features = torch.rand(12, 3)
    labels = torch.tensor([1, 1, 2, 3, 3, 2, 1, 2, 3, 1, 2, 3])
    groups = torch.arange(12) // 6
    found = _numbers(features, labels, groups)["silhouette"]
    unit = torch.nn.functional.normalize(features, dim=1)
    values = []
    for k in range(12):
        distances = {
            c: [float(1 - unit[k] @ unit[j]) for j in range(12) if j != k and labels[j] == c]
            for c in (1, 2, 3)
        }
        own = np.mean(distances.pop(int(labels[k])))
        other = min(np.mean(of) for of in distances.values())
        values.append((other - own) / max(own, other))
    assert found == pytest.approx(np.mean(values), abs=1e-5)


def test_structures_that_lie_apart_are_told_from_other_images():
    labels = torch.tensor([1, 2, 5]).repeat(40)
    groups = torch.arange(120) // 30
    apart = 10 * torch.eye(3).repeat(40, 1) + 0.1 * torch.randn(120, 3)
    numbers = _numbers(apart, labels, groups)
    assert numbers["linear_accuracy"] == 1
    assert numbers["silhouette"] > 0.9
    assert _numbers(torch.randn(120, 3), labels, groups)["linear_accuracy"] < 0.6


def test_the_plane_has_what_varies_most():
    features = torch.randn(50, 4) * torch.tensor([0.1, 5.0, 0.1, 2.0])
    plane = _plane(features, "pca", 0)
    expected = (features - features.mean(dim=0))[:, [1, 3]].numpy()
    for k in range(2):
        assert abs(np.corrcoef(plane[:, k], expected[:, k])[0, 1]) > 0.99


def test_what_cannot_be_is_named(trained, tiny_phantom, monkeypatch):
    with pytest.raises(InputError, match="expected one of tsne, pca, got 'umap'"):
        embedding(trained, tiny_phantom.parent, method="umap")
    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(InputError, match=r"embed needs .*: pip install scikit-learn$"):
        embedding(trained, tiny_phantom.parent)
