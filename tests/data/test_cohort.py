"""dataset.json: what is refused, and that labels are never touched."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest

from gemini_monai.base.errors import InputError
from gemini_monai.data import Cohort, read_cohort, write_cohort


def _content(folder, **changes):
    for name in ("a", "b", "label"):
        (folder / f"{name}.nii.gz").write_text(name)  # not read as an image
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


def _write(path, content, **options):
    return write_cohort(Cohort(path=path, **content), **options)


def test_what_is_written_is_read_with_absolute_paths(tmp_path):
    path = _write(tmp_path / "dataset.json", _content(tmp_path))
    dataset = read_cohort(path)
    assert dataset.structures == ("lung", "heart")
    assert dataset.label_values == (0, 2, 7)
    assert dataset.input_spec().out_channels == 3
    assert dataset.labeled[0]["label"] == str(tmp_path / "label.nii.gz")
    assert json.loads(path.read_text())["unlabeled"][0]["image"] == "b.nii.gz"


def test_a_column_is_there_for_all_or_not_at_all(tmp_path):
    content = _content(tmp_path)
    content["unlabeled"][0]["patient"] = 7
    dataset = read_cohort(_write(tmp_path / "dataset.json", content))
    assert dataset.column("unlabeled", "patient") == ["7"]
    assert dataset.column("labeled", "patient") is None


def test_overlapping_structures_have_no_background_channel(tmp_path):
    labels = {"lung": 0, "heart": 1}
    masks = [{"case": "a", "image": "a.nii.gz", "label": ["label.nii.gz"] * 2}]
    content = _content(tmp_path, overlapping=True, labels=labels, labeled=masks)
    dataset = read_cohort(_write(tmp_path / "dataset.json", content))
    assert dataset.structures == ("lung", "heart")
    assert dataset.input_spec().out_channels == 2


A = {"case": "a", "image": "a.nii.gz", "label": "label.nii.gz"}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"spacing": [1.0]}, r"'spacing' has 1 values, expected 2"),
        ({"spatial_dims": "2"}, "key 'spatial_dims': expected a whole number, 2 to 3, got '2'"),
        ({"labeled": [{"case": "a", "image": "a.nii.gz"}]}, "entry of 'labeled' has no 'label'"),
        (
            {"unlabeled": [{"case": "b", "image": "b.nii.gz", "label": "x"}]},
            "unlabeled entry 'b' has a label",
        ),
        ({"test": [{"case": "c", "image": "c.png", "label": "c"}]}, "image of 'c' does not exist"),
        (
            {"test": [A | {"case": "c"}]},
            "image '.*a.nii.gz' is there twice, in 'labeled' and 'test'",
        ),
        ({"test": [A | {"image": "label.nii.gz"}]}, "case 'a' is there twice"),
        ({"unlabeled": [{"case": "../b", "image": "b.nii.gz"}]}, "cannot be the name of a file"),
        ({"unlabeled": [{"case": 7, "image": "b.nii.gz"}]}, "must be text, got 7"),
        ({"unlabeled": ["b.nii.gz"]}, "must be an object, got 'b.nii.gz'"),
        ({"unlabeled": {"b": 1}}, "key 'unlabeled': expected a list"),
        ({"labeled": [A | {"label": ["label.nii.gz"]}]}, "expected one label map"),
        ({"labeled": [A | {"label": 3}]}, "label: expected text, got 3"),
        ({"labeled": [A | {"label": "nowhere"}]}, "label of 'a' does not exist"),
        ({"labels": {"background": 0, "a": 1, "b": 1}}, "both have value 1"),
        ({"spacing": [1.0, 0.0]}, "key 'spacing': expected a number, above 0"),
        ({"spatial_size": [8, -8]}, "key 'spatial_size': expected a whole number"),
        ({"intensity": {"kind": "range", "lower": 3, "upper": 1}}, "lower 3 must be below upper 1"),
        ({"overlapping": "no"}, "key 'overlapping': expected True or False"),
        (
            {
                "labeled": [A | {"patient": "P1"}],
                "test": [A | {"case": "c", "image": "label.nii.gz", "patient": "P1"}],
            },
            "patient 'P1' is trained on and in 'test'",
        ),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_written(tmp_path, changes, message):
    with pytest.raises(InputError, match=message):
        _write(tmp_path / "dataset.json", _content(tmp_path, **changes))
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
            read_cohort(tmp_path / f"{name}.json")


def test_few_cases_are_a_seeded_choice_and_lie_in_larger_ones(tmp_path):
    for k in range(12):
        (tmp_path / f"{k}.nii.gz").write_text(str(k))
    labeled = [{"case": str(k), "image": f"{k}.nii.gz", "label": "label.nii.gz"} for k in range(12)]
    content = _content(tmp_path, labeled=labeled)
    dataset = read_cohort(_write(tmp_path / "dataset.json", content))
    chosen = [{entry["case"] for entry in dataset.few(count, seed=3)} for count in (2, 5, 12)]
    assert [len(cases) for cases in chosen] == [2, 5, 12]
    assert chosen[0] < chosen[1] < chosen[2]
    assert dataset.few(5, seed=4) != dataset.few(5, seed=3) == dataset.few(5, seed=3)
    assert dataset.few() == dataset.labeled
    with pytest.raises(InputError, match=r"labeled_cases: .* 12 labeled case\(s\), got 13"):
        dataset.few(13)


def test_cases_that_are_not_chosen_lose_their_labels_and_stay_as_unlabeled(tmp_path):
    for k in range(6):
        (tmp_path / f"{k}.nii.gz").write_text(str(k))
    labeled = [
        {"case": str(k), "image": f"{k}.nii.gz", "label": "label.nii.gz", "patient": f"p{k}"}
        for k in range(6)
    ]
    path = _write(tmp_path / "dataset.json", _content(tmp_path, labeled=labeled))
    whole, own = read_cohort(path), read_cohort(path, labeled_cases=2, seed=3)
    assert own.labeled == whole.few(2, seed=3)
    hidden = own.unlabeled[len(whole.unlabeled) :]
    assert {entry["case"] for entry in hidden} == {str(k) for k in range(6)} - {
        entry["case"] for entry in own.labeled
    }
    assert all("label" not in entry and entry["patient"] for entry in hidden)
    assert own.identity != whole.identity
    assert read_cohort(path, seed=3) == whole
    with pytest.raises(InputError, match=r"labeled_cases: .* 6 labeled case\(s\), got 7"):
        read_cohort(path, labeled_cases=7)


def test_a_draw_of_the_labels_is_by_itself_what_a_seed_would_choose(tmp_path):
    for k in range(6):
        (tmp_path / f"{k}.nii.gz").write_text(str(k))
    labeled = [{"case": str(k), "image": f"{k}.nii.gz", "label": "label.nii.gz"} for k in range(6)]
    path = _write(tmp_path / "dataset.json", _content(tmp_path, labeled=labeled))
    by_draw = read_cohort(path, labeled_cases=2, labeled_draw=3, seed=8, unlabeled_share=0.5)
    assert by_draw.labeled == read_cohort(path, labeled_cases=2, seed=3).labeled
    assert by_draw.labeled != read_cohort(path, labeled_cases=2, seed=8).labeled
    of_seed = read_cohort(path, labeled_cases=2, labeled_draw=3, seed=9, unlabeled_share=0.5)
    assert by_draw.unlabeled != of_seed.unlabeled


def test_without_validation_its_cases_are_nowhere(tmp_path):
    (tmp_path / "v.nii.gz").write_text("v")
    entries = [{"case": "v", "image": "v.nii.gz", "label": "label.nii.gz"}]
    path = _write(tmp_path / "dataset.json", _content(tmp_path, validation=entries))
    whole, own = read_cohort(path), read_cohort(path, use_validation=False)
    assert len(whole.validation) == 1
    assert own.validation == []
    assert (own.labeled, own.unlabeled, own.test) == (whole.labeled, whole.unlabeled, whole.test)


def test_a_share_of_the_unlabeled_cases_lies_in_larger_ones_and_leaves_the_rest_alone(tmp_path):
    for k in range(9):
        (tmp_path / f"{k}.nii.gz").write_text(str(k))
    entries = [{"case": str(k), "image": f"{k}.nii.gz"} for k in range(9)]
    path = _write(tmp_path / "dataset.json", _content(tmp_path, unlabeled=entries))
    whole, before = read_cohort(path), []
    for share, count in ((0.1, 1), (0.25, 3), (0.5, 5), (0.99, 9), (1.0, 9)):
        own = read_cohort(path, unlabeled_share=share, seed=4)
        cases = [entry["case"] for entry in own.unlabeled]
        assert len(cases) == count
        assert cases == sorted(cases)
        assert set(before) <= set(cases)
        assert (own.labeled, own.test) == (whole.labeled, whole.test)
        before = cases
    assert read_cohort(path, unlabeled_share=0.5, seed=5) != read_cohort(
        path, unlabeled_share=0.5, seed=4
    )


def test_the_same_content_stays_and_an_earlier_one_is_kept_beside(tmp_path, capsys):
    content = _content(tmp_path)
    path = _write(tmp_path / "dataset.json", content)
    before, written = path.read_text(), path.stat().st_mtime_ns
    _write(path, content)
    assert path.stat().st_mtime_ns == written
    _write(path, content | {"seed": 1})
    assert read_cohort(path).seed == 1
    assert (tmp_path / "dataset.previous.json").read_text() == before
    assert (
        "another content than before, which is kept in dataset.previous" in capsys.readouterr().out
    )


def test_other_images_take_its_place_only_when_asked(tmp_path):
    path = _write(tmp_path / "dataset.json", _content(tmp_path))
    other = tmp_path / "other"
    other.mkdir()
    content = _content(other)
    content["labeled"] = []
    content["unlabeled"] = [{"case": k, "image": str(other / f"{k}.nii.gz")} for k in "ab"]
    with pytest.raises(InputError, match=r"is of other images \('mine': 1 labeled, 1 unlabeled"):
        _write(path, content)
    _write(path, content, overwrite=True)
    assert len(read_cohort(path).unlabeled) == 2


def test_a_file_that_is_not_ours_is_never_replaced(tmp_path):
    path = tmp_path / "dataset.json"
    path.write_text('{"training": []}')
    for overwrite in (False, True):
        with pytest.raises(InputError, match="was not written by prepare"):
            _write(path, _content(tmp_path), overwrite=overwrite)
    assert path.read_text() == '{"training": []}'


def test_two_data_sets_of_one_name_have_folders_of_their_own(tmp_path):
    found = []
    for k, changes in enumerate(({}, {"hash": "y"}, {"test": [], "unlabeled": []}, {"seed": 9})):
        folder = tmp_path / str(k)
        folder.mkdir()
        path = _write(folder / "dataset.json", _content(folder, name="a/scans", **changes))
        found.append(read_cohort(path).folder_name)
    assert len(set(found)) == 3
    assert found[3] == found[0]  # the seed alone makes no other data
    assert all(re.fullmatch(r"a_scans_[0-9a-f]{6}", name) for name in found)


def test_partners_are_different_patients_of_the_smallest_group(tmp_path):
    content = _content(tmp_path)
    entries = [("P1", "x"), ("P1", "x"), ("P2", "x"), ("P3", "y"), ("P4", "y"), ("P5", "y")]
    for k in range(6):
        (tmp_path / f"{k}.nii.gz").write_text(str(k))
    content["unlabeled"] = [
        {"case": str(k), "image": f"{k}.nii.gz", "patient": p, "group": g}
        for k, (p, g) in enumerate(entries)
    ]
    path = _write(tmp_path / "dataset.json", content)
    before = read_cohort(path)
    assert before.partners == 2
    content["unlabeled"][3]["paired"] = False
    after = read_cohort(_write(path, content))
    assert after.paired == [True] * 3 + [False] + [True] * 2
    assert after.partners == 2
    assert after.identity != before.identity
    content["unlabeled"][2]["paired"] = False  # so group x has one patient left
    content["unlabeled"][4]["paired"] = False
    assert read_cohort(_write(path, content)).partners == 0
    content["unlabeled"][2]["paired"] = "no"
    with pytest.raises(InputError, match="'2' of 'unlabeled': key 'paired'"):
        read_cohort(_write(path, content))


def test_structures_of_one_data_set_for_a_network_of_another(tiny_phantom, tiny_phantom_3d):
    own = read_cohort(tiny_phantom)
    spec = own.input_spec(spatial_size=(16, 16))
    other = replace(own, labels={"a": 1, "b": 2}, overlapping=True)
    found = other.structures_in(spec)
    assert (found.overlapping, found.structures, found.out_channels) == (True, ("a", "b"), 2)
    structures = {
        name: getattr(spec, name) for name in ("overlapping", "label_values", "structures")
    }
    assert replace(found, **structures) == spec
    with pytest.raises(InputError, match="3-D images, the network sees 2-D ones"):
        read_cohort(tiny_phantom_3d).structures_in(spec)
