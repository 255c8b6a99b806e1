"""All that a training moves, saves and steps: one network and its objectives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from gemini_monai.base.errors import InputError
from gemini_monai.networks import DenseNetwork
from gemini_monai.objectives.objective import Batch, Objective
from gemini_monai.objectives.teacher import Teacher

RESERVED = ("iteration", "loss")
"""Columns of a run's history that no term can have."""


class Learner(nn.Module):
    """A network and the objectives that train it.

    Its parameters are those of the network, then those that the objectives own. One module, so that
    the device, the optimizer, the checkpoint and DistributedDataParallel see all of it.

    Args:
        network: What is used after training.
        objectives: By name, in the order of their steps; ``None`` for one that an overlay takes
            out.
        average: Share of a moving average of the network that stays at every step, below 1, as of
            ``Teacher``; that average is what a run validates and keeps. 0 for none.

    Raises:
        InputError: If no objective is left, or one of them is none.
    """

    def __init__(
        self,
        network: DenseNetwork,
        objectives: Mapping[str, Objective | None],
        *,
        average: float = 0.0,
    ) -> None:
        super().__init__()
        for name, objective in objectives.items():
            if objective is not None and not isinstance(objective, Objective):
                raise InputError(
                    f"objective '{name}' must be an Objective, got {type(objective).__name__}"
                )
        self.network = network
        kept = {name: own for name, own in objectives.items() if own is not None}
        self.objectives = cast("Mapping[str, Objective]", nn.ModuleDict(kept))
        if not self.objectives:
            raise InputError("objectives: none is left, so there is nothing to train by")
        for objective in self.objectives.values():
            objective.bind(network)
        self.average = Teacher(network, average) if average else None
        self._owners: dict[str, str] = {}

    @property
    def kept(self) -> DenseNetwork:
        """What a run validates and keeps: the network's average, or the network without one."""
        return self.network if self.average is None else cast(DenseNetwork, self.average.module)

    @property
    def reads(self) -> tuple[str, ...]:
        """Keys of the batch that some objective needs."""
        keys = [key for objective in self.objectives.values() for key in objective.reads]
        return tuple(dict.fromkeys(keys))

    @property
    def registers(self) -> bool:
        """Whether some objective trains the displacement field."""
        return any(objective.registers for objective in self.objectives.values())

    def trainable(self) -> list[nn.Parameter]:
        """Parameters for the optimizer: all but the frozen ones."""
        return [parameter for parameter in self.parameters() if parameter.requires_grad]

    def forward(
        self, names: Sequence[str], batch: Batch, *, progress: float = 1.0
    ) -> dict[str, Tensor]:
        """Terms of some objectives: the one entry of DistributedDataParallel.

        Args:
            names: Which objectives; the sum of their terms is one step.
            batch: Tensors on the network's device.
            progress: Share of training that is done.

        Raises:
            InputError: If two objectives name a term alike.
        """
        terms: dict[str, Tensor] = {}
        for name in names:
            found = self.objectives[name](self.network, batch, progress=progress)
            for term in found:
                self._refuse_shared(term, owner=name)
            terms |= found
        return terms

    def after_step(self, names: Sequence[str], *, progress: float = 1.0) -> None:
        """Tell objectives and the average that the optimizer made a step on their terms."""
        for name in names:
            self.objectives[name].after_step(self.network, progress=progress)
        if self.average is not None:
            self.average.update_parameters(self.network)

    def _refuse_shared(self, term: str, *, owner: str) -> None:
        if term in RESERVED:
            raise InputError(f"objective '{owner}': a term cannot be named '{term}'")
        other = self._owners.setdefault(term, owner)
        if other != owner:
            raise InputError(
                f"objectives '{other}' and '{owner}' both name a term '{term}'; each needs a name "
                "of its own"
            )


def unwrapped(learner: Learner | DistributedDataParallel) -> Learner:
    """The learner below DistributedDataParallel, for one process to use without the others."""
    inner: Learner = learner.module if isinstance(learner, DistributedDataParallel) else learner
    return inner
