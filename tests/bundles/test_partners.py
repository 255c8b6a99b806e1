"""Images without a counterpart: found among others, and then paired with none."""

from __future__ import annotations

import json
import shutil

import nibabel as nib
import numpy as np
import pytest

from gemini_monai.base.errors import InputError
from gemini_monai.data import read_cohort
from gemini_monai.study.analyses import partners
from tests.bundles.runs import SMALL, workflow


@pytest.fixture(scope="module")
def data(tiny_phantom, tmp_path_factory):
    """The phantom's unlabeled images twice, hardly changed, and one of noise."""
    folder = tmp_path_factory.mktemp("partners") / "data"
    shutil.copytree(tiny_phantom.parent, folder)
    content = json.loads((folder / "dataset.json").read_text())
    random = np.random.default_rng(0)
    volumes = [nib.load(folder / e["image"]) for e in content["unlabeled"] for _ in range(2)]
    arrays = [v.get_fdata() + random.normal(0, 0.01, v.shape) for v in volumes]
    arrays.append(random.uniform(0, 1, volumes[0].shape))
    content["unlabeled"] = []
    for k, array in enumerate(arrays):
        name = "noise" if k == len(volumes) else f"own{k}"
        nib.save(nib.Nifti1Image(array, volumes[0].affine), folder / f"{name}.nii.gz")
        content["unlabeled"].append({"case": name, "image": f"{name}.nii.gz"})
    content.pop("phantom", None)
    (folder / "dataset.json").write_text(json.dumps(content))
    return folder


def test_the_one_without_a_counterpart_stands_out(trained, data):
    found = partners(trained, data)
    assert [row["image"] for row in found.rows if row["stands_out"]] == ["noise"]
    assert found.rows[0]["image"] == "noise"
    assert "1 of 9 images" in found.sentences[0]
    assert '"paired": false' in found.sentences[1]
    assert partners(trained, data).rows == found.rows


def test_images_of_other_sizes_are_brought_to_that_of_the_network(trained, data, tmp_path):
    folder = shutil.copytree(data, tmp_path / "data")
    volume = nib.load(folder / "own0.nii.gz")
    nib.save(nib.Nifti1Image(volume.get_fdata()[2:], volume.affine), folder / "own0.nii.gz")
    content = json.loads((folder / "dataset.json").read_text())
    content.pop("files", None)
    (folder / "dataset.json").write_text(json.dumps(content))
    assert len(partners(trained, folder).rows) == 9


def test_it_is_paired_with_none_then(trained, data, tmp_path):
    shutil.copytree(data, tmp_path / "data")
    path = tmp_path / "data" / "dataset.json"
    content = json.loads(path.read_text())
    content["unlabeled"][-1]["paired"] = False
    path.write_text(json.dumps(content))
    where = {"dataset_dir": str(path.parent), "datalist": str(path)}
    flow = workflow("train", output_dir=str(tmp_path / "run"), **where, **SMALL | {"pairs": 8})
    flow.initialize()
    dataset = flow.parser.get_parsed_content("train#dataset")
    pairs = next(stream for stream in dataset.streams if "image_a" in stream.keys)
    random = np.random.default_rng(0)
    assert {k for _ in range(20) for k in pairs.sampler.draw(random, 8)} == set(range(8))
    assert len(read_cohort(path).unlabeled) == 9
    with pytest.raises(InputError, match="which trains no field"):
        partners(trained / "supervised", path.parent)
