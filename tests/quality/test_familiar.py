"""Images unlike the others, and images that are mirrored."""

from __future__ import annotations

import numpy as np
import pytest

from gemini_monai.quality.familiar import Familiarity, Uprightness, numbers_of, small_image, ways
from tests.quality.made import blob, tensor


def _small(number, *, dims):
    return small_image(tensor(blob(number, dims=dims)[0]))


@pytest.mark.parametrize("dims", [2, 3])
def test_the_axes_along_which_an_image_is_mirrored_are_told(dims):
    known = np.stack([_small(k, dims=dims) for k in range(25)])
    orientation = Uprightness(known, np.arange(25))
    upright = [orientation.mirrored(_small(k, dims=dims)) for k in range(40, 50)]
    assert upright.count(()) >= 9
    for way in ways(dims):
        assert orientation.mirrored(np.flip(_small(50, dims=dims), way)) == way


def test_few_patients_say_nothing_of_it():
    known = np.stack([_small(k, dims=2) for k in range(25)])
    assert Uprightness(known, np.arange(25) % 19).mirrored(np.flip(known[0], 0)) == ()


def test_ways_are_all_and_each_once():
    assert ways(2) == [(0,), (1,), (0, 1)]
    assert len(set(ways(3))) == 7


def test_a_stranger_is_far_and_ones_own_images_are_passed_over():
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(40, 6))
    rows[1] = rows[0]  # two images of one patient
    patients = np.array([0, 0, *range(1, 39)])
    known = Familiarity(rows, patients)
    assert known.distance(rng.normal(size=6)) < known.limit < known.distance(np.full(6, 9.0))
    assert known.distance(rows[0], patient=0) > known.distance(rows[0])
    own = [known.distance(row, patient=int(p)) for row, p in zip(rows, patients, strict=True)]
    assert np.median(own) == pytest.approx(1.0)
    assert np.mean(np.array(own) > known.limit) <= 0.05


def test_names_become_numbers():
    assert numbers_of(["b", "a", "b"]).tolist() == [0, 1, 0]
