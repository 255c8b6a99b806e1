"""How far a displacement field is from being invertible."""

from __future__ import annotations

from torch import Tensor

from gemini_monai.types import DDF
from gemini_monai.warp import jacobian_determinant


def folding_percent(ddf: DDF) -> Tensor:
    """Voxels where the Jacobian determinant is not above 0, in percent, (B,); NaN is not.

    Args:
        ddf: Field in voxels, (B, N, *S).
    """
    folded = ~(jacobian_determinant(ddf) > 0)
    return 100 * folded.flatten(1).float().mean(dim=1)


def log_jacobian_std(ddf: DDF, *, floor: float = 1e-9) -> Tensor:
    """Standard deviation of the logarithm of the Jacobian determinant, (B,).

    Args:
        ddf: Field in voxels, (B, N, *S).
        floor: Determinants below count as this, as in the Learn2Reg challenge.
    """
    logarithm = jacobian_determinant(ddf).clamp_min(floor).log()
    return logarithm.flatten(1).std(dim=1, unbiased=False)
