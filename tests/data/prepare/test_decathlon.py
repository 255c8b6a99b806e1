"""``prepare decathlon``: the layout of the official download."""

from __future__ import annotations

import json

import pytest

from gemini_monai.data.dataset import read_dataset
from gemini_monai.data.prepare import prepare_decathlon
from gemini_monai.data.prepare.split import Wanted
from gemini_monai.errors import InputError
from tests.data.prepare.sources import image, label, save


def _tree(root, **changes):
    shape = (8, 8, 6)
    for k in range(6):
        save(root / "imagesTr" / f"hip_{k}.nii.gz", image(k, shape))
        save(root / "labelsTr" / f"hip_{k}.nii.gz", label(shape))
    save(root / "imagesTs" / "hip_9.nii.gz", image(9, shape))
    content = {
        "name": "Hippocampus",
        "licence": "CC BY-SA 4.0",
        "labels": {"0": "background", "1": "Anterior", "2": "Posterior"},
        "training": [
            {"image": f"./imagesTr/hip_{k}.nii.gz", "label": f"./labelsTr/hip_{k}.nii.gz"}
            for k in range(6)
        ],
        "test": ["./imagesTs/hip_9.nii.gz", "./imagesTs/absent.nii.gz"],
    } | changes
    (root / "dataset.json").write_text(json.dumps(content))
    return root


def test_training_cases_are_divided_and_test_images_are_unlabelled(tmp_path):
    path = prepare_decathlon(
        _tree(tmp_path / "src"), tmp_path / "dst", wanted=Wanted(labeled=2, validation=1, test=1)
    )
    dataset = read_dataset(path)
    counts = [len(getattr(dataset, s)) for s in ("labeled", "unlabeled", "validation", "test")]
    assert counts == [2, 3, 1, 1]
    assert dataset.structures == ("Anterior", "Posterior")
    assert dataset.licence == "CC BY-SA 4.0"
    assert "hip_9" in {entry["case"] for entry in dataset.unlabeled}
    cases = [
        e["case"]
        for s in ("labeled", "unlabeled", "validation", "test")
        for e in getattr(dataset, s)
    ]
    assert len(cases) == len(set(cases)) == 7


def test_what_is_no_decathlon_is_named(tmp_path):
    with pytest.raises(InputError, match=r"src/dataset\.json: no such file"):
        prepare_decathlon(tmp_path / "src", tmp_path / "dst")
    _tree(tmp_path / "src")
    (tmp_path / "src" / "dataset.json").write_text('{"name": "x"}')
    with pytest.raises(InputError, match=r"src/dataset\.json"):
        prepare_decathlon(tmp_path / "src", tmp_path / "dst")
    _tree(tmp_path / "src")
    (tmp_path / "src" / "imagesTr" / "hip_2.nii.gz").unlink()
    with pytest.raises(InputError, match=r"hip_2\.nii\.gz: no such file"):
        prepare_decathlon(tmp_path / "src", tmp_path / "dst", wanted=Wanted(labeled=2))
    assert not (tmp_path / "dst").exists()
