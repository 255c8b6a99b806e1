"""True pairs of a trained run: which images are looked at, and which runs can be."""

from __future__ import annotations

import pytest

from gemini_monai.base.errors import InputError
from gemini_monai.data import read_cohort
from gemini_monai.study.analyses import pairing


def test_a_run_and_its_data(trained, tiny_phantom):
    found = pairing(trained, tiny_phantom.parent, pairs=3, points=50)
    assert len(found.rows) == 3
    assert all(row["image"] != row["other"] for row in found.rows)
    for row in found.rows:
        assert all(0 <= row[name] <= 100 for name in list(row)[2:])
    again = pairing(trained, tiny_phantom.parent, pairs=3, points=50)
    assert again.rows == found.rows
    assert found.sentences[0].startswith("3 pairs of images")


def test_no_test_image_is_looked_at(trained, tiny_phantom):
    cohort = read_cohort(tiny_phantom)
    seen = {row["image"] for row in pairing(trained, tiny_phantom.parent, pairs=99, points=5).rows}
    assert seen == {str(item["case"]) for item in [*cohort.labeled, *cohort.validation]}


def test_a_run_without_a_field_is_refused(trained, tiny_phantom):
    with pytest.raises(InputError, match="which trains no field"):
        pairing(trained / "supervised", tiny_phantom.parent)
