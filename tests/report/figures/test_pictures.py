"""Pictures as the page has them: paths without points that say nothing, pixels that are shared."""

from __future__ import annotations

import numpy as np

from gemini_monai.report.figures.lines import Line, outlines
from gemini_monai.report.figures.pictures import Panel, PanelRow, Picture
from gemini_monai.report.read.planes import View, as_it_lies

VIEW = View(as_it_lies((2.0, 3.0)))


def _picture(pixels, *paths):
    lines = (Line(paths, "#fff"),)
    return Picture(pixels=pixels, view=VIEW, alt="", lines=lines)


def test_a_path_has_its_corners_in_mm_and_nothing_between_them():
    path = np.array([[0, 0], [1, 0], [3, 0], [3, 1], [3, 2], [2, 1], [1, 0], [2, 0]], float)
    ((_, text),) = _picture(np.zeros((4, 4), np.uint8), path).strokes
    assert text == "M1 1.5L7 1.5L7 7.5L3 1.5L5 1.5"


def test_an_outline_keeps_all_that_it_encloses():
    mask = np.zeros((6, 6), bool)
    mask[1:5, 2:4] = True
    ((_, text),) = _picture(np.zeros((6, 6), np.uint8), *outlines(mask)).strokes
    points = np.array([part.split() for part in text[1:].split("L")], float)
    assert len(points) == 4 * 2 + 1  # corners are cut at half a pixel
    assert np.ptp(points, axis=0).tolist() == [2 * 2, 4 * 3]


def test_pixels_that_pictures_of_a_row_share_are_told_once():
    pixels = np.arange(16, dtype=np.uint8).reshape(4, 4)
    panels = [Panel("", _picture(each)) for each in (pixels.T, pixels, pixels)]
    row = PanelRow("", "", (*panels, Panel("", None)))
    assert row.shared == panels[1].picture.data_uri
    assert PanelRow("", "", (panels[0], panels[1])).shared == ""
