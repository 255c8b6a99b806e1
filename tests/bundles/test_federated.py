"""Several sites in NVFLARE's simulator: each round starts from the average of the one before."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
import torch

from gemini_monai.data.phantom import write_phantom
from gemini_monai.networks import Gemini
from gemini_monai.weights import load_backbone
from tests.bundles.runs import SMALL, overrides_of
from tests.conftest import ROOT

pytest.importorskip("nvflare", reason="nvflare is heavy: pip install -e '.[nvflare]'")

WATCH = """
    import torch
    from ignite.engine import Events

    def keep(event):
        def save(engine):
            path = f"{places}/{name}_{engine.state.epoch}_{event.name}"
            torch.save(engine.network.state_dict(), path)

        site.trainer.add_event_handler(event, save)

    keep(Events.EPOCH_STARTED)
    keep(Events.EPOCH_COMPLETED)
    while flare.is_running():
"""
SITES = ("site-1", "site-2")


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    """Of two rounds of two sites with images of their own, and each site's network in between."""
    folder = tmp_path_factory.mktemp("federated")
    few = {"labeled": 0, "unlabeled": 6, "validation": 2, "test": 2}
    for seed, name in enumerate(SITES):
        write_phantom(folder / name, spatial_dims=2, spatial_size=(32, 32), seed=seed, **few)
    code = (ROOT / "examples" / "federated.py").read_text()
    assert code.count("    while flare.is_running():\n") == 1
    script = folder / "federated.py"
    script.write_text(code.replace("    while flare.is_running():\n", WATCH.lstrip("\n")))
    small = {key: SMALL[key] for key in ("epoch_length", "registration_pairs")}
    words = ["simulate", *(str(folder / name) for name in SITES)]
    words += ["--workspace", str(folder / "out"), *overrides_of(small)]
    done = subprocess.run(
        [sys.executable, str(script), *words],
        env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)},
        **{"cwd": ROOT, "capture_output": True, "text": True, "timeout": 500},
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return folder / "out"


def _networks(workspace, epoch, event):
    paths = [workspace / f"{name}_{epoch}_EPOCH_{event}" for name in SITES]
    return [torch.load(path, weights_only=True) for path in paths]


def _average(networks):
    return {key: torch.stack([own[key] for own in networks]).mean(0) for key in networks[0]}


def test_a_round_starts_from_the_average_of_the_round_before(workspace):
    start, other_start = _networks(workspace, 1, "STARTED")
    left = _networks(workspace, 1, "COMPLETED")
    again, other = _networks(workspace, 2, "STARTED")
    for key, value in _average(left).items():
        assert torch.equal(start[key], other_start[key]), key
        assert torch.equal(again[key], other[key]), key
        torch.testing.assert_close(again[key], value)
    moved = [key for key in start if not torch.equal(start[key], again[key])]
    assert len(moved) > len(start) / 2
    assert any(not torch.equal(left[0][key], left[1][key]) for key in start)


def test_the_server_keeps_the_last_average(workspace):
    path = workspace / "job/server/simulate_job/app_server/FL_global_model.pt"
    saved = torch.load(path, weights_only=True)["model"]
    for key, value in _average(_networks(workspace, 2, "COMPLETED")).items():
        torch.testing.assert_close(torch.as_tensor(saved[key]), value)
    load_backbone(Gemini(2, 1, 1, channels=(16, 32, 64, 128)).backbone, path)
