"""The command line: ``python -m gemini_monai prepare | check | report | export | ...``."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fire

from gemini_monai.errors import InputError, show_error
from gemini_monai.limits import flag, one_of


def prepare_commands() -> dict[str, Callable[..., None]]:
    """``prepare NAME``, one command per kind of source."""
    from gemini_monai.data import prepare

    return {
        "folder": _splitting(prepare.prepare_folder),
        "decathlon": _splitting(prepare.prepare_decathlon),
        "heart_ct": _splitting(prepare.prepare_heart_ct),
        "scr": _splitting(prepare.prepare_scr),
        "kipa22": _splitting(prepare.prepare_kipa22),
        "candi": _splitting(prepare.prepare_candi),
        "chestxray8": _whole(prepare.prepare_chestxray8),
        "ppmi": _whole(prepare.prepare_ppmi),
        "phantom": phantom,
    }


def _splitting(prepare: Callable[..., Path]) -> Callable[..., None]:
    """The command of a source with labels, which are divided."""

    def command(
        src: str,
        dst: str,
        labeled: int | None = None,
        validation: int | None = None,
        test: int | None = None,
        seed: int = 0,
        labeled_draw: int = 0,
        align: str | bool | None = None,
        reference: Any = None,
        spacing: list[float] | None = None,
        spatial_size: list[int] | None = None,
        overwrite: bool = False,
        **unknown: Any,
    ) -> None:
        from gemini_monai.data.prepare.split import Wanted

        _refuse(unknown)
        wanted = Wanted(
            labeled,
            validation,
            test,
            seed,
            labeled_draw,
            align="itk" if align is True else align or None,
            reference=None if reference is None else str(reference),
            spacing=spacing,
            spatial_size=spatial_size,
            overwrite=overwrite,
        ).check()
        prepare(str(src), str(dst), wanted=wanted)

    return _described(command, prepare)


def _whole(prepare: Callable[..., Path]) -> Callable[..., None]:
    """The command of a source that is for pre-training as a whole."""

    def command(src: str, dst: str, overwrite: bool = False, **unknown: Any) -> None:
        _refuse(unknown)
        flag(overwrite, "--overwrite")
        prepare(str(src), str(dst), overwrite=overwrite)

    return _described(command, prepare)


def _described(command: Callable[..., None], prepare: Callable[..., Path]) -> Callable[..., None]:
    command.__doc__ = prepare.__doc__
    return command


def phantom(dst: str, spatial_dims: int = 2, seed: int = 0, **unknown: Any) -> None:
    """Write the built-in population of subjects with known deformations."""
    from gemini_monai.data.phantom import write_phantom

    _refuse(unknown)
    print(write_phantom(str(dst), spatial_dims=spatial_dims, seed=seed))


def check(config_file: Any, **overrides: Any) -> None:
    """Tell whether configuration files parse and every override names a key, without a run."""
    from gemini_monai.configuration import check_configuration

    changed = check_configuration(config_file, **overrides)
    print(f"ok: {', '.join(changed) or 'no overrides'}")


def report(*runs: str, output: str | None = None, **unknown: Any) -> None:
    """Make the page of one run again, or of several side by side."""
    _refuse(unknown)
    from gemini_monai.report import print_findings, write_report

    folders = [Path(str(run)) for run in runs]
    page = write_report(folders, output=Path(str(output)) if output else None)
    print_findings(folders, page=page)


def export(
    run: str, output: str, part: str = "backbone", overwrite: bool = False, **unknown: Any
) -> None:
    """Write a run's backbone, or its encoder, as a file of its own with a card."""
    from gemini_monai.weights import export_backbone

    _refuse(unknown)
    one_of("backbone", "encoder")(part, "--part")
    flag(overwrite, "--overwrite")
    print(export_backbone(str(run), str(output), part=part, overwrite=overwrite))


def package(
    bundle: str,
    run: str | None = None,
    output: str | None = None,
    overwrite: bool = False,
    **unknown: Any,
) -> None:
    """Make one archive, with checksums, of a bundle and the weights of a run."""
    from gemini_monai.weights import package_bundle

    _refuse(unknown)
    flag(overwrite, "--overwrite")
    print(package_bundle(str(bundle), run, output=output, overwrite=overwrite))


def inspect(file: str, **unknown: Any) -> None:
    """Show where an exported backbone comes from."""
    from gemini_monai.weights import read_card

    _refuse(unknown)
    print(json.dumps(read_card(file), indent=1))


def _refuse(unknown: dict[str, Any]) -> None:
    """Before anything is done: the command line has an option that does not exist."""
    if unknown:
        raise InputError(f"unknown option --{next(iter(unknown))}; see --help")


def main() -> None:
    """Run a command; an error is one line on stderr and an exit code that is not zero."""
    try:
        fire.Fire(
            {
                "prepare": prepare_commands(),
                "check": check,
                "report": report,
                "export": export,
                "inspect": inspect,
                "package": package,
            },
            name="python -m gemini_monai",
        )
    except (Exception, KeyboardInterrupt) as error:
        sys.exit(show_error(error))


if __name__ == "__main__":
    main()
