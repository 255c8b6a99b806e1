"""Pairs: one group, different patients, the shares that were asked for."""

from __future__ import annotations

import logging
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gemini_monai.base.errors import InputError
from gemini_monai.data.streams.partner_sampler import PartnerSampler

GROUPS = ["AP_F"] * 6 + ["PA_M"] * 3
PATIENTS = ["a", "a", "a", "b", "c", "d", "e", "f", "f"]


def _random(seed=0):
    return np.random.default_rng(seed)


@given(seed=st.integers(0, 1000), count=st.integers(2, 2))
def test_a_draw_is_of_one_group_and_different_patients(seed, count):
    sampler = PartnerSampler(9, groups=GROUPS, patients=PATIENTS)
    drawn = sampler.draw(_random(seed), count)
    assert len({GROUPS[k] for k in drawn}) == 1
    assert len({PATIENTS[k] for k in drawn}) == count


def test_every_image_takes_part():
    sampler = PartnerSampler(9, groups=GROUPS, patients=PATIENTS)
    random = _random()
    assert {k for _ in range(300) for k in sampler.draw(random, 2)} == set(range(9))


@pytest.mark.parametrize(("choice", "share"), [("uniform", 1 / 2), ("proportional", 6 / 9)])
def test_groups_come_as_often_as_they_should(choice, share):
    sampler = PartnerSampler(9, groups=GROUPS, patients=PATIENTS, choice=choice)
    random = _random()
    counts = Counter(GROUPS[sampler.draw(random, 2)[0]] for _ in range(2000))
    assert counts["AP_F"] / 2000 == pytest.approx(share, abs=0.04)


def test_a_group_of_one_patient_is_named_and_left_out(caplog):
    groups, patients = [*GROUPS, "PA_F", "PA_F"], [*PATIENTS, "g", "g"]
    with caplog.at_level(logging.WARNING):
        sampler = PartnerSampler(11, groups=groups, patients=patients)
    assert "group(s) 'PA_F' have one patient each" in caplog.text
    random = _random()
    assert all(k < 9 for _ in range(100) for k in sampler.draw(random, 2))


def test_too_few_are_an_error_with_the_group():
    with pytest.raises(InputError, match=r"group 'PA_M' has 2 unlabeled .* a draw needs 3"):
        PartnerSampler(9, groups=GROUPS, patients=PATIENTS, needed=3)
    with pytest.raises(InputError, match=r"there are 1 unlabeled"):
        PartnerSampler(3, patients=["a", "a", "a"])
    with pytest.raises(ValueError, match="choice must be one of"):
        PartnerSampler(9, choice="all")


def test_an_image_that_is_not_paired_is_never_drawn_nor_counted():
    paired = [k not in (0, 7) for k in range(9)]
    sampler = PartnerSampler(9, groups=GROUPS, patients=PATIENTS, paired=paired)
    random = _random()
    drawn = {k for _ in range(200) for k in sampler.draw(random, 2)}
    assert drawn == set(range(9)) - {0, 7}
    with pytest.raises(InputError, match="there are 0 unlabeled"):
        PartnerSampler(3, paired=[False] * 3)


@given(seed=st.integers(0, 100), image=st.integers(0, 8))
def test_a_partner_is_another_patient_of_the_group(seed, image):
    sampler = PartnerSampler(9, groups=GROUPS, patients=PATIENTS)
    partner = sampler.partner_of(_random(seed), image)
    assert GROUPS[partner] == GROUPS[image]
    assert PATIENTS[partner] != PATIENTS[image]


def test_an_image_alone_in_its_group_has_no_partner():
    sampler = PartnerSampler(3, groups=["a", "a", "b"])
    assert [sampler.has(k) for k in range(3)] == [True, True, False]
    with pytest.raises(ValueError, match="image 2 has nobody"):
        sampler.partner_of(_random(), 2)
