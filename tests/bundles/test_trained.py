"""A run opened in Python says what the commands write."""

from __future__ import annotations

import subprocess
import sys

import nibabel as nib
import numpy as np
import pytest
import torch

import gemini_monai
from gemini_monai.base.errors import InputError
from gemini_monai.data.dataset_file import read_cohort
from gemini_monai.inference.trained_run import TrainedRun
from tests.bundles.runs import CONFIGS, command, overrides_of, run

CUDA = torch.cuda.is_available()


def test_it_segments_as_inference_does(trained, tiny_phantom, tmp_path):
    entry = read_cohort(tiny_phantom).test[0]
    opened = TrainedRun.open(trained)
    found = opened.segment(entry["image"])
    folders = {"dataset_dir": str(tiny_phantom.parent / "images"), "output_dir": str(tmp_path)}
    run("inference", kind="infer", run_dir=str(trained), **folders)
    written = nib.load(tmp_path / f"{entry['case']}.nii.gz")
    np.testing.assert_array_equal(found[0].numpy(), written.get_fdata())
    np.testing.assert_allclose(found.affine[:2, :2], written.affine[:2, :2])
    assert opened.structures == dict(enumerate(opened.spec.structures, 1))


def test_it_registers_as_the_command_does(trained, tiny_phantom, tmp_path):
    moving, fixed = (entry["image"] for entry in read_cohort(tiny_phantom).test[:2])
    found = TrainedRun.open(trained).register(moving, fixed)
    given = {"moving": moving, "fixed": fixed, "run_dir": trained, "output_dir": tmp_path}
    done = command("run", "--config_file", CONFIGS / "register.json", *overrides_of(given))
    assert done.returncode == 0, done.stderr[-2000:]
    written = nib.load(next(tmp_path.glob("*_warped.nii.gz"))).get_fdata()
    np.testing.assert_allclose(found.warped[0].numpy(), written, atol=1e-4)


def test_it_is_on_a_gpu_where_there_is_one(trained, monkeypatch):
    assert TrainedRun.open(trained).device == torch.device("cpu" if not CUDA else "cuda")
    asked = []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    where = "gemini_monai.inference.trained_run.placed"
    monkeypatch.setattr(where, lambda network, device: asked.append(str(device)) or network)
    assert [TrainedRun.open(trained, device=own).device.type for own in (None, "cpu")] == asked
    assert asked == ["cuda", "cpu"]


def test_its_backbone_has_the_weights(trained):
    opened = TrainedRun.open(trained)
    saved = torch.load(trained / "models" / "model.pt", weights_only=True)
    for name, value in opened.backbone.state_dict().items():
        assert torch.equal(value, saved[f"backbone.{name}"])
    assert opened.backbone(torch.rand(1, 1, 32, 32)).shape == (1, 4, 32, 32)


def test_what_it_was_not_trained_for_is_refused(pretrained, tiny_phantom, tmp_path):
    image = read_cohort(tiny_phantom).test[0]["image"]
    with pytest.raises(InputError, match="a run for pre-training, expected one for segmentation"):
        TrainedRun.open(pretrained).segment(image)
    with pytest.raises(InputError, match="not a run folder"):
        TrainedRun.open(tmp_path)


def test_the_names_are_there_and_cost_nothing_until_asked():
    assert all(getattr(gemini_monai, name) is not None for name in gemini_monai.__all__)
    assert set(gemini_monai.__all__) <= set(dir(gemini_monai))
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        gemini_monai.Nothing  # noqa: B018
    code = "import sys, gemini_monai; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
