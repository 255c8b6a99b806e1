"""Whose registration a sentence and a heading are about."""

from __future__ import annotations

from pathlib import Path

import pytest

from gemini_monai.report import print_findings, write_report
from gemini_monai.report.page.registration_findings import registration_sentences
from gemini_monai.report.read.comparison import compare
from gemini_monai.report.read.run_reading import read_run
from tests.report.parsed import read_page


def said(*runs: Path) -> list[str]:
    found = registration_sentences(compare([read_run(run) for run in runs]))
    return [str(sentence) for sentence in found]


def test_one_registration_needs_no_name(run_2d: Path) -> None:
    (sentence,) = said(run_2d)
    assert sentence.startswith("Registration of 5 pairs: Dice ")


def test_of_several_runs_each_is_named(run_2d: Path, run: Path) -> None:
    first, second = said(run_2d, run)
    assert first.startswith("Registration by run_2d of 5 pairs")
    assert second.startswith("Registration by run of 3 pairs")


def test_of_several_arms_of_one_run_each_is_named(
    compared: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = said(compared)
    assert first.startswith("Registration by GEMINI of 3 pairs")
    assert second.startswith("Registration by GVSL of 3 pairs")
    page = read_page(write_report([compared]))
    print_findings([compared])
    printed = capsys.readouterr().out
    for name in ("GEMINI", "GVSL"):
        assert f"Registration by {name} of 3 pairs" in page.text
        assert f"Registration by {name} of 3 pairs" in printed
        assert name in page.headings


def test_nothing_registered_is_said(run: Path) -> None:
    (run / "test" / "registration.csv").unlink()
    assert said(run) == ["No pairs were registered in a test."]
