"""``prepare heart_ct``: three downloads as one data set, or the authors' folders."""

from __future__ import annotations

import nibabel as nib
import numpy as np
import pytest

from gemini_monai.base.errors import InputError
from gemini_monai.data.dataset_file import read_cohort
from gemini_monai.data.prepare import prepare_heart_ct
from gemini_monai.data.prepare.split import Wanted
from gemini_monai.images import read
from tests.data.prepare.sources.trees import heart_ct as tree

ALL = Wanted(labeled=7, validation=0, test=0)  # so that every label is opened
PARTS = ("labeled", "unlabeled", "validation", "test")


def _counts(dataset):
    return [len(getattr(dataset, part)) for part in PARTS]


def _cases(dataset):
    return sorted(entry["case"] for part in PARTS for entry in getattr(dataset, part))


def _files(folder):
    return {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_three_downloads_are_one_data_set_as_in_the_paper(tmp_path, capsys):
    source = tree.all_three(tmp_path / "src")
    before = _files(source)
    dataset = read_cohort(prepare_heart_ct(source, tmp_path / "dst"))
    assert _counts(dataset) == [5, 6, 0, 2]
    assert _cases(dataset) == [
        *("asoca_diseased_1", "asoca_normal_1", "asoca_test_0", "asoca_test_10"),
        *("cat08_00", "cat08_01", "cat08_02"),
        *("whs_1001", "whs_1002", "whs_1003", "whs_1004", "whs_2001", "whs_2002"),
    ]
    assert {e["case"].split("_")[0] for e in dataset.unlabeled} == {"asoca", "whs"}
    assert dataset.structures == (
        *("left ventricular myocardium", "left atrium", "left ventricle", "right atrium"),
        *("right ventricle", "ascending aorta", "pulmonary artery"),
    )
    assert dataset.label_values == (0, *tree.CODES)
    assert (dataset.spatial_size, dataset.spacing) == ((144, 144, 128), (1.5, 1.5, 1.5))
    assert dataset.intensity == {"kind": "range", "lower": 0.0, "upper": 2048.0}
    for name in ("MM-WHS", "ASOCA", "CAT08"):
        assert name in dataset.license
    said = capsys.readouterr().out
    assert "WHS-CT  4 labeled, 2 unlabeled; 16 labeled and 38 unlabeled fewer than in" in said
    assert "ASOCA  0 labeled, 4 unlabeled; 56 unlabeled fewer than in the paper" in said
    assert "CAT08  3 labeled, 0 unlabeled; 29 labeled fewer than in the paper" in said
    assert _files(source) == before


def test_the_paper_splits_5_100_47(tmp_path, monkeypatch):
    from gemini_monai.data.prepare.sources import heart_ct

    asked = []
    monkeypatch.setattr(heart_ct, "prepare_source", lambda found, _, wanted: asked.append(wanted))
    for folder, names in {
        "ct_train": [f"ct_train_{1001 + k}_{n}" for k in range(20) for n in ("image", "label")],
        "ct_test": [f"ct_test_{2001 + k}_image" for k in range(40)],
    }.items():
        (tmp_path / folder).mkdir()
        for name in names:
            (tmp_path / folder / f"{name}.nii.gz").touch()
    for k in range(32):
        (tmp_path / f"dataset{k:02d}").mkdir()
        (tmp_path / f"dataset{k:02d}" / "image.raw").touch()
        header = "ElementDataFile = image.raw\n"
        (tmp_path / f"dataset{k:02d}" / f"image{k:02d}.mhd").write_text(header)
        (tmp_path / f"dataset{k:02d}" / f"image{k:02d}_label.nii.gz").touch()
    prepare_heart_ct(tmp_path, tmp_path / "dst")
    prepare_heart_ct(tmp_path, tmp_path / "dst", wanted=Wanted(test=20, labeled_draw=3))
    assert asked == [Wanted(5, 0, 47), Wanted(5, 0, 20, labeled_draw=3)]


def test_cat08_is_brought_to_hounsfield_units_once(tmp_path, capsys):
    tree.all_three(tmp_path / "src")
    path = prepare_heart_ct(tmp_path / "src", tmp_path / "dst", wanted=ALL)
    entries = {entry["case"]: entry["image"] for entry in read_cohort(path).labeled}
    for k in range(3):
        converted = nib.load(entries[f"cat08_{k:02d}"])
        np.testing.assert_array_equal(converted.get_fdata(), tree.heart(400 + k)[0])
        assert converted.get_data_dtype() == np.int16
        original = read(tmp_path / "src" / "CAT08" / f"dataset{k:02d}" / f"image{k:02d}.mhd")
        np.testing.assert_allclose(converted.affine, original.affine, atol=1e-5)
    assert "image00.mhd: no value below 0, so 1024 is subtracted" in capsys.readouterr().out
    first = {p: (b, p.stat().st_mtime_ns) for p, b in _files(tmp_path / "dst" / "images").items()}
    text = path.read_text()
    assert prepare_heart_ct(tmp_path / "src", tmp_path / "dst", wanted=ALL).read_text() == text
    again = {p: (b, p.stat().st_mtime_ns) for p, b in _files(tmp_path / "dst" / "images").items()}
    assert again == first


def test_cat08_that_is_in_hounsfield_units_stays(tmp_path):
    tree.cat08(tmp_path / "src", offset=0)
    tree.asoca(tmp_path / "src")
    path = prepare_heart_ct(tmp_path / "src", tmp_path / "dst")
    entries = read_cohort(path).labeled
    assert [entry["image"].rsplit("/", 1)[1] for entry in entries] == [
        f"image{k:02d}.mhd" for k in range(3)
    ]
    assert not (tmp_path / "dst" / "images").exists()


def test_421_is_taken_for_420_with_its_count(tmp_path, capsys):
    source = tree.all_three(tmp_path / "src")
    path = prepare_heart_ct(source, tmp_path / "dst", wanted=ALL)
    slip = source / "MM-WHS 2017 Dataset" / "ct_train" / "ct_train_1001_label.nii.gz"
    voxels = int((nib.load(slip).get_fdata() == 421).sum())
    said = capsys.readouterr().out
    assert f"ct_train_1001_label.nii.gz: label code(s) 421 ({voxels} voxels) become 420" in said
    assert said.count("become") == 1
    entries = {entry["case"]: entry["label"] for entry in read_cohort(path).labeled}
    np.testing.assert_array_equal(nib.load(entries["whs_1001"]).get_fdata(), tree.heart(0)[1])
    assert entries["whs_1002"].endswith("ct_train/ct_train_1002_label.nii.gz")


@pytest.mark.parametrize(
    "labels",
    [
        "dataset{0}/image{0}_label.nii.gz",
        "CAT08_labels/image{0}.nii.gz",
        "CAT08_labels/cat08_{0}.nii.gz",
        "heart/CAT08_{0}_label.nii.gz",
        "heart/cat08_label_{0}.nii.gz",
    ],
)
def test_labels_of_cat08_are_found_under_any_likely_name(tmp_path, labels):
    source = tree.cat08(tmp_path / "src", labels=labels)
    tree.asoca(source)
    dataset = read_cohort(prepare_heart_ct(source, tmp_path / "dst"))
    assert [entry["case"] for entry in dataset.labeled] == ["cat08_00", "cat08_01", "cat08_02"]


def test_one_part_is_enough_and_what_is_missing_is_said(tmp_path, capsys):
    source = tree.whs(tmp_path / "src", labeled=6, unlabeled=0)
    prepare_heart_ct(source / "ct_train", tmp_path / "dst")
    said = capsys.readouterr().out
    assert "ASOCA  not found: 60 unlabeled fewer than in the paper" in said
    assert "CAT08  not found: 32 labeled fewer than in the paper" in said
    assert "no image is left for pairs" in said
    dataset = read_cohort(tmp_path / "dst" / "dataset.json")
    assert _counts(dataset) == [5, 0, 0, 1]
    prepare_heart_ct(tree.asoca(tmp_path / "other"), tmp_path / "again")
    dataset = read_cohort(tmp_path / "again" / "dataset.json")
    assert _counts(dataset) == [0, 4, 0, 0]
    assert len(dataset.structures) == 7


def test_a_linked_folder_is_followed_and_a_macs_extras_are_not(tmp_path):
    tree.whs(tmp_path / "elsewhere")
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "whs").symlink_to(tmp_path / "elsewhere")
    extra = tmp_path / "src" / "__MACOSX" / "ct_train" / "ct_train_1001_image.nii.gz"
    extra.parent.mkdir(parents=True)
    extra.write_bytes(b"extra")
    tree.cat08(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "dataset00" / "._label00.nii.gz").write_bytes(b"extra")
    assert len(_cases(read_cohort(prepare_heart_ct(tmp_path / "src", tmp_path / "dst")))) == 9


