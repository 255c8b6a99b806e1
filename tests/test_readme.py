"""Every command of the README and of the bundle's page, run as written on small data."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess

import pytest
import torch

from gemini_monai.networks import UNetBackbone
from tests.bundles.runs import SMALL, overrides_of
from tests.conftest import ROOT
from tests.data.prepare.made import folder

README = (ROOT / "README.md").read_text()
SEMI, MIP = (ROOT / "bundles" / f"gemini_{name}" for name in ("semi", "mip"))
PAGE = (SEMI / "docs" / "README.md").read_text()
PRETRAINING = (MIP / "docs" / "README.md").read_text()


def _commands(name):
    block = README.split(f"<!-- command: {name} -->\n```bash\n")[1].split("\n```")[0]
    return block.splitlines()


def _run(line, *more):
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    result = subprocess.run(
        [*shlex.split(line), *map(str, more)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert result.returncode == 0, result.stderr[-3000:]
    return result.stdout


def test_the_first_command_installs_and_trains(tiny_phantom, tmp_path):
    (line,) = _commands("run")
    *install, train = line.split(" && ")
    assert install[:2] == ["python3 -m venv .venv", ". .venv/bin/activate"]
    assert install[2] == "pip install -c constraints.txt ."
    paths = {"dataset_dir": tiny_phantom.parent, "datalist": tiny_phantom, "output_dir": tmp_path}
    printed = _run(train, *overrides_of(paths | SMALL))
    assert "Mean Dice on 3 test subjects" in printed
    assert "supervised U-Net" in printed
    assert (tmp_path / "report.html").is_file()


def test_the_second_command_installs_and_tests():
    (line,) = _commands("test")
    assert line.endswith("pip install -c constraints.txt -e '.[test]' && python -m pytest")


def test_ones_own_scans_from_a_folder_to_results(tmp_path):
    folder(tmp_path, images=9, labels=6)
    scans = sorted((tmp_path / "src" / "images").iterdir())
    places = {"SRC": tmp_path / "src", "DST": tmp_path / "dst", "RUN": tmp_path / "run"}
    places |= {"OUT": tmp_path / "out", "A": scans[0], "B": scans[1]}
    lines = _commands("own")
    assert len(lines) == 5
    for line in lines:
        filled = re.sub(r"\b(SRC|DST|RUN|OUT|A|B)\b", lambda m: str(places[m[1]]), line)
        small = overrides_of(SMALL) if "run training" in line else []
        _run(filled, *small)
    out = {path.name for path in (tmp_path / "out").iterdir()}
    assert {path.name for path in scans} < out
    assert "case0_to_case1_field.nii.gz" in out
    assert (tmp_path / "run" / "report.html").is_file()


def test_pretraining_finetuning_and_what_it_bought(tmp_path):
    folder(tmp_path, images=9, labels=6)
    places = {"SRC": "src", "DST": "dst", "PRE": "pre", "FINE": "fine", "SCRATCH": "scratch"}
    places |= {"CURVES": "curves.html", "BACKBONE": "backbone.pt"}
    small = {key: value for key, value in SMALL.items() if key != "registration_pairs"}
    for line in _commands("pretrain"):
        names = rf"\b({'|'.join(places)})\b"
        filled = re.sub(names, lambda m: str(tmp_path / places[m[1]]), line)
        _run(filled, *(overrides_of(small) if "run training" in line else []))
    for name in ("pre/models/model.pt", "fine/run.json", "curves.html", "backbone.pt"):
        assert (tmp_path / name).is_file(), name


PAGES = [ROOT / "README.md", *ROOT.glob("docs/**/*.md"), *ROOT.glob("bundles/*/docs/*.md")]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_and_configurations_that_are_named_exist(page):
    text, base = page.read_text(), page.parent
    for link in re.findall(r"\]\(([^)#:]+)\)", text):
        assert (base / link).exists(), link
    for name in re.findall(r"(?<![.\w])([a-z0-9_]+\.json)\b", text):
        if name not in ("dataset.json", "labels.json", "run.json"):
            assert any((bundle / "configs" / name).exists() for bundle in (SEMI, MIP)), name


@pytest.mark.parametrize(("page", "bundle", "least"), [(PAGE, SEMI, 15), (PRETRAINING, MIP, 3)])
def test_the_table_of_knobs_is_that_of_the_configuration(page, bundle, least):
    config = json.loads((bundle / "configs" / "train.json").read_text())
    rows = re.findall(r"^\| ((?:`\w+`(?:, )?)+) \| ([^|]+) \|", page.split("## Knobs")[1], re.M)
    assert len(rows) >= least
    for names, defaults in rows:
        keys = re.findall(r"`(\w+)`", names)
        assert set(keys) <= set(config), keys
        if defaults.strip() == "from `dataset.json`":
            continue
        quoted = defaults.replace("`", '"')
        assert [config[key] for key in keys] == json.loads(f"[{quoted}]")


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
