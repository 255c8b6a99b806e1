"""Pixels of DICOM are as they are meant, by pydicom's own words, or refused by name."""

from __future__ import annotations

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.pixels import apply_color_lut, apply_modality_lut, apply_rescale
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian, generate_uid

from gemini_monai.base.errors import InputError
from gemini_monai.images import read, read_label
from tests.images.dicom import along_z, volume
from tests.images.enhanced import write_enhanced

STORAGE = "1.2.840.10008.5.1.4.1.1."
VALUES = np.random.default_rng(0).integers(0, 1000, (6, 5)).astype(np.uint16)
COLORS = np.random.default_rng(1).integers(0, 256, (6, 5, 3)).astype(np.uint8)


def _write(path, pixels=VALUES, *, stored=12, place=0, syntax=ExplicitVRLittleEndian, **said):
    """One slice; ``said`` are attributes by their keywords."""
    data = Dataset()
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = syntax
    data.SOPClassUID, data.SOPInstanceUID = STORAGE + "1.1", generate_uid()
    data.StudyInstanceUID, data.SeriesInstanceUID = "1.2.4", "1.2.3"
    data.Modality, data.PatientID = "DX", "somebody"
    data.Rows, data.Columns, *colors = pixels.shape
    data.SamplesPerPixel = colors[0] if colors else 1
    data.PhotometricInterpretation = "RGB" if colors else "MONOCHROME2"
    if colors:
        data.PlanarConfiguration = 0
    data.BitsAllocated = 8 * pixels.itemsize
    data.BitsStored = min(stored, data.BitsAllocated)
    data.HighBit = data.BitsStored - 1
    data.PixelRepresentation = int(pixels.dtype.kind == "i")
    data.PixelSpacing, data.ImagePositionPatient = [1, 1], [0, 0, place]
    data.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    data.PixelData = pixels.tobytes()
    for name, value in said.items():
        setattr(data, name, value)
    path.parent.mkdir(parents=True, exist_ok=True)
    data.save_as(path, enforce_file_format=True)
    return path.parent


def _slice(folder):
    """What is read, as rows (and colors)."""
    return read(folder).numpy().transpose(2, 1, 0).squeeze()


def _refused(folder, message, reader=read):
    with pytest.raises(InputError, match=rf"{folder.name}.*: .*{message}"):
        reader(folder)


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian])
@pytest.mark.parametrize(
    ("slope", "intercept"), [(1, 0), (1, -1024), (2, 3), (0.5, -100.25), (-1, 4095)]
)
def test_values_are_rescaled_as_pydicom_does(tmp_path, syntax, slope, intercept):
    said = {"RescaleSlope": slope, "RescaleIntercept": intercept, "Modality": "CT"}
    folder = _write(tmp_path / "x" / "a.dcm", syntax=syntax, **said)
    data = pydicom.dcmread(folder / "a.dcm")
    np.testing.assert_allclose(_slice(folder), apply_rescale(data.pixel_array, data))


def test_each_slice_is_rescaled_by_itself(tmp_path):
    for k in range(3):
        said = {"RescaleSlope": 0.371 * (k + 1), "RescaleIntercept": k}
        folder = _write(tmp_path / "x" / f"{k}.dcm", place=2 * k, Modality="PT", **said)
    found = read(folder)[0].numpy().T
    for k in range(3):
        np.testing.assert_allclose(found[k], 0.371 * (k + 1) * VALUES + k, rtol=1e-6)


def test_bits_beyond_those_that_are_stored_are_no_value(tmp_path):
    folder = _write(tmp_path / "x" / "a.dcm", VALUES | 0xF000)
    np.testing.assert_array_equal(_slice(folder), VALUES)
    signed = VALUES.astype(np.int16) - 500
    folder = _write(tmp_path / "y" / "a.dcm", (signed & 0xFFF).astype(np.int16))
    np.testing.assert_array_equal(_slice(folder), signed)


