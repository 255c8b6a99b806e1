"""A run goes on with other places, devices and probes, and with nothing else that is other."""

from __future__ import annotations

import pytest

from gemini_monai.runs.settings import KNOBS, PASSING, lasting

GOES_ON = (
    *("device", "compile", "memory", "num_workers", "cache_dir", "dataset_dir", "output_dir"),
    *("amp", "transforms_on"),
    *("compare", "probe_datalist", "probe_interval", "registration_pairs", "val_interval"),
)


@pytest.mark.parametrize("name", GOES_ON)
def test_it_goes_on_with_another(name):
    assert lasting({name: "other", "seed": 1}) == {"seed": 1}


def test_what_passes_is_a_knob():
    assert PASSING - {"device", "transforms_on"} <= set(KNOBS)
    for name in ("channels", "diffeomorphic", "deformer_scales", "learning_rate", "seed"):
        assert lasting({name: 1}) == {name: 1}
