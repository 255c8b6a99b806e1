"""Only what a run of ours wrote and lists is replaced; all else is named and stays."""

from __future__ import annotations

import json

import pytest

from gemini_monai.base.errors import InputError
from gemini_monai.runs import check_run, close_run, open_run, read_record
from gemini_monai.runs.folder import FILES
from gemini_monai.runs.lock import LOCK
from tests.runs.made import EARLY, PREDICTIONS, bytes_of, finished_run

ASKED = ({}, {"overwrite": True}, {"resume": True})


def _refused(folder, match, *asked, predictions=PREDICTIONS):
    """By every way to take the folder, and nothing changes in it."""
    before = bytes_of(folder, but=())
    for options in asked or ASKED:
        for take in (check_run, open_run):
            with pytest.raises(InputError, match=match):
                take(folder, predictions=predictions, **options)
            close_run(folder)
            after = bytes_of(folder, but=())
            assert {name: after[name] for name in before} == before
            assert after.keys() - before.keys() <= {LOCK}


@pytest.mark.parametrize("name", [*FILES[1:], "test/predictions/b.nii.gz"])
def test_files_of_those_names_without_a_record_are_somebodys(tmp_path, name):
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_text("mine")
    _refused(tmp_path, r": is there, but .*run\.json is not, so it is not of a run")
    assert not (tmp_path / LOCK).exists()


@pytest.mark.parametrize(
    "content",
    [
        {"my": "experiment"},
        {"bundle": "theirs", "task": "segmentation", "settings": {}},
        EARLY | {"task": "theirs"},
        EARLY | {"settings": "theirs"},
        {"program": "theirs", "format": 7, "files": {"history.csv": None}},
        {"files": dict.fromkeys(FILES)},
    ],
    ids=str,
)
def test_a_record_of_another_program_makes_no_run(tmp_path, content):
    for name in FILES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("mine")
    (tmp_path / "run.json").write_text(json.dumps(content))
    _refused(tmp_path, r"run\.json: is there, and not the record of a run of gemini_monai")
    assert not (tmp_path / LOCK).exists()


@pytest.mark.parametrize("text", ["{", "[]", "", '{"a": 1, "a": 2}'])
def test_a_damaged_record_says_nothing_of_any_file(tmp_path, text):
    run = finished_run(tmp_path / "run")
    run.record.write_text(text)
    _refused(run.path, r"run\.json: .*no file here can be known for a run's")


def test_a_record_of_a_later_version_is_not_guessed_at(tmp_path):
    run = finished_run(tmp_path / "run", format=2)
    _refused(run.path, r"run\.json: key 'format': expected 1, found 2")
    with pytest.raises(InputError, match="key 'format': expected 1, found 2"):
        read_record(run.path)


@pytest.mark.parametrize(
    "name",
    [
        *("../other.txt", "/etc/hosts", "notes.txt", "", ".", "models/../notes.txt", "test"),
        *("test/predictions/../../notes.txt", "test/predictions/..", "test/predictions//a"),
        *("supervised/run.json", "tensorboard/notes.txt", "tensorboard/events.out.tfevents/../x"),
    ],
)
def test_a_record_lists_files_of_a_run_and_no_others(tmp_path, name):
    (tmp_path / "other.txt").write_text("mine")
    run = finished_run(tmp_path / "run", files={"models/last.pt": None, name: None})
    (run.path / "notes.txt").write_text("mine")
    _refused(run.path, r"run\.json: key 'files': .* is no file that a run writes")
    assert (tmp_path / "other.txt").read_text() == "mine"


@pytest.mark.parametrize("early", [False, True])
def test_an_archive_is_no_place_to_train(tmp_path, early):
    run = finished_run(tmp_path / "run", early=early)
    if not early:
        run.record.write_text(json.dumps(json.loads(run.record.read_text()) | {"files": {}}))
    (run.path / "checksums.sha256").write_text("of an archive")
    run.last.unlink()
    _refused(run.path, "is an archive of 'gemini package', not a run")
    if not early:
        (run.path / "checksums.sha256").unlink()
        _refused(run.path, r"config\.json: is there, but .*run\.json does not list it")