def test_no_label_of_an_unlabeled_image_is_opened(tmp_path):
    source = tree.whs(tmp_path / "src", labeled=8)
    wanted = Wanted(labeled=2, validation=1, test=1)
    dataset = read_cohort(prepare_heart_ct(source, tmp_path / "dst", wanted=wanted))
    assert _counts(dataset) == [2, 6, 1, 1]
    for entry in dataset.unlabeled:
        if entry["case"] < "whs_2":
            file = source / "ct_train" / f"ct_train_{entry['case'][4:]}_label.nii.gz"
            file.write_bytes(b"not a label")
            file.chmod(0)
    again = read_cohort(prepare_heart_ct(source, tmp_path / "dst", wanted=wanted))
    assert again.unlabeled == dataset.unlabeled


@pytest.mark.parametrize("place", ["", "T1_CardiacCT"])
@pytest.mark.parametrize("codes", [tree.CODES, tuple(range(1, 8))])
def test_the_authors_folders_are_the_split(tmp_path, place, codes):
    tree.released(tmp_path / "src", codes=codes)
    dataset = read_cohort(prepare_heart_ct(tmp_path / "src" / place, tmp_path / "dst"))
    assert [[entry["case"] for entry in getattr(dataset, part)] for part in PARTS] == [
        ["train_05", "train_06"],
        ["unlabeled_0", "unlabeled_1"],
        [],
        ["test_00", "test_01"],
    ]
    assert dataset.spatial_size == (144, 144, 128)
    assert dataset.spacing == (1, 1, 1)  # their own: they were resampled already
    np.testing.assert_array_equal(
        nib.load(dataset.labeled[0]["label"]).get_fdata(), tree.heart(0)[1]
    )
    with pytest.raises(InputError, match="its folders are the split, so --labeled"):
        prepare_heart_ct(tmp_path / "src", tmp_path / "dst", wanted=Wanted(labeled=1))


