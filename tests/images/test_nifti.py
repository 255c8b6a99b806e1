"""NIfTI is read to its last byte and in millimeters, or refused by name."""

from __future__ import annotations

import gzip
import struct

import itk
import nibabel as nib
import numpy as np
import pytest

from gemini_monai.base.errors import InputError
from gemini_monai.images import read, read_label

VALUES = np.random.default_rng(0).integers(0, 1000, (6, 5, 4)).astype(np.int16)
AFFINE = np.array([[2.0, 0, 0, 5], [0, 3, 0, 6], [0, 0, 4, 7], [0, 0, 0, 1]])
NAN, INFINITE = float("nan"), float("inf")
SFORM, QFORM, PIXDIM, QUATERNION, ROWS = 254, 252, 80, 256, 280
UNITS, SLOPE, OFFSET, DIM = 123, 112, 108, 40


def _raw(values=VALUES, kind=nib.Nifti1Image, **options):
    return kind(values, AFFINE, **options).to_bytes()


def _edited(path, *edits, raw=None):
    """A file with numbers at some places of its header: (format, place, *numbers)."""
    content = bytearray(_raw() if raw is None else raw)
    for form, place, *numbers in edits:
        struct.pack_into(f"<{form}", content, place, *numbers)
    path.write_bytes(content)
    return path


def _refused(path, message):
    with pytest.raises(InputError, match=rf"{path.name}: .*{message}"):
        read(path)


@pytest.mark.parametrize("kind", [nib.Nifti1Image, nib.Nifti2Image])
@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
def test_either_version_and_byte_order_is_read(tmp_path, kind, order, suffix):
    image = kind(VALUES, AFFINE, kind.header_class(endianness=order))
    image.set_data_dtype(np.dtype(np.int16).newbyteorder(order))
    nib.save(image, tmp_path / f"a{suffix}")
    found = read(tmp_path / f"a{suffix}")
    np.testing.assert_array_equal(found[0].numpy(), VALUES)
    np.testing.assert_allclose(found.affine, AFFINE)


def _byte_changed(content):
    content[900] ^= 255


def _checksum_changed(content):
    content[-8] ^= 255


def _cut(content):
    del content[-60:]


def _checksum_cut(content):
    del content[-8:]


@pytest.mark.parametrize("damage", [_byte_changed, _checksum_changed, _cut, _checksum_cut])
def test_a_damaged_gzip_is_named(tmp_path, damage):
    content = bytearray(gzip.compress(_raw(np.tile(VALUES, (1, 1, 9))), 0))
    damage(content)
    path = tmp_path / "a.nii.gz"
    path.write_bytes(content)
    _refused(path, "damaged or cut short")


def test_gzip_in_several_parts_is_whole(tmp_path):
    raw = _raw()
    path = tmp_path / "a.nii.gz"
    path.write_bytes(gzip.compress(raw[:500]) + gzip.compress(raw[500:]))
    np.testing.assert_array_equal(read(path)[0].numpy(), VALUES)


@pytest.mark.parametrize(
    ("edits", "message"),
    [
        ([("12f", ROWS, *[NAN] * 12)], "sform is not finite"),
        ([("f", ROWS, INFINITE)], "sform is not finite"),
        ([("h", SFORM, 0), ("h", QFORM, 1), ("3f", QUATERNION, *[NAN] * 3)], "qform is not finite"),
        ([("h", QFORM, 2), ("3f", QUATERNION, *[NAN] * 3)], "qform is not finite"),
        ([("h", SFORM, 0), ("h", QFORM, 1), ("3f", QUATERNION, 0.9, 0.9, 0.9)], "w2 should be"),
        ([("h", SFORM, 0), ("f", PIXDIM, 0.0)], r"voxel size \[0.0, 3.0, 4.0\] \(pixdim\)"),
        ([("h", SFORM, 0), ("f", PIXDIM, NAN)], r"voxel size \[nan, 3.0, 4.0\] \(pixdim\)"),
        ([("h", SFORM, 0), ("h", QFORM, 1), ("f", PIXDIM, 0.0)], r"voxel size \[0.0, 3.0"),
        ([("h", SFORM, 99)], "sform_code is 99, expected 0 to 5"),
        ([("h", QFORM, -3)], "qform_code is -3"),
        ([("B", UNITS, 4)], r"unit of length 4 \(xyzt_units\)"),
        ([("2f", SLOPE, INFINITE, 0)], "scl_slope is inf"),
        ([("2f", SLOPE, 2, NAN)], "invalid intercept nan"),
        ([("f", OFFSET, 0.0)], "352 bytes more than its header says"),
        ([("f", OFFSET, 368.0)], "could the file be damaged"),
        ([("f", OFFSET, NAN)], "cannot convert float NaN"),
        ([("8h", DIM, 3, 6, 5, 3, 1, 1, 1, 1)], "60 bytes more than its header says"),
        ([("8h", DIM, 3, 6, 5, 0, 1, 1, 1, 1)], "no voxel in it"),
        ([("8h", DIM, 5, 6, 5, 1, 2, 2, 1, 1)], "one axis of channels beside three of space"),
    ],
)
def test_a_header_that_cannot_be_is_named(tmp_path, edits, message):
    _refused(_edited(tmp_path / "a.nii", *edits), message)


