"""NRRD and MetaImage are read as ITK reads them, and what ITK passes over is applied or refused."""

from __future__ import annotations

import gzip
import zlib

import itk
import numpy as np
import pytest

from gemini_monai.base.errors import InputError
from gemini_monai.images import has_voxel_size, read, read_label
from tests.images.written import META_TYPES, PLACED, write_meta, write_nrrd

AFFINE = np.array([[-1.0, 0, 0, -10], [0, -2, 0, -20], [0, 0, 3, 30], [0, 0, 0, 1]])
"""Of ``PLACED``, which is LPS+."""


def _values(channels=1, kind="int16"):
    shape = (7, 6, 5) if channels == 1 else (channels, 7, 6, 5)
    return (np.random.default_rng(channels).random(shape) * 100).astype(kind)


def _refused(path, message):
    with pytest.raises(InputError, match=rf"{path.name}: .*{message}"):
        read(path)


@pytest.mark.parametrize("kind", META_TYPES)
@pytest.mark.parametrize("channels", [1, 2, 3, 4, 7])
@pytest.mark.parametrize("suffix", ["nrrd", "mha"])
def test_any_type_and_number_of_channels_is_read(tmp_path, kind, channels, suffix):
    values = _values(channels, kind)
    path = tmp_path / f"a.{suffix}"
    if suffix == "mha":
        write_meta(path, values, channels=channels, Offset="10 20 30")
    else:
        write_nrrd(path, values)
    found = read(path)
    np.testing.assert_array_equal(found.numpy(), values.reshape(channels, 7, 6, 5).astype("f4"))
    np.testing.assert_allclose(found.affine, AFFINE)
    header = itk.ImageIOFactory.CreateImageIO(str(path), itk.CommonEnums.IOFileMode_ReadMode)
    header.SetFileName(str(path))
    header.ReadImageInformation()
    assert [header.GetSpacing(k) for k in range(3)] == list(map(float, found.pixdim))
    assert header.GetNumberOfComponents() == len(found)


@pytest.mark.parametrize("axis", [0, 1, 2, 3])
def test_channels_of_nrrd_may_be_any_axis(tmp_path, axis):
    values = _values(4)
    kinds, steps = ["domain"] * 3, PLACED["space directions"].split()
    kinds.insert(axis, "list")
    steps.insert(axis, "none")
    moved = np.moveaxis(values, 0, axis)
    said = {"kinds": " ".join(kinds), "space_directions": " ".join(steps)}
    found = read(write_nrrd(tmp_path / "a.nrrd", moved, **said))
    np.testing.assert_array_equal(found.numpy(), values)
    np.testing.assert_allclose(found.affine, AFFINE)


def test_a_fourth_axis_is_that_of_channels(tmp_path):
    values = np.moveaxis(_values(4), 0, -1)
    placed = {"space": None, "space_directions": None, "space_origin": None}
    plain = placed | {"kinds": None, "spacings": "1 2 3 1"}
    for path in (
        write_nrrd(tmp_path / "a.nrrd", values, **plain),
        write_meta(tmp_path / "a.mha", values),
    ):
        found = read(path)
        np.testing.assert_array_equal(found.numpy(), np.moveaxis(values, -1, 0))
        np.testing.assert_allclose(found.pixdim, [1, 2, 3])


@pytest.mark.parametrize("shape", [(7, 6), (7, 6, 1)])
def test_images_of_two_axes_have_channels_too(tmp_path, shape):
    values = _values(3)[..., 0].reshape(3, *shape)
    found = read(write_meta(tmp_path / "a.mha", values, channels=3))
    np.testing.assert_array_equal(found.numpy(), values.reshape(3, 7, 6))


@pytest.mark.parametrize(
    ("space", "signs"),
    [
        ("left-posterior-superior", (-1, -1, 1)),
        ("right-anterior-superior", (1, 1, 1)),
        ("left-anterior-superior", (-1, 1, 1)),
        ("LPS", (-1, -1, 1)),
        ("RAS", (1, 1, 1)),
    ],
)
def test_nrrd_s_space_says_which_way_its_axes_run(tmp_path, space, signs):
    found = np.asarray(read(write_nrrd(tmp_path / "a.nrrd", _values(), space=space)).affine)
    np.testing.assert_allclose(found[:3, :3], np.diag(np.array(signs) * [1, 2, 3]))
    np.testing.assert_allclose(found[:3, 3], np.array(signs) * [10, 20, 30])


