"""The examples run as their first lines say, and import of ours what they say."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess

import torch

from tests.bundles.runs import command
from tests.conftest import ROOT
from tests.preloaded import interpreter

EXAMPLE = ROOT / "examples" / "segment_with_backbone.py"


def test_a_backbone_in_a_pipeline_of_ones_own(pretrained, tiny_phantom, tmp_path):
    exported = command("export", pretrained, tmp_path / "backbone.pt", module="gemini_monai")
    assert exported.returncode == 0, exported.stderr
    folder = tiny_phantom.parent
    for entry in json.loads(tiny_phantom.read_text())["test"] * 2:
        for kind in ("image", "label"):
            place = tmp_path / kind / entry[kind].split("/")[-1]
            place.parent.mkdir(exist_ok=True)
            shutil.copy(folder / entry[kind], place)
            shutil.copy(folder / entry[kind], place.with_name(f"again_{place.name}"))
    out = tmp_path / "network.pt"
    arguments = [tmp_path / "backbone.pt", tmp_path / "image", tmp_path / "label", out]
    result = subprocess.run(
        [interpreter(), str(EXAMPLE), *map(str, arguments), "--epochs", "1"],
        env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert result.returncode == 0, result.stderr[-3000:]
    assert "validation Dice" in result.stdout
    state = torch.load(out, weights_only=True)
    assert any(key.startswith("0.encoder.") for key in state)


def test_it_imports_nothing_of_ours_but_the_backbone():
    found = re.findall(r"^\s*(?:from|import) (gemini_monai.*)$", EXAMPLE.read_text(), re.M)
    assert found == ["gemini_monai.networks import UNetBackbone"]
