"""``prepare scr``: raw radiographs and GIF masks, and the authors' PNG folders."""

from __future__ import annotations

import os
import shutil

import nibabel as nib
import numpy as np
import pytest

from gemini_monai.base.errors import InputError
from gemini_monai.data.dataset_file import read_cohort
from gemini_monai.data.prepare import prepare_scr
from gemini_monai.data.prepare.split import Wanted
from gemini_monai.images import read
from gemini_monai.transforms.load import LoadScand
from tests.data.prepare.sources.trees import scr as trees

SPLITS = ("labeled", "unlabeled", "validation", "test")
WANTED = Wanted(labeled=2, validation=0, test=2)


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    return trees.official(tmp_path_factory.mktemp("scr") / "src")


@pytest.fixture(scope="module")
def prepared(source):
    return prepare_scr(source, source.parent / "dst", wanted=WANTED)


@pytest.fixture
def spoilt(source, tmp_path):
    """The tree by hard links: unlink before writing."""
    shutil.copytree(source, tmp_path / "src", copy_function=os.link)
    return tmp_path / "src"


def _cases(dataset, split):
    return [entry["case"] for entry in getattr(dataset, split)]


def _replace(path, write):
    path.unlink()
    write(path)


def test_the_official_tree_is_divided(prepared):
    dataset = read_cohort(prepared)
    assert [len(getattr(dataset, split)) for split in SPLITS] == [2, 3, 0, 2]
    assert sorted(c for split in SPLITS for c in _cases(dataset, split)) == sorted(trees.CASES)
    assert dataset.structures == ("heart", "lung", "clavicle")
    assert (dataset.overlapping, dataset.input_spec().out_channels) == (True, 3)
    assert (dataset.spacing, dataset.spatial_size) == ((0.7, 0.7), (512, 512))
    assert dataset.intensity == {"kind": "range", "lower": 0.0, "upper": 4095.0}
    assert "no commercial use" in dataset.license


def test_images_are_inverted_means_of_four_pixels_in_x_and_y(prepared):
    for entry in read_cohort(prepared).unlabeled:
        raw = trees.radiograph(trees.CASES.index(entry["case"])).astype(float)
        means = (raw[::2, ::2] + raw[1::2, ::2] + raw[::2, 1::2] + raw[1::2, 1::2]) / 4
        found = read(entry["image"])
        np.testing.assert_array_equal(found[0].numpy(), np.rint(4095 - means).T)
        assert found.pixdim[:2].tolist() == pytest.approx([0.35, 0.35])
        assert nib.aff2axcodes(np.asarray(nib.load(entry["image"]).affine))[:2] == ("L", "P")


def test_masks_are_merged_on_the_grid_of_their_image(prepared):
    for entry in read_cohort(prepared).labeled + read_cohort(prepared).test:
        seed = trees.CASES.index(entry["case"])
        expected = [
            trees.mask(seed, "heart"),
            trees.mask(seed, "left lung") | trees.mask(seed, "right lung"),
            trees.mask(seed, "left clavicle") | trees.mask(seed, "right clavicle"),
        ]
        label, image = read(entry["label"]), read(entry["image"])
        np.testing.assert_array_equal(label.numpy(), [rows.T for rows in expected])
        np.testing.assert_array_equal(label.affine, image.affine)


def test_a_second_run_writes_no_image_and_the_same_list(prepared, source):
    before = {p: p.stat().st_mtime_ns for p in prepared.parent.rglob("*.nii*")}
    content = prepared.read_text()
    prepare_scr(source, prepared.parent, wanted=WANTED)
    assert {p: p.stat().st_mtime_ns for p in prepared.parent.rglob("*.nii*")} == before
    assert prepared.read_text() == content
    assert not list(prepared.parent.rglob(".part-*"))


def test_masks_of_unlabeled_images_are_never_opened(spoilt, prepared, tmp_path):
    for case in _cases(read_cohort(prepared), "unlabeled"):
        for path in spoilt.rglob(f"{case}.gif"):
            _replace(path, lambda path: path.write_bytes(b"no image"))
    again = prepare_scr(spoilt, tmp_path / "dst", wanted=WANTED)
    assert _cases(read_cohort(again), "labeled") == _cases(read_cohort(prepared), "labeled")


def test_the_papers_split_is_asked_for_by_default(source, tmp_path, capsys):
    message = r"7 labeled case\(s\) are too few for --labeled 5 --test 100"
    with pytest.raises(InputError, match=message):
        prepare_scr(source, tmp_path / "dst")
    assert not (tmp_path / "dst").exists()
    prepare_scr(source, tmp_path / "dst", wanted=Wanted(labeled=3, test=2))
    assert "7 of 247 images" in capsys.readouterr().out


def _short(source):
    path = source / "All247images" / "JPCLN002.IMG"
    _replace(path, lambda path: path.write_bytes(b"\0" * 1000))


def _other_bytes(source):
    values = trees.radiograph(3).astype("<u2")
    _replace(source / "All247images" / "JPCLN154.IMG", lambda path: values.tofile(path))


def _gray(source):
    values = np.arange(1024 * 1024).reshape(1024, 1024) % 7 * 40
    for path in source.rglob("left lung/*.gif"):
        _replace(path, lambda path: trees.write_gif(path, values))


def _small(source):
    for path in source.rglob("heart/*.gif"):
        _replace(path, lambda path: trees.write_gif(path, np.eye(512) * 255))


