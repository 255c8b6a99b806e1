"""There and back again, closed form."""

from __future__ import annotations

import torch

from gemini_monai.metrics import inverse_error


def test_there_and_back_of_inverse_shifts_ends_where_it_began():
    there = torch.zeros(2, 2, 8, 9)
    there[:, 1] = 2.0
    assert inverse_error(there, -there).tolist() == [0.0, 0.0]
    assert inverse_error(there, 0 * there).tolist() == [2.0, 2.0]
    assert inverse_error(there + 20, -there).isnan().all()
