"""Small scans in a working directory like the root of a clone."""

from __future__ import annotations

import pytest

from tests.conftest import ROOT
from tests.data.prepare.made import folder
from tests.pages import Page

DOCS = ROOT / "docs"


@pytest.fixture
def place(tmp_path):
    """A working directory like the root of a clone, with small scans, and data prepared."""
    (tmp_path / "bundles").symlink_to(ROOT / "bundles")
    folder(tmp_path, images=9, labels=6, shape=(32, 32)).rename(tmp_path / "scans")
    return tmp_path


def prepared(place):
    """Prepare the small scans."""
    Page.run_line("gemini prepare folder scans data --labeled 5", place)
