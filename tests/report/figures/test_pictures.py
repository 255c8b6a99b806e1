"""Pictures as the page has them: paths without points that say nothing, pixels that are shared."""

from __future__ import annotations

import numpy as np

from gemini_monai.report.figures.colors import gray_levels, window
from gemini_monai.report.figures.pictures import Line, Panel, PanelRow, Picture, outlines
from gemini_monai.report.read.planes import View, as_it_lies

VIEW = View(as_it_lies((2.0, 3.0)))


def _picture(pixels, *paths):
    lines = (Line(paths, "#fff"),)
    return Picture(pixels=pixels, view=VIEW, alt="", lines=lines)


def test_a_path_has_its_corners_in_mm_and_nothing_between_them():
    path = np.array([[0, 0], [1, 0], [3, 0], [3, 1], [3, 2], [2, 1], [1, 0], [2, 0]], float)
    ((_, text),) = _picture(np.zeros((4, 4), np.uint8), path).strokes
    assert text == "M1 1.5L7 1.5L7 7.5L3 1.5L5 1.5"


def test_a_window_is_of_what_differs_from_the_background():
    vessels = np.zeros((60, 60))
    vessels[30, 30:46] = np.linspace(100, 2000, 16)
    low, high = window(vessels)
    assert (low, high) == tuple(np.percentile(vessels[30, 30:46], (0.5, 99.5)))
    assert len(np.unique(gray_levels(vessels, limits=(low, high)))) == 16
    assert window(np.full((3, 3), 7.0)) == (7, 7 + 1e-6)
    assert window(np.full((3, 3), np.nan)) == (0, 1)


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
