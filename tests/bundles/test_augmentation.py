"""The named augmentations: one in every configuration, and what each of them does."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
import torch

from gemini_monai.base.errors import InputError
from tests.bundles.runs import BUNDLE, MIP, SMALL, paths, workflow

FILES = {"train": BUNDLE, "finetune": MIP}


def _augmentations(name):
    content = json.loads((FILES[name] / "configs" / f"{name}.json").read_text())
    written = json.dumps(content["augmentations"]).replace("@spec.network_dims", "@spatial_dims")
    return json.loads(written)


def test_both_configurations_have_the_same():
    assert _augmentations("train") == _augmentations("finetune")


def _transform(name, dataset, folder, **options):
    options = SMALL | {"cache_dir": None, "compare": [], "pretrained": "none"} | options
    if name == "finetune":
        del options["registration_pairs"], options["compare"]
    flow = workflow(name, bundle=FILES[name], **paths(dataset, folder), **options)
    flow.initialize()
    return flow.parser.get_parsed_content("random_transforms")


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("axes", [2, 3])
def test_strong_moves_and_keeps_the_values_of_labels(name, axes, datasets, tmp_path):
    strong = _transform(name, datasets[axes], tmp_path, spatial_size=[16] * axes)
    image = torch.rand(1, *[16] * axes, generator=torch.Generator().manual_seed(0))
    label = (image > 0.5).float()
    looks = set()
    for seed in range(12):
        strong.set_random_state(seed=seed)
        made = strong({"image": image.clone(), "label": label.clone()})
        assert set(made["label"].unique().tolist()) <= {0.0, 1.0}
        assert made["image"].shape == image.shape
        looks.add(round(float(made["image"].mean()), 4))
    assert len(looks) == 12


def test_light_moves_alone_and_none_does_nothing(datasets, tmp_path):
    light = _transform("train", datasets[2], tmp_path, augmentation="light")
    flat = {"image": torch.full((1, 32, 32), 0.5)}
    values = light(flat)["image"]
    assert float(values.max()) == pytest.approx(0.5, abs=1e-5)
    assert _transform("train", datasets[2], tmp_path, augmentation="none") is None


def test_another_name_is_refused(datasets, tmp_path):
    with pytest.raises(RuntimeError) as raised:
        _transform("train", datasets[2], tmp_path, augmentation="mild")
    while raised.value.__cause__ is not None:
        raised = SimpleNamespace(value=raised.value.__cause__)
    expected = "key 'augmentation': expected one of none, light, strong, got 'mild'"
    assert isinstance(raised.value, InputError)
    assert str(raised.value) == expected
