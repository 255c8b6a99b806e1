"""A copy of a bundle, to be changed."""

from __future__ import annotations

import pytest

from gemini_monai.base.bundles import SHIPPED, copy_bundle
from gemini_monai.base.errors import InputError
from tests.conftest import ROOT


def _listed(bundle):
    return {str(path.relative_to(bundle)) for part in SHIPPED for path in bundle.glob(part)}


def test_a_copy_is_the_bundle(tmp_path):
    target = copy_bundle("gemini_mip", tmp_path / "deep")
    assert target == tmp_path / "deep" / "gemini_mip"
    original = ROOT / "bundles" / "gemini_mip"
    assert _listed(target) == _listed(original)
    train = "configs/train.json"
    assert (target / train).read_bytes() == (original / train).read_bytes()


def test_what_lies_beside_it_stays_and_nothing_else_is_left(tmp_path):
    theirs = tmp_path / "gemini_semi.part" / "theirs.txt"
    theirs.parent.mkdir()
    theirs.write_text("theirs")
    copy_bundle("semi", tmp_path)
    assert theirs.read_text() == "theirs"
    assert {path.name for path in tmp_path.iterdir()} == {"gemini_semi", "gemini_semi.part"}


def test_what_is_there_stays(tmp_path):
    mine = tmp_path / "gemini_semi" / "mine.txt"
    mine.parent.mkdir()
    mine.write_text("mine")
    with pytest.raises(InputError, match=r"gemini_semi: is there already"):
        copy_bundle("semi", tmp_path)
    assert [path.name for path in mine.parent.iterdir()] == ["mine.txt"]


def test_runs_that_lie_there_stay_beside_it(tmp_path):
    table = tmp_path / "gemini_semi" / "runs" / "first" / "history.csv"
    table.parent.mkdir(parents=True)
    table.write_text("mine")
    target = copy_bundle("semi", tmp_path)
    assert table.read_text() == "mine"
    assert _listed(target) == _listed(ROOT / "bundles" / "gemini_semi")


def test_another_name_is_refused_with_those_there_are(tmp_path):
    with pytest.raises(InputError, match="no bundle 'gemini_other'; there are gemini_mip, gemini_"):
        copy_bundle("other", tmp_path)
    assert list(tmp_path.iterdir()) == []
