"""The templates: what they refuse, what they let through, and that they are in the package."""

from __future__ import annotations

import configparser
import re
from fnmatch import fnmatch
from importlib import resources
from pathlib import Path

import pytest
from jinja2 import UndefinedError

from gemini_monai.base.errors import InputError
from gemini_monai.report import write_report
from gemini_monai.report.figures.wording import Strong, in_a_row, sentence
from gemini_monai.report.page.elements import Lead, Page, Section, table
from gemini_monai.report.page.rendering import environment, render
from tests.conftest import ROOT

TEMPLATES = resources.files("gemini_monai.report.page") / "templates"


def page_with(*blocks: object) -> Page:
    section = Section("anchor", "name", title="title", blocks=blocks)  # type: ignore[arg-type]
    return Page(title="page", meta="meta", sections=(section,), version="0")


def test_strong_parts_are_emphasized_and_every_text_is_escaped() -> None:
    html = render(page_with(Lead(sentence("a < b, ", Strong('"c"'), " & d"))))
    assert '<p class="lead">a &lt; b, <strong>&#34;c&#34;</strong> &amp; d</p>' in html


def test_sentences_in_a_row_leave_out_what_is_empty() -> None:
    row = in_a_row(sentence("A ", Strong("b"), "."), sentence(), sentence("C."))
    assert str(row) == "A b. C."
    assert row.parts.count(Strong("b")) == 1
    assert not in_a_row(sentence(), sentence(""))


def test_cells_keep_their_class_and_hint() -> None:
    html = render(page_with(table(["x"], [["row"]], caption="c", kind="tall")))
    assert '<div class="scroll tall">' in html
    assert '<th scope="row">row</th>' in html


def test_undefined_name_raises() -> None:
    with pytest.raises(UndefinedError):
        environment().from_string("{{ page.titel }}").render(page=page_with())
    with pytest.raises(UndefinedError):
        environment().get_template("page.html").render()


def test_block_without_a_macro_raises() -> None:
    with pytest.raises(UndefinedError):
        render(page_with(Strong("no block")))


def test_markup_is_let_through_in_one_place_only() -> None:
    sources = [file.read_text() for file in TEMPLATES.iterdir() if file.name.endswith(".html")]
    assert re.findall(r"\|\s*safe|autoescape", "".join(sources)) == ["| safe"]
    for path in (ROOT / "gemini_monai" / "report").rglob("*.py"):
        assert not re.search(r"\bescape\(|\bMarkup\b|import html|from html\b", path.read_text())


def test_templates_and_style_sheet_are_in_the_package() -> None:
    names = {file.name for file in TEMPLATES.iterdir()}
    assert names == {"page.html", "blocks.html", "style.css", "viewer.js"}
    assert "<!DOCTYPE html>" in (TEMPLATES / "page.html").read_text()
    assert "prefers-color-scheme: dark" in (TEMPLATES / "style.css").read_text()


def test_setup_declares_every_file_that_is_not_python() -> None:
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    declared = dict(config["options.package_data"])
    package = ROOT / "gemini_monai" / "report" / "page"
    patterns = declared["gemini_monai.report.page"].split()
    for path in (ROOT / "gemini_monai" / "report").rglob("*"):
        npms = "node_modules" in path.parts
        if path.is_file() and path.suffix not in (".py", ".pyc") and not npms:
            name = path.relative_to(package).as_posix()
            assert any(fnmatch(name, pattern) for pattern in patterns), path


def test_a_page_to_share_has_everything_but_images(run: Path, tmp_path: Path) -> None:
    whole = write_report([run]).read_text()
    shared = write_report([run], output=tmp_path / "shared.html", images=False).read_text()
    assert "data:image/" in whole
    assert "data:image/" not in shared
    assert "Images are left out of this page." in shared
    assert shared.count("<tr") == whole.count("<tr") > 10
    assert shared.count('<svg class="chart"') == whole.count('<svg class="chart"') > 0


def test_page_is_told_from_a_foreign_file(run: Path) -> None:
    page = write_report([run])
    assert write_report([run]) == page  # a page may take the place of a page
    for mine in (b"<!DOCTYPE html><title>mine</title>", b"\x1f\x8b\xff an image"):
        page.write_bytes(mine)
        with pytest.raises(InputError, match="no page of ours"):
            write_report([run])
        assert page.read_bytes() == mine
