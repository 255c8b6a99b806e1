"""Pages with and without a viewer, and how npm is asked for one; NiiVue itself is a stand-in."""

from __future__ import annotations

import base64
import gzip
import json
import re
from pathlib import Path

import pytest

from gemini_monai.base.errors import InputError
from gemini_monai.report import install_viewer, write_report
from tests.commands.calls import call
from tests.report.page.viewer_stub import SCRIPT, put_niivue, without_niivue
from tests.report.parsed import read_page
from tests.report.synthetic_run import write_run

HOW = "to scroll through whole volumes, 'gemini viewer' and then 'gemini report'"


def test_without_niivue_there_are_stills_and_the_way_to_it(
    monkeypatch: pytest.MonkeyPatch, run_3d: Path, tmp_path: Path
) -> None:
    without_niivue(monkeypatch, tmp_path / "viewer")
    path = write_report([run_3d], output=tmp_path / "report.html")
    page = read_page(path)
    assert page.text.count(HOW) == 2  # at cases and at pairs
    assert "script" not in page.tags
    assert page.tags.count("svg") == 36


def test_planes_have_no_viewer(
    monkeypatch: pytest.MonkeyPatch, run_2d: Path, tmp_path: Path
) -> None:
    put_niivue(monkeypatch, tmp_path / "viewer")
    page = read_page(write_report([run_2d], output=tmp_path / "report.html"))
    assert not {"script", "canvas"} & set(page.tags)
    assert "NiiVue" not in page.text
    assert HOW not in page.text


def test_every_case_and_pair_has_a_viewer_beside_its_stills(
    monkeypatch: pytest.MonkeyPatch, run_3d: Path, tmp_path: Path
) -> None:
    put_niivue(monkeypatch, tmp_path / "viewer")
    path = write_report([run_3d], output=tmp_path / "report.html")
    page = read_page(path)
    assert HOW not in page.text
    assert page.tags.count("canvas") == 6
    assert page.tags.count("svg") == 36
    assert len(_blocks(path, "application/json")) == 6
    hidden = [tag for tag, name, _ in page.attributes if name == "hidden"]
    assert hidden.count("div") == 12  # shown by the script alone
    for _, name, value in page.attributes:
        assert name not in ("src", "href") or str(value).startswith(("#", "data:"))


def test_the_code_is_the_packages_and_its_terms_stay_with_it(
    monkeypatch: pytest.MonkeyPatch, run_3d: Path, tmp_path: Path
) -> None:
    put_niivue(monkeypatch, tmp_path / "viewer")
    path = write_report([run_3d], output=tmp_path / "report.html")
    (code,) = _blocks(path, "text/plain")
    assert gzip.decompress(base64.b64decode(code)).decode() == SCRIPT
    text = read_page(path).text
    assert "Volumes are shown by NiiVue 1.2.3." in text
    assert "Copyright (c) 2021, Niivue" in text
    assert "@of/part\n\nTerms of <the> part" in text


def test_names_cannot_end_the_data(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    put_niivue(monkeypatch, tmp_path / "viewer")
    run = write_run(tmp_path / "run", shape=(12, 12, 8), cases=1, supervised=False)
    record = json.loads((run / "run.json").read_text())
    name = "</script><script>alert(1)</script>"
    record["dataset"]["structures"][0] = name
    (run / "run.json").write_text(json.dumps(record))
    path = write_report([run])
    data = json.loads(_blocks(path, "application/json")[0])
    assert data["structures"][0][0] == name
    assert read_page(path).tags.count("script") == 6  # a case, three pairs, NiiVue, our own


def _blocks(path: Path, kind: str) -> list[str]:
    return re.findall(rf'<script type="{kind}"[^>]*>(.*?)</script>', path.read_text(), re.S)


def _npm(monkeypatch: pytest.MonkeyPatch, folder: Path, script: str) -> None:
    """An ``npm`` of our own, and no other, on the path."""
    folder.mkdir()
    (folder / "npm").write_text(f"#!/bin/sh\n{script}\n")
    (folder / "npm").chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=":")


def test_npm_is_asked_for_what_the_lock_file_pins(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = put_niivue(monkeypatch, tmp_path / "viewer")
    _npm(monkeypatch, tmp_path / "bin", f'echo "$@" > {tmp_path}/asked')
    call(monkeypatch, "viewer")
    assert (tmp_path / "asked").read_text().split() == ["ci", "--prefix", str(folder)]
    assert "NiiVue 1.2.3 is installed" in capsys.readouterr().out


def test_npm_that_fails_or_is_absent_is_one_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    without_niivue(monkeypatch, tmp_path / "viewer")
    said = "npm warn old\nnpm error code ENOTFOUND\nnpm error A log is at x"
    _npm(monkeypatch, tmp_path / "bin", f"printf '{said}' >&2; exit 1")
    with pytest.raises(InputError, match="NiiVue: npm error code ENOTFOUND; all it says: npm ci"):
        install_viewer()
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match="no npm found, which brings NiiVue; install Node"):
        install_viewer()


def test_the_lock_pins_checksums_and_names_no_host() -> None:
    folder = Path(write_report.__code__.co_filename).parent / "viewer"
    lock = json.loads((folder / "package-lock.json").read_text())["packages"]
    own = lock.pop("")
    assert lock["node_modules/@niivue/niivue"]["version"] == own["dependencies"]["@niivue/niivue"]
    for name, entry in lock.items():
        assert entry["integrity"].startswith("sha512-"), name
        assert "resolved" not in entry
