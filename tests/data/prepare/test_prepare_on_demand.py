"""A folder becomes a data set when a configuration first asks for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from gemini_monai.base.errors import InputError
from gemini_monai.data.dataset_file import read_cohort
from gemini_monai.data.prepare import prepare_folder, prepared
from tests.data.prepare.made import image, save


def _folder(root, name):
    for k in range(3):
        save(root / name / f"{k}.nii.gz", image(len(name) * 10 + k, (12, 10, 8)))
    return root / name


def test_a_folder_is_prepared_once(tmp_path):
    calls = []

    def prepare(source, destination):
        calls.append(source)
        return prepare_folder(source, destination)

    folder = _folder(tmp_path, "brain")
    found = [prepared(folder, tmp_path / "dst", prepare=prepare) for _ in range(2)]
    assert found == [str(tmp_path / "dst" / "dataset.json")] * 2
    assert len(calls) == 1
    assert len(read_cohort(found[0]).unlabeled) == 3
    other = _folder(tmp_path, "others")
    beside = [Path(prepared(other, tmp_path / "dst", prepare=prepare)) for _ in range(2)]
    assert calls == [folder, other]
    assert beside[0] == beside[1]
    assert beside[0].parent.name.startswith("dst_")
    for path, place in ((found[0], folder), (beside[0], other)):
        assert Path(read_cohort(path).unlabeled[0]["image"]).parent == place


def test_what_was_prepared_before_is_taken_as_it_is(tmp_path):
    path = prepare_folder(_folder(tmp_path, "brain"), tmp_path / "dst")
    assert prepared(tmp_path / "dst", tmp_path / "elsewhere", prepare=pytest.fail) == str(path)


def test_what_is_wrong_is_said_as_by_prepare(tmp_path):
    with pytest.raises(InputError, match="no such folder"):
        prepared(tmp_path / "absent", tmp_path / "dst", prepare=prepare_folder)
