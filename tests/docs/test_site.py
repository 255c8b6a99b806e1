"""The rooms are as their table says, and the site builds."""

from __future__ import annotations

import os
import re
import subprocess
import sys

from tests.conftest import ROOT


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


def test_the_site_builds_without_a_warning(tmp_path):
    site = tmp_path / "site"
    words = ["-m", "mkdocs", "build", "--strict", "--site-dir", str(site)]
    done = subprocess.run(
        [sys.executable, *words],
        cwd=ROOT,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},  # an advertisement
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert "WARNING" not in done.stderr
    for page in site.rglob("*.html"):
        loaded = re.findall(
            r"<(?:script|link|img)[^>]+(?:src|href)=\"?([^\" >]+)", page.read_text()
        )
        assert not [address for address in loaded if re.match(r"(https?:)?//", address)], page
