"""Every knob has a sentence and a range, in the help and in the tables of the bundles alike."""

from __future__ import annotations

import json
import re

import pytest

from gemini_monai.commands.knob_help import knob_help, knob_range, knobs_of, shown
from gemini_monai.runs.knob_meanings import MEANINGS, OF_ONE, meaning
from gemini_monai.runs.settings import KNOBS, USED
from tests.bundles.runs import BUNDLE, MIP
from tests.conftest import ROOT

FILES = [
    *(BUNDLE / "configs" / f"{name}.json" for name in ("train", "inference", "register")),
    *(BUNDLE / "configs" / f"{name}.json" for name in ("landmark", "propose", "ensemble")),
    *(MIP / "configs" / f"{name}.json" for name in ("train", "finetune", "probe")),
]
every_file = pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)


def _tables(bundle):
    """Cells of the rows of each table of knobs."""
    page = (bundle / "docs" / "README.md").read_text()
    tables = re.findall(r"^\| knob .*\n\|-.*\n((?:\| .*\n)+)", page, re.M)
    for table in tables:
        cells = [line.strip("| ").split(" | ") for line in table.splitlines()]
        yield {row[0].strip("`"): row[1:] for row in cells}


@every_file
def test_every_knob_has_a_sentence_and_a_range(path):
    content = json.loads(path.read_text())
    assert len(knobs_of(content)) > 5
    for name in knobs_of(content):
        said = meaning(name, content)
        assert said, name
        assert not said.endswith("."), name
        assert knob_range(name, content), name


def test_every_sentence_is_of_a_knob():
    assert set(MEANINGS) <= {*KNOBS, *USED, "device", "transforms_on"}
    assert all(set(own) <= set(KNOBS) for own in OF_ONE.values())


@pytest.mark.parametrize(
    ("bundle", "names"), [(BUNDLE, ["train"]), (MIP, ["train", "finetune"])], ids=["semi", "mip"]
)
def test_the_tables_of_a_bundle_say_what_the_help_says(bundle, names):
    tables = list(_tables(bundle))
    assert len(tables) == len(names)
    for name, table in zip(names, tables, strict=True):
        content = json.loads((bundle / "configs" / f"{name}.json").read_text())
        for knob, (default, takes, said) in table.items():
            assert takes == knob_range(knob, content), knob
            assert said.startswith(meaning(knob, content)), knob
            if default.startswith("`") and not str(content[knob]).startswith(("$", "@")):
                assert default == f"`{shown(content[knob])}`", knob


def test_a_table_lists_every_knob_or_those_that_differ_from_the_other_bundle():
    semi, (train, finetune) = next(iter(_tables(BUNDLE))), _tables(MIP)
    own = json.loads((BUNDLE / "configs" / "train.json").read_text())
    assert list(semi) == list(knobs_of(own))
    for name, table in (("train", train), ("finetune", finetune)):
        knobs = knobs_of(json.loads((MIP / "configs" / f"{name}.json").read_text()))
        differing = {knob for knob, value in knobs.items() if own.get(knob, value) != value}
        alike = {"dataset_dir", "output_dir", "average", "final_learning_rate", "compare"}
        assert differing - alike <= set(table), name
        assert {knob for knob in knobs if knob not in own} <= set(table), name


def test_the_help_fits_into_a_terminal(monkeypatch):
    monkeypatch.chdir(ROOT)
    lines = knob_help("gemini_semi", "train").splitlines()
    sentences = [line for line in lines if line.startswith(" " * 6)]
    assert len(sentences) > 60
    assert max(map(len, sentences)) <= 80
    place = lines.index("  epochs                  16")
    assert " ".join(" ".join(lines[place + 1 : place + 3]).split()) == (
        "How many; iterations are epochs times epoch_length. Takes a whole number, 1 or more."
    )


def test_help_is_there_where_no_bundle_is(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert "\n  epochs                  16\n" in knob_help("gemini_semi", "train")
