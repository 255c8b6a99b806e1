"""On a GPU: what a CPU computes, in mixed precision; runs by the defaults, and transforms there."""

from __future__ import annotations

import json

import pytest
import torch

from gemini_monai.base.errors import InputError
from gemini_monai.base.memory import refuse_too_large
from gemini_monai.inference.trained_run import TrainedRun
from gemini_monai.networks import Gemini, placed
from gemini_monai.objectives import (
    ContrastObjective,
    HomeomorphismObjective,
    Learner,
    SegmentationObjective,
)
from tests.bundles.runs import MIP, SMALL, paths, run, workflow

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
OBJECTIVES = ("homeomorphism", "contrast", "segmentation")


def _learner(device, *, dims):
    torch.manual_seed(0)
    network = Gemini(dims, 1, 3, (8, 16, 32), half_resolution_field=True)
    torch.nn.init.normal_(network.deformer.field.weight, std=0.05)
    parts = (HomeomorphismObjective(), ContrastObjective(), SegmentationObjective())
    learner = Learner(placed(network, device), dict(zip(OBJECTIVES, parts, strict=True)))
    return learner.to(device)


def _batch(device, *, dims):
    torch.manual_seed(1)
    size = (32,) * dims
    keys = ("image_a", "image_b", "view_a", "view_b", "image")
    batch = {key: torch.rand(2, 1, *size) for key in keys}
    batch |= {"ddf_ab": torch.rand(2, dims, *size), "label": torch.randint(3, (2, 1, *size))}
    return {key: value.to(device) for key, value in batch.items()}


def _losses_and_gradients(device, *, dims, amp=False):
    learner, batch = _learner(device, dims=dims), _batch(device, dims=dims)
    losses = {}
    for name in OBJECTIVES:
        torch.manual_seed(2)
        with torch.autocast(device, enabled=amp, dtype=torch.bfloat16):
            terms = learner([name], batch)
        torch.stack(list(terms.values())).sum().backward()
        losses |= terms
    gradients = [p.grad.flatten().cpu() for p in learner.network.parameters()]
    return losses, torch.cat(gradients)


@pytest.mark.parametrize("dims", [2, 3])
@pytest.mark.parametrize(("amp", "near", "along"), [(False, 2e-3, 0.999), (True, 3e-2, 0.97)])
def test_losses_and_gradients_are_those_of_a_cpu(dims, amp, near, along):
    expected, gradient = _losses_and_gradients("cpu", dims=dims)
    losses, found = _losses_and_gradients("cuda", dims=dims, amp=amp)
    assert {loss.dtype for loss in losses.values()} == {torch.float32}
    for name in {"smoothness", "visual", "semantic", "dice", "cross_entropy"}:  # contrast draws
        torch.testing.assert_close(losses[name].cpu(), expected[name], rtol=near, atol=near)
    assert torch.nn.functional.cosine_similarity(found, gradient, dim=0) > along


@pytest.mark.parametrize("bundle", ["gemini_semi", "gemini_mip"])
def test_a_run_by_the_defaults_goes_on_and_is_used(bundle, tiny_phantom, tmp_path):
    options = paths(tiny_phantom, tmp_path / "run")
    where = {"bundle": MIP} if bundle == "gemini_mip" else {}
    flow = run("train", **where, **options, **SMALL)
    assert flow.parser.get_parsed_content("amp") is True
    assert flow.parser.get_parsed_content("train#dataloader").pin_memory
    assert json.loads((tmp_path / "run" / "run.json").read_text())["device"] == "cuda"
    run("train", **where, **options, **SMALL | {"epochs": 3, "resume": True})
    assert len((tmp_path / "run" / "history.csv").read_text().splitlines()) == 7
    if bundle == "gemini_semi":
        _use(tmp_path / "run", sorted((tiny_phantom.parent / "images").iterdir())[:2])


def _use(folder, images):
    """As on a CPU, but for rounding."""
    there, here = (TrainedRun.open(folder, device=device) for device in ("cuda", "cpu"))
    found, expected = (torch.as_tensor(own.segment(images[0])) for own in (there, here))
    assert (found == expected).float().mean() > 0.99
    found, expected = (own.register(*images, refinement=3).displacement for own in (there, here))
    assert found.device.type == "cpu"
    assert (torch.as_tensor(found) - torch.as_tensor(expected)).abs().mean() < 0.05


def test_random_transforms_on_the_gpu_are_those_of_the_cpu(tiny_phantom, tmp_path):
    found = {}
    for place in ("cpu", "cuda"):
        flow = workflow("train", **paths(tiny_phantom, tmp_path), **SMALL, transforms_on=place)
        flow.initialize()
        found[place] = flow.parser.get_parsed_content("train#dataset")[3]
    assert found["cpu"].keys() == found["cuda"].keys()
    for key, expected in found["cpu"].items():
        if key in ("image", "view_a", "image_a"):
            assert found["cuda"][key].is_cuda
        difference = (found["cuda"][key].cpu().float() - expected.float()).abs()
        assert difference.mean() < 1e-3, key


def test_a_run_with_transforms_on_the_gpu(tiny_phantom, tmp_path):
    flow = run("train", **paths(tiny_phantom, tmp_path), **SMALL, transforms_on="cuda")
    assert flow.parser.get_parsed_content("num_workers") == 0


def test_a_size_beyond_the_gpu_is_refused_and_one_within_it_is_not():
    free = torch.cuda.mem_get_info()[0]
    options = {"what": "x", "change": "give less", "device": "cuda"}
    refuse_too_large([free // 2], voxel_bytes=1, **options)
    with pytest.raises(InputError, match="give less"):
        refuse_too_large([2 * torch.cuda.mem_get_info()[1]], voxel_bytes=1, **options)
