"""Every file is decoded once in a preparation, whoever looks at it."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from gemini_monai import images
from gemini_monai.data.prepare import prepare_candi, prepare_folder, prepare_kipa22
from gemini_monai.data.prepare.kept_files import forget, kept_image
from gemini_monai.data.prepare.split import Wanted
from tests.data.prepare.made import folder, image, save
from tests.data.prepare.sources.trees import candi, kipa22


@pytest.fixture
def decoded(monkeypatch):
    """How often each file is read from here on."""
    forget()
    files = Counter()
    for name in ("read", "read_label"):
        original = getattr(images, name)

        def count(path, original=original):
            files[str(path)] += 1
            return original(path)

        monkeypatch.setattr(images, name, count)
    return files


def _candi(source, target):
    candi.official(source)
    prepare_candi(source, target, wanted=Wanted(labeled=2, validation=0, test=2))


def _kipa22(source, target):
    kipa22.official(source, cases=6)
    prepare_kipa22(source, target, wanted=Wanted(labeled=2, validation=1, test=1))


def _folder(source, target):
    prepare_folder(folder(source.parent, images=8, labels=8), target, wanted=Wanted(2, 1, 1))


@pytest.mark.parametrize("prepare", [_candi, _kipa22, _folder])
def test_no_file_is_decoded_twice(tmp_path, decoded, prepare):
    prepare(tmp_path / "src", tmp_path / "dst")
    assert max(decoded.values()) == 1
    assert len(decoded) > 4


def test_a_file_that_has_changed_is_read_anew(tmp_path):
    path = tmp_path / "a.nii.gz"
    found = []
    for seed in (0, 1):
        save(path, image(seed))
        found.append(np.asarray(kept_image(path)))
    assert not np.array_equal(*found)