def test_a_matrix_of_meta_says_how_each_axis_runs(tmp_path):
    turned = {"TransformMatrix": "0 1 0 -1 0 0 0 0 1", "Offset": "10 20 30"}
    found = np.asarray(read(write_meta(tmp_path / "a.mha", _values(), **turned)).affine)
    lps = np.array([[0, -2.0, 0, 10], [1, 0, 0, 20], [0, 0, 3, 30]])  # a row is an axis of voxels
    np.testing.assert_allclose(found[:3], np.diag([-1, -1, 1]) @ lps)


UM = '"um" "um" "um"'


@pytest.mark.parametrize(
    ("write", "said", "scale"),
    [
        (write_nrrd, {"space_units": UM}, 0.001),
        (write_nrrd, {"space_units": '"mm" "mm" "mm"'}, 1),
        (write_nrrd, {"space_units": '"" "" ""'}, 1),
        (write_nrrd, {"space_units": '"m" "m" "m"'}, 1000),
        (write_meta, {"DistanceUnits": "um", "Offset": "10 20 30"}, 0.001),
        (write_meta, {"DistanceUnits": "cm", "Offset": "10 20 30"}, 10),
    ],
)
def test_lengths_are_in_millimeters_whatever_the_unit(tmp_path, write, said, scale):
    found = np.asarray(read(write(tmp_path / f"a.{_suffix(write)}", _values(), **said)).affine)
    np.testing.assert_allclose(found[:3], scale * AFFINE[:3], rtol=1e-6)


def _suffix(write):
    return "nrrd" if write is write_nrrd else "mha"


NOWHERE = {"space": None, "space_directions": None, "space_origin": None}
NAN3 = "(nan,nan,nan)"


@pytest.mark.parametrize(
    ("write", "said", "message"),
    [
        (write_nrrd, {"space_directions": " ".join([NAN3] * 3)}, "does not say how every axis"),
        (write_nrrd, {"space_directions": f"(1,0,0) {NAN3} (0,0,3)"}, "does not say how every"),
        (write_nrrd, {"space_directions": "(1,0,0) (0,2,0) none"}, "does not say how every axis"),
        (write_nrrd, {"space_directions": "none none none"}, "does not say how every axis"),
        (write_nrrd, {"space_origin": "(nan,20,30)"}, "couldn't parse origin"),
        (write_nrrd, {"space_directions": "(1,0,0) (1,0,0) (0,0,3)"}, "determinant is 0"),
        (write_nrrd, NOWHERE | {"spacings": "nan 2 3"}, "expected a number for every axis"),
        (write_nrrd, NOWHERE | {"axis_mins": "0 0 0", "axis_maxs": "7 12 15"}, "axis mins"),
        (write_nrrd, {"space_units": '"um" "mm" "um"'}, "expected one, such as mm or um"),
        (write_nrrd, {"space_units": '"ell" "ell" "ell"'}, "expected one, such as mm or um"),
        (write_nrrd, {"old_min": "0", "old_max": "1"}, "values were quantized"),
        (write_meta, {"DistanceUnits": "ell"}, "DistanceUnits is ell"),
        (write_meta, {"ElementSpacing": "nan 2 3"}, "expected finite numbers"),
        (write_meta, {"TransformMatrix": "1 0 0 1 0 0 0 0 1"}, "determinant is 0"),
        (write_meta, {"ElementToIntensityFunctionSlope": 2}, "which is not applied"),
        (write_meta, {"ElementToIntensityFunctionOffset": -1000}, "which is not applied"),
    ],
)
def test_a_header_that_says_no_place_or_other_values_is_named(tmp_path, write, said, message):
    _refused(write(tmp_path / f"a.{_suffix(write)}", _values(), **said), message)


@pytest.mark.parametrize("kind", ["complex", "HSV-color", "XYZ-color"])
def test_kinds_that_are_no_channels_are_named(tmp_path, kind):
    values = _values(2 if kind == "complex" else 3)
    path = write_nrrd(tmp_path / "a.nrrd", values, kinds=f"{kind} domain domain domain")
    _refused(path, "complex numbers" if kind == "complex" else "store them as RGB")


def _changed(data):
    return bytes([*data[:200], data[200] ^ 255, *data[201:]])


