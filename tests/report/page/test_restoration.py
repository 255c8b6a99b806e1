"""Triptychs and monitor curves of a pre-training on the page."""

from __future__ import annotations

import json

import numpy as np
import pytest

from gemini_monai.report.page.rendering import render
from gemini_monai.report.page.report_page import page_of
from gemini_monai.report.read.comparison import compare
from gemini_monai.report.read.run_reading import read_run
from tests.report.synthetic_run import write_pair, write_run, write_table


def written(run):
    return render(page_of(compare([read_run(run)])))


@pytest.fixture
def pretrained(tmp_path):
    folder = write_run(tmp_path / "run", supervised=False)
    record = json.loads((folder / "run.json").read_text())
    (folder / "run.json").write_text(json.dumps(record | {"task": "pre-training"}))
    for path in (folder / "test" / "pairs").iterdir():
        path.unlink()
    generator = np.random.default_rng(0)
    clean = generator.random((3, 1, 32, 32))
    examples = folder / "examples"
    (examples / "pairs").mkdir(parents=True)
    arrays = {"clean": clean, "corrupted": clean + 0.5, "restored": clean + 0.1}
    np.savez(examples / "restoration.npz", **arrays)
    write_pair(examples / "pairs" / "first.npz", generator, shape=(32, 32), share=1.0)
    rows = [{"iteration": k, "inbounds_percent": 99.0, "collapse": 0.4} for k in (10, 20)]
    write_table(folder / "monitor.csv", rows)
    return folder


def test_triptychs_with_their_errors_and_watched_pairs_are_shown(pretrained):
    text = written(pretrained)
    assert '<a href="#restoration">Restoration</a>' in text
    assert text.count("mean squared error 0.2500") == 2  # two of the three images
    assert text.count("mean squared error 0.0100") == 2
    assert "First pair" in text
    assert "inbounds percent" in text


def test_a_run_without_labels_is_not_blamed_for_having_no_scores(pretrained):
    for path in (pretrained / "test").glob("*.csv"):
        path.unlink()
    text = written(pretrained)
    assert "pre-trained a backbone without labels" in text
    assert "was not tested" not in text
    assert "Pre-training with 60 iterations" in text
    assert "First pair" in text
    assert "worst pair first" not in text
    assert "Dice before (%)" not in text  # no table without a row
    for part in ("segmentation", "overlays", "cases"):
        assert f'id="{part}"' not in text


@pytest.mark.parametrize(("after", "is_said"), [(0.31, True), (0.6, False)])
def test_pairs_that_do_not_match_are_said(pretrained, after, is_said):
    matching = {"similarity_before": 0.3, "similarity_after": after}
    field = {"displacement": 4.0, "inverse_error": 1.0}
    rows = [{"iteration": k, **matching, **field} for k in (10, 20)]
    write_table(pretrained / "monitor.csv", rows)
    text = written(pretrained)
    assert ("do not match" in text) == is_said
    assert ("from 0.30 to 0.31" in text) == is_said


def test_a_run_without_restoration_has_no_such_part(tmp_path):
    assert "#restoration" not in written(write_run(tmp_path / "run"))


def test_a_file_that_cannot_be_read_is_said(pretrained):
    (pretrained / "examples" / "restoration.npz").write_bytes(b"cut")
    assert "restoration.npz cannot be read" in written(pretrained)
