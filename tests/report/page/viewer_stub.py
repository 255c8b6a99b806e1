"""What npm leaves, in small: for tests that look at the page and not into it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from gemini_monai.report.page import viewer_code

SCRIPT = "window.niivue = {};\n"


def put_niivue(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Path:
    """A viewer's folder with a NiiVue that does nothing, made of one further package."""
    niivue = without_niivue(monkeypatch, folder) / "node_modules" / "@niivue" / "niivue"
    (niivue / "dist").mkdir(parents=True)
    (niivue / "dist" / "niivue.umd.js").write_text(SCRIPT)
    (niivue / "package.json").write_text(json.dumps({"version": "1.2.3"}))
    part = folder / "node_modules" / "@of" / "part"
    part.mkdir(parents=True)
    (part / "license").write_text("Terms of <the> part\n")
    return folder


def without_niivue(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Path:
    """A viewer's folder as it is before anybody calls npm."""
    folder.mkdir()
    for name in ("package.json", "package-lock.json", "NIIVUE_LICENSE.txt"):
        shutil.copy(Path(viewer_code.__file__).parent / "viewer" / name, folder)
    monkeypatch.setattr(viewer_code, "FOLDER", folder)
    return folder