@pytest.mark.parametrize(
    ("pixels", "stored", "top"),
    [
        (VALUES, 12, 4095),
        (VALUES, 16, 65535),
        ((VALUES // 4).astype(np.uint8), 8, 255),
        (VALUES.astype(np.int16) - 500, 16, -1),
    ],
)
@pytest.mark.parametrize("slope", [1, 2])
def test_inverted_gray_becomes_dark_to_bright(tmp_path, pixels, stored, top, slope):
    said = {"RescaleSlope": slope, "RescaleIntercept": 7} if slope > 1 else {}
    said |= {"PhotometricInterpretation": "MONOCHROME1", "PresentationLUTShape": "INVERSE"}
    folder = _write(tmp_path / "x" / "a.dcm", pixels, stored=stored, **said)
    expected = slope * (top - pixels.astype(int)) + (7 if slope > 1 else 0)
    np.testing.assert_array_equal(_slice(folder), expected)
    _refused(folder, "MONOCHROME1, whose values are not those that it shows", reader=read_label)


@pytest.mark.parametrize("is_gray", [True, False])
def test_a_color_table_is_applied(tmp_path, is_gray):
    table = np.random.default_rng(2).integers(0, 256, (3, 256)) * 257
    table = table[:1].repeat(3, axis=0) if is_gray else table
    said = {"PhotometricInterpretation": "PALETTE COLOR"}
    for name, row in zip(("Red", "Green", "Blue"), table, strict=True):
        said[f"{name}PaletteColorLookupTableDescriptor"] = [256, 0, 16]
        said[f"{name}PaletteColorLookupTableData"] = row.astype("<u2").tobytes()
    folder = _write(tmp_path / "x" / "a.dcm", (VALUES // 4).astype(np.uint8), **said)
    data = pydicom.dcmread(folder / "a.dcm")
    shown = apply_color_lut(data.pixel_array, data) // 257
    np.testing.assert_array_equal(_slice(folder), shown[..., 0] if is_gray else shown)
    _refused(folder, "PALETTE COLOR, whose values are not those", reader=read_label)


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
@pytest.mark.parametrize("planar", [0, 1])
def test_colors_keep_their_depth(tmp_path, kind, planar):
    pixels = COLORS.astype(kind) * kind(1 if kind == np.uint8 else 250)
    stored = np.moveaxis(pixels, -1, 0) if planar else pixels
    said = {"PlanarConfiguration": planar, "PixelData": stored.tobytes()}
    folder = _write(tmp_path / "x" / "a.dcm", pixels, stored=16, **said)
    np.testing.assert_array_equal(_slice(folder), pixels)


@pytest.mark.parametrize(
    ("pixels", "said", "padded"),
    [
        (VALUES, {"PixelPaddingValue": 4000}, 4000),
        (VALUES, {"PixelPaddingValue": 3900, "PixelPaddingRangeLimit": 4095}, 4000),
        (VALUES.astype(np.int16) - 500, {"PixelPaddingValue": -2000}, -2000),
        (VALUES, {"PixelPaddingValue": 0, "PhotometricInterpretation": "MONOCHROME1"}, 0),
        (VALUES, {"PixelPaddingValue": 4000, "RescaleSlope": 2, "RescaleIntercept": 5}, 4000),
    ],
)
def test_padding_is_as_dark_as_the_darkest_of_the_rest(tmp_path, pixels, said, padded):
    plain = _slice(_write(tmp_path / "plain" / "a.dcm", pixels + 1, stored=12 + 4, **said))
    pixels = pixels + 1
    pixels[:, 0] = padded
    found = _slice(_write(tmp_path / "x" / "a.dcm", pixels, stored=16, **said))
    np.testing.assert_array_equal(found[:, 1:], plain[:, 1:])
    np.testing.assert_array_equal(found[:, 0], plain[:, 1:].min())


def test_a_window_is_not_applied(tmp_path):
    folder = _write(tmp_path / "x" / "a.dcm", WindowCenter=100, WindowWidth=50)
    np.testing.assert_array_equal(_slice(folder), VALUES)


def _table():
    item = Dataset()
    item.LUTDescriptor, item.ModalityLUTType = [1000, 0, 16], "US"
    item.add_new("LUTData", "OW", np.arange(3000, 0, -3).astype("<u2").tobytes())
    return [item]


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian])
def test_a_table_of_the_modality_is_named(tmp_path, syntax):
    folder = _write(tmp_path / "x" / "a.dcm", syntax=syntax, ModalityLUTSequence=_table())
    data = pydicom.dcmread(folder / "a.dcm")
    assert not np.array_equal(apply_modality_lut(data.pixel_array, data), VALUES)
    _refused(folder, "a lookup table of the modality")
    folder = _write(tmp_path / "y" / "a.dcm", syntax=syntax, VOILUTSequence=_table())
    np.testing.assert_array_equal(_slice(folder), VALUES)  # one of a window is how it was looked at


HOUNSFIELD = {"Modality": "CT", "RescaleSlope": 1, "RescaleIntercept": -1024}


@pytest.mark.parametrize(
    ("pixels", "said", "message"),
    [
        (VALUES, {"RescaleSlope": 0, "RescaleIntercept": 5}, "RescaleSlope is 0"),
        (VALUES, {"PresentationLUTShape": "INVERSE"}, "but MONOCHROME2 is not"),
        (VALUES, HOUNSFIELD | {"PhotometricInterpretation": "MONOCHROME1"}, "to quantities"),
        (COLORS, {"PhotometricInterpretation": "YBR_FULL"}, "colors of kind YBR_FULL"),
    ],
)
def test_what_stands_between_values_and_picture_is_named(tmp_path, pixels, said, message):
    _refused(_write(tmp_path / "x" / "a.dcm", pixels, **said), message)


def _edit(path, **said):
    data = pydicom.dcmread(path)
    for name, value in said.items():
        setattr(data, name, value)
    if "PixelPaddingValue" in data:
        data["PixelPaddingValue"].VR = "SS"
    data.save_as(path)
    return path


def test_frames_of_an_enhanced_file_too(tmp_path):
    path = write_enhanced(tmp_path / "a.dcm", volume((6, 4, 5)), along_z(6), rescale=(2.0, 5.0))
    inverted = _edit(path, PhotometricInterpretation="MONOCHROME1")
    with pytest.raises(InputError, match=r"a\.dcm: frames that are shown inverted"):
        read(inverted)
    padded = _edit(path, PhotometricInterpretation="MONOCHROME2", PixelPaddingValue=119)
    found = read(padded)[0].numpy()
    assert found.max() == 2 * 118 + 5
    assert found[4, 3, 5] == found.min() == 5
