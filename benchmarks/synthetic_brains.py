"""Brain images of random contrast from label maps, where no images may be shared.

    python -m benchmarks.synthetic_brains LABEL_MAPS DST --contrasts 4 --step 4

writes a folder that ``gemini prepare folder`` takes: ``images/``, ``labels/`` with the 28
structures of CANDI, ``patients.csv`` and ``labels.json``. After Billot et al., Medical Image
Analysis 2023, without their deformation: each tissue gets a random mean and spread, left and right
the same, then come a smooth bias field, blur and noise. Results on such images say nothing about
scanners; whoever reports one says that the contrast is synthetic.
"""

from __future__ import annotations

import json
from pathlib import Path

import nibabel as nib
import numpy as np
from monai.transforms import RandBiasField
from scipy.ndimage import gaussian_filter
from tqdm import tqdm

from benchmarks.command import run_command
from gemini_monai.base.errors import InputError
from gemini_monai.base.tables import write_table
from gemini_monai.data.prepare.sources.candi import PAIRED, STRUCTURES

MARGIN = 8
"""Voxels around the structures that are kept."""

TISSUE = {right: left for left, right in PAIRED.values()}
"""Code of the tissue of a structure, where it is not its own: right ones are as left ones."""


def write_brains(
    source: str, destination: str, *, contrasts: int = 4, step: int = 4, seed: int = 0
) -> None:
    """Write ``contrasts`` images of each label map.

    Args:
        source: Folder of label maps with FreeSurfer's codes, one a person.
        destination: Where the folders go; must not hold any.
        contrasts: Images of each person, of different contrast.
        step: Every how many voxels one is kept.
        seed: Of means, spreads, bias fields and noise.

    Raises:
        InputError: If there is no label map, or the destination is in use.
    """
    maps, out = sorted(Path(source).glob("*.nii.gz")), Path(destination)
    if not maps:
        raise InputError(f"{source}: no label map (*.nii.gz)")
    if out.exists() and any(out.iterdir()):
        raise InputError(f"{out}: is there already and not empty")
    for name in ("images", "labels"):
        (out / name).mkdir(parents=True)
    values = {code: k + 1 for k, code in enumerate(STRUCTURES.values())}
    rows = []
    for person, path in enumerate(tqdm(maps, desc="brains")):
        codes, affine = _read(path, step=step)
        label = sum((k * (codes == code) for code, k in values.items()), np.zeros_like(codes))
        stem = path.name.split(".")[0]
        for k in range(contrasts):
            random = np.random.RandomState([seed, person, k])
            case = f"{stem}_{k}"
            _write(out / "images" / f"{case}.nii.gz", contrasted(codes, random), affine)
            _write(out / "labels" / f"{case}.nii.gz", label.astype(np.uint8), affine)
            rows.append({"case": case, "patient": stem})
    write_table(out / "patients.csv", rows)
    names = {name: values[code] for name, code in STRUCTURES.items()}
    (out / "labels.json").write_text(json.dumps(names, indent=2), encoding="utf-8")


def contrasted(codes: np.ndarray, random: np.random.RandomState) -> np.ndarray:
    """An image (*S) of a map of codes (*S): mean and spread by tissue, bias field, blur, noise."""
    image = np.zeros(codes.shape, dtype=np.float32)
    for code in sorted({TISSUE.get(int(code), int(code)) for code in np.unique(codes)} - {0}):
        inside = np.isin(codes, [code, *(right for right, left in TISSUE.items() if left == code)])
        mean, spread = random.uniform(0.1, 1.0), random.uniform(0.01, 0.08)
        image[inside] = random.normal(mean, spread, size=int(inside.sum()))
    bias = RandBiasField(degree=3, coeff_range=(0.0, 0.1), prob=1.0).set_random_state(state=random)
    image = np.asarray(bias(image[None]))[0]
    image = gaussian_filter(image, sigma=random.uniform(0.2, 0.7))
    return image + random.normal(0, random.uniform(0.005, 0.03), size=image.shape)


def _read(path: Path, *, step: int) -> tuple[np.ndarray, np.ndarray]:
    """Every ``step``-th voxel around the structures, in RAS, and its affine."""
    whole = nib.as_closest_canonical(nib.load(path))
    codes = np.asarray(whole.dataobj).astype(np.int16)
    places = np.argwhere(np.isin(codes, list(STRUCTURES.values())))
    if not len(places):
        raise InputError(f"{path}: holds none of the {len(STRUCTURES)} structures")
    low = np.maximum(places.min(axis=0) - MARGIN, 0)
    high = np.minimum(places.max(axis=0) + MARGIN + 1, codes.shape)
    kept = codes[tuple(slice(a, b, step) for a, b in zip(low, high, strict=True))]
    affine = whole.affine @ np.diag([step, step, step, 1.0])
    affine[:3, 3] = nib.affines.apply_affine(whole.affine, low)
    return kept, affine


def _write(path: Path, volume: np.ndarray, affine: np.ndarray) -> None:
    kind = np.uint8 if volume.dtype == np.uint8 else np.float32
    nib.save(nib.Nifti1Image(volume.astype(kind), affine), path)


if __name__ == "__main__":
    run_command(write_brains)
