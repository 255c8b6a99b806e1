"""A trained run in a script or a notebook: it segments, registers, and gives its backbone away."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from monai.data.meta_tensor import MetaTensor
from torch import nn

from gemini_monai.base.devices import best_device
from gemini_monai.base.errors import InputError
from gemini_monai.base.moved import renamed
from gemini_monai.inference.carried_landmarks import CarriedPoint, carry_landmarks
from gemini_monai.inference.landmark_files import read_landmarks
from gemini_monai.inference.segmentation import Item, Segmenter, predicted
from gemini_monai.inference.world_registration import WorldRegistration, register_files
from gemini_monai.networks import Gemini, network_of, placed
from gemini_monai.runs import RunFolder, read_record, refuse_other_purpose
from gemini_monai.transforms import InputSpec
from gemini_monai.weights import load_network


class TrainedRun(Segmenter):
    """A run folder, or a packaged bundle, opened with its weights.

    Open it with ``TrainedRun.open``. Images go through the same steps as in ``gemini segment`` and
    ``gemini register``; those to segment may be in memory.

    Args:
        folder: The run folder.
        record: What its ``run.json`` says.
        network: With the run's weights.
        device: Where the network is.
    """

    def __init__(
        self,
        folder: str | Path,
        *,
        record: Mapping[str, Any],
        network: Gemini,
        device: torch.device | str = "cpu",
    ) -> None:
        self.folder = Path(folder)
        self.record = record
        self.network = network
        self.device = torch.device(device)
        self.spec = InputSpec.of(record["settings"])

    @classmethod
    def open(
        cls,
        folder: str | Path,
        *,
        device: torch.device | str | None = None,
        backbone: nn.Module | None = None,
    ) -> TrainedRun:
        """Read a run folder; nothing of it is run.

        Args:
            folder: What a training left, or an unpacked bundle with weights.
            device: Where the network goes; by default a GPU where there is one, as in ``gemini
                segment``.
            backbone: One's own network, where the run was trained with one that is not made from
                its record.

        Raises:
            InputError: If it is no run, was trained with transforms that only an overlay names, or
                its weights do not fit.
        """
        record = read_record(folder)
        own = record.get("transforms", {})
        if any(own.get(place) for place in ("before", "after")):
            raise InputError(
                f"{folder}: trained with transforms of one's own, which only its overlay names; "
                "use gemini segment or register with --overlay"
            )
        device = device or best_device()
        network = network_of(record["settings"], backbone=backbone)
        load_network(placed(network, device), RunFolder(folder).model)
        return cls(folder, record=record, network=network.eval(), device=device)

    @property
    def backbone(self) -> nn.Module:
        """From images (B, C, *S), scaled to [0, 1], to dense features (B, K, *S)."""
        return self.network.backbone

    def on_own_grid(
        self, image: str | Path | MetaTensor, *, flips: bool = False, **windows: Any
    ) -> Item:
        """As of ``Segmenter``."""
        refuse_other_purpose(self.folder, task="segmentation")
        options: dict[str, Any] = {"spec": self.spec, "device": self.device, "flips": flips}
        return predicted(self.network, image, **options, **windows)

    def register(
        self,
        moving: str | Path,
        fixed: str | Path,
        *,
        start: str = "auto",
        affine: str | None = None,
        refinement: int = 0,
    ) -> WorldRegistration:
        """Warp an image onto another.

        Args:
            moving: File of the image that is warped.
            fixed: File of the image that it is warped onto.
            start: Where the two meet: ``"world"``, ``"center"``, ``"mass"``, ``"affine"``, or
                ``"auto"``, which the result's ``start`` tells.
            affine: ``"itk"`` or ``"ants"``, by which an affine is found; it makes ``auto``
                ``affine``.
            refinement: Iterations at each of four resolutions that better the field for this pair.

        Raises:
            InputError: If the run trained no displacement field, or cannot take an image.
        """
        refuse_other_purpose(self.folder, registers=True)
        return register_files(
            self.network,
            moving,
            fixed,
            spec=self.spec,
            device=self.device,
            start=start,
            affine=affine,
            refinement=refinement,
        )

    def landmarks(
        self,
        image: str | Path,
        points: str | Path,
        scan: str | Path,
        *,
        tolerance: float | None = None,
        **options: Any,
    ) -> dict[str, CarriedPoint]:
        """Landmarks that were placed in an image, where they are in a scan, by name.

        Args:
            image: File that the points were placed in.
            points: File of the points, as ``read_landmarks`` takes it.
            scan: File that they are carried to.
            tolerance: Consistency in mm above which a point is flagged; two voxels of the network's
                grid by default.
            options: ``start``, ``affine`` and ``refinement``, as of ``register``.

        Raises:
            InputError: If the run trained no displacement field, a point lies outside of the image,
                or a file cannot be taken.
        """
        refuse_other_purpose(self.folder, registers=True)
        return carry_landmarks(
            self.network,
            read_landmarks(Path(points), axes=self.spec.spatial_dims),
            image,
            scan,
            spec=self.spec,
            tolerance=tolerance,
            device=self.device,
            **options,
        )


__getattr__ = renamed(__name__, {"Run": "TrainedRun"}, globals())