DAMAGES = {"changed": _changed, "cut": lambda data: data[:-50], "no sum": lambda data: data[:-8]}


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("suffix", ["nrrd", "mha"])
def test_damaged_compression_is_named(tmp_path, suffix, damage):
    values = _values()
    raw = values.tobytes(order="F")
    pack = gzip.compress if suffix == "nrrd" else zlib.compress
    for name, data in (("whole", pack(raw, 0)), ("damaged", DAMAGES[damage](pack(raw, 0)))):
        path = tmp_path / f"{name}.{suffix}"
        if suffix == "nrrd":
            write_nrrd(path, values, data=data, encoding="gzip")
        else:
            write_meta(path, values, data=data, CompressedData=True, CompressedDataSize=len(data))
    np.testing.assert_array_equal(read(tmp_path / f"whole.{suffix}")[0].numpy(), values)
    _refused(tmp_path / f"damaged.{suffix}", "damaged|cut short|data read error|expected 420 bytes")


@pytest.mark.parametrize("write", [write_nrrd, write_meta])
@pytest.mark.parametrize("change", [-20, 12])
def test_voxels_of_another_size_than_the_header_are_named(tmp_path, write, change):
    raw = _values().tobytes(order="F")
    data = raw[:change] if change < 0 else raw + b"\0" * change
    path = write(tmp_path / f"a.{_suffix(write)}", _values(), data=data)
    _refused(path, "20 bytes fewer than" if change < 0 else "12 bytes more than its header says")


@pytest.mark.parametrize(("change", "message"), [(-20, "20 bytes fewer"), (12, "12 bytes more")])
def test_packed_voxels_of_another_size_than_the_header_are_named(tmp_path, change, message):
    raw = _values().tobytes(order="F")
    data = zlib.compress(raw[:change] if change < 0 else raw + b"\0" * change)
    said = {"CompressedData": True, "CompressedDataSize": len(data)}
    _refused(write_meta(tmp_path / "a.mha", _values(), data=data, **said), message)


@pytest.mark.parametrize(
    ("field", "said", "expected"),
    [("Offset", "0", 3), ("ElementSpacing", "1 2", 3), ("TransformMatrix", "1 0 0 1", 9)],
)
def test_too_few_numbers_of_a_place_are_named(tmp_path, field, said, expected):
    path = write_meta(tmp_path / "a.mha", _values(), **{field: said})
    _refused(path, f"{field} is {said}, expected {expected} numbers for 3 axes")


@pytest.mark.parametrize("number", ["nan", "inf", "1,5", "-", "1_0", "\u0661"])
@pytest.mark.parametrize("field", ["Offset", "ElementSpacing", "TransformMatrix"])
def test_places_that_are_no_numbers_are_named(tmp_path, field, number):
    said = {field: f"1 {number} 1" + " 0 0 0 1 0 0" * (field == "TransformMatrix")}
    path = write_meta(tmp_path / "a.mha", _values(), **said)
    _refused(path, f"{field} is 1 {number} 1.*, expected finite numbers")


def _mhd(tmp_path, **said):
    return write_meta(tmp_path / "a.mhd", _values(), data=b"", **said)


def test_data_beside_a_header_are_read_or_missed_by_name(tmp_path):
    raw = _values().tobytes(order="F")
    path = _mhd(tmp_path, last="ElementDataFile = a.raw")
    _refused(path, r"its data, .*a\.raw, are missing")
    (tmp_path / "a.raw").write_bytes(raw)
    np.testing.assert_array_equal(read(path)[0].numpy(), _values())
    (tmp_path / "a.raw").write_bytes(b"0123456789" + raw)
    _refused(path, "10 bytes more than its header says")
    path = _mhd(tmp_path, HeaderSize=10, last="ElementDataFile = a.raw")
    np.testing.assert_array_equal(read(path)[0].numpy(), _values())


def test_a_byte_order_is_followed(tmp_path):
    swapped = _values().astype(">i2").tobytes(order="F")
    nrrd = write_nrrd(tmp_path / "a.nrrd", _values(), data=swapped, endian="big")
    meta = write_meta(tmp_path / "a.mha", _values(), data=swapped, BinaryDataByteOrderMSB=True)
    for path in (nrrd, meta):
        np.testing.assert_array_equal(read(path)[0].numpy(), _values())


def test_a_header_without_a_voxel_size_is_known_by_it(tmp_path):
    assert not has_voxel_size(read(write_nrrd(tmp_path / "a.nrrd", _values(), **NOWHERE)))
    assert not has_voxel_size(read(write_meta(tmp_path / "a.mha", _values(), ElementSpacing=None)))
    assert has_voxel_size(read(write_nrrd(tmp_path / "b.nrrd", _values())))


def test_labels_beyond_double_precision_are_named(tmp_path):
    values = np.where(_values() > 50, np.int64(2**53 + 1), 0)
    with pytest.raises(InputError, match=r"l\.nrrd: label values from 0 to 9007199254740992"):
        read_label(write_nrrd(tmp_path / "l.nrrd", values))
