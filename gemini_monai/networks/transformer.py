"""Self-attention between all places of a feature map, for the bottom of a U-Net."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from monai.networks.blocks.transformerblock import TransformerBlock
from monai.networks.layers.factories import Conv
from torch import Tensor, nn

from gemini_monai.networks.blocks import conv_block


class TokenTransformer(nn.Module):
    """Every place of a feature map is a token, and all attend to all; the map keeps its shape.

    As the ``bottleneck`` of ``UNetBackbone`` this is the hybrid of TransUNet (Chen et al.,
    arXiv:2102.04306, section 3): its deepest convolutional map, embedded by a convolution of side 1
    with learned positions, through layers of self-attention, and by a convolution of side 3 to the
    decoder. It differs in that the convolutions are the U-Net's rather than a ResNet-50, and
    in that positions are interpolated to maps of other sizes. The defaults are the paper's sizes,
    85 M parameters.

    Args:
        spatial_dims: 2 or 3.
        channels: Of the map.
        hidden_size: Length of a token; a multiple of ``heads``.
        layers: Of self-attention.
        heads: Of each layer.
        mlp_size: Width of the perceptron of each layer.
        grid: Size of the map that positions are learned for.

    Raises:
        ValueError: If ``hidden_size`` is not a multiple of ``heads``, or ``grid`` has not one size
            per axis.
    """

    def __init__(
        self,
        spatial_dims: int,
        channels: int,
        *,
        hidden_size: int = 768,
        layers: int = 12,
        heads: int = 12,
        mlp_size: int = 3072,
        grid: Sequence[int] | None = None,
    ) -> None:
        super().__init__()
        grid = (14,) * spatial_dims if grid is None else tuple(grid)
        if len(grid) != spatial_dims:
            raise ValueError(f"grid needs {spatial_dims} sizes, got {grid}")
        self.mode = "bilinear" if spatial_dims == 2 else "trilinear"
        self.embed = Conv["conv", spatial_dims](channels, hidden_size, kernel_size=1)
        self.position = nn.Parameter(torch.empty(1, hidden_size, *grid))
        self.layers = nn.ModuleList(
            TransformerBlock(hidden_size, mlp_size, heads, use_flash_attention=True)
            for _ in range(layers)
        )
        self.norm = nn.LayerNorm(hidden_size)
        self.back = conv_block(
            spatial_dims=spatial_dims, in_channels=hidden_size, out_channels=channels
        )
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Random positions, of standard deviation 0.02 as in vision transformers."""
        nn.init.trunc_normal_(self.position, std=0.02)

    def forward(self, level: Tensor) -> Tensor:
        """Map features (B, channels, *S) to features of the same shape."""
        result: Tensor = self.back(self.attended(level))
        return result

    def attended(self, level: Tensor) -> Tensor:
        """Tokens after all layers, (B, hidden_size, *S), of features (B, channels, *S)."""
        embedded = self.embed(level)
        size = embedded.shape[2:]
        position: Tensor = self.position
        if position.shape[2:] != size:
            position = F.interpolate(position, size=size, mode=self.mode, align_corners=False)
        tokens = (embedded + position).flatten(2).transpose(1, 2)
        for layer in self.layers:
            tokens = layer(tokens)
        return self.norm(tokens).transpose(1, 2).reshape(embedded.shape)
