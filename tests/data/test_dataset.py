"""dataset.json: what is refused, and that labels are never touched."""

from __future__ import annotations

import json

import pytest

from gemini_monai.data.dataset import read_dataset, write_dataset
from gemini_monai.errors import InputError


def _content(folder, **changes):
    for name in ("a", "b", "label"):
        (folder / f"{name}.nii.gz").write_bytes(b"")  # not read
    return {
        "name": "mine",
        "spatial_dims": 2,
        "channels": 1,
        "labels": {"background": 0, "heart": 7, "lung": 2},
        "overlapping": False,
        "spacing": [1.0, 2.0],
        "spatial_size": [8, 8],
        "intensity": {"kind": "percentile", "lower": 0, "upper": 100},
        "seed": 0,
        "hash": "x",
        "labeled": [{"case": "a", "image": "a.nii.gz", "label": "label.nii.gz"}],
        "unlabeled": [{"case": "b", "image": "b.nii.gz"}],
        "validation": [],
        "test": [],
    } | changes


def test_what_is_written_is_read_with_absolute_paths(tmp_path):
    path = write_dataset(tmp_path / "dataset.json", _content(tmp_path))
    dataset = read_dataset(path)
    assert dataset.structures == ("lung", "heart")
    assert dataset.label_values == (0, 2, 7)
    assert dataset.out_channels == 3
    assert dataset.labeled[0]["label"] == str(tmp_path / "label.nii.gz")
    assert json.loads(path.read_text())["unlabeled"][0]["image"] == "b.nii.gz"


def test_a_column_is_there_for_all_or_not_at_all(tmp_path):
    content = _content(tmp_path)
    content["unlabeled"][0]["patient"] = 7
    dataset = read_dataset(write_dataset(tmp_path / "dataset.json", content))
    assert dataset.column("unlabeled", "patient") == ["7"]
    assert dataset.column("labeled", "patient") is None


def test_overlapping_structures_have_no_background_channel(tmp_path):
    labels = {"lung": 0, "heart": 1}
    masks = [{"case": "a", "image": "a.nii.gz", "label": ["label.nii.gz"] * 2}]
    content = _content(tmp_path, overlapping=True, labels=labels, labeled=masks)
    dataset = read_dataset(write_dataset(tmp_path / "dataset.json", content))
    assert dataset.structures == ("lung", "heart")
    assert dataset.out_channels == 2


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"spacing": [1.0]}, r"'spacing' has 1 values, expected 2"),
        ({"spatial_dims": "2"}, "key 'spatial_dims': expected a whole number, 2 to 3, got '2'"),
        ({"labeled": [{"case": "a", "image": "a.nii.gz"}]}, "entry of 'labeled' has no 'label'"),
        (
            {"unlabeled": [{"case": "b", "image": "b.nii.gz", "label": "x"}]},
            "unlabelled entry 'b' has a label",
        ),
        ({"test": [{"case": "c", "image": "c.png", "label": "c"}]}, "image of 'c' does not exist"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_written(tmp_path, changes, message):
    with pytest.raises(InputError, match=message):
        write_dataset(tmp_path / "dataset.json", _content(tmp_path, **changes))
    assert not (tmp_path / "dataset.json").exists()


def test_a_missing_key_a_missing_file_and_no_json_are_named(tmp_path):
    content = _content(tmp_path)
    del content["labels"]
    (tmp_path / "a.json").write_text(json.dumps(content))
    (tmp_path / "b.json").write_text("{")
    for name, message in (
        ("a", "key 'labels' is missing"),
        ("b", "b.json: not JSON"),
        ("c", "c.json: no such file; run 'python -m gemini_monai prepare'"),
    ):
        with pytest.raises(InputError, match=message):
            read_dataset(tmp_path / f"{name}.json")


def test_few_cases_are_a_seeded_choice_and_lie_in_larger_ones(tmp_path):
    for k in range(12):
        (tmp_path / f"{k}.nii.gz").write_bytes(b"")
    labeled = [{"case": str(k), "image": f"{k}.nii.gz", "label": "label.nii.gz"} for k in range(12)]
    content = _content(tmp_path, labeled=labeled)
    dataset = read_dataset(write_dataset(tmp_path / "dataset.json", content))
    chosen = [{entry["case"] for entry in dataset.few(count, seed=3)} for count in (2, 5, 12)]
    assert [len(cases) for cases in chosen] == [2, 5, 12]
    assert chosen[0] < chosen[1] < chosen[2]
    assert dataset.few(5, seed=4) != dataset.few(5, seed=3) == dataset.few(5, seed=3)
    assert dataset.few() == dataset.labeled
    with pytest.raises(InputError, match=r"labeled_cases: .* 12 labelled case\(s\), got 13"):
        dataset.few(13)
