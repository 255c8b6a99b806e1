"""``gemini analyze``: three files and a sentence; one line for a mistake."""

from __future__ import annotations

from tests.commands.calls import call, refused
from tests.report.synthetic_run import write_run


def test_an_analysis_is_told_and_written(monkeypatch, tmp_path, capsys):
    first, second = (write_run(tmp_path / name) for name in ("a", "b"))
    words = ["analyze", "reliability", first, second, tmp_path / "out"]
    call(monkeypatch, *words)
    said = capsys.readouterr().out
    assert "5 cases: Pearson's r 1.000" in said
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "reliability.csv",
        "reliability.json",
        "reliability.png",
    }
    assert "reliability.csv" in refused(monkeypatch, capsys, *words)
    call(monkeypatch, *words, "--overwrite")


def test_a_mistake_is_one_line(monkeypatch, tmp_path, capsys):
    words = ["analyze", "gap", tmp_path / "a.csv", tmp_path / "b.csv", tmp_path / "out"]
    assert "a.csv" in refused(monkeypatch, capsys, *words)
    assert not (tmp_path / "out").exists()


def test_one_of_a_data_set_alone(monkeypatch, tmp_path, capsys):
    words = ["analyze", "noise", tmp_path / "data", tmp_path / "out"]
    assert "dataset.json" in refused(monkeypatch, capsys, *words)


def test_files_that_are_there_are_told_before_anything_is_measured(monkeypatch, tmp_path, capsys):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "noise.png").write_text("mine")
    words = ["analyze", "noise", tmp_path / "absent", tmp_path / "out"]
    assert "noise.png: is there already" in refused(monkeypatch, capsys, *words)
    words[-1] = tmp_path / "out" / "noise.png"
    assert "is a file, expected a folder" in refused(monkeypatch, capsys, *words)
    assert "--overwrite: expected True or False" in refused(
        monkeypatch, capsys, *words, "--overwrite", "perhaps"
    )
