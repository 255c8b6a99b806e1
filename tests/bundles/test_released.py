"""Released weights: from an empty folder to label maps, fields, a fine-tuned network."""

from __future__ import annotations

import hashlib
import json
import re
import zipfile

import monai.bundle
import nibabel
import numpy as np
import pytest
import torch

from gemini_monai.data.phantom import write_phantom
from gemini_monai.weights import package_bundle
from tests.bundles.runs import command, overrides_of
from tests.bundles.served import served
from tests.conftest import ROOT

RELEASED = {"gemini_mip": ROOT / "models" / "chest_xray"}
RELEASED |= {"gemini_semi": ROOT / "models" / "hippocampus"}
SECTIONS = "Model Description|Data|Performance|System Configuration|Limitations|Citation Info"


@pytest.fixture(scope="module")
def archives(tmp_path_factory):
    folder = tmp_path_factory.mktemp("archives")
    return {
        name: package_bundle(ROOT / "bundles" / name, run, output=folder)
        for name, run in RELEASED.items()
    }


@pytest.fixture(scope="module")
def address(archives):
    """Of a server on this machine that has the archives."""
    with served(archives["gemini_mip"].parent) as address:
        yield address


def downloaded(archives, address, name, place):
    """The bundle's folder, by file or by http."""
    where = {"gemini_mip": f"{address}/{archives[name].name}", "gemini_semi": archives[name]}[name]
    where = where if name == "gemini_mip" else f"file://{where}"
    monai.bundle.download(name, url=where, bundle_dir=str(place))
    return place / name


def parts(run):
    return sorted(path for path in run.rglob("*") if path.is_file())


@pytest.mark.parametrize("run", RELEASED.values(), ids=list(RELEASED))
def test_the_checksums_are_those_of_the_files(run):
    listed = (run / "checksums.sha256").read_text().splitlines()
    sums = {name: digest for digest, name in (line.split("  ") for line in listed)}
    assert set(sums) == {str(p.relative_to(run)) for p in parts(run)} - {"checksums.sha256"}
    for name, digest in sums.items():
        assert hashlib.sha256((run / name).read_bytes()).hexdigest() == digest, name


@pytest.mark.parametrize(("bundle", "run"), RELEASED.items(), ids=list(RELEASED))
def test_the_card_is_what_the_run_and_the_release_say(archives, bundle, run):
    with zipfile.ZipFile(archives[bundle]) as file:
        card = file.read(f"{bundle}/docs/README.md").decode()
        assert f"{bundle}/docs/data_license.txt" in file.namelist()
    assert card == (run / "README.md").read_text()
    for section in SECTIONS.split("|"):
        assert re.search(rf"^## \*\*{section}\*\*$", card, re.M), section
    assert "Not said" not in card
    assert "not said" not in card
    scores = run / "test" / "segmentation.json"
    if scores.is_file():
        anterior = json.loads(scores.read_text())["structures"]["Anterior"]["dice"]["mean"]
        assert f"| Anterior | {100 * anterior:.1f} ±" in card


@pytest.mark.parametrize(("bundle", "run"), RELEASED.items(), ids=list(RELEASED))
def test_they_are_small_and_name_no_machine(bundle, run):
    assert sum(path.stat().st_size for path in parts(run)) < 8e6
    for path in parts(run):
        if path.suffix != ".pt":
            assert not re.search(r"(?<![\w.])/(work|tmp|root|home)/", path.read_text()), path


@pytest.mark.parametrize("bundle", RELEASED)
def test_what_the_model_zoo_verifies_passes(archives, bundle, tmp_path):
    with zipfile.ZipFile(archives[bundle]) as file:
        file.extractall(tmp_path)
    folder = tmp_path / bundle
    metadata = json.loads((folder / "configs" / "metadata.json").read_text())
    assert metadata["version"] in metadata["changelog"]
    assert isinstance(metadata["supported_apps"], dict)
    shared = {"net_id": "network_def", "bundle_root": str(folder), "device": "cpu"}
    shared["meta_file"] = str(folder / "configs" / "metadata.json")
    shared["config_file"] = str(folder / "configs" / "inference.json")
    monai.bundle.verify_net_in_out(**shared)
    script = folder / "models" / "model.ts"
    weights = str(folder / "models" / "model.pt")
    monai.bundle.ckpt_export(filepath=str(script), ckpt_file=weights, **shared)
    assert torch.jit.load(script)


def test_the_segmenter_works_from_an_empty_folder(archives, address, tmp_path):
    bundle = downloaded(archives, address, "gemini_semi", tmp_path)
    images = tmp_path / "images"
    images.mkdir()
    for name in ("a", "b"):
        values = np.random.default_rng(0).random((35, 50, 36), dtype=np.float32)
        nibabel.save(nibabel.Nifti1Image(values, np.eye(4)), images / f"{name}.nii.gz")
    made = command("segment", bundle, images, "labels", cwd=tmp_path, module="gemini_monai")
    assert made.returncode == 0, made.stderr[-2000:]
    labels = nibabel.load(tmp_path / "labels" / "a.nii.gz")
    assert labels.shape == (35, 50, 36)
    assert set(np.unique(labels.get_fdata())) <= {0, 1, 2}
    pair = [images / "a.nii.gz", images / "b.nii.gz"]
    made = command("register", bundle, *pair, "fields", cwd=tmp_path, module="gemini_monai")
    assert made.returncode == 0, made.stderr[-2000:]
    assert len(list((tmp_path / "fields").glob("*_field.nii.gz"))) == 1


def test_the_backbone_is_finetuned_from_an_empty_folder(archives, address, tmp_path):
    bundle = downloaded(archives, address, "gemini_mip", tmp_path)
    data = write_phantom(
        tmp_path / "data", spatial_dims=2, spatial_size=(32, 32), labeled=2, validation=1, test=1
    )
    words = {"pretrained": bundle, "output_dir": "fine", "epochs": 1, "epoch_length": 2}
    words |= {"spatial_size": [32, 32]}
    made = command(
        "finetune", data.parent, *overrides_of(words), cwd=tmp_path, module="gemini_monai"
    )
    assert made.returncode == 0, made.stderr[-2000:]
    assert f"backbone from {bundle / 'models' / 'model.pt'}" in made.stdout
    record = json.loads((tmp_path / "fine" / "run.json").read_text())
    assert record["settings"]["channels"] == [16, 32, 64, 128]


@pytest.mark.parametrize(("bundle", "size"), [("gemini_mip", [64] * 2), ("gemini_semi", [16] * 3)])
def test_a_monai_script_loads_them(archives, address, bundle, size, tmp_path, monkeypatch):
    downloaded(archives, address, bundle, tmp_path / "there")
    monkeypatch.chdir(tmp_path)  # not where the bundle is
    network = monai.bundle.load(
        bundle,
        bundle_dir=str(tmp_path / "there"),
        source="github",
        workflow_type="inference",
        device="cpu",
    )
    saved = torch.load(RELEASED[bundle] / "models" / "model.pt", weights_only=True)
    assert all(torch.equal(value, saved[key]) for key, value in network.state_dict().items())
    with torch.no_grad():
        features = network.backbone(torch.rand(1, 1, *size))
    assert features.shape[2:] == torch.Size(size)
