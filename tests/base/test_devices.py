"""Which device is taken, and that an Apple GPU, which has no float64, is never asked for one."""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch

from gemini_monai.base import devices
from gemini_monai.base.devices import FALLBACK, best_device, has_double, in_double, near
from gemini_monai.base.errors import InputError
from gemini_monai.geometry.world import FieldOfView
from gemini_monai.geometry.world.fields import displacement_at
from gemini_monai.inference import common_grid
from gemini_monai.inference.agreement import agreement_of
from gemini_monai.inference.common_grid import CommonGrid
from gemini_monai.metrics import calibration_errors, dice_per_structure, effective_rank
from gemini_monai.runs import check_device
from tests.conftest import ROOT

DEVICE_ROOMS = ("networks", "losses", "objectives", "engines", "metrics", "handlers", "quality")
ON_CPU = {
    "losses/contrastive.py",  # float64 stays what it is, in gradient checks
    "objectives/objective.py",  # likewise
    "inference/starts.py",  # images as they were read
    "inference/landmark_files.py",
    "inference/landmark_writing.py",
    "inference/carried_landmarks.py",
    "inference/common_grid.py",  # tried below
    "inference/probe.py",  # masks of scans, which stay on the CPU
}
"""Files that know float64, and why no tensor of theirs that has it is on the network's device."""


class Apple(torch.Tensor):
    """A tensor, and all that is made of it, that refuses float64 as Apple's GPUs do."""

    @classmethod
    def __torch_function__(cls, function, types, args=(), kwargs=None):
        if function is torch.Tensor.cpu:
            with torch._C.DisableTorchFunctionSubclass():
                return args[0].as_subclass(torch.Tensor)
        found = super().__torch_function__(function, types, args, kwargs or {})
        if isinstance(found, Apple) and found.dtype == torch.float64:
            raise TypeError("the MPS framework doesn't support float64")
        return found


def on_apple(values):
    return values.as_subclass(Apple)


@pytest.fixture
def apple(monkeypatch):
    """No device has float64."""
    for module in (devices, common_grid):
        monkeypatch.setattr(module, "has_double", lambda device: False)


@pytest.mark.parametrize(
    ("cuda", "mps", "fallback", "expected"),
    [
        (True, True, "1", "cuda"),
        (False, True, "1", "mps"),
        (False, True, None, "cpu"),
        (False, True, "0", "cpu"),
        (False, False, "1", "cpu"),
    ],
)
def test_the_best_device_is_one_that_can_all(monkeypatch, caplog, *, cuda, mps, fallback, expected):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
    monkeypatch.delenv(FALLBACK, raising=False)
    if fallback is not None:
        monkeypatch.setenv(FALLBACK, fallback)
    assert best_device() == torch.device(expected)
    assert ("never run by us" in caplog.text) == (expected == "mps")


@pytest.mark.parametrize("device", ["mps", "mps:0", torch.device("mps")], ids=str)
def test_an_apple_gpu_has_no_float64(device):
    assert not has_double(device)
    assert has_double("cpu")
    assert has_double(torch.device("cuda", 1))
    with pytest.raises(InputError, match=r"key 'transforms_on': mps.* has no float64, in which"):
        check_device(device, name="transforms_on")


def test_elsewhere_values_are_in_float64_where_they_are():
    values = torch.rand(3)
    assert in_double(values).dtype == torch.float64
    assert near(in_double(values), values).dtype == torch.float64


def test_a_stand_in_refuses_float64():
    values = on_apple(torch.rand(3))
    for ask in (lambda: values.double(), lambda: (values + 1).to(torch.float64)):
        with pytest.raises(TypeError, match="float64"):
            ask()
    assert type(values.cpu()) is torch.Tensor


@pytest.mark.usefixtures("apple")
@pytest.mark.parametrize("overlapping", [False, True])
def test_scores_never_ask_it_for_float64(overlapping):
    logits, masks = torch.randn(3, 8, 8), torch.rand(1, 2, 8, 8) > 0.5
    truth = torch.randint(0, 2, (3, 8, 8)) if overlapping else torch.randint(0, 3, (1, 8, 8))
    points = torch.randn(50, 4)
    calls = [
        lambda own: dice_per_structure(own(masks), own(masks.flip(-1))),
        lambda own: calibration_errors(own(logits), own(truth), overlapping=overlapping),
        lambda own: agreement_of(own(logits), overlapping=overlapping),
        lambda own: effective_rank(own(points)),
    ]
    for call in calls:
        found, expected = call(on_apple), call(lambda values: values)
        torch.testing.assert_close(torch.as_tensor(found), torch.as_tensor(expected))


@pytest.mark.usefixtures("apple")
def test_fields_and_images_on_two_grids_never_ask_it_for_float64():
    affine = np.diag([1.5, 1.0, 2.0, 1.0])
    fixed, moving = FieldOfView(np.eye(4), (8, 8, 8)), FieldOfView(affine, (8, 9, 8))
    grid = CommonGrid(moving, fixed, start=np.eye(4), size=(8, 8, 8))
    image, ddf = torch.rand(1, 8, 9, 8), torch.rand(1, 3, 8, 8, 8)
    begin = torch.zeros(3, 1, 1, 1, dtype=torch.float64)
    for call in (
        lambda own: grid.moving(own(image)),
        lambda own: grid.warped(own(image[None]), own(ddf)),
        lambda own: displacement_at(
            own(ddf), begin, fixed_network=np.eye(4), moving_network=affine
        ),
    ):
        found, expected = call(on_apple), call(lambda values: values)
        torch.testing.assert_close(found.cpu(), expected, atol=1e-4, rtol=0, check_dtype=False)


def test_no_other_file_of_what_is_on_the_device_knows_float64():
    package = ROOT / "gemini_monai"
    found = set()
    for room in (*DEVICE_ROOMS, "inference"):
        for path in (package / room).rglob("*.py"):
            if re.search(r"\.double\(\)|torch\.(float64|double)\b", path.read_text("utf-8")):
                found.add(path.relative_to(package).as_posix())
    assert found == ON_CPU
