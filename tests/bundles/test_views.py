"""By what the two views of an image are drawn: each method as its paper, GEMINI as all images."""

from __future__ import annotations

import json
from pydoc import locate

import numpy as np
import pytest
import torch

from gemini_monai.data import Views
from gemini_monai.study.methods.view_objective import ViewObjective
from tests.bundles.runs import BUNDLE, MIP, workflow

GRAY = ("DeepCluster",)
"""Methods whose papers change no intensities."""


def _of_views(bundle):
    for path in sorted((bundle / "configs").glob("method_*.json")):
        given = json.loads(path.read_text()).get("objectives", {}).values()
        own = [locate(value["_target_"]) for value in given if not isinstance(value, str)]
        if any(issubclass(kind, ViewObjective) for kind in own):
            yield bundle, path.stem, own[0].__name__


METHODS = [*_of_views(BUNDLE), *_of_views(MIP)]


def _transforms(bundle, *overlays, dataset):
    flow = workflow("train", *overlays, bundle=bundle, datalist=str(dataset))
    return [
        flow.parser.get_parsed_content(name) for name in ("random_transforms", "view_transforms")
    ]


@pytest.mark.parametrize(("bundle", "overlay", "kind"), METHODS)
@pytest.mark.parametrize("axes", [2, 3])
def test_views_of_a_method_are_crops_with_other_intensities(datasets, bundle, overlay, kind, axes):
    common, transform = _transforms(bundle, overlay, dataset=datasets[axes])
    assert transform is not common
    side = 48 if axes == 2 else 20
    views = Views(4, transform=transform)
    views.open([{"image": torch.full((1, *[side] * axes), 0.5)}] * 4)
    assert views.tracked
    batch = views.draw(np.random.default_rng(0), {})
    zoom = [_zoom(field) for field in batch["ddf_ab"]]
    assert min(zoom) < 0.85 or max(zoom) > 1.15 or "glcl" in overlay  # boxes of one size
    inside = batch["view_a"].amax(dim=tuple(range(1, axes + 2)))
    changed = len({round(float(value), 3) for value in inside}) > 1
    assert changed is (kind not in GRAY)


def _zoom(field):
    """Side of a box of the second view in the first."""
    steps = [1 + field[k].diff(dim=k).mean() for k in range(len(field))]
    return float(torch.stack(steps).prod()) ** (1 / len(field))


@pytest.mark.parametrize("bundle", [BUNDLE, MIP], ids=lambda bundle: bundle.name)
@pytest.mark.parametrize("overlay", [None, "method_pairs"])
def test_our_own_contrast_has_the_transform_of_all_images(datasets, bundle, overlay):
    overlays = [overlay] if overlay else []
    common, transform = _transforms(bundle, *overlays, dataset=datasets[2])
    assert transform is common
