"""What lies among scans and nobody could mean as one: file managers', archives' and notes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

LEFT_BEHIND = {
    *("thumbs.db", "ehthumbs.db", "ehthumbs_vista.db", "desktop.ini", "$recycle.bin"),
    *("system volume information", "autorun.inf", "icon\r", "__macosx", "lost+found"),
    *("@eadir", "@tmp", "@recycle", "@recently-snapshot", "#recycle", "#snapshot"),
    *("dicomdir", "__pycache__", "volumes.csv", "quality.csv", "quality.html"),
}
"""Of Windows, macOS, network drives, disks of DICOM, Python and ``gemini segment``; lower case."""
PROSE = re.compile(
    r"(read[-_ ]?me|licen[cs]e|copying|notice|citation|changelog|changes|authors|contributing|"
    r"(md5|sha\d+)(sums?)?|checksums?)(\b.*|_.*)?",
    re.IGNORECASE,
)
PROSE_SUFFIXES = (
    *("", ".txt", ".md", ".rst", ".pdf", ".htm", ".html", ".rtf", ".doc", ".docx", ".cff"),
    *(".1st", ".first"),
)
_told: set[tuple[Path, str]] = set()


def is_clutter(path: Path) -> bool:
    """Whether a file or folder is passed over among scans: hidden, left behind, or prose."""
    name = path.name
    if name.startswith((".", "~$")) or name.endswith("~") or name.lower() in LEFT_BEHIND:
        return True
    is_prose = bool(PROSE.fullmatch(name)) and path.suffix.lower() in PROSE_SUFFIXES
    return is_prose and not path.is_dir()


def without_clutter(paths: Sequence[Path]) -> list[Path]:
    """What may be scans; each name that is passed over is told once beside its neighbors."""
    clutter = [path for path in paths if is_clutter(path)]
    new = [path for path in clutter if (path.parent.parent, path.name) not in _told]
    if new:
        _told.update((path.parent.parent, path.name) for path in new)
        names = ", ".join(path.name.strip() for path in new)
        print(f"{'passed over':>13}  {names} in {new[0].parent}")
    return [path for path in paths if not is_clutter(path)]
