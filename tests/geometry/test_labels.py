"""What counts of a label: maps, masks and means, with and without ignored voxels."""

from __future__ import annotations

import pytest
import torch

from gemini_monai.geometry.labels import IGNORED, both, counted, mean_where, target_of


def test_a_label_without_ignored_voxels_counts_everywhere():
    label = torch.tensor([[[[0, 1, 2], [2, 1, 0]]]])
    target = target_of(label, 3)
    assert target.counts is None
    assert torch.equal(target.maps.argmax(dim=1), label[:, 0])
    assert torch.equal(target.maps.sum(dim=1), torch.ones(1, 2, 3))


@pytest.mark.parametrize("dtype", [torch.float32, torch.int64])
def test_ignored_voxels_are_of_no_class(dtype):
    label = torch.tensor([[[0, IGNORED, 2]]], dtype=dtype)[:, :, None]
    target = target_of(label, 3)
    assert target.counts.tolist() == [[[[True, False, True]]]]
    assert target.maps[0, :, 0].T.tolist() == [[1, 0, 0], [0, 0, 0], [0, 0, 1]]


def test_structures_that_overlap_are_ignored_one_by_one():
    label = torch.tensor([[[[0.0, 1.0]], [[IGNORED, 1.0]]]])
    target = target_of(label, 2, overlapping=True)
    assert target.counts.tolist() == [[[[True, True]], [[False, True]]]]
    assert target.maps.tolist() == [[[[0, 1]], [[0, 1]]]]


def test_255_in_8_bits_is_a_class_and_not_ignored():
    assert counted(torch.tensor([[[255, 0]]], dtype=torch.uint8)) is None
    assert counted(torch.tensor([[[True, False]]])) is None


def test_a_warped_target_counts_where_nothing_ignored_is_mixed_in():
    label = torch.tensor([[[[0.0, 1, 1, IGNORED, 0, 0]] * 2]])
    for shift, hidden in ((0.0, [3]), (0.5, [2, 3]), (1.0, [2]), (4.0, [])):
        ddf = torch.zeros(1, 2, 2, 6)
        ddf[:, 1] = shift
        moved = target_of(label, 2).warped(ddf)
        row = moved.counts[0, 0, 0]
        assert [k for k in range(6) if not row[k]] == hidden, shift
        sums = moved.maps.sum(dim=1)[0, 0]  # whole where it counts, but outside
        inside = torch.arange(6) + shift <= 5
        torch.testing.assert_close(sums[row & inside], torch.ones(int((row & inside).sum())))
        assert not sums[torch.arange(6) + shift > 6].any()


def test_means_are_of_what_counts():
    values = torch.tensor([1.0, 2.0, float("nan")], requires_grad=True)
    mean = mean_where(values, torch.tensor([True, True, False]))
    mean.backward()
    assert float(mean) == 1.5
    assert values.grad.tolist() == [0.5, 0.5, 0]
    assert float(mean_where(values, torch.zeros(3, dtype=torch.bool))) == 0
    known = torch.rand(7, 5)
    assert torch.equal(mean_where(known, None), known.mean())


def test_masks_are_joined():
    one, other = torch.tensor([True, False]), torch.tensor([True, True])
    assert both(one, other).tolist() == [True, False]
    assert both(None, one) is one
    assert both(one, None) is one
