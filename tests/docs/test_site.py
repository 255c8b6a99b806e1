"""The rooms are as their table says, and the site builds."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys

import pytest

from tests.conftest import ROOT

BASH = re.compile(r"^(.*)\n```(?:bash|sh|console)$", re.M)
BROWSER = shutil.which("chromium") or shutil.which("google-chrome")


def _imports():
    """Rooms that each room imports from, also within functions."""
    root = ROOT / "gemini_monai"
    found = {p.stem: set() for p in root.iterdir() if p.suffix in ("", ".py") and p.name[0] != "_"}
    for path in root.rglob("*.py"):
        room = path.relative_to(root).parts[0].removesuffix(".py")
        lines = re.findall(
            r"^ *from gemini_monai(?:\.(\w+)[\w.]*)? import (.+)", path.read_text(), re.M
        )
        for module, names in lines if room in found else ():
            found[room] |= {module} if module else set(re.findall(r"\w+", names)) & set(found)
    return {room: rooms - {room} for room, rooms in found.items()}


def test_rooms_import_only_what_the_table_says_and_from_above():
    text = (ROOT / "CONTRIBUTING.md").read_text()
    rows = re.findall(r"^\| `(\w+)` \| .* \| ([^|]+) \|$", text, re.M)
    table = {room: set(re.findall(r"`(\w+)`", rooms)) for room, rooms in rows}
    rooms, imports = list(table), _imports()
    assert set(rooms) == set(imports)
    for place, room in enumerate(rooms):
        assert imports[room] <= table[room] <= set(rooms[:place]), room
    said = (ROOT / "gemini_monai" / "__init__.py").read_text().split('"""')[1]
    parts = ("streams", "prepare")
    assert [name for name in re.findall(r"``(\w+)``", said) if name not in parts] == rooms


def test_no_page_has_a_command_that_no_test_runs():
    """What needs a download or a GPU is a fence of text."""
    for page in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]:
        before = BASH.findall(page.read_text())
        assert all(line.startswith("<!-- command: ") for line in before), page


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The built site, and what the build said."""
    folder = tmp_path_factory.mktemp("docs") / "site"
    words = ["-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    done = subprocess.run(
        [sys.executable, *words],
        cwd=ROOT,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},  # an advertisement
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return folder, done.stderr


def test_the_site_builds_without_a_warning_and_loads_nothing_from_elsewhere(site):
    folder, said = site
    assert "WARNING" not in said
    for page in folder.rglob("*.html"):
        loaded = re.findall(
            r"<(?:script|link|img)[^>]+(?:src|href)=\"?([^\" >]+)", page.read_text()
        )
        assert not [address for address in loaded if re.match(r"(https?:)?//", address)], page


def test_every_public_package_has_a_page_of_reference(site):
    pages = "".join(p.read_text() for p in (ROOT / "docs" / "reference").glob("*.md"))
    packages = {p.parent for p in (ROOT / "gemini_monai").rglob("__init__.py")}
    exporting = [p for p in packages if "__all__" in (p / "__init__.py").read_text()]
    names = [".".join(p.relative_to(ROOT).parts) for p in exporting if p.name != "gemini_monai"]
    assert len(names) > 15
    inner = {"gemini_monai.commands", "gemini_monai.report.read"}  # nobody imports from them
    assert {name for name in names if f"::: {name}\n" not in pages} == inner


@pytest.mark.skipif(BROWSER is None, reason="no chromium or google-chrome on the path")
@pytest.mark.parametrize("page", ["index.html", "how_to/dicom.html"])
def test_the_search_works_from_a_folder(site, page):
    api = pytest.importorskip("playwright.sync_api", reason="playwright is of the extra 'test'")
    arguments = ["--no-sandbox"] if hasattr(os, "getuid") and os.getuid() == 0 else []
    with api.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=BROWSER, args=arguments)
        opened = browser.new_context(offline=True).new_page()
        opened.goto((site[0] / page).as_uri())
        words = opened.locator("input.md-search__input")
        words.focus()  # which loads the index
        ready = opened.locator(".md-search-result__meta", has_text="Type to start searching")
        ready.wait_for(state="attached", timeout=60_000)  # words typed before it are not seen
        words.press_sequentially("deformer")
        titles = opened.locator(".md-search-result__item h1")
        titles.first.wait_for(state="attached", timeout=60_000)
        assert "gemini_monai.networks" in titles.all_inner_texts()
        browser.close()
