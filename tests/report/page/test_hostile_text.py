"""Whatever stands in a run folder is text on the page: nothing of it becomes markup."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gemini_monai.report import print_findings, readme_picture, write_report
from tests.report.parsed import Page, read_page
from tests.report.synthetic_run import STRUCTURES, write_pair, write_run

SCRIPT = "<script>alert(1)</script>"
QUOTE = '"><b onload=alert(1)>'
HOSTILE = f"{SCRIPT}{QUOTE}'&amp;{{{{ 7 * 7 }}}}{{% raw %}}$x$"
OURS = set(
    "a body br caption dd div dl dt figcaption figure footer h1 h2 h3 head header html li main "
    "meta nav p pre section small span strong style table tbody td th thead title tr ul "
    "svg clippath defs g image path rect text tspan use".split()
)


def edit_record(run: Path, **changes: Any) -> None:
    """Change run.json; a mapping is merged into what is there."""
    record = json.loads((run / "run.json").read_text())
    for key, value in changes.items():
        merged = isinstance(value, dict) and isinstance(record.get(key), dict)
        record[key] = record[key] | value if merged else value
    (run / "run.json").write_text(json.dumps(record))


def edit_table(path: Path, column: str, change: Callable[[str], str]) -> None:
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        row[column] = change(row[column])
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def rename_column(path: Path, old: str, new: str) -> None:
    with path.open(newline="") as file:
        header, *rows = list(csv.reader(file))
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([[new if name == old else name for name in header], *rows])


def method(run: Path) -> None:
    edit_record(run, method=HOSTILE)


def data_name(run: Path) -> None:
    edit_record(run, dataset={"name": HOSTILE})


def structure(run: Path) -> None:
    edit_record(run, dataset={"structures": [HOSTILE, *STRUCTURES[1:]]})
    edit_table(
        run / "test" / "segmentation.csv",
        "structure",
        lambda name: HOSTILE if name == STRUCTURES[0] else name,
    )
    rename_column(run / "validation.csv", STRUCTURES[0], HOSTILE)


def missed_structure(run: Path) -> None:
    edit_table(
        run / "test" / "segmentation.csv",
        "structure",
        lambda name: HOSTILE if name == STRUCTURES[-1] else name,
    )


def case(run: Path) -> None:
    edit_table(run / "test" / "segmentation.csv", "case", lambda name: f"{HOSTILE}{name}")


def pair(run: Path) -> None:
    for column in ("moving", "fixed"):
        edit_table(run / "test" / "registration.csv", column, lambda name: f"{HOSTILE}{name}")


def path_of_an_image(run: Path) -> None:
    edit_table(run / "test" / "segmentation.csv", "image", lambda name: f"{HOSTILE}/{name}")


def path_of_a_prediction(run: Path) -> None:
    edit_table(run / "test" / "segmentation.csv", "prediction", lambda name: f"{HOSTILE}/{name}")


def setting(run: Path) -> None:
    edit_record(run, settings={"note": HOSTILE, HOSTILE: 1})


def command(run: Path) -> None:
    edit_record(run, command=["python", HOSTILE])


def facts(run: Path) -> None:
    names = ("seed", "started", "device", "threads", "iterations", "versions", "skipped_steps")
    edit_record(run, **dict.fromkeys(names, HOSTILE))
    edit_record(run, versions={HOSTILE: HOSTILE}, dataset={"hash": HOSTILE, "cases": {HOSTILE: 1}})


def term_of_the_loss(run: Path) -> None:
    rename_column(run / "history.csv", "semantic", HOSTILE)


def array_of_a_pair(run: Path) -> None:
    (run / "test" / "pairs" / "worst.npz").write_bytes(b"cut")
    edit_record(run, method=HOSTILE)


PLACES = (
    method,
    data_name,
    structure,
    missed_structure,
    case,
    pair,
    path_of_an_image,
    path_of_a_prediction,
    setting,
    command,
    facts,
    term_of_the_loss,
    array_of_a_pair,
)


def assert_harmless(path: Path) -> Page:
    """No tag and no attribute but those that the templates and matplotlib write."""
    text = path.read_text(encoding="utf-8")
    assert "<script" not in text
    page = read_page(path)
    assert set(page.tags) <= OURS
    assert not [name for _, name, _ in page.attributes if name.startswith("on")]
    return page


@pytest.mark.parametrize("place", PLACES)
def test_hostile_text_is_shown_and_not_run(
    place: Callable[[Path], None], run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place(run)
    page = assert_harmless(write_report([run]))
    assert f"{SCRIPT}{QUOTE}" in page.text
    print_findings([run])
    assert "<strong>" not in capsys.readouterr().out


def test_hostile_folder_is_harmless(run: Path, tmp_path: Path) -> None:
    folder = tmp_path / '<script>alert(1)<"><b onload=1>'
    shutil.copytree(run, folder)
    (folder / "test" / "pairs" / "worst.npz").write_bytes(b"cut")
    page = assert_harmless(write_report([run, folder], output=tmp_path / "page.html"))
    assert f"{folder.name} minus run" in page.text
    assert str(folder) in page.text


def test_hostile_pretraining_is_harmless(tmp_path: Path) -> None:
    run = write_run(tmp_path / "<b>run", cases=3, iterations=12, supervised=False)
    shutil.rmtree(run / "test")
    generator = np.random.default_rng(0)
    (run / "examples" / "pairs").mkdir(parents=True)
    write_pair(run / "examples" / "pairs" / "first.npz", generator, shape=(24, 24), share=1.0)
    (run / "examples" / "restoration.npz").write_bytes(b"cut")
    (run / "monitor.csv").write_text("iteration,<b>collapse</b>\n1,0\n2,0.5\n")
    edit_record(run, method=HOSTILE)
    page = assert_harmless(write_report([run]))
    assert "<b>collapse</b>" in page.text
    assert "<b>run/examples/restoration.npz cannot be read" in page.text


def test_names_that_matplotlib_would_typeset_are_drawn_as_they_are(run: Path) -> None:
    r"""Between two dollar signs it would read TeX, and stop at what is none, such as \no."""
    rename_column(run / "history.csv", "semantic", r"$\no$ font-family: x; y")
    assert r"$\no$" in read_page(write_report([run])).text


def test_terminal_prints_the_text_as_it_is(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    method(run)
    print_findings([run])
    printed = capsys.readouterr().out
    assert f"with {HOSTILE}." in printed
    assert "&lt;" not in printed
    assert "<strong>" not in printed


def test_picture_of_a_readme_is_made_of_hostile_names(run: Path, tmp_path: Path) -> None:
    for place in (method, structure, case):
        place(run)
    assert readme_picture(run, tmp_path / "picture.png").is_file()
