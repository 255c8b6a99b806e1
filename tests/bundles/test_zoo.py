"""Both bundles by what the model zoo asks of one: its ``CONTRIBUTING.md``, ``ci`` at 17e7879."""

from __future__ import annotations

import json
import re
import sys
from types import ModuleType

import nibabel
import numpy as np
import pytest
import torch
from monai.bundle import ConfigParser, ckpt_export

from gemini_monai.base.errors import InputError
from gemini_monai.data import read_cohort
from gemini_monai.weights import export_onnx, tensorrt_network
from tests.bundles.runs import BUNDLE, MIP, files, run

BUNDLES = pytest.mark.parametrize("bundle", [BUNDLE, MIP], ids=["semi", "mip"])
SHARED = ("bundle_root", "device", "dataset_dir", "output_dir")
PARTS = ("dataset", "handlers", "inferer", "preprocessing")
TRAINED = ("trainer", "trainer#max_epochs", *PARTS)
VALIDATED = ("evaluator", "postprocessing", "key_metric", "dataset#data", *PARTS)
LARGEST = 25e6
"""Bytes of a file of the zoo's repository."""


def _keys(bundle, name):
    parser = ConfigParser(json.loads((bundle / "configs" / f"{name}.json").read_text()))
    return lambda key: key in parser


@BUNDLES
def test_configurations_have_the_keys_that_it_names(bundle):
    has = _keys(bundle, "inference")
    assert all(map(has, (*SHARED, "network_def", "inferer")))
    for name in ("train", *(["finetune"] if bundle is MIP else [])):
        has = _keys(bundle, name)
        assert all(map(has, (*SHARED, *(f"train#{part}" for part in TRAINED))))
    has = _keys(bundle, "finetune" if bundle is MIP else "train")
    assert all(map(has, ("val_interval", *(f"validate#{part}" for part in VALIDATED))))


@BUNDLES
def test_it_has_the_files_that_it_names_and_none_too_large(bundle):
    for name in ("LICENSE", "configs/metadata.json", "configs/inference.json", "docs/README.md"):
        assert (bundle / name).is_file()
    for name in ("evaluate", "inference_trt", "multi_gpu_train", "multi_gpu_evaluate"):
        assert (bundle / "configs" / f"{name}.json").is_file()
    shipped = [*bundle.glob("configs/*"), *bundle.glob("docs/*")]
    assert max(path.stat().st_size for path in shipped) < LARGEST
    for path in shipped:
        assert not re.search(r"(?<![\w.])/(home|root|Users)/", path.read_text()), path


@BUNDLES
def test_what_it_installs_a_bundle_with_are_plain_versions(bundle):
    """Each is pinned by ``==``, and that of MONAI is counted up by numbers."""
    metadata = json.loads((bundle / "configs" / "metadata.json").read_text())
    named = [metadata[f"{name}_version"] for name in ("monai", "pytorch", "numpy")]
    named += metadata["required_packages_version"].values()
    assert all(re.fullmatch(r"\d+(\.\d+)+", version) for version in named)
    assert "gemini_monai" in metadata["required_packages_version"]


@BUNDLES
def test_its_page_says_what_runs_elsewhere(bundle):
    page = (bundle / "docs" / "README.md").read_text()
    for name in ("inference_trt.json", "multi_gpu_evaluate.json"):
        assert name in page
    assert "never tried" in next(line for line in page.splitlines() if "inference_trt" in line)


@BUNDLES
def test_a_compiled_network_takes_the_place_of_the_weights(bundle):
    """By the place of the step that loads them, which a compiled network does not need."""
    inference, compiled = (
        json.loads((bundle / "configs" / f"{name}.json").read_text())
        for name in ("inference", "inference_trt")
    )
    steps = [n for n, step in enumerate(inference["run"]) if "load_network" in step]
    assert steps == [int(key.removeprefix("run#")) for key in compiled if key.startswith("run#")]


@pytest.fixture
def torch_tensorrt(monkeypatch):
    """In the place of NVIDIA's package, of which importing it is all that is needed here."""
    monkeypatch.setitem(sys.modules, "torch_tensorrt", ModuleType("torch_tensorrt"))


def test_a_compiled_network_segments(trained, tiny_phantom, torch_tensorrt, tmp_path):
    """TorchScript in the place of what TensorRT makes of it."""
    compiled = tmp_path / "model_trt.ts"
    ckpt_export(
        net_id="network_def",
        filepath=str(compiled),
        ckpt_file=str(trained / "models" / "model.pt"),
        config_file=files("inference"),
        run_dir=str(trained),
    )
    source = tmp_path / "in"
    source.mkdir()
    (source / "case.nii.gz").symlink_to(read_cohort(tiny_phantom).test[0]["image"])
    options = {"run_dir": str(trained), "dataset_dir": str(source)}
    for name, more in (("plain", []), ("compiled", ["inference_trt"])):
        own = {"compiled": str(compiled), "weights": "none.pt"} if more else {}
        out = {"output_dir": str(tmp_path / name)}
        run("inference", *more, kind="infer", **options, **out, **own)
    plain, other = (
        np.asarray(nibabel.load(tmp_path / name / "case.nii.gz").dataobj)
        for name in ("plain", "compiled")
    )
    np.testing.assert_array_equal(plain, other)
    assert plain.any()


def test_a_compiled_network_that_is_not_there_is_named(monkeypatch, torch_tensorrt, tmp_path):
    path = tmp_path / "model_trt.ts"
    with pytest.raises(InputError, match=r"model_trt\.ts: no such file; compile it first, python"):
        tensorrt_network(path)
    path.write_bytes(b"x")
    with pytest.raises(InputError, match="cannot be read as a compiled network"):
        tensorrt_network(path)
    monkeypatch.setitem(sys.modules, "torch_tensorrt", None)
    with pytest.raises(InputError, match="'tensorrt' brings: pip install torch_tensorrt"):
        tensorrt_network(path)


def test_onnx_says_what_it_needs(trained, pretrained, monkeypatch, tmp_path):
    with pytest.raises(InputError, match="a run for pre-training, expected one for segmentation"):
        export_onnx(pretrained, tmp_path / "model.onnx")
    for module in ("onnx", "onnxscript"):
        monkeypatch.setitem(sys.modules, module, None)
        with pytest.raises(InputError, match="'onnx' brings: pip install onnx onnxscript$"):
            export_onnx(trained, tmp_path / "model.onnx")
    assert not (tmp_path / "model.onnx").exists()


def test_onnx_computes_what_the_network_does(trained, tmp_path):
    onnx = pytest.importorskip("onnx.reference")
    pytest.importorskip("onnxscript")
    from gemini_monai.inference.trained_run import TrainedRun

    path = export_onnx(trained, tmp_path / "model.onnx")
    session = onnx.ReferenceEvaluator(str(path))
    image = torch.rand(3, 1, 32, 32)
    (logits,) = session.run(None, {"image": image.numpy()})
    with torch.no_grad():
        expected = TrainedRun.open(trained, device="cpu").network(image)
    torch.testing.assert_close(torch.from_numpy(logits), expected, rtol=1e-3, atol=1e-4)
