"""What is expected of a run's own scans is kept in the run, and goes by its weights."""

from __future__ import annotations

import pytest

from gemini_monai.base.errors import InputError
from gemini_monai.base.files import digest_of
from gemini_monai.quality import CaseQuality, StructureQuality, keep_expected, read_expected
from gemini_monai.quality.estimate import Expectation
from gemini_monai.runs import RunFolder
from tests.quality.made import cohort, run_of


@pytest.fixture(scope="module")
def known(tmp_path_factory):
    folder = tmp_path_factory.mktemp("expected")
    found = cohort(folder, images=8, labels=6)
    run = run_of(folder / "run", found)
    run.record["dataset"] = {"path": str(found.path)}
    RunFolder(run.folder).model.parent.mkdir(parents=True)
    return run, found


def _checked(entries, *values):
    unknown = Expectation(1.0, 0.5, 2.0)
    rows = [StructureQuality("s", Expectation(v, 0.0, 1.0), 1, unknown) for v in values]
    both = zip(entries, rows, strict=True)
    return [(CaseQuality("any name", [row]), {"image": entry["image"]}) for entry, row in both]


def test_test_and_unlabeled_scans_are_kept_and_others_are_not(known):
    run, found = known
    model = RunFolder(run.folder).model
    model.write_bytes(b"first")
    first, second = found.unlabeled
    checked = _checked([*found.test, first, *found.labeled[:1]], 0.7, 0.5, 0.9)
    keep_expected(run, checked)
    [test] = [entry["case"] for entry in found.test]
    assert read_expected(run.folder) == {"test": {test: 0.7}, "unlabeled": {first["case"]: 0.5}}
    keep_expected(run, _checked([first, second], 0.4, 0.3))
    assert read_expected(run.folder)["test"] == {test: 0.7}
    assert read_expected(run.folder)["unlabeled"] == {first["case"]: 0.4, second["case"]: 0.3}
    model.write_bytes(b"other")
    assert read_expected(run.folder) == {}
    keep_expected(run, _checked([second], 0.2))
    assert read_expected(run.folder) == {"unlabeled": {second["case"]: 0.2}}
    assert digest_of(model) in (run.folder / "expected.csv").read_text()


def test_without_its_data_or_its_scans_nothing_is_written(known, tmp_path):
    run, found = known
    RunFolder(run.folder).model.write_bytes(b"third")
    (run.folder / "expected.csv").unlink(missing_ok=True)
    keep_expected(run, _checked([{"image": str(tmp_path / "new.nii.gz")}], 0.2))
    keep_expected(run, _checked(found.test, 0.2), data=tmp_path / "none.json")
    assert not (run.folder / "expected.csv").exists()
    assert read_expected(run.folder) == {}
    (run.folder / "expected.csv").write_text("mine\n1\n")
    with pytest.raises(InputError, match=r"expected\.csv"):
        keep_expected(run, _checked(found.test, 0.2))
    assert (run.folder / "expected.csv").read_text() == "mine\n1\n"
