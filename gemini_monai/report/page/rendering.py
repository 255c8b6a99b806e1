"""Turns a page of plain data into HTML; the only module that knows the templates."""

from __future__ import annotations

from dataclasses import asdict
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined

from gemini_monai.report.page.elements import Page


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


def render(page: Page) -> str:
    """The page as one self-contained HTML document; its only script is that of a viewer."""
    return environment().get_template("page.html").render(page=page)
