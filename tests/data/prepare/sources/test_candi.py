"""``prepare candi``: both trees, the paper's splits, the 28 structures and no other."""

from __future__ import annotations

import nibabel as nib
import numpy as np
import pytest

from gemini_monai.base.errors import InputError
from gemini_monai.data.checks import SPLITS
from gemini_monai.data.dataset_file import read_cohort
from gemini_monai.data.prepare import prepare_candi
from gemini_monai.data.prepare.split import Wanted
from tests.data.prepare.made import save
from tests.data.prepare.sources.trees import candi

SMALL = Wanted(labeled=2, test=3)


def _counts(dataset):
    return [len(getattr(dataset, split)) for split in SPLITS]


def _files(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def _cases(dataset, *splits):
    return {entry["case"] for split in splits for entry in getattr(dataset, split)}


@pytest.mark.parametrize("folder", ["SchizBull_2008/{group}/{case}", "{case}", "{group}", "."])
@pytest.mark.parametrize("dot", [False, True])
def test_the_official_tree_in_any_folders(tmp_path, folder, dot):
    source = candi.official(tmp_path / "src", folder=folder, dot=dot)
    before = _files(source)
    dataset = read_cohort(prepare_candi(source, tmp_path / "dst", wanted=SMALL))
    assert _counts(dataset) == [2, 7, 0, 3]
    assert _cases(dataset, *SPLITS) == set(candi.FEW)
    assert not any("label" in entry for entry in dataset.unlabeled)
    assert _files(source) == before


def test_all_103_are_divided_as_in_the_paper(tmp_path, capsys):
    source = candi.official(tmp_path / "src", cases=candi.ALL, shape=(7, 6, 6))
    semi = read_cohort(prepare_candi(source, tmp_path / "semi"))
    assert _counts(semi) == [5, 78, 0, 20]
    assert "CANDI: 103 of 103 volumes\n" in capsys.readouterr().out
    tuned = Wanted(labeled=40, validation=20, test=43)
    fine = read_cohort(prepare_candi(source, tmp_path / "fine", wanted=tuned))
    assert _counts(fine) == [40, 0, 20, 43]


def test_another_draw_labels_others_and_tests_the_same(tmp_path):
    source = candi.official(tmp_path / "src")
    first, other = (
        read_cohort(prepare_candi(source, tmp_path / str(k), wanted=SMALL._replace(labeled_draw=k)))
        for k in (0, 1)
    )
    assert _cases(other, "test") == _cases(first, "test")
    assert _cases(other, "labeled") != _cases(first, "labeled")


def test_the_networks_size_follows_the_axes_as_they_are_stored(tmp_path):
    """The paper's 160 x 160 x 128 is along stored axes, here left, inferior, anterior."""
    source = candi.official(tmp_path / "src")
    dataset = read_cohort(prepare_candi(source, tmp_path / "dst", wanted=SMALL))
    assert dataset.spatial_size == (160, 128, 160)
    assert dataset.spacing == pytest.approx((0.9375, 1.5, 0.9375))
    assert dataset.intensity == {"kind": "percentile", "lower": 0.0, "upper": 100.0}


def test_the_28_structures_and_no_other(tmp_path, capsys):
    source = candi.official(tmp_path / "src")
    dataset = read_cohort(prepare_candi(source, tmp_path / "dst", wanted=SMALL))
    assert dataset.label_values == candi.CODES
    assert dataset.labels["left hippocampus"] == 17
    assert dataset.labels["right ventral diencephalon"] == 60
    assert len(dataset.structures) == 28
    entry = dataset.test[0]
    original = next(source.rglob(f"{entry['case']}_seg.nii.gz"))
    expected = nib.load(original).get_fdata()
    expected[np.isin(expected, list(candi.EXTRA))] = 0
    written = nib.load(entry["label"])
    np.testing.assert_array_equal(written.get_fdata(), expected)
    np.testing.assert_allclose(written.affine, candi.CORONAL)
    counted = "voxels of other codes: 5 (35 voxels), 44 (15 voxels)"  # 5 labels of 7 and 3
    out = capsys.readouterr().out
    assert out.count("voxels of other codes") == out.count(counted) == 1


def test_the_authors_tree_is_its_own_split(tmp_path):
    source = candi.authors(tmp_path / "src")
    dataset = read_cohort(prepare_candi(source, tmp_path / "dst"))
    assert _counts(dataset) == [2, 3, 0, 2]
    assert _cases(dataset, "test") == {"test_01", "test_02"}
    assert dataset.spatial_size == (160, 160, 128)
    with pytest.raises(InputError, match="folders are the split"):
        prepare_candi(source, tmp_path / "dst", wanted=Wanted(labeled=1))


def test_no_label_of_an_unlabeled_image_is_opened(tmp_path):
    source = candi.official(tmp_path / "src")
    first = read_cohort(prepare_candi(source, tmp_path / "dst", wanted=SMALL))
    candi.spoil_labels(source, _cases(first, "unlabeled"))
    again = read_cohort(prepare_candi(source, tmp_path / "again", wanted=SMALL))
    assert _cases(again, "unlabeled") == _cases(first, "unlabeled")
    released = candi.authors(tmp_path / "released")
    for path in (released / "train" / "unlabeled" / "label").iterdir():
        path.write_bytes(b"not a label")
    prepare_candi(released, tmp_path / "third")


def test_a_second_run_writes_the_same_and_no_label_again(tmp_path, capsys):
    source = candi.official(tmp_path / "src")
    prepare_candi(source, tmp_path / "dst", wanted=SMALL)
    said, files = capsys.readouterr().out, _files(tmp_path / "dst")
    times = {path: path.stat().st_mtime_ns for path in (tmp_path / "dst" / "labels").iterdir()}
    prepare_candi(source, tmp_path / "dst", wanted=SMALL)
    assert capsys.readouterr().out == said
    assert _files(tmp_path / "dst") == files
    assert {path: path.stat().st_mtime_ns for path in times} == times


def test_missing_volumes_are_named(tmp_path, capsys):
    prepare_candi(candi.official(tmp_path / "src"), tmp_path / "dst", wanted=SMALL)
    said = capsys.readouterr().out
    assert "CANDI: 12 of 103 volumes; missing: HC_004, HC_005" in said
    assert "SS_103" in said


def _no_group(source):
    for path in source.rglob("SS_*_procimg.nii.gz"):
        path.unlink()


def _no_label(source):
    next(source.rglob("HC_002_seg.nii.gz")).unlink()


def _no_image(source):
    next(source.rglob("HC_002_procimg.nii.gz")).unlink()


def _twice(source):
    next(source.rglob("HC_002_seg.nii.gz")).with_name("HC_002.seg.nii.gz").touch()


def _not_a_case(source):
    for kind in ("procimg", "seg"):
        save(source / f"HC_077_{kind}.nii.gz", candi.brain(77, (4, 4, 4)))


def _half(source):
    for path in source.rglob("*_procimg.nii.gz"):
        path.write_bytes(path.read_bytes()[:200])


def _exchanged(source):
    for case in candi.FEW:
        candi.exchange(source, case)


def _not_whole(source):
    for path in source.rglob("*_seg.nii.gz"):
        label = candi.structures((20, 18, 10)).astype(np.float32) + 0.5
        save(path, label, affine=candi.CORONAL)


def _copied(source):
    image = next(source.rglob("HC_001_procimg.nii.gz"))
    next(source.rglob("SS_085_procimg.nii.gz")).write_bytes(image.read_bytes())


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (_no_group, r"no image of group SS \(SS_084 to 103\).*not complete"),
        (_no_label, r"HC_002_procimg\.nii\.gz: no label HC_002_seg\.nii\.gz"),
        (_no_image, r"HC_002_seg\.nii\.gz: a label without an image 'HC_002'"),
        (_twice, r"HC_002_seg\.nii\.gz: 'HC_002' is there twice, also as .*HC_002\.seg\.nii\.gz"),
        (_not_a_case, "'HC_077' is no case of CANDI"),
        (_half, r"_procimg\.nii\.gz: cannot be read as an image"),
        (_exchanged, r"_procimg\.nii\.gz: every value is a label code.*exchanged"),
        (_not_whole, r"_seg\.nii\.gz: label values must be whole numbers"),
        (_copied, r"SS_085_procimg\.nii\.gz: same content as .*HC_001"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_written(tmp_path, spoil, message):
    source = candi.official(tmp_path / "src")
    spoil(source)
    with pytest.raises(InputError, match=message):
        prepare_candi(source, tmp_path / "dst", wanted=SMALL)
    assert not (tmp_path / "dst" / "dataset.json").exists()


def test_a_test_case_among_the_unlabeled_is_refused(tmp_path):
    source = candi.authors(tmp_path / "src")
    leaked = source / "test" / "labeled" / "image" / "01.nii"
    (source / "train" / "unlabeled" / "image" / "02.nii").write_bytes(leaked.read_bytes())
    with pytest.raises(InputError, match=r"02\.nii: same content as .*test/labeled/image/01\.nii"):
        prepare_candi(source, tmp_path / "dst")


def test_another_folder_is_no_candi(tmp_path):
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "SchizBull_HC.tar.gz").touch()
    with pytest.raises(InputError, match="not CANDI, or its archives are not unpacked"):
        prepare_candi(tmp_path / "src", tmp_path / "dst")
