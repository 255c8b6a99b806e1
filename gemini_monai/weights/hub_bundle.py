"""A packaged bundle to the Hugging Face Hub, as MONAI's model zoo hosts them since 2025-03."""

from __future__ import annotations

import hashlib
import json
import zipfile
from pathlib import Path, PurePosixPath
from typing import Any

from gemini_monai.base.errors import InputError
from gemini_monai.base.trust import refuse_code
from gemini_monai.weights.hub import committed, hub_client, one_line
from gemini_monai.weights.hub_pages import FEATURES, SEGMENTER, front_matter, metadata_of_bundle
from gemini_monai.weights.metadata import PRETRAINING

SUMS, METADATA, RECORD = "checksums.sha256", "configs/metadata.json", "run.json"


def push_bundle(archive: str | Path, repository: str, *, private: bool = False) -> str:
    """Upload what ``package_bundle`` wrote, file by file, as one commit with its version as tag.

    ``README.md`` beside the bundle's files is the card of the weights with what the Hub's pages
    need before it, and ``metadata.json`` is what the zoo's list needs. So ``python -m monai.bundle
    download NAME --source huggingface_hub --repo OWNER/NAME --version VERSION`` fetches it.

    Args:
        archive: The file, ``NAME_vVERSION.zip``.
        repository: ``OWNER/NAME``; made where there is none.
        private: Whether a repository that is made is seen by its owner alone.

    Returns:
        The address of the commit.

    Raises:
        InputError: If the file is no archive of a bundle or was changed, huggingface_hub is not
            installed, the version is there already, or the Hub refuses.
    """
    hub = hub_client()
    files = _files(Path(archive))
    metadata, record = (_content(files[name], f"{archive}: {name}") for name in (METADATA, RECORD))
    version = str(metadata.get("version"))
    _refuse_version(hub, repository, version)
    kind = FEATURES if record.get("task") == PRETRAINING else SEGMENTER
    top = front_matter(kind, license_name="see-the-card").encode()
    files["README.md"] = top + files["docs/README.md"]
    files["metadata.json"] = metadata_of_bundle(metadata, repository).encode()
    message = f"{metadata.get('name')} {version}"
    address = committed(hub, repository, files, message=message, private=private)
    try:
        hub.HfApi().create_tag(repository, tag=version, tag_message=message)
    except (OSError, ValueError, RuntimeError) as error:
        raise InputError(f"{repository}: uploaded without a tag: {one_line(error)}") from error
    return address


def _files(archive: Path) -> dict[str, bytes]:
    """Content by name within the bundle's folder, as its checksums say."""
    try:
        with zipfile.ZipFile(archive) as file:
            names = [name for name in file.namelist() if not name.endswith("/")]
            found = {str(PurePosixPath(*PurePosixPath(n).parts[1:])): file.read(n) for n in names}
    except (OSError, zipfile.BadZipFile) as error:
        raise InputError(f"{archive}: not an archive: {one_line(error)}") from error
    if not {SUMS, METADATA, RECORD, "docs/README.md", "models/model.pt"} <= found.keys():
        raise InputError(f"{archive}: not an archive of 'gemini package', with weights and a card")
    lines = found[SUMS].decode(errors="replace").splitlines()
    listed = {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
    sums = {n: hashlib.sha256(own).hexdigest() for n, own in found.items() if n != SUMS}
    for name in {**listed, **sums}:
        if listed.get(name) != sums.get(name):
            raise InputError(f"{archive}: {name} is not as {SUMS} in it says; package it again")
    return found


def _content(data: bytes, name: str) -> dict[str, Any]:
    try:
        content = json.loads(data)
    except ValueError as error:
        raise InputError(f"{name}: not JSON: {error}") from error
    if not isinstance(content, dict):
        raise InputError(f"{name}: expected a JSON object, found {type(content).__name__}")
    refuse_code({key: own for key, own in content.items() if key != "settings"}, name)
    return content


def _refuse_version(hub: Any, repository: str, version: str) -> None:
    """A version that was published stays what it is."""
    try:
        tags = [tag.name for tag in hub.HfApi().list_repo_refs(repository).tags]
    except (OSError, ValueError, RuntimeError):  # where there is no repository yet
        return
    if version in tags:
        raise InputError(
            f"{repository}: has a version {version} already; raise 'version' in release.json of "
            "the run, and package it again"
        )
