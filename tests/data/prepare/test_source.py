"""A source whose folders are its split."""

from __future__ import annotations

import pytest

from gemini_monai.base.errors import InputError
from gemini_monai.data.dataset_file import read_cohort
from gemini_monai.data.prepare.source import Source, prepare_source
from gemini_monai.data.prepare.split import Split, Wanted
from tests.data.prepare.made import image, save


@pytest.fixture
def divided(tmp_path):
    files = {f"c{k}": tmp_path / f"c{k}.nii.gz" for k in range(3)}
    for k, path in enumerate(files.values()):
        save(path, image(k))
    split = Split(labeled=[], unlabeled=list(files), validation=[], test=[], dropped=[])
    return Source(name="divided", kind="folder", images=files, labels={}, split=split)


@pytest.mark.parametrize(
    "asked", [{"labeled": 1}, {"validation": 0}, {"test": 0}, {"seed": 1}, {"labeled_draw": 1}]
)
def test_another_split_is_refused(divided, tmp_path, asked):
    with pytest.raises(InputError, match="divided: its folders are the split"):
        prepare_source(divided, tmp_path / "dst", wanted=Wanted(**asked))
    assert not (tmp_path / "dst").exists()


def test_how_images_are_seen_may_still_be_asked_for(divided, tmp_path):
    path = prepare_source(divided, tmp_path / "dst", wanted=Wanted(spatial_size=[8, 8]))
    dataset = read_cohort(path)
    assert dataset.spatial_size == (8, 8)
    assert [entry["case"] for entry in dataset.unlabeled] == ["c0", "c1", "c2"]
