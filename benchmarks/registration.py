"""A trained run's registration beside others on the same test pairs: Dice, folding, error, seconds.

    python -m benchmarks.registration RUN DST OUT [--pairs 40] [--systems "['network','syn']"]

``network`` is the run's field, ``refined`` the same with ``refine`` for each pair, ``alone`` the
refinement without field and features of a network, and ``syn`` and ``syncc`` are ANTs' SyN by
mutual information and by cross-correlation (antspyx, the extra ``ants``). All see the images as the
network does. Each system's table of pairs stays in ``OUT/SYSTEM``; seconds are CPU seconds of one
field.
"""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.command import run_command
from gemini_monai.base.errors import InputError
from gemini_monai.base.files import read_json
from gemini_monai.data import read_cohort
from gemini_monai.geometry.warp import identity_grid
from gemini_monai.inference import RegistrationScores, registration_items
from gemini_monai.inference.refinement import refine
from gemini_monai.inference.trained_run import TrainedRun
from gemini_monai.networks import Correspondence

SYSTEMS = ("network", "refined", "alone", "syn", "syncc")
TYPES = {"syn": "SyN", "syncc": "SyNCC"}


class System(nn.Module):
    """One way to find a field, as ``RegistrationScores`` asks for it, which counts its seconds."""

    def __init__(self, name: str, network: nn.Module, iterations: int) -> None:
        super().__init__()
        self.name, self.network, self.iterations = name, network, iterations
        self.seconds: list[float] = []

    def correspond(self, moving: Tensor, fixed: Tensor) -> Correspondence:
        """The field from ``moving`` to ``fixed``; that of the other direction is not looked for."""
        start = time.process_time()
        ddf = self._field(moving, fixed)
        self.seconds.append(time.process_time() - start)
        return Correspondence(moving, fixed, ddf, ddf)

    def _field(self, moving: Tensor, fixed: Tensor) -> Tensor:
        if self.name in TYPES:
            return _syn(moving, fixed, kind=TYPES[self.name])
        axes = moving.ndim - 2
        ddf = moving.new_zeros(1, axes, *moving.shape[2:])
        if self.name != "alone":
            features = self.network.features(torch.cat([moving, fixed]))  # type: ignore[operator]
            ddf = self.network.deformer(features[:1], features[1:]).float()  # type: ignore[operator]
            if self.name == "refined":
                pair = features[:1], features[1:]
                ddf = refine(ddf, moving, fixed, features=pair, iterations=self.iterations)
            return ddf
        return refine(ddf, moving, fixed, iterations=self.iterations)


def _syn(moving: Tensor, fixed: Tensor, *, kind: str) -> Tensor:
    """ANTs' field in voxels; its points go from the fixed image to the moving one."""
    import ants
    import pandas

    images = [ants.from_numpy(image[0, 0].numpy()) for image in (moving, fixed)]
    found = ants.registration(
        fixed=images[1], moving=images[0], type_of_transform=kind, random_seed=1
    )
    shape = fixed.shape[2:]
    axes = len(shape)
    grid = identity_grid(shape).reshape(axes, -1).T.double().numpy()
    points = pandas.DataFrame(grid, columns=list("xyz")[:axes])
    moved = ants.apply_transforms_to_points(axes, points, found["fwdtransforms"]).to_numpy()
    return torch.tensor((moved - grid).T.reshape(1, axes, *shape), dtype=torch.float32)


def compare(
    run: str,
    dst: str,
    output: str,
    systems: tuple[str, ...] = SYSTEMS,
    pairs: int = 40,
    iterations: int = 30,
    part: str = "test",
) -> None:
    """Print the table as Markdown.

    Args:
        run: Folder of a run that registers.
        dst: Prepared data set.
        output: Folder of the systems' tables.
        systems: Some of ``SYSTEMS``.
        pairs: Ordered pairs of the part's images, of the seeded choice that a run's test makes.
        iterations: Of the refinement, at each resolution.
        part: ``test`` or ``validation``.

    Raises:
        InputError: If a system is none of them.
    """
    trained = TrainedRun.open(run)
    data = registration_items(getattr(read_cohort(Path(dst) / "dataset.json"), part), trained.spec)
    print(
        "| system | Dice before | Dice | folded, % | error before | error | CPU seconds a field |"
    )
    print("|---|---|---|---|---|---|---|")
    for name in systems:
        if name not in SYSTEMS:
            raise InputError(f"systems: expected some of {', '.join(SYSTEMS)}, got '{name}'")
        system, folder = System(name, trained.network, iterations), Path(output) / name
        scores = RegistrationScores(
            network=system, data=data, folder=folder, spec=trained.spec, max_pairs=pairs
        )
        scores.run()
        print(_line(name, folder, system.seconds), flush=True)


def _line(name: str, folder: Path, seconds: list[float]) -> str:
    found = read_json(folder / "registration.json", dict)

    def cell(key: str, factor: float = 1.0, digits: int = 1) -> str:
        own = found[key]
        if not own["n"]:
            return "-"
        return f"{factor * own['mean']:.{digits}f} ± {factor * own['std']:.{digits}f}"

    cells = [cell("dice_before", 100), cell("dice_after", 100), cell("folding_percent", digits=2)]
    cells += [cell("error_before"), cell("error_after"), f"{np.mean(seconds):.2f}"]
    return "| " + " | ".join([name, *cells]) + " |"


if __name__ == "__main__":
    run_command(compare)
