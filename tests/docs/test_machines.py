"""What a run costs, and where it runs: the pages' commands run as written."""

from __future__ import annotations

import pytest

from benchmarks import work
from tests.docs.conftest import DOCS, prepared
from tests.pages import Page


@pytest.mark.parametrize("row", ["2-D, default", "3-D, default"])
def test_the_table_of_costs_is_what_is_counted(row):
    page = Page(DOCS / "concepts" / "cost.md")
    assert f"| {row} | {' | '.join(work.count(*work.ROWS[row]).cells())} |" in page.text


def test_the_picture_of_costs_has_what_was_measured(tmp_path, monkeypatch):
    cost = work.Cost(
        1_000_000, backbone=1, deformer=1, pair=1, labeled=1, held_pair=1, held_labeled=1
    )
    monkeypatch.setattr(work, "count", lambda dims, channels: cost)
    work.plot(str(tmp_path / "cost.png"), str(DOCS / "concepts" / "gpu.json"))
    assert (tmp_path / "cost.png").stat().st_size > 10_000


def test_one_run_per_device(place):
    prepared(place)
    Page(DOCS / "how_to" / "more_than_one_gpu.md").run("seeds", place)
    assert (place / "seeds.html").is_file()


@pytest.mark.usefixtures("clone")
def test_a_federated_client(place):
    prepared(place)
    page = Page(DOCS / "how_to" / "clients.md")
    small = '"epochs": 2, "epoch_length": 1, "channels": [4, 8], "compare": [],'
    code = page.code()[0].replace('"epochs": 2,', small)
    page.execute(code, place)
    rows = (place / "runs/site/history.csv").read_text().splitlines()
    assert [row.split(",")[0] for row in rows] == ["iteration", "1", "2"]


def test_the_script_of_a_cluster_starts_and_goes_on(place):
    prepared(place)
    page = Page(DOCS / "how_to" / "cluster.md")
    assert "starts at the beginning" in page.run("slurm", place)
    rows = (place / "runs/cluster/history.csv").read_text()
    assert "starts at the beginning" not in page.run("slurm", place)
    assert (place / "runs/cluster/history.csv").read_text() == rows
