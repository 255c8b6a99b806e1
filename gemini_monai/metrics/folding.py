"""How far a displacement field is from being invertible."""

from __future__ import annotations

from einops import rearrange, reduce
from torch import Tensor

from gemini_monai.geometry.types import DDF
from gemini_monai.geometry.warp import jacobian_determinant


def folding_percent(ddf: DDF) -> Tensor:
    """Voxels where the Jacobian determinant is not above 0, in percent, (B,); NaN is not.

    Args:
        ddf: Field in voxels, (B, N, *S).
    """
    folded = ~(jacobian_determinant(ddf) > 0)
    return 100 * reduce(folded.float(), "b 1 ... -> b", "mean")


def log_jacobian_std(ddf: DDF, *, floor: float = 1e-9) -> Tensor:
    """Standard deviation of the logarithm of the Jacobian determinant, (B,).

    Args:
        ddf: Field in voxels, (B, N, *S).
        floor: Determinants below count as this, as in the Learn2Reg challenge.
    """
    logarithm = jacobian_determinant(ddf).clamp_min(floor).log()
    return rearrange(logarithm, "b 1 ... -> b (...)").std(dim=1, unbiased=False)
