"""The experiment on choosing: what it reads, that it goes on, and its arithmetic."""

from __future__ import annotations

import csv
from dataclasses import replace

import numpy as np
import pytest

from benchmarks import choosing, choosing_recipe, choosing_tables
from gemini_monai.data import read_cohort
from gemini_monai.data.dataset_file import write_cohort

HEADER = "data,strategy,draw,seed,dice\n"


def test_a_stopped_experiment_goes_on_and_reads_the_labels_of_the_chosen_alone(
    tiny_phantom, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(choosing, "LABELS", 2)
    monkeypatch.setattr(choosing_recipe, "ITERATIONS", 1)
    opened = []
    reader = choosing.preprocessing

    def watched(*words, **options):
        chain = reader(*words, **options)
        return lambda item: opened.append(item["case"]) or chain(item)

    for room in (choosing, choosing_recipe):
        monkeypatch.setattr(room, "preprocessing", watched)
    cohort = read_cohort(tiny_phantom)
    folder = tmp_path / "data"
    folder.mkdir()
    write_cohort(replace(cohort, path=folder / "dataset.json"))
    output, strategies = tmp_path / "rows.csv", ["thumbnail typical", "pretrained typical"]
    for draws in (1, 2, 2):
        choosing.run(str(output), str(folder), strategies=strategies, draws=draws, seeds=1)
    rows = list(csv.DictReader(output.open()))
    keys = [(row["strategy"], row["draw"]) for row in rows]
    assert keys == [("thumbnail typical", "0"), ("random", "0"), ("random", "1")]
    read = [case for row in rows for case in row["cases"].split(";")]
    tested = [entry["case"] for entry in cohort.test]
    assert sorted(opened) == sorted([*read, *3 * tested])


def test_a_random_views_labels_move_with_their_images():
    image = choosing.torch.zeros(6, 1, 32, 32)
    image[:, :, 8:24, 12:20] = 1
    found = choosing_recipe.strongly_augmented({"image": image, "label": image})
    apart = (found["image"] > 0.35) != (found["label"] > 0.5)
    assert float(apart.float().mean()) < 0.04
    assert not choosing.torch.equal(found["label"], image)


def test_the_table_has_percentile_and_gains(tmp_path, capsys):
    random = "".join(f"d,random,{k},0,0.{50 + k}\n" for k in range(20))
    (tmp_path / "rows.csv").write_text(f"{HEADER}d,a b,0,0,0.64\nd,a b,0,1,0.66\n{random}")
    choosing_tables.table(str(tmp_path / "rows.csv"))
    assert "| d | a b | 65.0 | 78 | +5.5 | +14.5 |" in capsys.readouterr().out


def test_gains_are_over_the_random_draws_of_the_same_pool(tmp_path, capsys):
    rows = "d 0,a b,0,0,0.6\nd 0,random,0,0,0.5\nd 0,random,1,0,0.6\n"
    rows += "d 1,a b,0,0,0.9\nd 1,random,0,0,0.8\nd 1,random,1,0,0.9\n"
    (tmp_path / "rows.csv").write_text(HEADER + rows)
    choosing_tables.pools(str(tmp_path / "rows.csv"))
    printed = capsys.readouterr().out
    assert f"| d | random | spread {np.sqrt(50):.1f} |" in printed
    assert "| d | a b | +5.0 (+5.0, +5.0) | 2 | 75 | +0.71 |" in printed


@pytest.mark.parametrize(("value", "share"), [(0, 0), (1, 25), (1.5, 50), (9, 100)])
def test_a_tie_counts_half(value, share):
    assert choosing_tables.percentile(value, np.array([1, 2.0])) == share
