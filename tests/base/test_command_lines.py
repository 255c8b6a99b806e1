"""Command lines that can be read, and pasted into a shell."""

from __future__ import annotations

import shlex

import pytest

from gemini_monai.base.command_lines import command_line, pasted_command, typed_command

WORDS = ["run", "training", "--config_file", "['a.json','b.json']", "--compare", "[]"]
TOLD = "run training --config_file \"['a.json','b.json']\" --compare '[]'"


def test_a_list_of_names_has_no_quotes_of_quotes():
    assert command_line(WORDS) == TOLD


@pytest.mark.parametrize(
    "word", ["['$HOME']", "a 'b' \"c\"", "`'x'`", "don't!", "\\'", "two words"]
)
def test_a_shell_reads_every_word_as_it_was(word):
    assert shlex.split(command_line(["gemini", word])) == ["gemini", word]


@pytest.mark.parametrize(
    ("program", "told"),
    [
        ("/x/site-packages/monai/bundle/__main__.py", "python -m monai.bundle"),
        ("/x/gemini_monai/__main__.py", "gemini"),
        ("/x/bin/gemini", "gemini"),
        ("/x/Scripts/gemini.exe", "gemini"),
        ("train.py", "train.py"),
    ],
)
def test_the_program_is_the_one_that_people_type(program, told):
    assert typed_command([program, *WORDS]) == f"{told} {TOLD}"


def test_a_record_of_an_early_version_can_be_pasted():
    recorded = shlex.join(["__main__.py", *WORDS])
    assert pasted_command(recorded) == f"python -m monai.bundle {TOLD}"
    assert pasted_command(f"python -m monai.bundle {TOLD}") == f"python -m monai.bundle {TOLD}"
    assert pasted_command(["train.py", "--out", "a b"]) == "train.py --out 'a b'"


def test_a_record_that_is_no_command_line_is_shown_as_it_is():
    assert pasted_command("it isn't\none") == "it isn't one"
