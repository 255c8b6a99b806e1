"""What nnU-Net is given to learn from: the labeled cases as they are, and nothing of any other."""

from __future__ import annotations

import json

import nibabel
import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from PIL import Image

from gemini_monai.base.errors import InputError
from gemini_monai.data import read_cohort
from gemini_monai.study.nnunet.raw_data_set import (
    for_nnunet,
    from_nnunet,
    label_meanings,
    label_values,
    write_raw,
)
from gemini_monai.study.nnunet.testing import logits_of
from gemini_monai.transforms import InputSpec, preprocessing

OTHERS = ("unlabeled", "validation", "test")


def _spec(dims=2, **given):
    known = {"label_values": (0, 3, 9), "structures": ("a", "b"), "in_channels": 1}
    intensity = {"kind": "percentile", "lower": 0, "upper": 100}
    return InputSpec(dims, **(known | given), spatial_size=(8,) * dims, intensity=intensity)


def _written(folder):
    """Names of all files below a folder, without their endings."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return sorted(str(path.relative_to(folder)).removesuffix(".nii.gz") for path in files)


@pytest.mark.parametrize("draw", [0, 1, 2])
def test_there_are_the_labeled_cases_of_the_draw_and_no_others(tiny_phantom, tmp_path, draw):
    cohort = read_cohort(tiny_phantom, labeled_cases=2, labeled_draw=draw)
    drawn = [entry["case"] for entry in read_cohort(tiny_phantom).few(2, seed=draw)]
    raw = write_raw(cohort.labeled, tmp_path, spec=cohort.input_spec(), modality="X-ray")
    expected = [f"imagesTr/{case}_0000" for case in drawn] + [f"labelsTr/{case}" for case in drawn]
    assert _written(tmp_path) == sorted(
        f"{raw.name}/{name}" for name in [*expected, "dataset.json"]
    )
    for split in OTHERS:
        others = {str(entry["case"]) for entry in getattr(cohort, split)}
        assert len(others) > 1
        assert not others & {path.name.split(".")[0] for path in (raw / "labelsTr").iterdir()}
    assert json.loads((raw / "dataset.json").read_text()) == {
        "channel_names": {"0": "X-ray"},
        "file_ending": ".nii.gz",
        "labels": {"background": 0}
        | {name: value for value, name in enumerate(cohort.structures, 1)},
        "numTraining": 2,
        "overwrite_image_reader_writer": "NibabelIO",
    }


def test_no_file_of_another_case_is_opened(tiny_phantom, tmp_path, monkeypatch):
    cohort = read_cohort(tiny_phantom, labeled_cases=1)
    loaded = []

    def load(spec):
        inner = preprocessing(spec)
        return lambda item: loaded.append(item["case"]) or inner(item)

    monkeypatch.setattr("gemini_monai.study.nnunet.raw_data_set.preprocessing", load)
    write_raw(cohort.labeled, tmp_path, spec=cohort.input_spec(), modality="X-ray")
    assert loaded == [cohort.labeled[0]["case"]]


def test_a_picture_is_one_slice_and_its_values_stay(tmp_path):
    values = np.arange(48, dtype=np.uint8).reshape(6, 8)
    Image.fromarray(values).save(tmp_path / "i.png")
    Image.fromarray(np.where(values > 20, 9, 3).astype(np.uint8)).save(tmp_path / "l.png")
    entry = {"case": "p", "image": str(tmp_path / "i.png"), "label": str(tmp_path / "l.png")}
    raw = write_raw([entry], tmp_path / "raw", spec=_spec(), modality="image")
    image = nibabel.load(raw / "imagesTr" / "p_0000.nii.gz")
    assert image.shape == (8, 6, 1)
    assert image.header.get_zooms() == (1, 1, 999)
    np.testing.assert_array_equal(image.get_fdata()[..., 0], values.T)
    label = nibabel.load(raw / "labelsTr" / "p.nii.gz").get_fdata()[..., 0]
    np.testing.assert_array_equal(label, np.where(values.T > 20, 2, 1))


def test_a_volume_keeps_its_grid_and_is_given_as_its_file_is_read(tmp_path):
    """Axes and voxel sizes as nnU-Net's reader has them: of the file, in reverse."""
    affine = np.array([[0, 0, 4, 5], [-0.7, 0, 0, 6], [0, 1.5, 0, 7], [0, 0, 0, 1.0]])
    generator = np.random.default_rng(0)
    values = generator.normal(size=(5, 6, 7)).astype(np.float32)
    label = generator.choice([0, 3, 9], size=(5, 6, 7)).astype(np.int16)
    for name, array in (("i", values), ("l", label)):
        nibabel.save(nibabel.Nifti1Image(array, affine), tmp_path / f"{name}.nii.gz")
    entry = {"case": "v"}
    entry |= {"image": str(tmp_path / "i.nii.gz"), "label": str(tmp_path / "l.nii.gz")}
    spec = _spec(3, spacing=(1.0, 1.0, 1.0), orientation="RAS")
    raw = write_raw([entry], tmp_path / "raw", spec=spec, modality="CT")
    file = nibabel.load(raw / "imagesTr" / "v_0000.nii.gz")
    np.testing.assert_allclose(file.affine, affine)
    image = preprocessing(_spec(3))(entry)["image"]
    given, spacing = for_nnunet(
        MetaTensor(image.affine.new_tensor(values)[None].float(), affine=torch.tensor(affine))
    )
    np.testing.assert_array_equal(given[0], file.get_fdata().transpose(2, 1, 0))
    assert spacing == pytest.approx([float(size) for size in file.header.get_zooms()[::-1]])
    found = nibabel.load(raw / "labelsTr" / "v.nii.gz").get_fdata()
    np.testing.assert_array_equal(found, np.searchsorted([0, 3, 9], label))