@pytest.mark.parametrize(
    ("train", "test"),
    [
        (("ct_train1", "ct_train2"), ("ct_test1",)),
        (("CT_Train_1", "CT_Train_2"), ("CT_Test_1", "CT_Test_2")),
        (("ct_train", "ct_train2"), ("ct_test",)),
    ],
)
def test_numbered_archives_of_mm_whs_are_one_set(tmp_path, capsys, train, test):
    source = tree.whs(tmp_path / "src", labeled=4, unlabeled=2)
    for name, folders in (("ct_train", train), ("ct_test", test)):
        files = sorted((source / name).rename(source / "unpacked").iterdir())
        for k, path in enumerate(files):
            folder = source / folders[k * len(folders) // len(files)]
            folder.mkdir(exist_ok=True)
            path.rename(folder / path.name)
        (source / "unpacked").rmdir()
    dataset = read_cohort(prepare_heart_ct(source, tmp_path / "dst"))
    names = [f"whs_{k}" for k in (1001, 1002, 1003, 1004, 2001, 2002)]
    assert _cases(dataset) == names
    assert "WHS-CT  4 labeled, 2 unlabeled" in capsys.readouterr().out


def test_a_case_in_two_numbered_archives_is_named(tmp_path):
    source = tree.whs(tmp_path / "src", labeled=2, unlabeled=0)
    tree.whs(tmp_path / "other", labeled=1, unlabeled=0)
    (tmp_path / "other" / "ct_train").rename(source / "ct_train2")
    with pytest.raises(InputError, match=r"ct_train2/.*: case 'whs_1001' is there twice"):
        prepare_heart_ct(source, tmp_path / "dst")


def _asoca_2020(root, *, masks=True):
    for k, name in enumerate(("Train/0", "Train/1", "Test/0")):
        tree.write_itk(root / f"{name}.nrrd", tree.heart(500 + k)[0])
    if masks:
        (root / "Train_Masks").mkdir()
        (root / "Train_Masks" / "0.nrrd").write_bytes(b"lumen")
    return root


@pytest.mark.parametrize("place", ["", "ASOCA2020Data", "ASOCA/download"])
def test_the_other_archive_of_asoca_is_read(tmp_path, capsys, place):
    _asoca_2020(tmp_path / "src" / place, masks=not place)
    dataset = read_cohort(prepare_heart_ct(tmp_path / "src", tmp_path / "dst"))
    assert _cases(dataset) == ["asoca_test_0", "asoca_train_0", "asoca_train_1"]
    assert "ASOCA  0 labeled, 3 unlabeled" in capsys.readouterr().out


def test_folders_called_train_are_not_asocas_by_that_alone(tmp_path):
    _asoca_2020(tmp_path / "src" / "other", masks=False)
    with pytest.raises(InputError, match="no cardiac CT"):
        prepare_heart_ct(tmp_path / "src", tmp_path / "dst")
