"""The picture of ablations and sweeps says what the benchmark's tables say."""

from __future__ import annotations

import math

import pytest

from benchmarks.presets import ROWS, columns, plot, read_arms
from gemini_monai.base.errors import InputError
from gemini_monai.base.tables import write_table
from gemini_monai.study.benchmark import variants_of

ARMS = list(variants_of(["ablation", "similarity", "smoothness"]))


@pytest.fixture
def bench(tmp_path):
    """Arm k has Dice 0.5 + k / 100, of pairs 0.6 + k / 100, and k percent folded."""
    key = {"data": "lungs", "labels": 5}
    results = [
        {**key, "method": name, "dice": 0.5 + k / 100, "dice_std": 0.01, "dice_per_draw": "0.5 0.5"}
        for k, name in enumerate([*ARMS, "supervised"])
    ]
    results.append({**key, "method": "visual_0.0", "dice": "", "dice_std": "", "dice_per_draw": ""})
    pairs = [
        {
            **key,
            "method": name,
            "dice_before": 0.55,
            "dice_after": 0.6 + k / 100,
            "dice_after_std": "",
            "folding_percent": k,
            "folding_percent_std": 0.5,
        }
        for k, name in enumerate(ARMS)
    ]
    write_table(tmp_path / "results.csv", results)
    write_table(tmp_path / "registration.csv", pairs)
    return tmp_path


def test_presets_that_were_run_whole_are_columns_and_share_their_arms(bench):
    found = columns(read_arms(bench))
    assert list(found) == ["ablation", "similarity", "smoothness"]
    assert found["smoothness"]["smoothness_0.4"] is found["ablation"]["gvs+gss+smooth+both"]
    assert found["similarity"]["visual"] is found["ablation"]["gvs"]
    arm = found["ablation"]["gvs+gss"]
    assert arm.values[ROWS[0]] == pytest.approx((51, 1))
    assert arm.values[ROWS[1]] == pytest.approx((61, math.nan), nan_ok=True)
    assert arm.values[ROWS[2]] == pytest.approx((1, 0.5))
    assert arm.before == pytest.approx(55)


def test_what_registers_nothing_has_its_segmentation_alone(bench):
    arm = read_arms(bench)["supervised"]
    assert list(arm.values) == [ROWS[0]]
    assert math.isnan(arm.before)


def test_a_picture_is_written_or_it_is_said_why_not(bench, tmp_path):
    plot(str(bench), str(tmp_path / "picture.png"))
    assert (tmp_path / "picture.png").read_bytes().startswith(b"\x89PNG")
    write_table(bench / "results.csv", [], columns=["method", "dice_per_draw"])
    with pytest.raises(InputError, match="no preset whose arms have all been run"):
        plot(str(bench), str(tmp_path / "other.png"))
