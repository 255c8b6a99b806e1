"""The notebook of the first steps: its cells run in their order, as a kernel runs them."""

from __future__ import annotations

import json
import os
import re
import sys
import types
from pathlib import Path

import matplotlib.pyplot as plt
import pytest

from gemini_monai.base.tables import read_table
from tests.conftest import ROOT
from tests.pages import Page

FILE = ROOT / "examples" / "first_steps.ipynb"
NOTEBOOK = json.loads(FILE.read_text())
CELLS = {cell["id"]: "".join(cell["source"]) for cell in NOTEBOOK["cells"]}
CODE = {cell["id"]: cell for cell in NOTEBOOK["cells"] if cell["cell_type"] == "code"}
EFFORT = re.compile(r"^effort = \{.*\}$", re.M)
SMALL = 'effort = {"subjects": 22, "size": 32, "training": "--pairs_interval 0"}'
COMMAND = re.compile(r"^( *)!(.*)$", re.M)


class Kernel:
    """One namespace, a shell for lines with ``!``, and what was printed and shown."""

    def __init__(self):
        self.names = {"_shell": self.shell}
        self.printed, self.shown = "", []

    def shell(self, line):
        self.printed += Page.run_line(line, Path.cwd())

    def run(self, source):
        exec(COMMAND.sub(r"\1_shell(f'''\2''')", source), self.names)


@pytest.fixture
def kernel(monkeypatch, tmp_path):
    """A kernel in an empty folder; IPython's display and figures are kept instead of shown."""
    made = Kernel()
    monkeypatch.setenv("PATH", os.environ["PATH"])  # which the first cell changes
    monkeypatch.chdir(tmp_path)
    display = types.ModuleType("IPython.display")
    display.HTML = made.shown.append
    monkeypatch.setitem(sys.modules, "IPython.display", display)
    monkeypatch.setattr(plt, "show", lambda: made.shown.append(plt.gcf()))
    yield made
    plt.close("all")


def test_it_runs_as_it_is(kernel, tmp_path, capsys):
    assert len(EFFORT.findall(CELLS["scans"])) == 1
    for name in CODE:
        kernel.run(EFFORT.sub(SMALL, CELLS[name]))
    work = tmp_path / "first_steps"
    assert {path.name for path in tmp_path.iterdir()} == {"first_steps"}
    report, quality, figure = kernel.shown
    assert "Predictions" in report
    assert "subject_0" in quality
    titles = [panel.get_title() for panel in figure.axes]
    assert all(re.search(r"expected 0\.\d\d, true 0\.\d\d$", title) for title in titles), titles
    assert len(read_table(work / "masks" / "quality.csv")) == 22 * 4
    assert "Mean Dice on 10 test subjects" in kernel.printed
    assert (work / "backbone.pt").is_file()
    chosen = capsys.readouterr().out.split("to train on: ")[1].split("\n")[0].split()
    assert len(set(chosen)) == 5
    kernel.run(CELLS["choose"])  # a choice that labels were drawn for stays
    assert read_table(work / "data" / "chosen" / "labeled_from.csv") == [
        {"case": case} for case in chosen
    ]


def test_labels_that_nobody_drew_are_named(kernel, tmp_path):
    work = tmp_path / "first_steps"
    (work / "data" / "chosen").mkdir(parents=True)
    (work / "data" / "chosen" / "labeled_from.csv").write_text("case\na\nb\n")
    (work / "scans" / "images").mkdir(parents=True)
    (work / "scans" / "labels").mkdir()
    (work / "scans" / "labels" / "a.nii.gz").touch()
    for name in ("install", "scans", "choose"):
        kernel.run(CELLS[name])
    with pytest.raises(SystemExit, match=r"Draw these, then run this cell again: b$"):
        kernel.run(CELLS["label"])


def test_without_the_package_it_says_what_to_bring(kernel, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(SystemExit, match=r"Put the wheel of gemini_monai, or a clone of it"):
        kernel.run(CELLS["install"])


@pytest.mark.parametrize("brought", ["gemini_monai-0.1.0-py3-none-any.whl", "x/gemini_monai"])
def test_it_installs_from_a_wheel_or_a_clone(kernel, monkeypatch, tmp_path, brought):
    started = []
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.setattr("subprocess.run", lambda words, check: started.append(words))
    (tmp_path / brought).mkdir(parents=True)
    kernel.run(CELLS["install"])
    assert started[0][1:-1] == ["-m", "pip", "install", "--quiet"]
    assert started[0][-1] == str(tmp_path / brought.split("/")[0])


def test_it_is_kept_as_a_notebook_without_outputs():
    assert (NOTEBOOK["nbformat"], NOTEBOOK["nbformat_minor"]) == (4, 5)
    assert len(CELLS) == len(NOTEBOOK["cells"]) <= 20
    assert all(re.fullmatch(r"[\w-]{1,64}", name) for name in CELLS)
    keys = {"cell_type", "id", "metadata", "source"}
    for cell in NOTEBOOK["cells"]:
        extra = {"execution_count", "outputs"} if cell["id"] in CODE else set()
        assert set(cell) == keys | extra, cell["id"]
    assert all(not cell["outputs"] and not cell["execution_count"] for cell in CODE.values())
    written = json.dumps(NOTEBOOK, indent=1, ensure_ascii=False) + "\n"
    assert FILE.read_text() == written  # as Jupyter does, so that changes are small


def test_its_links_lead_to_pages():
    text = "\n".join(CELLS.values())
    links = re.findall(r"\]\(([^)#]+)\)", text)
    assert links
    assert all((FILE.parent / link).is_file() for link in links), links
