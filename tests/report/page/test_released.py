"""The page of released weights, which have means of their tests and no tables."""

from __future__ import annotations

import shutil

import pytest

from gemini_monai.report import print_findings, write_report
from tests.conftest import ROOT
from tests.report.parsed import read_page

REGISTERED = "Registration of 60 pairs: Dice 58.8 % before, 70.9 % after; 0.31 % of voxels folded"


@pytest.fixture
def card(tmp_path):
    return shutil.copytree(ROOT / "models" / "hippocampus", tmp_path / "hippocampus")


def test_its_page_has_the_scores_of_the_card(card):
    text = read_page(write_report([card])).text.replace("\u202f", " ")
    assert "Mean Dice on 54 test subjects: 84.5 % with GEMINI, as recorded" in text
    assert REGISTERED in text
    for own in ("Anterior", "84.9 ± 4.0", "0.64 ± 0.17", "Posterior", "84.1 ± 3.5", "84.5"):
        assert own in text
    assert "not tested" not in text


def test_a_terminal_has_them_too(card, capsys):
    print_findings([card])
    said = capsys.readouterr().out
    assert "Anterior              84.9 ± 4.0\n" in said
    assert "mean over structures        84.5\n" in said
    assert REGISTERED in said


def test_means_that_are_none_are_passed_over(card):
    for name in ("segmentation", "registration"):
        (card / "test" / f"{name}.json").write_text('{"structures": {"a": 1}, "dice_after": []}')
    text = read_page(write_report([card])).text
    assert "GEMINI was not tested" in text
    assert "No pairs were registered" in text
