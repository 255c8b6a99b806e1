"""Bundles for someone with pip and no clone."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import zipfile

import pytest

from gemini_monai.base.bundles import SHIPPED, copy_bundle
from gemini_monai.base.errors import InputError
from tests.conftest import ROOT


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"  # a build leaves files in the tree that it is made from
    for name in ("gemini_monai", "bundles"):
        skip = shutil.ignore_patterns("__pycache__", "data", "runs", "models")
        skip = skip if name == "bundles" else shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, source / name, ignore=skip)
    for name in ("setup.py", "setup.cfg", "pyproject.toml", "MANIFEST.in", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    words = ["wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder), str(source)]
    subprocess.run([sys.executable, "-m", "pip", *words], check=True, timeout=300)
    return next(folder.glob("*.whl"))


def _listed(bundle):
    return {str(path.relative_to(bundle)) for part in SHIPPED for path in bundle.glob(part)}


def test_the_wheel_has_both_bundles_and_no_more(wheel):
    with zipfile.ZipFile(wheel) as file:
        names = [
            re.sub(r"^gemini_monai/bundle_files/", "", n)
            for n in file.namelist()
            if n.startswith("gemini_monai/bundle_files/")
        ]
    expected = {f"{b.name}/{n}" for b in (ROOT / "bundles").iterdir() for n in _listed(b)}
    assert set(names) == expected


def test_two_commands_in_an_empty_folder_train(wheel, tmp_path):
    package, here = tmp_path / "site", tmp_path / "here"
    here.mkdir()
    with zipfile.ZipFile(wheel) as file:
        file.extractall(package)
    environment = os.environ | {"PYTHONPATH": str(package), "OMP_NUM_THREADS": "1"}

    def gemini(*words):
        command = [sys.executable, "-m", "gemini_monai", *words]
        return subprocess.run(
            command, cwd=here, env=environment, capture_output=True, text=True, timeout=300
        )

    copied = gemini("bundle", "semi")
    assert copied.returncode == 0, copied.stderr
    assert copied.stdout.strip() == "bundles/gemini_semi"
    small = ["--epochs", "1", "--epoch_length", "1", "--channels", "[4,8]", "--compare", "[]"]
    trained = gemini("train", "semi", *small)
    assert trained.returncode == 0, trained.stderr[-2000:]
    assert (here / "bundles/gemini_semi/runs/phantom_2d_gemini/report.html").is_file()


def test_a_copy_is_the_bundle(tmp_path):
    target = copy_bundle("gemini_mip", tmp_path / "deep")
    assert target == tmp_path / "deep" / "gemini_mip"
    original = ROOT / "bundles" / "gemini_mip"
    assert _listed(target) == _listed(original)
    train = "configs/train.json"
    assert (target / train).read_bytes() == (original / train).read_bytes()


def test_what_lies_beside_it_stays_and_nothing_else_is_left(tmp_path):
    theirs = tmp_path / "gemini_semi.part" / "theirs.txt"
    theirs.parent.mkdir()
    theirs.write_text("theirs")
    copy_bundle("semi", tmp_path)
    assert theirs.read_text() == "theirs"
    assert {path.name for path in tmp_path.iterdir()} == {"gemini_semi", "gemini_semi.part"}


def test_what_is_there_stays(tmp_path):
    mine = tmp_path / "gemini_semi" / "mine.txt"
    mine.parent.mkdir()
    mine.write_text("mine")
    with pytest.raises(InputError, match=r"gemini_semi: is there already"):
        copy_bundle("semi", tmp_path)
    assert [path.name for path in mine.parent.iterdir()] == ["mine.txt"]


def test_another_name_is_refused_with_those_there_are(tmp_path):
    with pytest.raises(InputError, match="no bundle 'gemini_other'; there are gemini_mip, gemini_"):
        copy_bundle("other", tmp_path)
    assert list(tmp_path.iterdir()) == []
