"""``prepare folder`` on nnU-Net's raw folders: their own ``dataset.json`` is read and believed."""

from __future__ import annotations

import json

import numpy as np
import pytest

from gemini_monai.base.errors import InputError
from gemini_monai.data.dataset_file import read_cohort
from gemini_monai.data.prepare import prepare_decathlon, prepare_folder
from gemini_monai.data.prepare.split import Wanted
from gemini_monai.geometry.labels import IGNORED
from gemini_monai.images import read_label
from gemini_monai.transforms import preprocessing
from tests.data.prepare.made import image, save

WANTED = Wanted(labeled=2, validation=0, test=1)
LABELS = {"background": 0, "kidney": 1, "tumor": 2, "ignore": 3}
REGIONS = {"background": 0, "kidney": [1, 2], "tumor": 2, "ignore": 3}


def _drawn(ignore=3):
    """Kidney in the first rows, tumor in it, the last two rows not drawn."""
    label = np.zeros((8, 7), np.uint8 if ignore >= 0 else np.int16)
    label[:4, 1:6] = 1
    label[1:3, 2:4] = 2
    label[6:] = ignore
    return label


def _folder(root, *, ending=".nii.gz", labels=LABELS, ignore=3, **changes):
    for k in range(5):
        save(root / "imagesTr" / f"c_{k:03d}_0000{ending}", image(k, (8, 7)))
        if k < 3:
            save(root / "labelsTr" / f"c_{k:03d}{ending}", _drawn(ignore))
    content = {
        "channel_names": {"0": "CT"},
        "labels": labels,
        "numTraining": 3,
        "file_ending": ending,
        "licence": "CC-BY",
    } | changes
    (root / "dataset.json").write_text(json.dumps(content))
    return root


def test_names_and_ignored_voxels_are_its(tmp_path, capsys):
    path = prepare_folder(_folder(tmp_path / "src"), tmp_path / "dst", wanted=WANTED)
    cohort = read_cohort(path)
    assert cohort.labels == {"background": 0, "kidney": 1, "tumor": 2}
    assert cohort.ignore == 3
    assert cohort.license == "CC-BY"
    said = capsys.readouterr().out
    assert "ignored  voxels of value 3, in 3 label(s)" in said
    assert "numTraining" not in said
    item = preprocessing(cohort.input_spec())(dict(cohort.labeled[0]))
    assert set(item["label"].unique().tolist()) == {IGNORED, 0, 1, 2}
    assert int((item["label"] == IGNORED).sum()) == int((_drawn() == 3).sum())


def test_regions_become_masks_that_overlap(tmp_path):
    source = _folder(tmp_path / "src", labels=REGIONS)
    cohort = read_cohort(prepare_folder(source, tmp_path / "dst", wanted=WANTED))
    assert cohort.overlapping
    assert cohort.structures == ("kidney", "tumor")
    assert cohort.ignore == 255
    kidney, tumor = (read_label(file)[0].numpy() for file in cohort.labeled[0]["label"])
    np.testing.assert_array_equal(kidney, np.select([_drawn() == 3, _drawn() > 0], [255, 1], 0))
    np.testing.assert_array_equal(tumor, np.select([_drawn() == 3, _drawn() == 2], [255, 1], 0))
    label = preprocessing(cohort.input_spec())(dict(cohort.labeled[0]))["label"]
    assert label.shape[0] == 2
    assert set(label.unique().tolist()) == {IGNORED, 0, 1}


def test_masks_of_regions_are_written_again_where_the_regions_change(tmp_path):
    source = _folder(tmp_path / "src", labels=REGIONS)
    prepare_folder(source, tmp_path / "dst", wanted=WANTED)
    content = json.loads((source / "dataset.json").read_text())
    content["labels"]["kidney"] = [1]
    content["labels"]["tumor"] = [1, 2]
    (source / "dataset.json").write_text(json.dumps(content))
    cohort = read_cohort(prepare_folder(source, tmp_path / "dst", wanted=WANTED))
    kidney, tumor = (read_label(file)[0].numpy() for file in cohort.labeled[0]["label"])
    assert (kidney == 1).sum() == (_drawn() == 1).sum()
    assert (tumor == 1).sum() == np.isin(_drawn(), [1, 2]).sum()


