"""A packed archive in MONAI Label: its chain reproduced, and the package itself where it is."""

from __future__ import annotations

import zipfile

import nibabel as nib
import numpy as np
import pytest
import torch
from monai.bundle import ConfigParser
from monai.transforms import SaveImaged

from gemini_monai.inference.trained_run import TrainedRun
from gemini_monai.weights import package_bundle
from tests.bundles.runs import BUNDLE
from tests.conftest import ROOT

TURNED = np.array([[0, -1.2, 0, 5], [-1.0, 0, 0, 6], [0, 0, 1.1, 7], [0, 0, 0, 1.0]])
VOLUME, SLICE = (33, 48, 30), (40, 36, 1)


@pytest.fixture(scope="module", params=[VOLUME, SLICE], ids=["3d", "one-slice"])
def received(request, trained, tmp_path_factory):
    """An unpacked archive, and an image for it that lies askew."""
    folder = tmp_path_factory.mktemp("label")
    run = ROOT / "models" / "hippocampus" if request.param == VOLUME else trained
    with zipfile.ZipFile(package_bundle(BUNDLE, run, output=folder)) as archive:
        archive.extractall(folder)
    values = np.random.default_rng(0).random(request.param, dtype=np.float32)
    nib.save(nib.Nifti1Image(values, TURNED), folder / "scan.nii.gz")
    return folder / "gemini_semi", folder / "scan.nii.gz"


def _chain(bundle, image):
    """The item after what ``BundleInferTask`` of MONAI Label 0.8.5 does with a bundle.

    As read in ``monailabel/tasks/infer/bundle.py`` and ``basic_infer.py``: ``inference.json`` with
    another ``bundle_root``; the steps of ``preprocessing`` one by one, on an item that has
    ``image_path`` too; ``inferer`` on a batch that is still a MetaTensor; the steps of
    ``postprocessing`` but for those that are a ``SaveImaged``; no ``initialize``, no evaluator.
    """
    parser = ConfigParser()
    parser.read_config(str(bundle / "configs" / "inference.json"))
    parser.config["bundle_root"] = str(bundle)
    network = parser.get_parsed_content("network_def")
    network.load_state_dict(torch.load(bundle / "models" / "model.pt", weights_only=True))
    item = {"image": str(image), "image_path": str(image), "model_filename": ["model.pt"]}
    for step in parser.get_parsed_content("preprocessing").transforms:
        item = step(item)
    with torch.no_grad():
        batch = parser.get_parsed_content("inferer")(item["image"][None], network.eval())
    item["pred"] = batch[0]
    for step in parser.get_parsed_content("postprocessing").transforms:
        item = item if isinstance(step, SaveImaged) else step(item)
    return item


def _files(bundle):
    return sorted(path for path in bundle.rglob("*") if path.is_file())


def test_the_chain_of_monai_label_gives_what_a_run_gives(received):
    bundle, image = received
    before = _files(bundle)
    item = _chain(bundle, image)
    expected = TrainedRun.open(bundle, device="cpu").segment(image)
    torch.testing.assert_close(item["pred"].as_tensor().int(), expected.as_tensor().int())
    assert item["pred"].unique().numel() > 1
    np.testing.assert_allclose(item["pred"].affine, TURNED)
    axes = item["pred"].ndim - 1
    resized_to = item["image"].meta["spatial_shape"][-axes:]  # by its ``Restored``, else
    assert tuple(resized_to) == tuple(item["pred"].shape[1:])
    assert _files(bundle) == before


def test_monai_label_itself_gives_what_a_run_gives(received):
    task = pytest.importorskip(
        "monailabel.tasks.infer.bundle",
        reason="MONAI Label: pip install 'gemini_monai[monailabel]'",
    )
    bundle, image = received
    infer, before = task.BundleInferTask(str(bundle), {}), _files(bundle)
    assert infer.is_valid()
    request = {"image": str(image), "device": "cpu", "logging": "error"}
    file, told = infer(request | {"result_extension": ".nii.gz", "result_dtype": "uint8"})
    run = TrainedRun.open(bundle, device="cpu")
    assert told["label_names"] == {name.lower(): k for k, name in run.structures.items()}
    written = nib.load(file)
    expected = run.segment(image)[0].numpy()
    np.testing.assert_array_equal(np.asanyarray(written.dataobj).reshape(expected.shape), expected)
    if expected.ndim == 3:
        np.testing.assert_allclose(written.affine, TURNED, atol=1e-6)
    assert _files(bundle) == before
