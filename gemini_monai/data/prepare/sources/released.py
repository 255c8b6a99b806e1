"""The tree of the authors' released few-label data: their folders are the split."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from gemini_monai.base.errors import InputError
from gemini_monai.data.prepare.label_files import LabelFiles
from gemini_monai.data.prepare.split import Split
from gemini_monai.images import find_images

PARTS = ("train/labeled", "train/unlabeled", "test/labeled")


class Released(NamedTuple):
    """Images and labels by case, a case being its folder and its number, and who is where."""

    images: dict[str, Path]
    labels: dict[str, LabelFiles]
    split: Split


def find_released(
    source: Path,
    *,
    names: Sequence[str],
    find_labels: Callable[[Path], Mapping[str, LabelFiles]] = find_images,
) -> Released | None:
    """Look for ``{train,test}/labeled/{image,label}`` and ``train/unlabeled/image``.

    Args:
        source: That folder, or one that holds it by name, or holds ``data`` with it.
        names: What the folder is called.
        find_labels: Labels by case of a ``label`` folder, where they are not one file each.

    Returns:
        What is there; ``None`` if it is another tree.

    Raises:
        InputError: If a folder is missing or empty, or an image or a label lacks the other.
    """
    places = [source, *(source / parent / name for parent in ("", "data") for name in names)]
    root = next((path for path in places if any((path / part).is_dir() for part in PARTS)), None)
    if root is None:
        return None
    images: dict[str, Path] = {}
    labels: dict[str, LabelFiles] = {}
    for part in ("train", "test"):
        labeled_images = {
            f"{part}_{n}": p for n, p in find_images(root / part / "labeled/image").items()
        }
        their_labels = {
            f"{part}_{n}": p for n, p in find_labels(root / part / "labeled/label").items()
        }
        for case, path in labeled_images.items():
            if case not in their_labels:
                raise InputError(f"{path}: no label of that name in {root / part}/labeled/label")
        images |= labeled_images
        labels |= their_labels
    unlabeled = {
        f"unlabeled_{n}": p for n, p in find_images(root / "train/unlabeled/image").items()
    }
    split = Split(
        labeled=sorted(case for case in images if case.startswith("train_")),
        unlabeled=sorted(unlabeled),
        validation=[],
        test=sorted(case for case in images if case.startswith("test_")),
        dropped=[],
    )
    return Released(images | unlabeled, labels, split)
