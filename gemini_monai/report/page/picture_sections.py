"""The parts of the page that are looked at: predictions, registered pairs, restored images."""

from __future__ import annotations

from gemini_monai.report.figures.kept_pictures import WORST_FIRST, deformation_rows, triptych_rows
from gemini_monai.report.figures.overlays import overlay_rows
from gemini_monai.report.page.elements import Block, Gallery, Heading, Note, Section, structure_key
from gemini_monai.report.page.registration_tables import pair_table, registration_table
from gemini_monai.report.page.viewer_code import has_viewer
from gemini_monai.report.read.comparison import Arm, Comparison
from gemini_monai.report.read.kept_arrays import RESTORED
from gemini_monai.report.read.shown_volumes import spatial_dims


def overlays(comparison: Comparison) -> Section:
    """Predictions over images, worst first."""
    rows = overlay_rows(comparison, scrolled=has_viewer())
    if not rows:
        nothing = Note("No test case, so no picture.")
        return Section("overlays", "Predictions", title="Predictions", blocks=(nothing,))
    text = "Solid: prediction. Dashed in white: truth. Cases are ranked by mean Dice of "
    blocks: tuple[Block, ...] = (
        Note(f"{text}{comparison.first.name}."),
        structure_key(comparison),
        *_without_viewer(comparison),
        Gallery(tuple(rows), columns=max(3, 2 + len(comparison.arms))),
    )
    return Section("overlays", "Predictions", title="Predictions, worst case first", blocks=blocks)


def _without_viewer(comparison: Comparison) -> list[Note]:
    """How to come to scroll, for volumes where nobody has installed the viewer."""
    if has_viewer() or spatial_dims(comparison.first.run) == 2:
        return []
    text = "Slices only: to scroll through whole volumes, 'gemini viewer' and then 'gemini report'."
    return [Note(text)]


def registration(comparison: Comparison) -> Section | None:
    """Means, then pictures and the table of every arm; None where no pair was registered."""
    arms = [arm for arm in comparison.arms if arm.run.pairs or arm.run.kept_pairs]
    if not arms:
        return None
    named = comparison.several or len(arms) > 1
    tested = any(arm.run.pairs for arm in arms)
    blocks: list[Block] = [registration_table(comparison)] if tested else []
    blocks += _without_viewer(comparison)
    for arm in arms:
        blocks += [Heading(arm.name)] if named else []
        blocks += _registered(arm, worst_only=comparison.several)
    return Section(
        "registration",
        "Registration",
        title="Registration, worst pair first" if tested else "Registration",
        blocks=tuple(blocks),
    )


def _registered(arm: Arm, *, worst_only: bool) -> list[Block]:
    """One arm's pictures and its table of pairs."""
    kept = [name for name in WORST_FIRST if name in arm.run.kept_pairs]
    names = kept[:1] if worst_only else kept
    rows = deformation_rows(arm.run, names=names, scrolled=has_viewer())
    pictures: Block = Note(f"{arm.name} kept no pair to show.")
    if rows:
        pictures = Gallery(tuple(rows), columns=4, legend=True)
    return [pictures, pair_table(arm)] if arm.run.pairs else [pictures]


def restoration(comparison: Comparison) -> Section | None:
    """Triptychs of the images that pre-training watched; None where no run restores."""
    arms = [arm for arm in comparison.arms if arm.run.restoration is not None]
    if not arms:
        return None
    named = comparison.several or len(arms) > 1
    blocks: list[Block] = []
    for arm in arms:
        blocks += [Heading(arm.name)] if named else []
        blocks.append(_triptychs(arm))
    text = (
        "The same images and the same corruption after every epoch; errors are over whole images."
    )
    return Section("restoration", "Restoration", title="Restoration", blocks=(*blocks, Note(text)))


def _triptychs(arm: Arm) -> Gallery | Note:
    try:
        return Gallery(tuple(triptych_rows(arm.run)), columns=len(RESTORED))
    except OSError as error:
        return Note(f"Not shown: {error}.")
