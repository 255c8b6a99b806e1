"""Turns a page of plain data into HTML; the only module that knows the templates."""

from __future__ import annotations

from dataclasses import asdict, replace
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined

from gemini_monai.report.page.elements import Block, Gallery, Note, Page, Section

LEFT_OUT = Note("Images are left out of this page.")


@cache
def environment() -> Environment:
    """The templates: every text is escaped, and a name that is not there is an error."""
    made = Environment(
        loader=PackageLoader("gemini_monai.report.page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.policies["json.dumps_kwargs"] = {"default": asdict}
    return made


def render(page: Page, *, images: bool = True) -> str:
    """The page as one self-contained HTML document; its only script is that of a viewer.

    Args:
        page: Stays as it is.
        images: Whether it shows images of the data; else a sentence is in their place. Tables and
            charts are all there, and names of cases and folders stay as they are.
    """
    shown = page if images else _without_images(page)
    return environment().get_template("page.html").render(page=shown)


def _without_images(page: Page) -> Page:
    sections = tuple(replace(section, blocks=_blocks(section)) for section in page.sections)
    return replace(page, sections=sections, viewer=None)


def _blocks(section: Section) -> tuple[Block, ...]:
    return tuple(LEFT_OUT if isinstance(block, Gallery) else block for block in section.blocks)
