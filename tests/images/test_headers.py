"""Which files say where in the world their image lies."""

from __future__ import annotations

import nibabel as nib
import numpy as np
import pytest

from gemini_monai.images import says_where
from tests.data.prepare.made import image, save
from tests.images.dicom import along_z, volume, write_slices


@pytest.mark.parametrize("name", ["a.nii.gz", "a.nii", "a.nrrd", "a.mha", "a.mhd"])
def test_headers_with_an_origin_say_it(tmp_path, name):
    save(tmp_path / name, image(0))
    assert says_where(tmp_path / name)
    assert says_where([tmp_path / name, tmp_path / "other.png"])


@pytest.mark.parametrize("name", ["a.png", "a.PNG", "a.jpg"])
def test_pictures_do_not(tmp_path, name):
    assert not says_where(tmp_path / name)


@pytest.mark.parametrize(("codes", "said"), [((0, 0), False), ((1, 0), True), ((0, 2), True)])
def test_nifti_says_it_by_its_codes(tmp_path, codes, said):
    stored = nib.Nifti1Image(image(0), None)
    stored.set_qform(np.eye(4) if codes[0] else None, codes[0])
    stored.set_sform(np.eye(4) if codes[1] else None, codes[1])
    nib.save(stored, tmp_path / "a.nii.gz")
    assert says_where(tmp_path / "a.nii.gz") == said


@pytest.mark.parametrize(("name", "line"), [("a.nrrd", b"space origin"), ("a.mha", b"Offset")])
def test_text_headers_without_an_origin_do_not(tmp_path, name, line):
    save(tmp_path / name, image(0))
    content = (tmp_path / name).read_bytes()
    assert line in content
    start = content.index(line)
    end = content.index(b"\n", start) + 1
    (tmp_path / name).write_bytes(content[:start] + content[end:])
    assert not says_where(tmp_path / name)


def test_series_say_it_and_what_cannot_be_read_is_left_to_the_reader(tmp_path):
    assert says_where(write_slices(tmp_path / "s", volume(), along_z(8)))
    (tmp_path / "broken.nii.gz").write_bytes(b"no")
    for name in ("broken.nii.gz", "absent.nii", "absent.nrrd"):
        assert says_where(tmp_path / name)
