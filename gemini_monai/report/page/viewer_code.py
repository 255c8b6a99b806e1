"""NiiVue, which is not ours: brought by npm when a person asks, put into pages from then on."""

from __future__ import annotations

import base64
import gzip
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from gemini_monai.base.errors import InputError
from gemini_monai.base.files import read_json, read_text

FOLDER = Path(__file__).parent / "viewer"
"""``package.json`` and its lock, which pins NiiVue by checksum; npm puts NiiVue beside them."""


@dataclass(frozen=True)
class ViewerCode:
    """What a page with a viewer holds beside the volumes.

    Attributes:
        script: NiiVue as its makers bundled it, gzipped, in base64.
        version: Of NiiVue.
        licenses: Terms of NiiVue and of all that is bundled in it, which must stay with the code.
    """

    script: str
    version: str
    licenses: str


def _niivue() -> Path:
    return FOLDER / "node_modules" / "@niivue" / "niivue"


def has_viewer() -> bool:
    """Whether somebody has installed NiiVue."""
    return _niivue().is_dir()


def viewer_code() -> ViewerCode:
    """The viewer's code, from where npm put it.

    Raises:
        InputError: If a part of it is missing.
    """
    script = read_text(_niivue() / "dist" / "niivue.umd.js").encode()
    return ViewerCode(
        script=base64.b64encode(gzip.compress(script, mtime=0)).decode(),
        version=str(read_json(_niivue() / "package.json", dict)["version"]),
        licenses=_licenses(),
    )


def _licenses() -> str:
    """NiiVue's terms, which its package lacks, and those that lie in the packages it is made of."""
    modules = FOLDER / "node_modules"
    terms = {"@niivue/niivue": read_text(FOLDER / "NIIVUE_LICENSE.txt")}
    for path in sorted(modules.glob("**/[Ll][Ii][Cc][Ee][Nn][Ss][Ee]*")):
        terms[path.parent.relative_to(modules).as_posix()] = read_text(path)
    return "\n\n".join(f"{name}\n\n{text.strip()}" for name, text in terms.items())


def install_viewer() -> str:
    """Have npm bring NiiVue, by the versions and checksums of the lock file.

    Returns:
        NiiVue's version.

    Raises:
        InputError: If npm is not there or says no.
    """
    npm = shutil.which("npm")
    if npm is None:
        raise InputError("viewer: no npm found, which brings NiiVue; install Node.js 18 or newer")
    done = subprocess.run(
        [npm, "ci", "--prefix", str(FOLDER)],
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if line.startswith("npm error")]
        reason = said[0] if said else f"exit code {done.returncode}"
        more = f"npm ci --prefix {FOLDER}"
        raise InputError(f"viewer: npm could not bring NiiVue: {reason}; all it says: {more}")
    return viewer_code().version