def test_voxels_do_not_begin_where_an_extension_does(tmp_path):
    image = nib.Nifti1Image(VALUES, AFFINE)
    image.header.extensions.append(nib.nifti1.Nifti1Extension(6, b"note"))
    whole = _edited(tmp_path / "whole.nii", raw=image.to_bytes())
    np.testing.assert_array_equal(read(whole)[0].numpy(), VALUES)
    wrong = _edited(tmp_path / "wrong.nii", ("f", OFFSET, 352.0), raw=image.to_bytes())
    _refused(wrong, "16 bytes more than its header says")


@pytest.mark.parametrize(
    ("edits", "affine"),
    [
        ([("h", SFORM, 0)], np.diag([-2.0, 3, 4, 1])),  # mirrored about the middle, as nibabel does
        ([("h", SFORM, 0), ("f", PIXDIM, -2.0)], np.diag([-2.0, 3, 4, 1])),
        ([("3f", PIXDIM, 1, 1, 1)], AFFINE),  # sform says the voxel size
        ([("h", SFORM, 0), ("h", QFORM, 1)], AFFINE),
        ([("h", SFORM, 0), ("h", QFORM, 1), ("f", 76, 0.0)], AFFINE),  # 0 is no mirror
        ([("h", SFORM, 0), ("h", QFORM, 1), ("f", 76, -1.0)], AFFINE * [1, 1, -1, 1]),
        ([("12f", ROWS, *[NAN] * 12), ("h", SFORM, 0), ("h", QFORM, 1)], AFFINE),  # not coded
    ],
)
def test_the_form_that_counts_is_the_standard_s(tmp_path, edits, affine):
    found = np.asarray(read(_edited(tmp_path / "a.nii", *edits)).affine)
    np.testing.assert_allclose(found[:3, :3], affine[:3, :3], atol=1e-6)


@pytest.mark.parametrize(("code", "scale"), [(0, 1), (1, 1000), (2, 1), (3, 0.001)])
@pytest.mark.parametrize("time", [0, 8, 16, 24])
def test_lengths_are_in_millimeters_whatever_the_unit(tmp_path, code, scale, time):
    path = _edited(tmp_path / "a.nii", ("B", UNITS, code + time))
    found = read(path)
    expected = AFFINE.copy()
    expected[:3] *= scale
    np.testing.assert_allclose(found.affine, expected, rtol=1e-6)
    np.testing.assert_allclose(found.pixdim, list(itk.imread(str(path)).GetSpacing()), rtol=1e-6)


def _two_forms(path, sform, qform, codes=(1, 1)):
    image = nib.Nifti1Image(VALUES, AFFINE)
    image.set_sform(sform, codes[0])
    image.set_qform(qform, codes[1])
    nib.save(image, path)
    return path


def _moved(**shift):
    affine = AFFINE.copy()
    affine[:3, 3] += [shift.get(axis, 0) for axis in "xyz"]
    return affine


@pytest.mark.parametrize(
    ("sform", "codes"),
    [
        (np.diag([4.0, 6, 8, 1]), (1, 1)),  # another voxel size
        (np.diag([4.0, 6, 8, 1]), (4, 1)),  # also in another space
        (_moved(x=30), (1, 1)),
        (AFFINE * [-1, 1, 1, 1], (2, 2)),  # mirrored
    ],
)
def test_two_forms_that_contradict_each_other_are_named(tmp_path, sform, codes):
    path = _two_forms(tmp_path / "a.nii", sform, AFFINE, codes)
    _refused(path, "sform and qform lie .* voxels apart")


def test_two_forms_may_say_one_place_or_that_in_two_spaces(tmp_path):
    same = _two_forms(tmp_path / "same.nii", _moved(x=0.01), AFFINE)
    np.testing.assert_allclose(read(same).affine, _moved(x=0.01), rtol=1e-6)
    template = _two_forms(tmp_path / "template.nii", _moved(x=30), AFFINE, (4, 1))
    np.testing.assert_allclose(read(template).affine, _moved(x=30))
    sheared = AFFINE.copy()
    sheared[0, 1] = 1.5
    image = nib.Nifti1Image(VALUES, sheared)
    image.set_sform(sheared, 1)
    image.set_qform(sheared, 1, strip_shears=True)  # it cannot say a shear
    nib.save(image, tmp_path / "sheared.nii")
    np.testing.assert_allclose(read(tmp_path / "sheared.nii").affine, sheared, rtol=1e-6)