@pytest.mark.parametrize("shape", [(2, 5, 6), (2, 5, 6, 7)])
def test_there_and_back(shape):
    image = MetaTensor(torch.rand(shape), affine=torch.eye(4))
    given, _ = for_nnunet(image)
    assert given.shape[2:] == (6, 5) if len(shape) == 3 else given.shape[1:] == (7, 6, 5)
    assert torch.equal(from_nnunet(given, spatial_dims=len(shape) - 1), image.as_tensor())


def test_what_is_ignored_is_the_highest_value():
    label = torch.tensor([[[0.0, 1, 2, -1]]])
    spec = _spec(ignore=255)
    assert label_values(label, spec).tolist() == [[0, 1, 2, 3]]
    assert label_meanings(spec) == {"labels": {"background": 0, "a": 1, "b": 2, "ignore": 3}}


@pytest.mark.parametrize("count", [1, 2, 3])
def test_each_structure_that_overlaps_is_the_values_where_it_is(count):
    spec = _spec(overlapping=True, structures=tuple("abc"[:count]), ignore=255)
    masks = (torch.arange(2**count)[None, None] >> torch.arange(count).view(-1, 1, 1)) & 1
    said, values = label_meanings(spec)["labels"], label_values(masks.float(), spec)
    for name, mask in zip(spec.structures, masks.numpy(), strict=True):
        np.testing.assert_array_equal(np.isin(values, said[name]), mask)
    assert not np.isin(0, [said[name] for name in spec.structures if count == 1])
    masks[-1, 0, 0] = -1
    assert label_values(masks.float(), spec)[0, 0] == said["ignore"] == 2**count


def test_too_many_that_overlap_are_refused():
    spec = _spec(overlapping=True, structures=tuple("abcdefghi"))
    with pytest.raises(InputError, match="9 structures may overlap; .* at most 8"):
        label_meanings(spec)


def test_logits_have_the_probabilities_that_they_are_of():
    probabilities = torch.rand(3, 4, 5).softmax(0)
    probabilities[:, 0, 0] = torch.tensor([1.0, 0, 0])
    found = logits_of(probabilities, _spec()).softmax(0)
    torch.testing.assert_close(found, probabilities, atol=1e-6, rtol=0)
    overlapping = torch.rand(2, 4, 5)
    found = logits_of(overlapping, _spec(overlapping=True)).sigmoid()
    torch.testing.assert_close(found, overlapping, atol=1e-6, rtol=0)
    alone = _spec(overlapping=True, structures=("a",))
    two = torch.rand(2, 4, 5).softmax(0)
    torch.testing.assert_close(logits_of(two, alone).sigmoid(), two[1:], atol=1e-6, rtol=0)
