"""A bundle with a run's weights as one archive, as ``monai.bundle download`` delivers it."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gemini_monai.base.bundles import SHIPPED, is_archive
from gemini_monai.base.errors import InputError
from gemini_monai.base.files import read_json, read_text, refuse_existing, replacing, write_text
from gemini_monai.base.presence import copied_by
from gemini_monai.base.trust import refuse_code
from gemini_monai.networks import NETWORK_SETTINGS, checked_description, network_of
from gemini_monai.runs import SEEN, RunFolder, read_record
from gemini_monai.weights.card import model_card
from gemini_monai.weights.metadata import state_run
from gemini_monai.weights.network import load_network
from gemini_monai.weights.release import TERMS, read_release

MOMENT = (1980, 1, 1, 0, 0, 0)  # of every file, so that the same content is the same archive
USES = ("register", "landmark", "propose", "probe")
"""Configurations beside ``inference`` that use a run."""
ELSEWHERE = {"reference": None, "continue_from": None}
"""Settings that name what lies on the machine that trained, and is not shipped."""


def package_bundle(
    bundle: str | Path,
    run: str | Path | None = None,
    *,
    output: str | Path | None = None,
    overwrite: bool = False,
) -> Path:
    """Write ``<name>_v<version>.zip`` and beside it its SHA-256.

    The archive's folder is the bundle and a run at once: it has ``models/model.pt``, ``run.json``
    and ``checksums.sha256``, its ``inference.json`` uses that run, and the network
    knobs of its training configurations are those of the weights. So ``monai.bundle.load``,
    ``--run_dir`` and ``--pretrained`` take it as it is. ``docs/README.md`` is the card of the
    weights, from the run's record and scores and what ``release.json`` and ``data_license.txt``
    beside it say; the bundle's own page is ``docs/usage.md``.

    Nothing is run but the constructor of the network: the bundle's configurations go in as they
    are, and of the run plain values.

    Args:
        bundle: The bundle's folder.
        run: The run whose weights go in; ``None`` for the only one in the bundle's ``runs``.
        output: Folder of the archive; by default where the bundle's folder is.
        overwrite: Replace an archive that is there.

    Returns:
        The archive.

    Raises:
        InputError: If either is not what it should be, the bundle is an archive, the run is of
            another bundle or holds something to run, the weights do not fit the network,
            ``release.json`` says something unknown, or the archive is there.
    """
    bundle = Path(bundle)
    _refuse_archive(bundle)
    metadata = _read(bundle / "configs" / "metadata.json")
    run = Path(run) if run is not None else _only_run(bundle)
    release = read_release(run)
    version = release.get("version", metadata.get("version"))
    folder = Path(output) if output is not None else bundle.absolute().parent
    archive = folder / f"{bundle.absolute().name}_v{version}.zip"
    refuse_existing([archive, _sum_of(archive)], overwrite=overwrite)
    found = [path for pattern in SHIPPED for path in sorted(bundle.glob(pattern))]
    files = {path.relative_to(bundle).as_posix(): path for path in found}
    content: dict[str, bytes] = {name: path.read_bytes() for name, path in files.items()}
    content |= _with_run(bundle, run, release)
    sums = {name: hashlib.sha256(data).hexdigest() for name, data in content.items()}
    listing = "".join(f"{value}  {name}\n" for name, value in sorted(sums.items()))
    content["checksums.sha256"] = listing.encode()
    _write(archive, content, folder=bundle.absolute().name)
    return archive


def _refuse_archive(bundle: Path) -> None:
    if is_archive(bundle):
        raise InputError(
            f"{bundle}: an archive with weights, whose configurations are somebody's; expected a "
            "bundle (gemini bundle semi bundles), and this as the RUN"
        )


def _only_run(bundle: Path) -> Path:
    found = sorted(path.parent for path in (bundle / "runs").glob("*/run.json"))
    if len(found) != 1:
        names = ", ".join(path.name for path in found) or "none"
        raise InputError(f"{bundle / 'runs'}: expected one run to package, found {names}; name it")
    return found[0]


def _with_run(bundle: Path, run: Path, release: Mapping[str, Any]) -> dict[str, bytes]:
    """What the run adds to the bundle or changes in it, by name."""
    record = read_record(run)
    configs = _configurations(bundle)
    name = str(configs["metadata"].get("name")).lower().replace("-", "_")
    if record["bundle"] != name:
        raise InputError(f"{run}: a run of {record['bundle']}, which does not fit {bundle}")
    if record["task"] == "registration":
        raise InputError(
            f"{run}: a run of {record['method']}, for registration; expected a segmenter or a "
            "pre-trained backbone"
        )
    settings: dict[str, Any] = record["settings"]
    settings |= ELSEWHERE
    if settings.get("backbone") is not None:
        settings["backbone"] = checked_description(
            settings["backbone"], f"{run}: backbone", otherwise="nobody could open the archive"
        )
    load_network(network_of(settings), RunFolder(run).model)
    _state_settings(configs, settings)
    record.get("dataset", {}).pop("path", None)  # of the machine that trained
    record.get("continued_from", {}).pop("path", None)
    record.pop(SEEN, None)  # names of cases may be those of persons
    record["files"] = {}  # what is unpacked is nothing to be trained on, or replaced
    state_run(configs["metadata"], run, record, release)
    refuse_code(configs["metadata"], str(bundle / "configs" / "metadata.json"))
    changed = {f"configs/{name}.json": config for name, config in configs.items()}
    texts = {name: json.dumps(value, indent=4) for name, value in changed.items()}
    texts["run.json"] = json.dumps(record, indent=1)
    texts |= _documents(bundle, run, record=record, release=release)
    weights = RunFolder(run).model.read_bytes()
    return {name: text.encode() for name, text in texts.items()} | {"models/model.pt": weights}


def _configurations(bundle: Path) -> dict[str, dict[str, Any]]:
    there = {path.stem for path in (bundle / "configs").glob("*.json")}
    names = ("metadata", "inference", "train", *sorted(there & {*USES, "finetune"}))
    return {name: _read(bundle / "configs" / f"{name}.json") for name in names}


def _state_settings(configs: dict[str, dict[str, Any]], settings: Mapping[str, Any]) -> None:
    """The archive is the run that its configurations use, and its network is what they train."""
    for name in {"inference", *USES} & configs.keys():
        configs[name]["run_dir"] = "@bundle_root"
    for name in {"train", "finetune"} & configs.keys():
        configs[name] |= {key: settings[key] for key in NETWORK_SETTINGS if key in settings}
    if "finetune" in configs:
        configs["finetune"]["pretrained"] = "@bundle_root"


def _documents(
    bundle: Path, run: Path, *, record: Mapping[str, Any], release: Mapping[str, Any]
) -> dict[str, str]:
    """The model's card, with the bundle's own page and the terms of the data beside it."""
    terms = run / TERMS
    texts = {"docs/README.md": model_card(run, record, release, terms=terms.is_file())}
    page = bundle / "docs" / "README.md"
    texts |= {"docs/usage.md": read_text(page)} if page.is_file() else {}
    return texts | ({f"docs/{TERMS}": read_text(terms)} if terms.is_file() else {})


def _read(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise InputError(f"{path}: no such file; expected a bundle's folder{copied_by(path)}")
    return read_json(path, dict)


def _write(archive: Path, content: Mapping[str, bytes], *, folder: str) -> None:
    with replacing(archive) as part, zipfile.ZipFile(part, "w") as file:
        for name in sorted(content):
            entry = zipfile.ZipInfo(f"{folder}/{name}", MOMENT)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system, entry.external_attr = 3, 0o644 << 16  # the same bytes everywhere
            file.writestr(entry, content[name])
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    write_text(_sum_of(archive), f"{digest}  {archive.name}\n")


def _sum_of(archive: Path) -> Path:
    return archive.with_name(f"{archive.name}.sha256")