def test_a_value_in_no_region_is_named(tmp_path):
    source = _folder(tmp_path / "src", labels={"kidney": [1, 4], "ignore": 3})
    with pytest.raises(
        InputError, match=r"c_00\d\.nii\.gz: label value 2 is in no region of .*json"
    ):
        prepare_folder(source, tmp_path / "dst", wanted=WANTED)


def test_the_first_version_and_a_decathlon_name_labels_the_other_way_round(tmp_path):
    labels = {"0": "background", "1": "kidney", "2": "tumor", "3": "ignore"}
    source = _folder(tmp_path / "src", labels=labels, modality={"0": "CT"})
    cohort = read_cohort(prepare_folder(source, tmp_path / "dst", wanted=WANTED))
    assert (cohort.structures, cohort.ignore) == (("kidney", "tumor"), 3)
    content = json.loads((source / "dataset.json").read_text())
    content["training"] = [
        {"image": f"imagesTr/c_{k:03d}_0000.nii.gz", "label": f"labelsTr/c_{k:03d}.nii.gz"}
        for k in range(3)
    ]
    (source / "dataset.json").write_text(json.dumps(content))
    cohort = read_cohort(prepare_decathlon(source, tmp_path / "other", wanted=WANTED))
    assert (cohort.structures, cohort.ignore) == (("kidney", "tumor"), 3)


def test_pictures_are_read_by_their_ending(tmp_path):
    source = _folder(tmp_path / "src", ending=".png", labels=LABELS | {"ignore": 255}, ignore=255)
    cohort = read_cohort(prepare_folder(source, tmp_path / "dst", wanted=WANTED))
    assert (cohort.structures, cohort.ignore) == (("kidney", "tumor"), 255)


def test_ignored_voxels_may_be_below_zero(tmp_path):
    labels = {"kidney": 1, "tumor": 2}
    source = _folder(tmp_path / "src", labels=labels | {"ignore": -1}, ignore=-1)
    cohort = read_cohort(prepare_folder(source, tmp_path / "dst", wanted=WANTED))
    assert cohort.ignore == -1
    label = preprocessing(cohort.input_spec())(dict(cohort.labeled[0]))["label"]
    assert set(label.unique().tolist()) == {IGNORED, 0, 1, 2}
    source = _folder(tmp_path / "other", labels=labels, ignore=-1)
    with pytest.raises(InputError, match=r"""labels\.json says it: {"ignore": -1}"""):
        prepare_folder(source, tmp_path / "dst2", wanted=WANTED)


def test_images_of_which_nothing_is_drawn_are_told(tmp_path, capsys):
    source = _folder(tmp_path / "src")
    save(source / "labelsTr" / "c_001.nii.gz", np.full((8, 7), 3, np.int16))
    wanted = Wanted(labeled=3, validation=0, test=0)
    prepare_folder(source, tmp_path / "dst", wanted=wanted)
    assert "nothing drawn  in c_001: every voxel is ignored" in capsys.readouterr().out
    for k in range(3):
        save(source / "labelsTr" / f"c_{k:03d}.nii.gz", np.full((8, 7), 3 * (k > 0), np.int16))
    with pytest.raises(InputError, match="every value is 0 or 3, which is ignored"):
        prepare_folder(source, tmp_path / "other", wanted=wanted)


