"""What labels say of their structures: one piece, no holes; and what that does to label maps."""

from __future__ import annotations

from dataclasses import replace

import nibabel as nib
import numpy as np
import pytest
import torch
from monai.data.meta_tensor import MetaTensor

from gemini_monai.base.errors import InputError
from gemini_monai.data import read_cohort, whole_structures
from gemini_monai.transforms import postprocessing

WHOLE = np.zeros((12, 10), np.uint8)
WHOLE[1:5, 1:5] = 1
WHOLE[6:11, 1:6] = 2
WHOLE[1:4, 7:9] = 3
RING = WHOLE.copy()
RING[2, 2] = 0
PARTS = WHOLE.copy()
PARTS[11, 9] = 2
HIDDEN = np.where(WHOLE == 3, 9, PARTS).astype(np.uint8)


@pytest.fixture
def cohort_of(tiny_phantom, tmp_path):
    """A cohort of three structures with these label maps and no other file."""

    def make(*maps, **changes):
        entries = []
        for k, values in enumerate(maps):
            path = tmp_path / f"{k}.nii.gz"
            nib.save(nib.Nifti1Image(values, np.eye(4)), path)
            entries.append({"case": str(k), "image": "nowhere", "label": str(path)})
        other = [{"case": "other", "image": "nowhere", "label": "nowhere.nii.gz"}]
        names = {"background": 0, "left": 1, "right": 2, "top": 3}
        known = {"labels": names, "labeled": entries, "validation": other, "test": other}
        return replace(read_cohort(tiny_phantom), **(known | changes))

    return make


def test_every_labeled_image_has_to_agree(cohort_of):
    found = whole_structures(cohort_of(WHOLE, RING, PARTS, WHOLE))
    assert found.one_piece == ["left", "top"]
    assert found.without_holes == ["right", "top"]


def test_two_images_say_nothing(cohort_of):
    assert whole_structures(cohort_of(WHOLE, WHOLE)) == ([], [])
    some = np.where(WHOLE == 3, 0, WHOLE).astype(np.uint8)
    assert whole_structures(cohort_of(WHOLE, WHOLE, some)).one_piece == ["left", "right"]


def test_what_is_not_drawn_says_nothing(cohort_of):
    found = whole_structures(cohort_of(WHOLE, WHOLE, WHOLE, HIDDEN, ignore=9))
    assert found.one_piece == ["left", "right", "top"]


def test_a_label_map_is_made_as_whole(cohort_of):
    spec = cohort_of(WHOLE).input_spec(largest_component=["right"], fill_holes=["left"])
    drawn = np.maximum(PARTS, 0).astype(np.int64)
    drawn[2, 2] = 0
    logits = torch.nn.functional.one_hot(torch.from_numpy(drawn), 4).movedim(-1, 0).float()
    affine = torch.diag(torch.tensor([2.0, 3.0, 1.0, 1.0]))
    found = postprocessing(spec)({"pred": MetaTensor(logits, affine=affine)})["pred"]
    assert np.array_equal(found[0].numpy(), WHOLE)
    assert torch.equal(found.affine, affine.to(found.affine))


def test_one_that_there_is_not_is_named(cohort_of):
    with pytest.raises(InputError, match="fill_holes': no structure 'heart'; there are left, righ"):
        cohort_of(WHOLE).input_spec(fill_holes=["heart"])
