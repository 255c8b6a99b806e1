"""``costing`` of each bundle tells what a training costs, and leaves nothing behind."""

from __future__ import annotations

import json
import re

import pytest

from tests.bundles.runs import BUNDLE, MIP, SMALL, paths, workflow

KINDS = {
    "train": (BUNDLE, ["homeomorphism", "copy_paste"]),
    "mip": (MIP, ["homeomorphism", "contrast"]),
    "finetune": (MIP, ["segmentation"]),
}


@pytest.mark.parametrize("kind", KINDS)
def test_it_tells_all_of_it(kind, tiny_phantom, tmp_path, capsys):
    bundle, objectives = KINDS[kind]
    options = {k: v for k, v in SMALL.items() if kind != "finetune" or k != "registration_pairs"}
    options |= {"pretrained": "none"} if kind == "finetune" else {}
    places = paths(tiny_phantom, tmp_path / "run")
    name = "finetune" if kind == "finetune" else "train"
    flow = workflow(name, bundle=bundle, run_id="costing", **places, **options)
    flow.initialize()
    flow.run()
    told = capsys.readouterr().out
    for part in ("parameters", "an iteration", "the whole training: 4 iterations", "disk"):
        assert part in told, part
    rows = re.findall(r"^(\w+) +([\d.]+) G +([\d.]+) G +(\d+) MiB$", told, re.M)
    assert [row[0] for row in rows] == objectives
    for _, adds, flops, _ in rows:
        assert float(flops) == pytest.approx(2 * float(adds), abs=0.011)
    assert re.search(r"^twice the images +x 2\.00", told, re.M)
    widths = float(re.search(r"^twice the widths +x ([\d.]+)", told, re.M)[1])
    assert 1.2 < widths <= 4
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("kind", KINDS)
def test_seconds_are_measured_and_nothing_is_left(kind, tiny_phantom, tmp_path, capsys):
    bundle, _ = KINDS[kind]
    options = {k: v for k, v in SMALL.items() if kind != "finetune" or k != "registration_pairs"}
    options |= {"pretrained": "none"} if kind == "finetune" else {}
    name = "finetune" if kind == "finetune" else "train"
    places = paths(tiny_phantom, tmp_path / "run")
    flow = workflow(name, bundle=bundle, run_id="timing", **places, **options)
    flow.initialize()
    flow.run()
    found = json.loads(capsys.readouterr().out.strip().splitlines()[-1])
    assert 0 < found["iteration"] < 60
    assert (found["validation"] > 0) is (kind != "mip")
    assert not (tmp_path / "run").exists()