@pytest.mark.parametrize("slope", [0.0, NAN])
def test_no_slope_leaves_values_as_they_are(tmp_path, slope):
    path = _edited(tmp_path / "a.nii", ("2f", SLOPE, slope, 7.0))
    np.testing.assert_array_equal(read(path)[0].numpy(), VALUES)


def test_a_slope_is_applied(tmp_path):
    path = _edited(tmp_path / "a.nii", ("2f", SLOPE, -0.5, 7.0))
    np.testing.assert_allclose(read(path)[0].numpy(), 7 - 0.5 * VALUES)


@pytest.mark.parametrize("kind", [np.complex64, np.complex128])
def test_complex_numbers_are_named(tmp_path, kind):
    nib.save(nib.Nifti1Image(VALUES.astype(kind) * (1 + 1j), AFFINE), tmp_path / "a.nii.gz")
    _refused(tmp_path / "a.nii.gz", "complex numbers")


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((6, 5, 4, 1), (1, 6, 5, 4)),
        ((6, 5, 4, 1, 1), (1, 6, 5, 4)),
        ((6, 5, 2, 2), (2, 6, 5, 2)),
        ((6, 5, 2, 1, 2), (2, 6, 5, 2)),  # as ITK stores vectors
        ((6, 5, 1, 1, 4), (4, 6, 5)),
        ((6, 20), (1, 6, 20)),
    ],
)
def test_what_lies_beyond_space_is_channels(tmp_path, shape, expected):
    values = VALUES.reshape(shape)
    nib.save(nib.Nifti1Image(values, AFFINE), tmp_path / "a.nii")
    found = read(tmp_path / "a.nii")
    assert found.shape == expected
    last = values.reshape(*values.shape[: len(expected) - 1], *[expected[0]] * (expected[0] > 1))
    for k in range(expected[0]):
        own = last[..., k] if expected[0] > 1 else values.reshape(expected[1:])
        np.testing.assert_array_equal(found[k].numpy(), own.reshape(expected[1:]))


@pytest.mark.parametrize("names", ["RGB", "RGBA"])
def test_colors_are_channels(tmp_path, names):
    values = np.random.default_rng(0).integers(0, 255, (6, 5, 4, len(names))).astype(np.uint8)
    values[..., 3:] = 255
    kind = np.dtype([(name, np.uint8) for name in names])
    stored = values.view(kind)[..., 0]
    nib.save(nib.Nifti1Image(stored, AFFINE), tmp_path / "a.nii")
    np.testing.assert_array_equal(
        read(tmp_path / "a.nii").numpy(), np.moveaxis(values[..., :3], -1, 0)
    )


@pytest.mark.parametrize(
    ("kind", "top"), [(np.int64, 2**53), (np.int64, 2**53 + 1), (np.uint64, 2**64 - 1)]
)
def test_labels_that_double_precision_confuses_are_named(tmp_path, kind, top):
    label = (VALUES > 500).astype(kind) * kind(top)
    nib.save(nib.Nifti1Image(label, AFFINE, dtype=kind), tmp_path / "l.nii")
    with pytest.raises(InputError, match=rf"l\.nii: label values from 0 to {top}, expected 0 to 9"):
        read_label(tmp_path / "l.nii")


def test_the_greatest_label_that_is_told_apart_is_kept(tmp_path):
    label = (VALUES > 500).astype(np.int64) * (2**53 - 1)
    nib.save(nib.Nifti1Image(label, AFFINE, dtype=np.int64), tmp_path / "l.nii")
    np.testing.assert_array_equal(read_label(tmp_path / "l.nii")[0].numpy(), label)


def test_what_is_no_nifti_is_named(tmp_path):
    image = nib.AnalyzeImage(VALUES, AFFINE)
    nib.save(image, tmp_path / "b.img")
    analyze = (tmp_path / "b.hdr").read_bytes() + (tmp_path / "b.img").read_bytes()
    (tmp_path / "a.nii").write_bytes(analyze)
    _refused(tmp_path / "a.nii", "no header of NIfTI-1 or NIfTI-2")
    (tmp_path / "b.nii.gz").write_bytes(_raw())
    _refused(tmp_path / "b.nii.gz", "Not a gzipped file")


def test_files_on_two_grids_are_no_channels_of_one_image(tmp_path):
    for name, affine in (("a", AFFINE), ("b", _moved(x=1))):
        nib.save(nib.Nifti1Image(VALUES, affine), tmp_path / f"{name}.nii")
    with pytest.raises(InputError, match=r"b\.nii: of shape .* on another grid than .*a\.nii"):
        read([tmp_path / "a.nii", tmp_path / "b.nii"])
