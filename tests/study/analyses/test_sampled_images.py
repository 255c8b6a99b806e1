"""Which images the analyses look at."""

from __future__ import annotations

import json

import pytest

from gemini_monai.base.errors import InputError
from gemini_monai.study.analyses.sampled_images import seen_items


def _with_patients(source, folder, *, labeled):
    content = json.loads(source.read_text())
    for split in ("labeled", "unlabeled", "validation", "test"):
        for entry in content[split]:
            files = {
                key: entry[key]
                for key in ("image", "label", "field", "inverse_field")
                if key in entry
            }
            entry |= {key: str(source.parent / name) for key, name in files.items()}
            entry["patient"] = labeled if split == "labeled" else entry["case"]
    (folder / "dataset.json").write_text(json.dumps(content))
    return folder


def test_one_image_of_each_patient_is_seen_and_none_of_the_test(tiny_phantom, tmp_path):
    cohort, items = seen_items(_with_patients(tiny_phantom, tmp_path, labeled="a"), least=2)
    assert len(cohort.labeled) > 1
    expected = [cohort.labeled[0]["case"], *(item["case"] for item in cohort.validation)]
    assert [item["case"] for item in items] == expected


def test_too_few_patients_are_said(tiny_phantom, tmp_path):
    folder = _with_patients(tiny_phantom, tmp_path, labeled="a")
    with pytest.raises(InputError, match=r"of 3 patient\(s\) to look at, expected 4 or more"):
        seen_items(folder, least=4)
