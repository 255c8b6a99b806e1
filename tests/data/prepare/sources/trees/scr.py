"""Trees of SCR/JSRT with the official names, formats and sizes, and of the authors' release."""

from __future__ import annotations

import numpy as np
from PIL import Image

from tests.data.prepare.made import image, save

PARTS = ("heart", "left lung", "right lung", "left clavicle", "right clavicle")
CASES = ("JPCLN001", "JPCLN002", "JPCLN003", "JPCLN154", "JPCNN001", "JPCNN002", "JPCNN093")
STRUCTURES = ("heart", "lung", "clavicle")


def radiograph(seed):
    """Raw values (2048 rows, 2048 columns), 12 bits, in blocks of 32."""
    blocks = np.random.default_rng(seed).integers(0, 4096, (64, 64))
    return blocks.repeat(32, axis=0).repeat(32, axis=1).astype(">u2")


def mask(seed, part):
    """Foreground (1024 rows, 1024 columns): a box, for the parts side by side but the heart."""
    k = PARTS.index(part)
    top, left = np.random.default_rng([seed, k]).integers(0, 60, 2)
    rows = np.zeros((1024, 1024), bool)
    rows[150 * k + top : 150 * k + top + 200, 100 + left : 700 + left] = True
    return rows


def write_raw(path, values):
    path.parent.mkdir(parents=True, exist_ok=True)
    values.tofile(path)


def write_gif(path, values):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(values.astype(np.uint8)).save(path)


def official(root, *, cases=CASES):
    """``root`` with JSRT in ``All247images`` and SCR in ``scratch``, cases in turn in its folds."""
    for seed, case in enumerate(cases):
        write_raw(root / "All247images" / f"{case}.IMG", radiograph(seed))
        masks = root / "scratch" / f"fold{seed % 2 + 1}" / "masks"
        for part in PARTS:
            write_gif(masks / part / f"{case}.gif", 255 * mask(seed, part))
    return root


def released(root, *, images, labels, first=0):
    """``root/image`` and, for the first ``labels`` of them, ``root/label/<structure>``, PNG."""
    for k in range(images):
        save(root / "image" / f"{k:02d}.png", image(first + k, (40, 32)))
        for number, structure in enumerate(STRUCTURES if k < labels else ()):
            values = np.zeros((40, 32), np.uint8)
            values[8 * number : 8 * number + 12, 4 + k : 24] = 255
            save(root / "label" / structure / f"{k:02d}.png", values)
    return root


def divided(root):
    """The authors' tree with ``train`` and ``test``, in which names are in two folders."""
    released(root / "train" / "labeled", images=2, labels=2)
    released(root / "train" / "unlabeled", images=4, labels=0, first=10)
    released(root / "test" / "labeled", images=3, labels=3, first=20)
    return root
