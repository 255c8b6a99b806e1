"""A trust number for each mask of a case, and a sentence on what stands out."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from torch import Tensor

from gemini_monai.base.errors import InputError
from gemini_monai.base.files import digest_of
from gemini_monai.data import Cohort, read_cohort
from gemini_monai.data.prepare.label_files import refuse_other_grid
from gemini_monai.images import has_voxel_size
from gemini_monai.inference.segmentation import loaded
from gemini_monai.inference.trained_run import TrainedRun
from gemini_monai.quality.estimate import Expectation, true_size
from gemini_monai.quality.familiar import small_image
from gemini_monai.quality.kept import FILE, read_learned, write_learned
from gemini_monai.quality.learning import Learned, learn
from gemini_monai.quality.looks import Look, look_at, masks_of
from gemini_monai.quality.signs import pooled, signs_of
from gemini_monai.runs import RunFolder, refuse_other_purpose
from gemini_monai.transforms import preprocessing

OF_COHORT = ("labeled_cases", "labeled_draw", "unlabeled_share", "seed", "use_validation")
"""Settings of a run that say which images it was trained on."""


class StructureQuality(NamedTuple):
    """What is expected of the mask of one structure."""

    structure: str
    expected: Expectation
    """Dice, from 0 to 1."""
    voxels: int
    """Of the mask, on the grid that the network sees."""
    size: Expectation
    """Of the structure, as a multiple of the mask's, if the run made it; it says nothing of an
    empty mask."""


@dataclass(frozen=True)
class CaseQuality:
    """What is expected of the masks of one case."""

    case: str
    structures: Sequence[StructureQuality]
    flags: Sequence[str] = field(default=())
    """Sentences on what makes the numbers doubtful: the image is unlike those trained on."""

    @property
    def expected(self) -> float:
        """Mean expected Dice of the structures."""
        return sum(own.expected.value for own in self.structures) / max(1, len(self.structures))

    def without_sizes(self) -> CaseQuality:
        """The same, where nothing is known of sizes."""
        unknown = Expectation(math.nan, math.nan, math.nan)
        return replace(self, structures=[own._replace(size=unknown) for own in self.structures])

    @property
    def order(self) -> tuple[bool, float]:
        """To look at first what is flagged, then what is expected to be worst."""
        return (not self.flags, self.expected)


class Quality:
    """What a run's masks, or anybody's of the same structures, are expected to be worth.

    Args:
        run: A segmenter.
        learned: From its labeled and validation images.
    """

    def __init__(self, run: TrainedRun, learned: Learned) -> None:
        self.run = run
        self.learned = learned

    @classmethod
    def of(cls, run: TrainedRun, *, data: str | Path | None = None) -> Quality:
        """Read ``quality.npz`` of a run, or learn it from the run's data and keep it there.

        Args:
            run: A segmenter.
            data: The ``dataset.json``, where it is no more where the run recorded it.

        Raises:
            InputError: If the run is no segmenter, its data are not there, or as ``learn``.
        """
        refuse_other_purpose(run.folder, task="segmentation")
        path, weights = run.folder / FILE, digest_of(RunFolder(run.folder).model)
        learned = read_learned(path, weights=weights) if path.is_file() else None
        if learned is None:
            learned = learn(run, cohort_of(run, data))
            write_learned(path, learned, weights=weights)
        return cls(run, learned)

    def check(
        self, image: str | Path, mask: Any = None, *, case: str = "", others: bool = False
    ) -> CaseQuality:
        """What is expected of a mask.

        Args:
            image: File, as of ``TrainedRun.segment``.
            mask: File of a label map of the run's values, on the image's grid, or a list of one
                mask for each structure where they overlap; ``None`` for what the run finds.
            case: Name for the result and for errors; the file's if it is empty.
            others: Whether others made the mask: of sizes the run knows its own errors alone.

        Raises:
            InputError: If a file cannot be read, or is not one that the run takes; or if the mask
                does not lie on the image.
        """
        spec = self.run.spec
        files = {"image": str(image), "case": case or str(image)}
        files |= {} if mask is None else {"label": mask}
        steps = preprocessing(spec, keys=["image", "label"])
        item = loaded(partial(steps, end=1), files)  # on the files' own grids
        if mask is not None:
            _refuse_elsewhere(item, files)
        item = loaded(partial(steps, start=1), item)
        seen: Tensor = item["image"].as_tensor().float()
        masks = None if mask is None else masks_of(item["label"].as_tensor(), spec)
        found = self.judge(seen, masks, case=files["case"])[0]
        return found.without_sizes() if others else found

    def judge(
        self,
        image: Tensor,
        masks: Tensor | None = None,
        *,
        case: str = "",
        look: Look | None = None,
    ) -> tuple[CaseQuality, Look]:
        """The same of what is loaded, with what the network finds.

        Args:
            image: (C, *S) as the network sees it.
            masks: Of the structures (K, *S), zeros and ones; ``None`` for what the run finds.
            case: Name for the result.
            look: What the network was found to find in it; ``None`` to look.
        """
        spec = self.run.spec
        if look is None:
            look = look_at(self.run.network, image[None].to(self.run.device), spec)
        masks = look.found if masks is None else masks
        distance = self.learned.familiarity.distance(pooled(look.features))
        signs = signs_of(look, masks, self.learned.references, distance=distance)
        rows = [
            StructureQuality(
                name,
                self.learned.estimator.expect(signs[k], k),
                int(masks[k].sum()),
                true_size(self.learned.sizes.expect(signs[k], k)),
            )
            for k, name in enumerate(spec.structures)
        ]
        return CaseQuality(case, rows, self._flags(image, distance)), look

    def _flags(self, image: Tensor, distance: float) -> list[str]:
        found = []
        if distance > self.learned.familiarity.limit:
            found.append(f"unlike the images trained on ({distance:.1f} times the usual distance)")
        axes = self.learned.uprightness.mirrored(small_image(image))
        if axes:
            found.append(f"seems to be mirrored along axis {', '.join(map(str, axes))}")
        return found


def _refuse_elsewhere(item: Mapping[str, Any], files: Mapping[str, Any]) -> None:
    """A mask lies on its image, where both say how they lie; several masks lie on the first."""
    image, label, mask = item["image"], item["label"], files["label"]
    affine = image.affine if has_voxel_size(image) and has_voxel_size(label) else None
    file = Path(mask[0] if isinstance(mask, (list, tuple)) else mask)
    shape = image.shape[1:]
    refuse_other_grid(label, file, image=Path(files["image"]), shape=shape, affine=affine)


def cohort_of(run: TrainedRun, data: str | Path | None) -> Cohort:
    """What a run was trained on.

    Args:
        run: It.
        data: The ``dataset.json``, where it is no more where the run recorded it.

    Raises:
        InputError: If it is not there, or has other structures.
    """
    settings = run.record["settings"]
    recorded = run.record.get("dataset", {})
    path = data or (recorded.get("path") if isinstance(recorded, dict) else None)
    if path is None or not Path(str(path)).is_file():
        raise InputError(
            f"{run.folder}: how far its masks are to be trusted is learned from the data it was "
            f"trained on, which are not there ({path}); give --data DST/dataset.json"
        )
    given = {name: settings[name] for name in OF_COHORT if name in settings}
    cohort = read_cohort(str(path), data_changed=True, **given)
    for name in ("spatial_dims", "overlapping", "label_values", "structures"):
        own, there = getattr(run.spec, name), getattr(cohort, name)
        if json.dumps(own) != json.dumps(there):
            raise InputError(f"{path}: {name} is {there}, the run {run.folder} has {own}")
    return cohort
