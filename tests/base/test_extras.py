"""What an extra brings is named so that pip finds it, and stands where pip reads it."""

from __future__ import annotations

import configparser
import shlex
import sys

import pytest

from gemini_monai.base.errors import InputError
from gemini_monai.base.extras import EXTRAS, command_for, is_there, optional, refuse_without
from tests.conftest import ROOT


def test_the_table_is_that_of_the_install():
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    extras = config["options.extras_require"]
    for name, requirements in EXTRAS.items():
        assert sorted(extras[name].split()) == sorted(requirements), name


@pytest.mark.parametrize("extra", EXTRAS)
def test_a_shell_hands_every_requirement_to_pip(extra):
    assert shlex.split(command_for(extra)) == ["pip", "install", *EXTRAS[extra]]
    assert "'" not in command_for(extra)  # in which cmd.exe quotes nothing


@pytest.mark.parametrize("ask", [optional, refuse_without])
@pytest.mark.parametrize("module", ["itk", "itk.itkNowherePython"])
def test_what_is_missing_is_named_with_what_brings_it(monkeypatch, ask, module):
    monkeypatch.setitem(sys.modules, "itk", None)
    assert not is_there(module)
    message = r"^a\.nrrd needs what the extra 'formats' brings: pip install \"itk-io>=5\.3\"$"
    with pytest.raises(InputError, match=message):
        ask(module, extra="formats", purpose="a.nrrd")


def test_what_is_there_is_imported():
    assert optional("json", extra="formats", purpose="x").loads("1") == 1
    refuse_without("json", extra="formats", purpose="x")
