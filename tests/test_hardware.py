"""Defaults that depend on where a training runs."""

from __future__ import annotations

import pytest
import torch

from gemini_monai.configuration import (
    autocast_options,
    choose_convolutions,
    hardware,
    loading_workers,
    on_gpu,
)


@pytest.mark.parametrize(
    ("device", "expected"),
    [("cpu", False), (torch.device("cpu"), False), ("cuda:1", True), ("cuda", True)],
)
def test_what_a_gpu_is(device, expected):
    assert on_gpu(device) is expected


@pytest.mark.parametrize(("known", "dtype"), [(True, torch.bfloat16), (False, torch.float16)])
def test_mixed_precision_takes_what_the_card_has(known, dtype, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: known)
    assert autocast_options("cuda") == {"dtype": dtype}
    assert autocast_options("cpu") == {"dtype": torch.bfloat16}


@pytest.mark.parametrize(
    ("cores", "trainings", "expected"), [(1, 1, 0), (4, 1, 3), (16, 1, 8), (16, 4, 3), (4, 8, 0)]
)
@pytest.mark.parametrize("most", [8, 4])
def test_loading_leaves_a_core_to_each_training(cores, trainings, expected, most, monkeypatch):
    monkeypatch.setattr(hardware, "processors", lambda: cores)
    monkeypatch.setattr(hardware, "starts_by_fork", lambda: most == 8)
    expected = min(expected, most)
    monkeypatch.setenv("LOCAL_WORLD_SIZE", str(trainings))
    assert loading_workers("cuda", transforms_on="cpu") == expected
    assert loading_workers("cuda", transforms_on="cuda:0") == 0
    assert loading_workers("cpu", transforms_on="cpu") == 0


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_cudnn_chooses_where_there_is_a_gpu(device, monkeypatch):
    monkeypatch.setattr(torch.backends.cudnn, "benchmark", False)
    monkeypatch.setattr(torch.backends.cudnn, "deterministic", True)
    choose_convolutions(device)
    assert torch.backends.cudnn.benchmark is on_gpu(device)
    assert torch.backends.cudnn.deterministic is not on_gpu(device)
