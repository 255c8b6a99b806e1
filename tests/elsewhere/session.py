"""What a person does with the package: ``python -m tests.elsewhere.session FOLDER``."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from gemini_monai.base.errors import input_error_in
from gemini_monai.commands import main as gemini
from gemini_monai.configuration import process_steps
from gemini_monai.data.phantom import write_phantom
from gemini_monai.runs import RunFolder
from tests.bundles.runs import PAIRED, paths, run

COUNTS = {"labeled": 2, "unlabeled": 4, "validation": 1, "test": 1}


def main(place):
    process_steps.write_report = lambda folders: RunFolder(folders[0]).report  # it is drawn once
    process_steps.print_findings = lambda folders, page: None
    data = write_phantom(place / "data", spatial_dims=2, spatial_size=(32, 32), **COUNTS)
    options = PAIRED | {"compare": [], "registration_pairs": 1} | paths(data, place / "run")
    run("train", **options | {"epochs": 1})
    run("train", **options, resume=True)
    print("resumed", _record(place)["iterations"], len(_record(place)["resumed"]))
    print("refused", _refused("train", **options))
    run("train", **options, overwrite=True, num_workers=1, cache_dir=str(place / "cache"))
    print("replaced", _record(place)["iterations"], "resumed" in _record(place))
    print("page", _typed("report", place / "run", "--output", place / "page.html"))
    places = (place / name for name in ("run", "data/images", "masks"))
    print("segment", _typed("segment", *places, "--quality", "off"))
    print("masks", len(list((place / "masks").glob("*.nii.gz"))))
    print("peak", _record(place)["peak_memory_mib"] > 100)


def _record(place):
    return json.loads((place / "run" / "run.json").read_text(encoding="utf-8"))


def _refused(*names, **options):
    try:
        run(*names, **options)
    except Exception as error:
        return input_error_in(error)
    return None


def _typed(*words):
    """The exit code of a command."""
    sys.argv = ["gemini", *map(str, words)]
    try:
        gemini()
    except SystemExit as end:
        return end.code
    return 0


if __name__ == "__main__":
    main(Path(sys.argv[1]))