@pytest.mark.parametrize(
    "name", ["report.html", "models/model.pt", "config.json", "test/predictions/a.nii.gz"]
)
def test_what_somebody_changed_is_not_replaced(tmp_path, name):
    run = finished_run(tmp_path / "run")
    (run.path / name).write_text("corrected by hand")
    match = f"{name.split('/')[-1]}: was changed since the run wrote it"
    _refused(run.path, match, {"overwrite": True}, {"resume": True})


@pytest.mark.parametrize("name", ["models/last.pt", "history.csv"])
def test_what_a_run_that_goes_on_reads_is_judged_by_what_it_says(tmp_path, name):
    run = finished_run(tmp_path / "run")
    (run.path / name).write_text("cut")
    _refused(run.path, "was changed since the run wrote it", {"overwrite": True})
    check_run(run.path, resume=True)


def test_what_is_write_protected_is_not_replaced(tmp_path):
    run = finished_run(tmp_path / "run")
    run.model.chmod(0o444)
    _refused(run.path, r"model\.pt: is write-protected", {"overwrite": True}, {"resume": True})


@pytest.mark.parametrize("early", [False, True])
def test_a_folder_in_the_place_of_a_prediction_is_somebodys(tmp_path, early):
    run = finished_run(tmp_path / "run", early=early)
    place = run.test / "predictions" / "a.nii.gz"
    place.unlink()
    place.mkdir()
    (place / "mine.txt").write_text("mine")
    match = r"a\.nii\.gz: is not the file that the run wrote"
    _refused(run.path, match, {"overwrite": True}, {"resume": True})


@pytest.mark.parametrize("name", ["models", "test", "test/predictions", "tensorboard", "examples"])
@pytest.mark.parametrize("run", [False, True])
def test_no_link_leads_out_of_the_folder(tmp_path, name, run):
    elsewhere, place = tmp_path / "elsewhere", tmp_path / "run"
    if run:
        finished_run(place)
    place.mkdir(exist_ok=True)
    (place / name).parent.mkdir(exist_ok=True)
    if (place / name).exists():
        (place / name).rename(elsewhere)
    elsewhere.mkdir(exist_ok=True)
    (place / name).symlink_to(elsewhere)
    before = bytes_of(elsewhere)
    _refused(place, f"{name}: is a link, where a run has a folder")
    assert bytes_of(elsewhere) == before


@pytest.mark.parametrize("name", ["run.json", "models/model.pt", "report.html"])
def test_a_link_in_the_place_of_a_file_is_not_followed(tmp_path, name):
    run = finished_run(tmp_path / "run")
    (run.path / name).rename(tmp_path / "moved")
    (run.path / name).symlink_to(tmp_path / "moved")
    before = (tmp_path / "moved").read_bytes()
    _refused(run.path, "is a link|is not the file", {"overwrite": True}, {"resume": True})
    assert (tmp_path / "moved").read_bytes() == before


def test_a_lock_that_is_a_link_is_not_followed(tmp_path):
    run = finished_run(tmp_path / "run")
    (tmp_path / "notes.txt").write_text("mine")
    (run.path / LOCK).unlink()
    (run.path / LOCK).symlink_to(tmp_path / "notes.txt")
    _refused(run.path, r"\.gemini_monai\.lock: is a link")
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_a_file_in_the_place_of_a_folder_is_named(tmp_path):
    (tmp_path / "models").write_text("mine")
    _refused(tmp_path, "models: is a file, where a run has a folder")


def test_a_link_to_a_run_is_that_run(tmp_path):
    run = finished_run(tmp_path / "run")
    (tmp_path / "link").symlink_to(run.path)
    open_run(tmp_path / "link", overwrite=True, predictions=PREDICTIONS)
    assert not run.model.exists()
    close_run(tmp_path / "link")
    assert run.model.exists()
