"""Commands on data and on finished runs: what they print, and one line for a mistake."""

from __future__ import annotations

import pytest

from gemini_monai.data.dataset_file import read_cohort
from tests.commands.calls import call, refused
from tests.data.prepare.made import folder
from tests.test_configuration import TRAIN


def test_prepare_folder_prints_what_it_chose(monkeypatch, tmp_path, capsys):
    source, target = folder(tmp_path, images=8, labels=6), tmp_path / "dst"
    options = ["--labeled", 2, "--validation", 1, "--test", 2, "--seed", 3]
    call(monkeypatch, "prepare", "folder", source, target, *options)
    printed = capsys.readouterr().out
    for text in ("dataset.json", "network size  [16, 16]", "labeled  2", "test  2", "voxel size"):
        assert text in printed
    assert len(read_cohort(target / "dataset.json").labeled) == 2


def test_prepare_phantom_prints_its_path(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr("gemini_monai.data.phantom.SIZES", {2: (16, 16)})
    call(monkeypatch, "prepare", "phantom", tmp_path / "p")
    assert capsys.readouterr().out.strip() == str(tmp_path / "p" / "dataset.json")


def test_check_says_ok(monkeypatch, capsys):
    call(monkeypatch, "check", TRAIN, "--epochs", 3)
    assert capsys.readouterr().out == "ok: epochs\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["check", TRAIN, "--epohcs", "3"], "no key 'epohcs'; did you mean 'epochs'"),
        (["check", "absent.json"], "absent.json: no such configuration file"),
        (["prepare", "folder", "absent", "dst"], "absent: no such folder"),
        (
            ["prepare", "folder", "absent", "dst", "--labelled", "5"],
            "unknown option --labelled; did you mean --labeled? ",
        ),
        (["prepare", "decathlon", "absent", "dst"], "absent: no such folder"),
        (["report", "absent"], "absent"),
        (["report"], "the following arguments are required: RUN"),
        (["export", "absent", "out.pt"], "absent: no such run folder"),
        (
            ["export", "absent", "out.pt", "--part", "head"],
            "argument --part: invalid choice: 'head' (choose from",
        ),
        (
            ["export", "absent", "out.pth", "--format", "nnunet", "--part", "encoder"],
            "--part encoder: nnU-Net takes encoder and decoder together",
        ),
        (["plans", "absent.json", "overlay.json"], "absent.json: no such file"),
        (["package", "absent"], "absent/configs/metadata.json: no such file; expected a bundle"),
        (["inspect", "absent.pt"], "absent.pt: no such weights file"),
    ],
)
def test_a_users_error_is_one_line(monkeypatch, tmp_path, capsys, arguments, message):
    monkeypatch.chdir(tmp_path)
    assert message in refused(monkeypatch, capsys, *arguments)
    assert list(tmp_path.iterdir()) == []