def test_another_number_of_labels_is_told(tmp_path, capsys):
    source = _folder(tmp_path / "src", numTraining=40)
    save(source / "imagesTs" / "c_009_0000.nii.gz", image(9, (8, 7)))
    prepare_folder(source, tmp_path / "dst", wanted=WANTED)
    said = capsys.readouterr().out
    assert "numTraining 40, but 3 labels are there" in said
    assert "imagesTs: images to test nnU-Net on" in said


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"channel_names": {"0": "T1", "1": "T2"}}, r"1 channel\(s\), but .* names 2: T1, T2"),
        ({"channel_names": ["CT"]}, "key 'channel_names': expected"),
        ({"channel_names": {"1": "CT"}}, "key 'channel_names': expected"),
        ({"file_ending": ".nrrd"}, r"c_000_0000\.nii\.gz: dataset\.json says file_ending '\.nrrd'"),
        ({"file_ending": 5}, "key 'file_ending'"),
        ({"numTraining": "3"}, "key 'numTraining': expected a whole number"),
        ({"labels": {"kidney": 1}}, "label value [23] is not declared"),
        ({"labels": ["kidney"]}, "key 'labels': expected names and values"),
        ({"dataset": {"c": {"images": ["x"]}}}, "key 'dataset' lists files by itself"),
    ],
)
def test_what_it_says_is_compared_with_what_is_there(tmp_path, changes, message):
    source = _folder(tmp_path / "src", **changes)
    with pytest.raises(InputError, match=message):
        prepare_folder(source, tmp_path / "dst", wanted=WANTED)
    assert not (tmp_path / "dst" / "dataset.json").exists()


def test_two_files_that_say_the_same_agree_and_others_do_not(tmp_path):
    source = _folder(tmp_path / "src")
    (source / "labels.json").write_text(json.dumps(LABELS))
    prepare_folder(source, tmp_path / "dst", wanted=WANTED)
    (source / "labels.json").write_text(json.dumps({"kidney": 1, "cyst": 2, "ignore": 3}))
    with pytest.raises(InputError, match=r"labels\.json: says other labels than .*dataset\.json"):
        prepare_folder(source, tmp_path / "other", wanted=WANTED)


def test_a_dataset_json_of_something_else_is_passed_over_and_ours_is_not_read(tmp_path, capsys):
    source = _folder(tmp_path / "src")
    (source / "dataset.json").write_text(json.dumps({"creator": "somebody"}))
    (source / "labels.json").write_text(json.dumps(LABELS))
    prepare_folder(source, tmp_path / "dst", wanted=WANTED)
    assert "passed over" in capsys.readouterr().out
    (source / "dataset.json").unlink()
    for _ in range(2):  # the second time, ours lies there
        cohort = read_cohort(prepare_folder(source, source, wanted=WANTED))
        assert (cohort.structures, cohort.ignore) == (("kidney", "tumor"), 3)


def test_masks_may_have_ignored_voxels_by_labels_json(tmp_path):
    source = tmp_path / "src"
    for k in range(5):
        save(source / "images" / f"c{k}.nii.gz", image(k, (8, 7)))
        for name in ("a", "b") if k < 3 else ():
            mask = np.where(_drawn() == 3, 255, _drawn() > 0).astype(np.uint8)
            save(source / "labels" / f"c{k}" / f"{name}.nii.gz", mask)
    (source / "labels.json").write_text('{"ignore": 255}')
    cohort = read_cohort(prepare_folder(source, tmp_path / "dst", wanted=WANTED))
    assert (cohort.overlapping, cohort.structures, cohort.ignore) == (True, ("a", "b"), 255)
    (source / "labels.json").write_text('{"kidney": 1, "ignore": 255}')
    with pytest.raises(InputError, match="names background, kidney, but labels are masks"):
        prepare_folder(source, tmp_path / "other", wanted=WANTED)


def test_a_mask_of_the_name_ignore_is_told_how_to_be_meant(tmp_path):
    for k in range(3):
        save(tmp_path / "src" / "images" / f"c{k}.nii.gz", image(k, (8, 7)))
        for name in ("a", "Ignore"):
            save(tmp_path / "src" / "labels" / f"c{k}" / f"{name}.nii.gz", _drawn() % 2)
    with pytest.raises(InputError, match=r"""'Ignore' is no structure; .* {"ignore": 255}"""):
        prepare_folder(tmp_path / "src", tmp_path / "dst", wanted=WANTED)


def test_without_names_structures_are_numbered_and_ignored_is_none_of_them(tmp_path):
    source = _folder(tmp_path / "src")
    (source / "dataset.json").unlink()
    (source / "labels.json").write_text('{"ignore": 3}')
    cohort = read_cohort(prepare_folder(source, tmp_path / "dst", wanted=WANTED))
    assert cohort.labels == {"background": 0, "structure 1": 1, "structure 2": 2}
