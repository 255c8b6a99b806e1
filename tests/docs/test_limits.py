"""The table of limits says what the code has."""

from __future__ import annotations

import pytest

from gemini_monai.base.errors import InputError
from gemini_monai.base.limits import GREATEST
from gemini_monai.choosing.distances import FEWEST as FEWEST_SCANS
from gemini_monai.data.prepare.propose import LARGEST, SMALLEST
from gemini_monai.data.prepare.scan import SMALLEST as FEWEST_VOXELS
from gemini_monai.images.read import MOST_CODES
from gemini_monai.quality import familiar, learning
from gemini_monai.report.read import label_rounds, volume_grids
from gemini_monai.runs.settings import KNOBS, USED
from gemini_monai.study.nnunet.raw_data_set import MOST
from tests.docs.conftest import DOCS

ROWS = dict(
    [cell.strip() for cell in line.strip("|").split("|")][:2]
    for line in (DOCS / "limits.md").read_text().splitlines()
    if line.startswith("| ")
)
SAID = {
    "size": f"at least {FEWEST_VOXELS} voxels along each axis",
    "size that the network sees": (
        f"up to {LARGEST[2]} voxels an axis in 2-D and {LARGEST[3]} in 3-D, in multiples of 8, "
        f"at least {SMALLEST}."
    ),
    "label maps": f"More than {MOST_CODES} different values",
    "structures that overlap": f"at most {MOST} of them",
    "[trust numbers](how_to/trust.md)": f"{learning.FEWEST} labeled images",
    "a flag for images that are mirrored or turned": f"{familiar.FEWEST} patients",
    "[`gemini choose`](how_to/choose.md) naming scans that stand out": f"{FEWEST_SCANS} scans",
    "the curve of Dice over labels in a report": f"{label_rounds.FEWEST} rounds",
    "volumes on a page": f"{volume_grids.LIMIT // 10**6} million voxels",
}


@pytest.mark.parametrize(("row", "said"), SAID.items(), ids=list(SAID))
def test_a_limit_is_that_of_the_code(row, said):
    assert said in ROWS[row]


def test_label_values_and_formats_are_those_of_the_code():
    assert GREATEST == 2**53
    assert "2^53" in ROWS["label maps"]
    with pytest.raises(InputError, match=r"expected one of \S+") as refused:
        USED["output_ext"](".gif", "key 'output_ext'")
    for name in str(refused.value).split("expected one of ")[1].split(", got")[0].split(", "):
        assert f"`{name}`" in ROWS["formats written"], name


@pytest.mark.parametrize(("knob", "greatest"), [("deformer_stages", 8), ("deformer_scales", 6)])
def test_the_reach_of_a_field(knob, greatest):
    assert f"1 to {greatest} {knob.split('_')[1]}" in ROWS["reach of a field"]
    KNOBS[knob](greatest, knob)
    with pytest.raises(InputError, match=f"1 to {greatest}, got {greatest + 1}"):
        KNOBS[knob](greatest + 1, knob)
