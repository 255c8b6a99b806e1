"""``prepare decathlon``: the layout of the official download."""

from __future__ import annotations

import json

import pytest

from gemini_monai.base.errors import InputError
from gemini_monai.data.dataset_file import read_cohort
from gemini_monai.data.prepare import prepare_decathlon
from gemini_monai.data.prepare.split import Wanted
from tests.data.prepare.made import image, label, save


def _tree(root, **changes):
    shape = (8, 8, 6)
    for k in range(6):
        save(root / "imagesTr" / f"hip_{k}.nii.gz", image(k, shape))
        save(root / "labelsTr" / f"hip_{k}.nii.gz", label(shape))
    save(root / "imagesTs" / "hip_9.nii.gz", image(9, shape))
    content = {
        "name": "Hippocampus",
        "licence": "CC BY-SA 4.0",  # as the Decathlon spells it
        "labels": {"0": "background", "1": "Anterior", "2": "Posterior"},
        "training": [
            {"image": f"./imagesTr/hip_{k}.nii.gz", "label": f"./labelsTr/hip_{k}.nii.gz"}
            for k in range(6)
        ],
        "test": ["./imagesTs/hip_9.nii.gz", "./imagesTs/absent.nii.gz"],
    } | changes
    (root / "dataset.json").write_text(json.dumps(content))
    return root


def test_training_cases_are_divided_and_test_images_are_unlabeled(tmp_path):
    path = prepare_decathlon(
        _tree(tmp_path / "src"), tmp_path / "dst", wanted=Wanted(labeled=2, validation=1, test=1)
    )
    dataset = read_cohort(path)
    counts = [len(getattr(dataset, s)) for s in ("labeled", "unlabeled", "validation", "test")]
    assert counts == [2, 3, 1, 1]
    assert dataset.structures == ("Anterior", "Posterior")
    assert dataset.license == "CC BY-SA 4.0"
    assert "hip_9" in {entry["case"] for entry in dataset.unlabeled}
    cases = [
        e["case"]
        for s in ("labeled", "unlabeled", "validation", "test")
        for e in getattr(dataset, s)
    ]
    assert len(cases) == len(set(cases)) == 7


@pytest.mark.parametrize("labels", [{"background": 0, "a": 1, "b": 2}, {"1": "a", "2": "b"}])
def test_labels_are_named_either_way_round(tmp_path, labels):
    source = _tree(tmp_path / "src", labels=labels)
    path = prepare_decathlon(source, tmp_path / "dst", wanted=Wanted(2, 1, 1))
    assert read_cohort(path).labels == {"background": 0, "a": 1, "b": 2}


def test_pairs_and_images_alone_are_entries_too(tmp_path):
    training = [[f"imagesTr/hip_{k}.nii.gz", f"labelsTr/hip_{k}.nii.gz"] for k in range(4)]
    training += [{"image": "imagesTr/hip_4.nii.gz"}, "imagesTr/hip_5.nii.gz"]
    source = _tree(tmp_path / "src", training=training)
    dataset = read_cohort(prepare_decathlon(source, tmp_path / "dst", wanted=Wanted(2, 1, 1)))
    assert {"hip_4", "hip_5"} < {entry["case"] for entry in dataset.unlabeled}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"labels": {"0": "background", "1": "a", "2": "a"}}, "'a' is there twice"),
        ({"labels": {"a": 1, "b": 1}}, "'a' and 'b' both have value 1"),
        ({"labels": {"a": 1.5}}, "expected names and values"),
        ({"labels": ["a", "b"]}, "expected names and values"),
        ({"training": {"a": 1}}, "key 'training': expected a list"),
        ({"training": [7]}, "must name image and label, got 7"),
        ({"training": [{"label": "x"}]}, "must name image and label"),
        ({"training": [{"image": ["a", "b"], "label": "x"}]}, "must name image and label"),
        ({"training": ["imagesTr/hip_1.nii.gz"] * 2}, "case 'hip_1' is there twice"),
    ],
)
def test_json_of_another_kind_is_named_in_one_line(tmp_path, changes, message):
    source = _tree(tmp_path / "src", **changes)
    with pytest.raises(InputError, match=rf"src/dataset\.json: .*{message}"):
        prepare_decathlon(source, tmp_path / "dst", wanted=Wanted(labeled=2))
    assert not (tmp_path / "dst").exists()


def test_the_tasks_own_file_is_never_replaced(tmp_path):
    source = _tree(tmp_path / "src")
    before = (source / "dataset.json").read_bytes()
    for overwrite in (False, True):
        with pytest.raises(InputError, match="was not written by prepare; give another DST"):
            prepare_decathlon(source, source, wanted=Wanted(2, 1, 1, overwrite=overwrite))
    assert (source / "dataset.json").read_bytes() == before


def test_what_is_no_decathlon_is_named(tmp_path):
    with pytest.raises(InputError, match=r"src/dataset\.json: no such file"):
        prepare_decathlon(tmp_path / "src", tmp_path / "dst")
    _tree(tmp_path / "src")
    (tmp_path / "src" / "dataset.json").write_text('{"name": "x"}')
    with pytest.raises(InputError, match=r"src/dataset\.json"):
        prepare_decathlon(tmp_path / "src", tmp_path / "dst")
    _tree(tmp_path / "src")
    (tmp_path / "src" / "imagesTr" / "hip_2.nii.gz").unlink()
    with pytest.raises(InputError, match=r"hip_2\.nii\.gz: no such file"):
        prepare_decathlon(tmp_path / "src", tmp_path / "dst", wanted=Wanted(labeled=2))
    assert not (tmp_path / "dst").exists()
