"""The page of a choice, read back."""

from __future__ import annotations

import numpy as np
import pytest

from gemini_monai.base.errors import InputError
from gemini_monai.choosing import choose
from gemini_monai.report import write_choice_page
from tests.report.parsed import read_page


@pytest.mark.parametrize("phantom", ["tiny_phantom", "tiny_phantom_3d"])
def test_it_shows_what_to_label_and_what_each_stands_for(phantom, request, tmp_path):
    found = choose(request.getfixturevalue(phantom).parent, 2)
    page = read_page(write_choice_page(found, tmp_path / "choice.html"))
    (rows,) = page.tables.values()
    assert [row[0] for row in rows[1:]] == [f"{k}. {found.cases[k - 1]}" for k in (1, 2)]
    assert [row[1] for row in rows[1:]] == found.reasons
    pictures = [value for tag, name, value in page.attributes if (tag, name) == ("image", "href")]
    shown = sum(1 + min(4, len(others)) for others in found.others)
    assert len(pictures) == shown
    assert all(value.startswith("data:image/") for value in pictures)
    assert "No scan stands out." in page.text


def test_scans_that_stand_out_are_shown_and_names_are_escaped(tiny_phantom, tmp_path):
    from dataclasses import replace

    found = choose(tiny_phantom.parent, 1)
    far = np.where(np.arange(len(found.scans)) == found.chosen[0], 0, 9.0)
    scans = tuple(replace(scan, case=f"<b>{scan.case}") for scan in found.scans)
    page = write_choice_page(replace(found, outlyingness=far, scans=scans), tmp_path / "c.html")
    assert "<b>" not in page.read_text()
    assert "9.0 standard deviations out" in page.read_text()


def test_images_are_left_out_and_a_page_is_not_replaced(tiny_phantom, tmp_path):
    found = choose(tiny_phantom.parent, 1)
    page = write_choice_page(found, tmp_path / "choice.html", images=False)
    assert "data:image" not in page.read_text()
    with pytest.raises(InputError, match="choice.html: is there already"):
        write_choice_page(found, page)


def test_a_scan_that_is_gone_is_said(tiny_phantom, tmp_path):
    from dataclasses import replace

    found = choose(tiny_phantom.parent, 1)
    scans = tuple(replace(scan, image="/gone.nii.gz") for scan in found.scans)
    page = write_choice_page(replace(found, scans=scans), tmp_path / "choice.html")
    assert "Not shown: /gone.nii.gz" in page.read_text()
