"""Pictures are read as they are shown, and labels as the numbers that they store."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from PIL import Image, ImageOps

from gemini_monai.base.errors import InputError
from gemini_monai.images import read, read_label
from tests.images.written import (
    GRAY,
    GRAY_ALPHA,
    RGB,
    RGB_ALPHA,
    TABLE,
    chunk,
    orientation,
    write_png,
)

RANDOM = np.random.default_rng(0)
SHAPE = (6, 5)  # rows and columns


def _rows(top=256, channels=1):
    return RANDOM.integers(0, top, (*SHAPE, channels) if channels > 1 else SHAPE)


def _shown(path, mode):
    """By Pillow, channel first and x before y."""
    with Image.open(path) as picture:
        pixels = np.asarray(picture.convert(mode))
    return np.moveaxis(pixels.reshape(*pixels.shape[:2], -1), -1, 0).swapaxes(1, 2)


def _refused(path, message, reader=read):
    with pytest.raises(InputError, match=rf"{path.name}: .*{message}"):
        reader(path)


@pytest.mark.parametrize("depth", [1, 2, 4, 8])
@pytest.mark.parametrize("is_gray", [True, False])
def test_a_color_table_is_applied_to_images_and_not_to_labels(tmp_path, depth, is_gray):
    colors = RANDOM.permutation(256)[: 2**depth, None] * np.ones((1, 3), int)
    colors = colors if is_gray else RANDOM.integers(0, 256, colors.shape)
    table = chunk(b"PLTE", bytes(colors.ravel().tolist()))
    places = _rows(2**depth)
    path = write_png(tmp_path / "a.png", places, color=TABLE, depth=depth, before=table)
    found = read(path).numpy()
    assert found.shape == (1 if is_gray else 3, 5, 6)
    np.testing.assert_array_equal(found, _shown(path, "L" if is_gray else "RGB"))
    np.testing.assert_array_equal(read_label(path)[0].numpy(), places.T)


@pytest.mark.parametrize("depth", [1, 2, 4, 8, 16])
def test_gray_of_any_depth_is_shown_from_black_to_white(tmp_path, depth):
    values = _rows(2**depth)
    path = write_png(tmp_path / "a.png", values, depth=depth)
    white = 65535 if depth == 16 else 255
    np.testing.assert_array_equal(read(path)[0].numpy(), values.T * (white // (2**depth - 1)))
    np.testing.assert_array_equal(read_label(path)[0].numpy(), values.T)


@pytest.mark.parametrize(("color", "channels"), [(RGB, 3), (RGB_ALPHA, 4), (GRAY_ALPHA, 2)])
@pytest.mark.parametrize("depth", [8, 16])
def test_colors_keep_their_depth(tmp_path, color, channels, depth):
    values = _rows(2**depth, channels)
    if color != RGB:
        values[..., -1] = 2**depth - 1
    path = write_png(tmp_path / "a.png", values, color=color, depth=depth)
    shown = values if color == RGB else values[..., :-1]
    np.testing.assert_array_equal(read(path).numpy(), shown.transpose(2, 1, 0))


def test_gray_stored_as_colors_of_16_bits_is_one_channel(tmp_path):
    values = np.repeat(_rows(65536)[..., None], 3, axis=-1)
    path = write_png(tmp_path / "a.png", values, color=RGB, depth=16)
    np.testing.assert_array_equal(read(path).numpy(), values[..., :1].transpose(2, 1, 0))


@pytest.mark.parametrize("turn", range(1, 9))
@pytest.mark.parametrize("read_it", [read, read_label])
def test_an_orientation_turns_images_and_labels(tmp_path, turn, read_it):
    for depth in (8, 16):
        path = tmp_path / f"{depth}.png"
        write_png(path, _rows(2**depth), depth=depth, after=orientation(turn))
        with Image.open(path) as picture:
            seen = np.asarray(ImageOps.exif_transpose(picture))
        np.testing.assert_array_equal(read_it(path)[0].numpy(), seen.T)


@pytest.mark.parametrize("turn", [3, 6])
def test_an_orientation_turns_jpeg(tmp_path, turn):
    exif = Image.Exif()
    exif[0x0112] = turn
    rows = np.kron(_rows(), np.ones((8, 8))).astype(np.uint8)
    Image.fromarray(rows).save(tmp_path / "a.jpg", exif=exif)
    with Image.open(tmp_path / "a.jpg") as picture:
        seen = np.asarray(ImageOps.exif_transpose(picture))
    np.testing.assert_array_equal(read(tmp_path / "a.jpg")[0].numpy(), seen.T)


def test_the_turned_image_has_the_shape_that_is_seen(tmp_path):
    image = read(write_png(tmp_path / "a.png", _rows(), after=orientation(6)))
    assert tuple(image.shape[1:]) == tuple(image.meta["spatial_shape"]) == (6, 5)


FAINT = {
    "gray with opacity": (GRAY_ALPHA, 8, 2, b""),
    "colors with opacity": (RGB_ALPHA, 16, 4, b""),
    "a transparent gray": (GRAY, 8, 1, chunk(b"tRNS", struct.pack(">H", 7))),
    "a transparent gray of 16 bits": (GRAY, 16, 1, chunk(b"tRNS", struct.pack(">H", 7))),
    "a transparent color": (RGB, 8, 3, chunk(b"tRNS", struct.pack(">3H", 7, 7, 7))),
    "a transparent place of a table": (
        *(TABLE, 8, 1),
        chunk(b"PLTE", bytes(range(24))) + chunk(b"tRNS", bytes([255] * 7 + [0])),
    ),
}


@pytest.mark.parametrize("kind", FAINT)
def test_what_is_transparent_is_named(tmp_path, kind):
    color, depth, channels, before = FAINT[kind]
    values = np.full((*SHAPE, channels) if channels > 1 else SHAPE, 5)
    if color in (GRAY_ALPHA, RGB_ALPHA):
        values[..., -1] = 2**depth - 1
    opaque = write_png(tmp_path / "a.png", values, color=color, depth=depth, before=before)
    assert float(read(opaque).max()) == (17 if color == TABLE else 5)
    values[2, 2] = 7
    faint = write_png(tmp_path / "b.png", values, color=color, depth=depth, before=before)
    _refused(faint, "is transparent in places")


def test_a_label_may_have_a_transparent_background(tmp_path):
    clear = chunk(b"PLTE", bytes(range(9))) + chunk(b"tRNS", b"\0")
    places = _rows(3)
    path = write_png(tmp_path / "a.png", places, color=TABLE, before=clear)
    np.testing.assert_array_equal(read_label(path)[0].numpy(), places.T)


def _animation(path):
    frames = [Image.fromarray(_rows().astype(np.uint8)) for _ in range(2)]
    frames[0].save(path, save_all=True, append_images=frames[1:])


def _tiff(path):
    Image.fromarray(_rows().astype(np.float32)).save(path, format="TIFF")


def _changed(path):
    write_png(path, np.kron(_rows(), np.ones((8, 8), int)), level=0)
    content = bytearray(path.read_bytes())
    content[500] ^= 1
    path.write_bytes(content)


def _cut(path):
    write_png(path, _rows())
    path.write_bytes(path.read_bytes()[:-20])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (_animation, "an animation of 2 pictures"),
        (_tiff, "TIFF by its content, expected PNG or JPEG"),
        (_changed, "cannot be read as an image: broken"),
        (_cut, "cannot be read as an image"),
    ],
)
def test_what_is_no_picture_is_named(tmp_path, make, message):
    make(tmp_path / "a.png")
    _refused(tmp_path / "a.png", message)


def test_colors_that_need_a_profile_are_named(tmp_path):
    Image.fromarray(_rows(256, 4).astype(np.uint8), "CMYK").save(tmp_path / "a.jpg")
    _refused(tmp_path / "a.jpg", "colors of kind CMYK; store it as gray or RGB")


def test_a_jpeg_by_another_name_is_no_label(tmp_path):
    Image.fromarray(_rows().astype(np.uint8)).save(tmp_path / "a.png", format="JPEG")
    assert read(tmp_path / "a.png").shape == (1, 5, 6)
    _refused(tmp_path / "a.png", "JPEG changes values", reader=read_label)
