"""Settings that decide nothing change no bit of a training, so that no result hangs on them."""

from __future__ import annotations

import pytest

from tests.bundles.runs import PAIRED, paths, run

TABLES = ("history.csv", "validation.csv")


@pytest.fixture(scope="module")
def plain(tiny_phantom, tmp_path_factory):
    folder = tmp_path_factory.mktemp("plain")
    run("train", **paths(tiny_phantom, folder), **PAIRED, compare=[], num_workers=0)
    return {name: (folder / name).read_text() for name in TABLES}


@pytest.mark.parametrize(
    "change",
    [{"registration_pairs": 2}, {"num_workers": 1}, {"cache_rate": 0.0}, {"data_changed": True}],
    ids=lambda change: next(iter(change)),
)
def test_a_setting_that_decides_nothing_changes_no_bit(plain, tiny_phantom, tmp_path, change):
    options = PAIRED | {"compare": [], "num_workers": 0} | change
    run("train", **paths(tiny_phantom, tmp_path), **options)
    assert {name: (tmp_path / name).read_text() for name in TABLES} == plain
