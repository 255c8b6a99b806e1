"""CANDI as CANDIShare delivers it, and as the authors' code reads it."""

from __future__ import annotations

import nibabel as nib
import numpy as np

from tests.data.prepare.made import save

CODES = (0, 2, 3, 4, 7, 8, 10, 11, 12, 13, 14, 15, 16, 17, 18, 24, 28)
CODES += (41, 42, 43, 46, 47, 49, 50, 51, 52, 53, 54, 60)
EXTRA = {5: 7, 44: 3}
"""Voxels in every label, of the lateral ventricles' inferior horns."""
FOLDERS = {"HC": "HC", "BPDwoPsy": "BPDwithoutPsy", "BPDwPsy": "BPDwithPsy", "SS": "SS"}
CORONAL = np.array(  # stored axes: left, inferior, anterior; mm
    [[-0.9375, 0, 0, 90], [0, 0, 1.5, -90], [0, -0.9375, 0, 90], [0, 0, 0, 1.0]]
)
FEW = tuple(
    f"{group}_{first + k:03d}"
    for group, first in {"HC": 1, "BPDwoPsy": 30, "BPDwPsy": 65, "SS": 84}.items()
    for k in range(3)
)
ALL = tuple(
    f"{group}_{k:03d}"
    for group, numbers in {
        "HC": range(1, 30),
        "BPDwoPsy": range(30, 65),
        "BPDwPsy": range(65, 84),
        "SS": range(84, 104),
    }.items()
    for k in numbers
)


def brain(seed, shape):
    return np.random.default_rng(seed).integers(0, 2000, shape).astype(np.int16)


def structures(shape):
    label = np.resize(np.repeat(CODES, 8), shape).astype(np.int16)
    flat = label.reshape(-1)
    for k, code in enumerate(np.repeat(list(EXTRA), list(EXTRA.values()))):
        flat[k] = code
    return label


def official(root, *, cases=FEW, shape=(20, 18, 10), folder="{group}/{case}", dot=False):
    """``root`` with the images and labels of cases; ``dot`` names those of SS ``SS_084.seg``."""
    for k, case in enumerate(cases):
        group = case.split("_")[0]
        place = root / folder.format(group=FOLDERS[group], case=case)
        mark = "." if dot and group == "SS" else "_"
        save(place / f"{case}_procimg.nii.gz", brain(k, shape), affine=CORONAL)
        save(place / f"{case}{mark}seg.nii.gz", structures(shape), affine=CORONAL)
        linear = place / "MNI152_2mm_Linear" / f"{case}_linear_MRI.nii.gz"
        save(linear, brain(1000 + k, (4, 4, 4)))
    return root


def authors(root, *, labeled=2, unlabeled=3, test=2, shape=(20, 18, 10)):
    """``root/{train,test}/labeled/{image,label}`` and ``root/train/unlabeled/image``."""
    counts = {"train/labeled": labeled, "train/unlabeled": unlabeled, "test/labeled": test}
    seeds = iter(range(sum(counts.values())))
    for part, count in counts.items():
        for k in range(count):
            save(root / part / "image" / f"{k + 1:02d}.nii", brain(next(seeds), shape))
            save(root / part / "label" / f"{k + 1:02d}.nii", structures(shape))
    return root


def spoil_labels(root, cases):
    """Make the labels of cases something that nobody could read."""
    for case in cases:
        for path in root.rglob(f"{case}[_.]seg.nii.gz"):
            path.write_bytes(b"not a label")


def exchange(root, case):
    """Swap a case's image and label."""
    image, label = (next(root.rglob(f"{case}_{kind}.nii.gz")) for kind in ("procimg", "seg"))
    pair = [nib.load(path).get_fdata() for path in (image, label)]
    save(image, pair[1].astype(np.int16), affine=CORONAL)
    save(label, pair[0].astype(np.int16), affine=CORONAL)
