"""Two moving averages that follow in turns teach one network."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from gemini_monai.geometry.types import Image, Mask
from gemini_monai.networks import DenseNetwork
from gemini_monai.objectives import Batch, Objective, full_precision
from gemini_monai.objectives.teacher import Teacher
from gemini_monai.study.methods.boxes import cut_mixed
from gemini_monai.study.methods.color_jitter import color_jittered
from gemini_monai.study.methods.pseudo_labels import (
    PseudoLabel,
    confident_dice_loss,
    pseudo_label,
)

COPIES = 50
"""Steps of each teacher in which it is the network."""
RISES = 0.25
"""Share of training after which the term has its whole weight."""


class AlternateTeachers(Objective):
    """AD-MT (Zhao et al., ECCV 2024: alternate diverse mean teachers).

    The mean of the outputs of two teachers, weighted by ``exp(-entropy)`` in bits, gives a label
    map and its certainty. Where the teachers disagree, and the network itself is surer of another
    class, that one is taken. Dice loss of the network over voxels that are sure, of images in other
    intensities during the turns of the first teacher, with a box of the next image during those of
    the second. A turn is of 1 to ``longest`` steps, in which one teacher follows: it is the network
    for its first 50 steps, and has then, after ``t`` more, ``min(1 - 1 / (t + 1), momentum)``.

    After ``code/train_post_2d_aut.py``, ``code/train_utils.py`` and ``cfgs/config_2d_aut.yml`` of
    github.com/ZhenZHAO/AD-MT at commit 03ef84c. There, the network's label map is not mixed as the
    teachers' is, which we take for a slip, and a box is of any other image.

    Args:
        weight: Factor of the term, reached by ``exp(-5 (1 - t)^2)`` in a quarter of training;
            theirs is four times that of supervised Dice.
        threshold: Least certainty that counts, from 0 to 1.
        momentum: Largest share of a teacher that stays at a step, from 0 to 1.
        longest: Most steps of a turn; theirs are half an epoch.
    """

    reads = ("unlabeled",)

    def __init__(
        self,
        *,
        weight: float = 40.0,
        threshold: float = 0.95,
        momentum: float = 0.99,
        longest: int = 50,
    ) -> None:
        super().__init__()
        self.weight, self.threshold = weight, threshold
        self.momentum, self.longest = momentum, longest
        self.turn: Tensor
        self.register_buffer("turn", torch.zeros(2, dtype=torch.long))  # turns, steps of this one

    def bind(self, network: DenseNetwork) -> None:
        """Copy the network twice; no gradient reaches the copies."""
        self.teachers = nn.ModuleList(Teacher(network, 0.0, warm_up=False) for _ in range(2))

    def forward(
        self, network: DenseNetwork, batch: Batch, *, progress: float = 1.0
    ) -> dict[str, Tensor]:
        """Weighted ``taught``, 0 or more.

        Args:
            network: Maps an image to logits.
            batch: ``unlabeled`` (B, C, *S), in [0, 1].
            progress: Share of training that is done.
        """
        image = batch["unlabeled"]
        with torch.no_grad():
            guess, disputed = self.guess(image)
            own = pseudo_label(network(image))
        if int(self.turn[0]) % 2 == 0:
            view = self.view(image)
        else:
            inside = self.box(image)
            view, disputed = cut_mixed(image, inside), cut_mixed(disputed, inside)
            guess, own = guess.mixed(inside), own.mixed(inside)
        surer = disputed & (own.label != guess.label) & (own.certainty > guess.certainty)
        wanted = PseudoLabel(*(torch.where(surer, *both) for both in zip(own, guess, strict=True)))
        error = confident_dice_loss(network(view), wanted, threshold=self.threshold)
        ramp = math.exp(-5 * (1 - min(1.0, progress / RISES)) ** 2)
        return {"taught": self.weight * ramp * error}

    def guess(self, image: Image) -> tuple[PseudoLabel, Mask]:
        """What both teachers make of an image, and where they disagree, (B, 1, *S)."""
        first, second = (full_precision(own(image)).softmax(dim=1) for own in self.teachers)
        share = (_bits(second) - _bits(first)).sigmoid()  # of exp(-entropy)
        certainty, label = torch.lerp(second, first, share).max(dim=1, keepdim=True)
        disputed = first.argmax(dim=1, keepdim=True) != second.argmax(dim=1, keepdim=True)
        return PseudoLabel(label, certainty), disputed

    def view(self, image: Image) -> Image:
        """In other intensities, (B, C, *S)."""
        return color_jittered(image, blurred=0.2)

    def box(self, image: Image) -> Mask:
        """True where the next image is seen, (B, 1, *S): about one place of each image's own."""
        share = torch.distributions.Beta(4.0, 4.0).sample().sqrt()
        inside = torch.zeros_like(image[:, :1], dtype=torch.bool)
        for own in inside[:, 0]:
            own[tuple(_around(int(axis), float(share)) for axis in own.shape)] = True
        return inside

    def after_step(self, network: DenseNetwork, *, progress: float = 1.0) -> None:
        """Let the teacher whose turn it is follow."""
        turn, steps = self.turn.tolist()
        teacher = self.teachers[turn % 2]
        averaged = int(teacher.n_averaged) - COPIES  # counted from 1
        teacher.momentum = min(1 - 1 / averaged, self.momentum) if averaged > 0 else 0.0
        teacher.update_parameters(network)
        over = steps + 1 >= self.length(turn)
        self.turn.copy_(torch.tensor([turn + 1, 0] if over else [turn, steps + 1]))

    def length(self, turn: int) -> int:
        """Steps of a turn, the same in every process."""
        generator = torch.Generator().manual_seed(turn)
        return int(torch.randint(1, self.longest + 1, (), generator=generator))


def _bits(probability: Tensor) -> Tensor:
    """Entropy of (B, K, *S) in bits, (B, 1, *S)."""
    return -torch.xlogy(probability, probability).sum(dim=1, keepdim=True) / math.log(2)


def _around(axis: int, share: float) -> slice:
    """A part of an axis about a place in it, cut at its ends."""
    center, half = int(torch.randint(axis // 8, axis, ())), int(share * axis) // 2
    return slice(max(0, center - half), center + half)