def _cut_off(source):
    for path in source.rglob("heart/*.gif"):
        content = path.read_bytes()
        _replace(path, lambda path, content=content: path.write_bytes(content[:300]))


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (_short, r"JPCLN002\.IMG: 1000 bytes, expected 8388608 .*downloaded in part"),
        (_other_bytes, r"JPCLN154\.IMG: values up to \d+, expected 12 bits .*big-endian"),
        (lambda s: shutil.rmtree(s / "scratch/fold2"), r"src: no folder 'fold2/masks'"),
        (
            lambda s: shutil.rmtree(s / "scratch/fold1/masks/right clavicle"),
            r"fold1/masks: no folder 'right clavicle'",
        ),
        (
            lambda s: (s / "All247images/JPCNN001.IMG").unlink(),
            r"heart/JPCNN001\.gif: a mask without an image 'JPCNN001'",
        ),
        (
            lambda s: [path.unlink() for path in s.rglob("JPCNN002.gif")],
            r"JPCNN002\.IMG: no masks of 'JPCNN002' in fold1 or fold2",
        ),
        (
            lambda s: (s / "scratch/fold1/masks/left lung/JPCLN001.gif").unlink(),
            r"masks/left lung: no mask of 'JPCLN001', which others there have",
        ),
        (
            lambda s: os.link(s / "All247images/JPCLN001.IMG", s / "JPCLN001.IMG"),
            r"JPCLN001\.IMG: 'JPCLN001' is there twice, also as",
        ),
        (
            lambda s: os.link(
                s / "All247images/JPCLN001.IMG", (s / "All247images/JPCLN004.IMG").absolute()
            ),
            r"JPCLN004\.IMG: no masks of 'JPCLN004'",
        ),
        (_gray, r"left lung/JPC\w+\.gif: a mask of one structure, but it has 7 value"),
        (_small, r"heart/JPC\w+\.gif: a mask of \(512, 512\), expected \(1024, 1024\)"),
        (_cut_off, r"heart/JPC\w+\.gif: cannot be read as an image"),
        (lambda s: shutil.rmtree(s / "All247images"), r"src: neither JPCLN001\.IMG"),
    ],
)
def test_what_is_wrong_is_named(spoilt, tmp_path, spoil, message):
    spoil(spoilt)
    with pytest.raises(InputError, match=message) as raised:
        prepare_scr(spoilt, tmp_path / "dst", wanted=WANTED)
    assert "\n" not in str(raised.value)
    assert not (tmp_path / "dst" / "dataset.json").exists()
    assert not list(tmp_path.rglob(".part-*"))


@pytest.mark.parametrize("place", ["", "ChestXray", "data/ChestXray"])
def test_the_authors_folders_are_the_split(tmp_path, place):
    trees.divided(tmp_path / "src" / place)
    dataset = read_cohort(prepare_scr(tmp_path / "src", tmp_path / "dst"))
    assert [len(getattr(dataset, split)) for split in SPLITS] == [2, 4, 0, 3]
    assert (dataset.spacing, dataset.spatial_size) == (None, (512, 512))
    assert dataset.structures == ("heart", "lung", "clavicle")
    assert [path.name for path in (tmp_path / "dst").iterdir()] == ["dataset.json"]
    with pytest.raises(InputError, match="scr: its folders are the split"):
        prepare_scr(tmp_path / "src", tmp_path / "again", wanted=Wanted(labeled=1))


def test_png_masks_of_255_are_loaded_as_ones_and_lie_as_their_image(tmp_path):
    trees.divided(tmp_path / "src")
    entry = read_cohort(prepare_scr(tmp_path / "src", tmp_path / "dst")).labeled[0]
    loaded = LoadScand(["image", "label"], spatial_dims=2, in_channels=1)(entry)
    assert loaded["image"].shape == (1, 40, 32)
    assert loaded["label"].shape == (3, 40, 32)
    assert loaded["label"].unique().tolist() == [0, 1]
    assert loaded["label"][1, 8:20, 4:24].all()
    assert loaded["label"][1].sum() == 12 * 20


def test_one_folder_of_the_authors_is_divided_by_us(tmp_path):
    trees.released(tmp_path / "src", images=6, labels=4)
    dataset = read_cohort(prepare_scr(tmp_path / "src", tmp_path / "dst", wanted=WANTED))
    assert [len(getattr(dataset, split)) for split in SPLITS] == [2, 2, 0, 2]


def _swap(source):
    (source / "train/labeled/image").rename(source / "image")
    (source / "train/labeled/label/heart").rename(source / "train/labeled/image")
    (source / "image").rename(source / "train/labeled/label/heart")


def _test_case_among_the_unlabeled(source):
    shutil.copy(source / "test/labeled/image/00.png", source / "train/unlabeled/image/77.png")


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (_swap, r"heart/0\d\.png: a mask of one structure, but its values are"),
        (_test_case_among_the_unlabeled, r"same content as .*remove one"),
        (
            lambda s: shutil.rmtree(s / "train/labeled/label/lung"),
            r"label/lung: no such folder",
        ),
        (
            lambda s: (s / "test/labeled/label/lung/01.png").unlink(),
            r"label/lung: no mask of '01', which others there have",
        ),
        (
            lambda s: [path.unlink() for path in s.glob("test/labeled/label/*/01.png")],
            r"image/01\.png: no label",
        ),
        (
            lambda s: (s / "test/labeled/image/01.png").unlink(),
            r"01\.png.*: a label without an image",
        ),
    ],
)
def test_what_is_wrong_in_the_authors_folders_is_named(tmp_path, spoil, message):
    source = trees.divided(tmp_path / "src")
    spoil(source)
    with pytest.raises(InputError, match=message):
        prepare_scr(source, tmp_path / "dst")
    assert not (tmp_path / "dst").exists()
