"""The viewer in a real browser: it draws, scrolls and fades, by hand and by keys, offline."""

from __future__ import annotations

import io
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from gemini_monai.report import write_report
from gemini_monai.report.figures.colors import STRUCTURE_COLORS
from gemini_monai.report.page.viewer_code import has_viewer

BROWSER = shutil.which("chromium") or shutil.which("google-chrome")
SLOW = 120_000  # ms; without a graphics card the shaders alone take seconds

pytest.importorskip("playwright", reason="the browser is driven by playwright, of the extra 'test'")
pytestmark = [
    pytest.mark.skipif(not has_viewer(), reason="NiiVue is not installed: gemini viewer"),
    pytest.mark.skipif(BROWSER is None, reason="no chromium or google-chrome on the path"),
]


@dataclass
class Opened:
    """The page in a browser, and all that it asked for and complained of."""

    page: Any
    asked: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def viewer(self, title: str) -> Any:
        """The viewer of a case or pair, opened."""
        case = self.page.locator(".case", has=self.page.locator("h3", has_text=title))
        viewer = case.locator(".viewer")
        if viewer.get_attribute("data-state") is None:
            viewer.get_by_role("button").press("Enter")
        case.locator('.viewer[data-state="open"]').wait_for()
        return viewer


@pytest.fixture(scope="module")
def report(run_3d: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_report([run_3d], output=tmp_path_factory.mktemp("page") / "report.html")


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    arguments = ["--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
    arguments += ["--no-sandbox"] if hasattr(os, "getuid") and os.getuid() == 0 else []
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=BROWSER, args=arguments)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def opened(browser: Any, report: Path) -> Opened:
    context = browser.new_context(offline=True)
    context.set_default_timeout(SLOW)
    found = Opened(context.new_page())
    found.page.on("request", lambda request: found.asked.append(request.url))
    found.page.on("pageerror", lambda error: found.complaints.append(str(error)))
    found.page.on(
        "console",
        lambda said: said.type in ("error", "warning") and found.complaints.append(said.text),
    )
    found.page.goto(report.as_uri())
    return found


def pixels(viewer: Any) -> np.ndarray:
    """What the canvas shows, (rows, columns, 3) of 0 to 255."""
    viewer.page.wait_for_timeout(300)  # a frame, and more without a graphics card
    picture = viewer.locator("canvas").screenshot()
    return np.asarray(Image.open(io.BytesIO(picture)).convert("RGB")).astype(int)


def places(picture: np.ndarray, color: str) -> np.ndarray:
    """Rows and columns (K, 2) of the pixels that have a CSS color, or nearly."""
    wanted = [int(color[k : k + 2], 16) for k in (1, 3, 5)]
    return np.argwhere(np.abs(picture - wanted).max(axis=-1) < 12)


def near(picture: np.ndarray, color: str) -> int:
    """How many pixels have a CSS color, or nearly."""
    return len(places(picture, color))


def put(slider: Any, value: int) -> None:
    slider.fill(str(value))


def show(viewer: Any, ways: dict[str, str]) -> None:
    """Show layers as named, and no others."""
    for label in viewer.locator(".over label").all():
        name = label.evaluate("own => own.firstChild.textContent.trim()")
        label.locator("select").select_option(ways.get(name, ""))


def test_a_case_is_drawn_with_labels_that_the_slider_fades(opened: Opened) -> None:
    viewer = opened.viewer("Worst case")
    show(viewer, {"truth": "filled"})
    opacity = viewer.get_by_label("Opacity")
    put(opacity, 100)
    full = pixels(viewer)
    for color in STRUCTURE_COLORS[:2]:
        assert near(full, color) > 200
    put(opacity, 0)
    none = pixels(viewer)
    assert (none.max(axis=-1) > 40).mean() > 0.3  # the image is there, and gray but for the cross
    assert (np.ptp(none, axis=-1) > 12).mean() < 0.05
    assert not near(none, STRUCTURE_COLORS[0])
    put(opacity, 50)
    assert 0 < np.abs(pixels(viewer) - none).mean() < np.abs(full - none).mean()


def test_a_slice_lies_as_the_still_picture(opened: Opened) -> None:
    viewer = opened.viewer("Worst case")
    show(viewer, {"truth": "filled"})
    put(viewer.get_by_label("Opacity"), 100)
    axial = pixels(viewer)[:, : pixels(viewer).shape[1] // 3]
    right, left, heart = (places(axial, color).mean(axis=0) for color in STRUCTURE_COLORS[:3])
    assert right[1] < heart[1] < left[1]  # of the patient: right is left here
    assert heart[0] > (right[0] + left[0]) / 2  # the file counts from top to bottom


def test_the_truth_is_outlined_in_white_over_the_prediction_at_first(opened: Opened) -> None:
    ways = opened.page.locator(".viewer").first.locator(".over select")
    at_first = [way.evaluate("own => own.querySelector('[selected]').value") for way in ways.all()]
    assert at_first == ["outline", "filled", ""]
    viewer = opened.viewer("Worst case")
    put(viewer.get_by_label("Opacity"), 100)
    show(viewer, {"GEMINI": "filled"})
    alone = pixels(viewer)
    show(viewer, {"truth": "outline", "GEMINI": "filled"})
    both = pixels(viewer)
    assert near(both, "#ffffff") > near(alone, "#ffffff") + 200
    assert 200 < near(both, STRUCTURE_COLORS[0]) < near(alone, STRUCTURE_COLORS[0])


def test_truth_and_predictions_are_layers_of_their_own(opened: Opened) -> None:
    viewer = opened.viewer("Worst case")
    put(viewer.get_by_label("Opacity"), 100)
    show(viewer, {"truth": "filled"})
    assert near(pixels(viewer), STRUCTURE_COLORS[3]) > 0
    show(viewer, {"GEMINI": "filled"})
    assert near(pixels(viewer), STRUCTURE_COLORS[3]) == 0  # it misses the clavicles of s001
    filled = near(pixels(viewer), STRUCTURE_COLORS[0])
    show(viewer, {"GEMINI": "outline"})
    assert 0 < near(pixels(viewer), STRUCTURE_COLORS[0]) < filled
    show(viewer, {})
    assert near(pixels(viewer), STRUCTURE_COLORS[0]) == 0


def test_it_starts_at_the_still_picture_and_scrolls_by_slider_wheel_and_key(
    opened: Opened,
) -> None:
    viewer = opened.viewer("Best case")
    axial = viewer.get_by_label("axial")
    case = opened.page.locator(".case", has=opened.page.locator("h3", has_text="Best case"))
    said = axial.get_attribute("aria-valuetext")
    assert f"axial slice {said}" in case.locator("h3").inner_text()
    put(axial, 7)
    before = pixels(viewer)
    axial.press("ArrowRight")
    assert axial.get_attribute("aria-valuetext") == "9 of 16"
    assert np.abs(pixels(viewer) - before).max() > 20
    box = viewer.locator("canvas").bounding_box()
    opened.page.mouse.move(box["x"] + box["width"] / 6, box["y"] + box["height"] / 2)
    values = [slider.input_value() for slider in viewer.locator(".plane input").all()]
    opened.page.mouse.wheel(0, 120)
    opened.page.wait_for_timeout(300)
    wheeled = [slider.input_value() for slider in viewer.locator(".plane input").all()]
    assert sum(a != b for a, b in zip(values, wheeled, strict=True)) == 1  # the plane under it


def test_the_structure_at_the_cross_is_named(opened: Opened) -> None:
    viewer = opened.viewer("Worst case")
    show(viewer, {"truth": "filled"})
    for plane, value in {"sagittal": 6, "coronal": 12, "axial": 8}.items():  # across, down
        put(viewer.get_by_label(plane), value)
    assert viewer.locator(".here").inner_text() == "At the cross: right lung"
    put(viewer.get_by_label("sagittal"), 14)
    assert viewer.locator(".here").inner_text() == "At the cross: left lung"
    show(viewer, {"truth": "outline", "GEMINI": "filled"})
    said = viewer.locator(".here").inner_text()
    assert said == "At the cross: truth: left lung, GEMINI: left lung"


def test_the_warped_image_fades_over_the_fixed_one(opened: Opened) -> None:
    viewer = opened.viewer("Worst pair")
    opacity = viewer.get_by_label("Opacity")
    shown = {}
    for name in ("warped", "moving"):
        show(viewer, {name: "filled"})
        put(opacity, 100)
        shown[name] = pixels(viewer)
    put(opacity, 0)
    fixed = pixels(viewer)
    assert min(np.abs(a - fixed).mean() for a in shown.values()) > 2
    assert np.abs(shown["warped"] - shown["moving"]).mean() > 2
    show(viewer, {"labels of warped": "filled"})
    put(opacity, 100)
    assert near(pixels(viewer), STRUCTURE_COLORS[0]) > 200


def test_keys_alone_open_and_close_it(opened: Opened) -> None:
    button = opened.viewer("Best case").get_by_role("button")
    canvas = opened.viewer("Best case").locator("canvas")
    button.press("Enter")
    assert not canvas.is_visible()
    button.press("Enter")
    assert canvas.is_visible()
    reached = []
    for _ in range(7):
        opened.page.keyboard.press("Tab")
        reached.append(opened.page.evaluate("document.activeElement.labels[0].innerText.trim()"))
    words = ("truth", "GEMINI", "supervised U-Net", "Opacity", "sagittal", "coronal", "axial")
    assert all(text.startswith(word) for text, word in zip(reached, words, strict=True))


def test_nothing_is_asked_of_a_network_and_nothing_complained_of(
    opened: Opened, report: Path
) -> None:
    opened.viewer("Worst pair")
    outside = [url for url in opened.asked if not url.startswith(("data:", "blob:"))]
    assert outside == [report.as_uri()]
    assert opened.complaints == []


def test_where_scripts_are_off_the_stills_stay(browser: Any, report: Path) -> None:
    page = browser.new_context(java_script_enabled=False, offline=True).new_page()
    page.goto(report.as_uri())
    assert page.locator(".case svg").first.is_visible()
    assert page.locator(".viewer").count() == 6
    assert not any(viewer.is_visible() for viewer in page.locator(".viewer").all())


def test_a_browser_without_webgl_says_so(browser: Any, report: Path) -> None:
    page = browser.new_context(offline=True).new_page()
    page.add_init_script("HTMLCanvasElement.prototype.getContext = () => null")
    page.goto(report.as_uri())
    page.locator(".viewer button").first.click()
    text = page.locator(".stage").first.inner_text()
    assert text == "This browser cannot show the volumes: it has no WebGL 2."
