"""Files decoded once for all that looks at them in a row: the last ones are kept."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from monai.data.meta_tensor import MetaTensor

from gemini_monai import images

KEPT = 2  # a case and the reference that it is compared with

Files = Path | Sequence[Path]


def kept_image(path: Path) -> MetaTensor:
    """An image (C, *S), not to be changed.

    Raises:
        InputError: As ``images.read``.
    """
    return _image(path, _changed([path]))


def kept_label(files: Files, *, ignore: int | None = None) -> MetaTensor:
    """A label map, or a mask per file, (C, *S), not to be changed.

    Args:
        files: One file, or several.
        ignore: As of ``images.read_label``.

    Raises:
        InputError: As ``images.read_label``.
    """
    paths = (files,) if isinstance(files, Path) else tuple(files)
    return _label(paths, _changed(paths), single=isinstance(files, Path), ignore=ignore)


def forget() -> None:
    """Let go of the files that are kept."""
    _image.cache_clear()
    _label.cache_clear()


def _changed(paths: Sequence[Path]) -> tuple[int, ...]:
    """When each was changed, so that another content is read anew."""
    return tuple(path.stat().st_mtime_ns if path.exists() else 0 for path in paths)


@lru_cache(maxsize=KEPT)
def _image(path: Path, changed: tuple[int, ...]) -> MetaTensor:
    return images.read(path)


@lru_cache(maxsize=KEPT)
def _label(
    paths: tuple[Path, ...], changed: tuple[int, ...], *, single: bool, ignore: int | None
) -> MetaTensor:
    ignoring = {} if ignore is None else {"ignore": ignore}
    return images.read_label(paths[0] if single else paths, **ignoring)
