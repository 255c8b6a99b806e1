"""Pages that show no image of the data."""

from __future__ import annotations

from dataclasses import replace

from gemini_monai.report.page.elements import Block, Gallery, Note, Page, Section

LEFT_OUT = Note("Images are left out of this page.")


def without_images(page: Page) -> Page:
    """The page with a sentence in the place of its pictures; tables and charts are all there.

    Names of cases and folders stay as they are.

    Args:
        page: Stays as it is.
    """
    sections = tuple(replace(section, blocks=_blocks(section)) for section in page.sections)
    return replace(page, sections=sections, viewer=None)


def _blocks(section: Section) -> tuple[Block, ...]:
    return tuple(LEFT_OUT if isinstance(block, Gallery) else block for block in section.blocks)
