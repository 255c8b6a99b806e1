"""The wheel alone, in an empty folder: no clone, and none of what extras bring."""

from __future__ import annotations

import email
import json
import os
import re
import runpy
import subprocess
import sys
from pathlib import Path

from gemini_monai.base.bundles import SHIPPED
from tests.conftest import ROOT

LINK = re.compile(r"\]\(([^)\s]+)\)")
SMALL = [
    *("--epochs", "1", "--epoch_length", "1", "--channels", "[4,8]", "--deformer_stages", "2"),
    *("--registration_pairs", "2", "--num_workers", "0"),
]
DRIVER = """
import json, runpy, sys
sys.modules["itk"] = None  # which no requirement brings
def become(words):
    sys.argv = words[1:]
    runpy.run_module(words[1], run_name="__main__", alter_sys=True)
import gemini_monai.commands.monai_call
gemini_monai.commands.monai_call.become = become
from gemini_monai.commands.parser import run
for words in json.loads(sys.argv[1]):
    run(words)
"""
"""Commands one after the other; what they become is run here, since every start costs seconds."""


def _files(folder):
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_it_has_both_bundles_and_no_more(installed):
    bundles = ROOT / "bundles"
    expected = {path for pattern in SHIPPED for path in bundles.glob(f"*/{pattern}")}
    found = _files(installed / "gemini_monai" / "bundle_files")
    assert found == {str(path.relative_to(bundles)) for path in expected}


def test_every_link_of_its_description_is_a_file_in_it(installed):
    metadata = next(installed.glob("*.dist-info")) / "METADATA"
    described = email.message_from_string(metadata.read_text()).get_payload()
    links = LINK.findall(described)
    assert any(link.endswith("docs/picture.png") for link in links)
    local = [link.partition("#")[0] for link in links if not link.startswith("https:")]
    assert all((installed / link).is_file() for link in local)


def test_links_of_the_pages_in_it_lead_to_others_in_it(installed):
    pages = installed / "gemini_monai" / "doc_files"
    for page in [pages / "README.md", *(pages / "docs").rglob("*.md")]:
        for link in LINK.findall(page.read_text()):
            if not re.match(r"\w+:|#", link):
                assert (page.parent / link.partition("#")[0]).exists(), (page, link)


def test_a_public_address_makes_its_links_absolute():
    description = runpy.run_path(str(ROOT / "setup.py"))["description"]
    text = "![a](docs/a.png) and [b](docs/b.md#c), [d](https://d), [e](#e)"
    assert description(text, "https://x/y", "1.2") == (
        "![a](https://x/y/raw/v1.2/docs/a.png) and [b](https://x/y/blob/v1.2/docs/b.md#c), "
        "[d](https://d), [e](#e)"
    )


def _gemini(installed, here, commands):
    environment = os.environ | {
        "PYTHONPATH": str(installed),
        "OMP_NUM_THREADS": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
    }

    words = [sys.executable, "-c", DRIVER, json.dumps(commands)]
    return subprocess.run(
        words, cwd=here, env=environment, capture_output=True, text=True, timeout=600
    )


def test_every_kind_of_run_is_trained_and_used_in_an_empty_folder(
    installed, tiny_phantom, tmp_path
):
    """Nothing is written beside the package, and what has no place of its own below ``bundles``."""
    data = str(tiny_phantom.parent)
    images = f"{data}/images"
    semi = "bundles/gemini_semi/runs/phantom_2d_gemini"
    before = _files(installed)
    done = _gemini(
        installed,
        tmp_path,
        [
            ["train", "semi", data, *SMALL, "--compare", "[]"],
            ["train", "mip", data, *SMALL[:10], "--output_dir", "runs/pre", "--compare", "[]"],
            ["finetune", data, "--pretrained", "runs/pre", *SMALL[:8], "--output_dir", "runs/fine"],
            ["probe", "runs/pre", data],
            ["segment", semi, images, "masks"],
            ["segment", f"['{semi}','runs/fine']", images, "together"],
            ["evaluate", "runs/fine", "scores"],
            ["trust", semi],
            ["check", semi, images, "masks", "checked"],
            ["propose", semi, images, "proposed"],
            ["report", semi, "runs/pre", "runs/fine", "--output", "all.html"],
            ["bundle", "semi"],
        ],
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert _files(installed) == before
    for made in (semi, "runs/pre", "runs/fine"):
        assert (tmp_path / made / "report.html").is_file()
    assert {path.name for path in tmp_path.iterdir()} == {
        *("bundles", "runs", "masks", "together", "scores", "checked", "proposed", "all.html")
    }
    assert (tmp_path / "bundles/gemini_semi/configs/train.json").is_file()
    assert Path(tmp_path / semi / "run.json").is_file()
