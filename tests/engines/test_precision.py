"""Where a network trains in bfloat16."""

from __future__ import annotations

import pytest
import torch

from gemini_monai.engines import bfloat16_pays


@pytest.mark.parametrize(
    ("device", "avx", "amx", "expected"),
    [
        ("cpu", False, False, False),
        ("cpu", True, False, True),
        ("cpu", False, True, True),
        ("cuda", False, False, True),
        ("mps", True, True, False),
    ],
)
def test_it_is_where_the_hardware_multiplies_it(monkeypatch, device, avx, amx, expected):
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: avx, raising=False)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: amx, raising=False)
    assert bfloat16_pays(torch.device(device)) is expected


def test_a_pytorch_that_cannot_tell_has_float32(monkeypatch):
    for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"):
        monkeypatch.delattr(torch.cpu, name, raising=False)
    assert bfloat16_pays("cpu") is False
