"""The image: its file is in order, its steps do what they can without Docker, its page is true."""

from __future__ import annotations

import re
import runpy
import shlex
import shutil
import subprocess
import sys

import pytest

from gemini_monai.commands.parser import read
from tests.conftest import ROOT
from tests.pages import Page

FILE = ROOT / "docker" / "Dockerfile"
PAGE = Page(ROOT / "docs" / "how_to" / "docker.md")
DOCKER = """#!/bin/sh
for word in docker "$@"; do printf '%s\\t' "$word"; done >>docker.log
echo >>docker.log
"""
KNOWN = {"FROM", "ARG", "ENV", "RUN", "WORKDIR", "COPY", "LABEL", "USER", "ENTRYPOINT", "CMD"}
HADOLINT = shutil.which("hadolint")


def _instructions():
    text = re.sub(r"^#.*\n", "", FILE.read_text(), flags=re.M)
    lines = [line.split(maxsplit=1) for line in text.splitlines() if line.strip()]
    return [(word, rest) for word, rest in lines]


def _of(word):
    return [rest for found, rest in _instructions() if found == word]


def _copied():
    """Paths of the clone that the image is made from."""
    sources = [words.split()[:-1] for words in _of("COPY") if not words.startswith("--from")]
    return [path for paths in sources for path in paths]


def test_each_instruction_is_known_and_no_version_floats():
    assert {word for word, _ in _instructions()} <= KNOWN
    images = {words.split()[0] for words in _of("FROM")}
    assert images == {"python:3.11-slim-bookworm"}
    installs = [line for line in _of("RUN") if "pip install" in line]
    assert len(installs) == 2
    assert all("--constraint constraints.txt" in line for line in installs)
    assert any("PIP_NO_CACHE_DIR=1" in line for line in _of("ENV"))


def test_it_runs_as_nobody_special_and_holds_no_secret():
    last = [word for word, _ in _instructions()]
    assert _of("USER") == ["1000:1000"]
    assert last.index("USER") < last.index("ENTRYPOINT")
    named = [words.split("=")[0] for words in _of("ARG")]
    assert named == ["DEVICE", "TORCH_INDEX", "EXTRAS"]
    final = FILE.read_text().rsplit("FROM ", 1)[1]
    assert not any(name in final for name in named), "an argument would be kept in the image"


def test_what_it_copies_is_there_and_let_in_and_nothing_else_is():
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    rules = [line for line in lines if line and line[0] != "#"]
    assert rules[0] == "*"
    assert {rule[1:] for rule in rules if rule[0] == "!"} == set(_copied())
    assert all((ROOT / path).exists() for path in _copied())
    generated = [line.strip("/") for line in (ROOT / ".gitignore").read_text().splitlines()]
    assert {rule for rule in generated if rule.startswith("bundles/")} <= set(rules)


def test_the_package_builds_from_what_is_copied(tmp_path):
    ignored = shutil.ignore_patterns("__pycache__", "node_modules", "data", "runs", "models")
    for path in _copied():
        target = tmp_path / "source" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        if not (ROOT / path).is_dir():
            shutil.copy(ROOT / path, target)
        elif path == "bundles":
            shutil.copytree(ROOT / path, target, ignore=ignored)
        else:
            target.symlink_to(ROOT / path)
    words = ["setup.py", "--quiet", "build_py", "--build-lib", str(tmp_path / "built")]
    done = subprocess.run(
        [sys.executable, *words], cwd=tmp_path / "source", capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-2000:]
    built = tmp_path / "built" / "gemini_monai"
    assert (built / "bundle_files" / "gemini_semi" / "configs" / "train.json").is_file()
    assert (built / "commands" / "parser.py").is_file()


@pytest.mark.skipif(HADOLINT is None, reason="hadolint is of the extra 'test'")
def test_hadolint_has_nothing_to_say():
    done = subprocess.run([HADOLINT, str(FILE)], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize(
    ("device", "cuda", "said"),
    [
        ("cpu", None, None),
        ("cuda", "13.0", None),
        ("cpu", "13.0", "DEVICE is cpu, and PyTorch was built for CUDA 13.0"),
        ("cuda", None, "DEVICE is cuda, and PyTorch was built without CUDA"),
        ("tpu", None, "DEVICE is 'tpu', expected cpu or cuda"),
    ],
)
def test_another_pytorch_than_the_devices_stops_the_build(device, cuda, said):
    problem = runpy.run_path(str(ROOT / "docker" / "check_torch.py"))["problem"]
    found = problem(device, cuda)
    assert found is None if said is None else said in found


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A clone's root with a program in the place of Docker, which notes what it is asked for."""
    (tmp_path / "docker").symlink_to(ROOT / "docker")
    tools = tmp_path / "bin"
    tools.mkdir()
    (tools / "docker").write_text(DOCKER)
    (tools / "docker").chmod(0o755)
    monkeypatch.setenv("PATH", str(tools), prepend=":")
    return tmp_path


def _asked(place):
    return [line.split("\t")[:-1] for line in (place / "docker.log").read_text().splitlines()]


def test_the_page_builds_what_the_file_takes(place):
    for name in ("cuda", "cpu"):
        PAGE.run(name, place)
    for words, name, index in zip(_asked(place), ("cuda", "cpu"), ("", "URL"), strict=True):
        assert words[:4] == ["docker", "build", "--file", "docker/Dockerfile"]
        assert words[4:6] == ["--tag", f"gemini_monai:{name}"]
        given = dict(word.split("=") for word in words if "=" in word)
        assert given == {"DEVICE": name, "TORCH_INDEX": index, "EXTRAS": ""}
        assert {words.split("=")[0] for words in _of("ARG")} == set(given)
        assert words[-1] == "."


def test_the_page_runs_commands_that_there_are(place):
    for name in ("use", "gpus"):
        PAGE.run(name, place)
    for words in _asked(place):
        assert words[:3] == ["docker", "run", "--rm"]
        at = next(k for k, word in enumerate(words) if word.startswith("gemini_monai:"))
        assert words[at - 2 : at] == ["--volume", f"{place}:/work"]
        assert ("--gpus" in words) == (words[at] == "gemini_monai:cuda")
        read(words[at + 1 :])


def test_a_dry_run_prints_what_can_be_pasted(place):
    told = Page.run_line("docker/build cpu --torch-index 'a b' --dry-run", place)
    assert not (place / "docker.log").exists()
    assert "TORCH_INDEX=a b" in shlex.split(told)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("", "'' is no device, expected cpu or cuda"),
        ("cpu", "cpu needs --torch-index"),
        ("cuda --torch_index x", "unknown option --torch_index"),
        ("cuda --extras", "--extras has no value"),
    ],
)
def test_words_that_cannot_be_are_refused_in_a_line(place, words, said):
    done = subprocess.run(
        ["docker/build", *words.split()], cwd=place, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert said in done.stderr
    assert "usage: docker/build cpu|cuda" in done.stderr
    assert not (place / "docker.log").exists()
