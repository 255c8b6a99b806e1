"""Every command of the README and of the bundle's page, run as written on small data."""

from __future__ import annotations

import re
import shlex
import sys

import pytest
import torch

from gemini_monai.networks import UNetBackbone
from tests.bundles.runs import SMALL, overrides_of
from tests.conftest import ROOT
from tests.data.prepare.made import folder
from tests.pages import Page

README = Page(ROOT / "README.md")
SEMI, MIP = (ROOT / "bundles" / f"gemini_{name}" for name in ("semi", "mip"))
PAGE = (SEMI / "docs" / "README.md").read_text()
PRETRAINING = (MIP / "docs" / "README.md").read_text()


def _line(name):
    (line,) = README.fences["command", name].splitlines()
    return line


def test_it_is_short():
    lines = README.text.splitlines()
    assert len(lines) <= 90
    assert not [line for line in lines if len(line) > 125 and " && " not in line and line[0] != "|"]


def test_the_first_command_installs_and_trains(tiny_phantom, tmp_path):
    *install, train = _line("run").split(" && ")
    assert install[:2] == ["python3 -m venv .venv", ". .venv/bin/activate"]
    assert install[2] == "pip install -c constraints.txt ."
    (tmp_path / "bundles").symlink_to(ROOT / "bundles")
    run = tmp_path / "run"
    paths = {"dataset_dir": tiny_phantom.parent, "datalist": tiny_phantom, "output_dir": run}
    small = shlex.join(overrides_of(paths | SMALL))
    printed = Page.run_line(f"{train} {small}", tmp_path, python=sys.executable)
    assert "Mean Dice on 3 test subjects" in printed
    assert "supervised U-Net" in printed
    assert (run / "report.html").is_file()


def test_the_test_command_installs_and_tests():
    assert _line("test").endswith("pip install -c constraints.txt -e '.[test]' && python -m pytest")


def test_what_a_person_types(tmp_path):
    """Own scans from a folder to results; then pre-training, fine-tuning and what it bought."""
    folder(tmp_path, images=9, labels=6).rename(tmp_path / "scans")
    printed = README.run("own", tmp_path)
    assert printed.count("python -m monai.bundle run ") == 2
    scans = {path.name for path in (tmp_path / "scans" / "images").iterdir()}
    labels = {path.name for path in (tmp_path / "labels").iterdir()}
    assert labels == scans | {"volumes.csv", "quality.csv", "quality.html"}
    assert (tmp_path / "runs" / "own" / "report.html").is_file()
    README.run("pretrain", tmp_path)
    assert (tmp_path / "fields" / "case0_to_case1_field.nii.gz").is_file()
    for name in ("runs/pre/models/model.pt", "runs/fine/run.json", "curves.html", "backbone.pt"):
        assert (tmp_path / name).is_file(), name


def test_its_numbers_are_those_of_the_results():
    results = (ROOT / "docs" / "results.md").read_text()
    rows = re.findall(r"^\| .*± .*$", README.text, re.M)
    assert len(rows) == 6
    for row in rows:
        *cells, difference = [cell.strip() for cell in row.strip("|").split("|")]
        measured = [cell for cell in cells if "±" in cell]
        assert all(f"| {cell} |" in results for cell in measured), row
        parts = [measured[-1], *re.split("; (?:draws |seeds )?", difference)]
        assert any(all(part in line for part in parts) for line in results.splitlines()), row


GENERATED = (
    *("dataset.json", "labels.json", "run.json", "config.json", "segmentation.json"),
    *(
        "release.json",
        "backbone.json",
        "grid.json",
        "gpu.json",
        "gpu_h100.json",
        "gpu_compiled.json",
        "gpu_compiled_small.json",
    ),
    *("transunet.json", "swinunetr.json"),
)
PAGES = [ROOT / "README.md", *ROOT.glob("docs/**/*.md"), *ROOT.glob("bundles/*/docs/*.md")]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_and_configurations_that_are_named_exist(page):
    text, base = page.read_text(), page.parent
    for link, anchor in re.findall(r"\]\(([^)#:]*)(?:#([^)]+))?\)", text):
        target = base / link if link else page
        assert target.exists(), link
        if anchor:
            titles = re.findall(r"^#+ (.*)$", target.read_text(), re.M)
            assert anchor in {re.sub(r"[^\w -]", "", t).lower().replace(" ", "-") for t in titles}
    own = set(re.findall(r"<!-- file: (\S+) -->", text))
    for name in set(re.findall(r"(?<![.\w])([a-z0-9_]+\.json)\b", text)) - {*own, *GENERATED}:
        if any(name.endswith(suffix) for suffix in (f"_{file.split('_', 1)[-1]}" for file in own)):
            continue  # such as finetune_clinic.json beside dataset_clinic.json
        assert any((bundle / "configs" / name).exists() for bundle in (SEMI, MIP)), name


def test_the_pages_lines_load_a_backbone(tmp_path, monkeypatch):
    code = PRETRAINING.split("```python\n")[1].split("```")[0]
    monkeypatch.chdir(tmp_path)
    torch.save(UNetBackbone(2, 1, (16, 32, 64, 128)).state_dict(), "backbone.pt")
    names = {}
    exec(code, names)
    assert torch.equal(
        names["backbone"].state_dict()["encoder.0.0.conv.weight"],
        torch.load("backbone.pt")["encoder.0.0.conv.weight"],
    )
