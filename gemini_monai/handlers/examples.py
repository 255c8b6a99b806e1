"""What a network in pre-training makes of a few fixed images, to be looked at."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from ignite.engine import Engine, Events
from monai.visualize import plot_2d_or_3d_image
from torch import Tensor

from gemini_monai.base.files import write_arrays
from gemini_monai.data.streams import corrupted
from gemini_monai.inference.correspond import register_pair
from gemini_monai.networks import DenseNetwork

PAIRS = ("first", "second")
ORDER = ("corrupted", "restored", "clean", "moving", "fixed", "warped")


class PretrainingExamples:
    """Handler that keeps pictures of restoration and of correspondence, made anew every epoch.

    They go to TensorBoard, too, where that is installed.

    ``examples/restoration.npz`` holds ``corrupted``, ``restored`` and ``clean`` (B, C, *S), the
    corruption being the same every time; ``examples/pairs/first.npz`` and ``second.npz`` a
    ``moving``, ``fixed`` and ``warped`` image (C, *S) and their ``ddf`` (N, *S) in voxels.

    Args:
        folder: The run folder.
        network: A ``Gemini``.
        images: Two images or more, (B, C, *S); each is warped onto the next.
        corruption: What restoration undoes; ``None`` for no triptychs.
        pairs: Whether the network learns correspondence.
    """

    def __init__(
        self,
        folder: str | Path,
        *,
        network: DenseNetwork,
        images: Tensor,
        corruption: Callable[[Tensor], Tensor] | None = None,
        pairs: bool = True,
    ) -> None:
        self.folder = Path(folder) / "examples"
        self.network = network
        self.images = images
        self.corruption = corruption
        self.pairs = pairs
        self.log_dir = Path(folder) / "tensorboard"

    def attach(self, engine: Engine) -> None:
        """Follow a trainer."""
        engine.add_event_handler(Events.EPOCH_COMPLETED, self._keep)

    def _keep(self, engine: Engine) -> None:
        if getattr(engine.state, "rank", 0) != 0:
            return
        training = self.network.training
        self.network.eval()
        found = self.look(engine.state.device)
        self.network.train(training)
        for name, arrays in found.items():
            write_arrays(self.folder / f"{name}.npz", **_plain(arrays))
        if find_spec("tensorboard"):
            self._log(found, step=engine.state.iteration)

    @torch.no_grad()
    def look(self, device: torch.device | str) -> dict[str, dict[str, Tensor]]:
        """Arrays by file and name for the network as it is."""
        images = self.images.to(device)
        found: dict[str, dict[str, Tensor]] = {}
        if self.corruption is not None:
            both = corrupted(self.images, self.corruption, seed=0)
            restored = self.network(both["corrupted"].to(device))
            found["restoration"] = {**both, "restored": restored}
        for k, name in enumerate(PAIRS if self.pairs else ()):
            moving, fixed = images[k : k + 1], images[(k + 1) % len(images)][None]
            result = register_pair(self.network, moving, fixed)
            pair = {"moving": moving, "fixed": fixed, "warped": result.warped, "ddf": result.ddf}
            found[f"pairs/{name}"] = {key: value[0] for key, value in pair.items()}
        return found

    def _log(self, found: Mapping[str, Mapping[str, Tensor]], *, step: int) -> None:
        from torch.utils.tensorboard import SummaryWriter

        with SummaryWriter(self.log_dir) as writer:
            for name, arrays in found.items():
                batch = name == "restoration"
                shown = [
                    _middle(arrays[key][0] if batch else arrays[key])
                    for key in ORDER
                    if key in arrays
                ]
                row = torch.cat(shown, dim=-1).clamp(0, 1)[None]
                plot_2d_or_3d_image(row, step=step, writer=writer, tag=f"examples/{name}")


def _middle(image: Tensor) -> Tensor:
    """First channel of (C, *S), its middle plane in 3-D, as rows and columns (1, Y, X)."""
    plane = image[0].float().cpu()
    plane = plane[..., plane.shape[-1] // 2] if plane.ndim == 3 else plane
    return plane.T[None]


def _plain(arrays: Mapping[str, Tensor]) -> dict[str, np.ndarray]:
    return {key: value.float().cpu().numpy() for key, value in arrays.items()}
