"""Numbers that the authors' own code makes of tensors that anyone can make again.

Each was printed by the function that is named, taken from the repository at the commit, of
``waves``; where it needs other packages only to be imported, they were stood in for.
"""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from gemini_monai.geometry.warp import identity_grid
from gemini_monai.networks import Gemini
from gemini_monai.objectives.teacher import rising_momentum
from gemini_monai.study.methods import (
    BYOL,
    AttendedSets,
    DenseCL,
    MomentumContrast,
    PixPro,
    SimCLR,
    SimSiam,
    momentum_contrast,
    siamese,
)
from gemini_monai.study.methods.local_contrast import told_apart
from gemini_monai.transforms import RandBezierIntensity


def waves(*shape, start=0):
    """``sin(1.7 k)`` for k from ``start``, in double precision."""
    count = int(np.prod(shape))
    return torch.sin(1.7 * torch.arange(start, start + count, dtype=torch.float64)).reshape(shape)


def field_of(first, second, side=8):
    """Displacement between two views that show boxes (x0, y0, x1, y1) of one image."""
    grid = identity_grid((side, side), dtype=torch.float64)
    fields = []
    for a, b in zip(first, second, strict=True):
        low, high = (torch.tensor(box).double().reshape(2, 2).flip(1) for box in (a, b))
        place = high[0, :, None, None] + (grid + 0.5) / side * (high[1] - high[0])[:, None, None]
        own = (place - low[0, :, None, None]) / (low[1] - low[0])[:, None, None] * side - 0.5
        fields.append(own - grid)
    return torch.stack(fields)


BOXES = (
    [(0.1, 0.2, 0.6, 0.7), (0.0, 0.1, 0.6, 0.7)],
    [(0.3, 0.3, 0.9, 0.9), (0.7, 0.0, 0.2, 0.75)],  # the last is flipped
)


def places_of(*shape, start):
    """``waves`` (B, K, *S) as places (B, P, K)."""
    return waves(*shape, start=start).flatten(2).transpose(1, 2)


def test_pixpros_loss_is_its_authors(monkeypatch):
    """``featprop`` and ``regression_loss``, contrast/models/PixPro.py of zdaxie/PixPro, e390d6b."""
    objective, network = PixPro(cells=16, projection=5), Gemini(2, 1, 1, channels=(4, 8))
    objective.bind(network)
    objective.double()
    projected = [places_of(2, 5, 4, 4, start=1000 * k) for k in range(4)]
    own, target = torch.cat(projected[:2]), torch.cat(projected[2:])
    monkeypatch.setattr(objective, "_projected", lambda of, _: own if of[0] is network else target)
    with torch.no_grad():
        objective.transform.weight.copy_(waves(5, 5, start=5000))
        objective.transform.bias.copy_(waves(5, start=6000))
    views = torch.zeros(2, 1, 8, 8)
    batch = {"view_a": views, "view_b": views, "ddf_ab": field_of(*BOXES)}
    found = float(objective(network, batch)["propagation"])
    assert found == pytest.approx(0.26253432156231504, rel=1e-6)
    wanted = [1.6508688418429849, -1.8294493749862302, -0.015011124721621827, 1.5174355448223393]
    assert objective.propagated(own)[0, 6, :4].tolist() == pytest.approx(wanted, rel=1e-12)


def test_simclrs_loss_is_half_of_its_authors():
    """``add_contrastive_loss``, objective.py of google-research/simclr, 383d414.

    With NumPy in the place of TensorFlow's functions.
    """
    found = SimCLR().loss(*waves(6, 4).chunk(2))
    assert 2 * float(found) == pytest.approx(18.209079995611972, rel=1e-6)


def test_simsiams_heads_and_loss_are_its_authors(monkeypatch):
    """``SimSiam``, simsiam/builder.py, and the loss of main_simsiam.py of facebookresearch/simsiam.

    At a7bc177, of embeddings of width 6. The second view's are those of the first in another
    order, so that a view has the statistics that both have together.
    """
    objective = SimSiam(projection=6, hidden=4)
    objective.bind(Gemini(2, 1, 1, channels=(4, 6)))
    objective.double()
    with torch.no_grad():
        for number, own in enumerate(objective.parameters()):
            own.copy_(waves(*own.shape, start=100 * number))
    monkeypatch.setattr(siamese, "image_embedding", lambda _, views: views)
    first = waves(4, 6, start=50)
    batch = {"view_a": first, "view_b": first.roll(1, 0)}
    found = float(objective(None, batch)["similarity"])
    assert found == pytest.approx(-0.039073462392222376, rel=1e-9)


def test_byols_loss_and_momentum_are_its_authors(monkeypatch):
    """``regression_loss`` and ``target_ema``, byol/utils of google-deepmind/deepmind-research.

    At 4822a45, with NumPy in the place of JAX's functions; both ways are added.
    """
    objective, same = BYOL(), torch.nn.Identity()
    objective.projector = objective.predictor = same
    student, target = waves(6, 5), waves(6, 5, start=77)
    embedded = {"student": student, "average": target}
    monkeypatch.setattr(siamese, "image_embedding", lambda network, _: embedded[network])
    monkeypatch.setattr(objective, "averages", lambda: ("average", same))
    views = torch.zeros(3, 5)
    found = float(objective("student", {"view_a": views, "view_b": views})["prediction"])
    assert found == pytest.approx(2.1125980884507993, rel=1e-12)
    momentum = [rising_momentum(0.99, step / 300) for step in (0, 100, 250, 300)]
    assert momentum == pytest.approx([0.99, 0.9925, 0.9993301270189222, 1.0], abs=1e-14)


def _queued(queue, *, start):
    queue.keys.copy_(F.normalize(waves(12, 5, start=start), dim=1))


def test_mocos_head_and_loss_are_its_authors(monkeypatch):
    """``MoCo``, moco/builder.py of facebookresearch/moco, 4397a04, with ``mlp``.

    Of embeddings of width 6, its keys by another head; without its shuffle between processes.
    """
    objective = MomentumContrast(queue=12, projection=5)
    objective.bind(Gemini(2, 1, 1, channels=(4, 6)))
    objective.double()
    _queued(objective.queue, start=3000)
    with torch.no_grad():
        for head, start in ((objective.projector, 0), (objective.averages()[1], 50)):
            for number, own in enumerate(head.parameters()):
                own.copy_(waves(*own.shape, start=100 * number + start))
    monkeypatch.setattr(momentum_contrast, "image_embedding", lambda _, views: views)
    batch = {"view_a": waves(4, 6, start=50), "view_b": waves(4, 6, start=90)}
    found = float(objective(None, batch)["queue_contrast"])
    assert found == pytest.approx(5.807319295919148, rel=1e-12)


def _dense(objective, monkeypatch, seen):
    """A ``DenseCL`` that sees features, means and projections as given, of either view."""
    objective.bind(Gemini(2, 1, 1, channels=(4, 8)))
    objective.double()
    _queued(objective.means, start=3000)
    _queued(objective.places, start=4000)
    monkeypatch.setattr(objective, "_seen", lambda _, view: seen[int(view[0])])
    return objective


def test_densecls_losses_and_keys_are_its_authors(monkeypatch):
    """``forward_train``, openselfsup/models/densecl.py of WXinlong/DenseCL, b64bbb6.

    Of features (2, 6, 3, 3) and projections of width 5 in the place of its networks'.
    """
    seen = [
        (places_of(2, 6, 3, 3, start=a), waves(2, 5, start=b), places_of(2, 5, 9, start=b + 100))
        for a, b in ((0, 1000), (500, 1300))
    ]
    objective = _dense(DenseCL(queue=12, projection=5, cells=9), monkeypatch, seen)
    terms = objective(None, {"view_a": torch.zeros(1), "view_b": torch.ones(1)})
    assert float(terms["image_contrast"]) == pytest.approx(1.6226355552449032, rel=1e-12)
    assert float(terms["place_contrast"]) == pytest.approx(0.4281357156528894, rel=1e-12)
    objective.places.push(objective.newest[1][1])
    keys = [-0.3809728731494639, 0.4934742353176729, -0.5249775067296373, 0.4703117895867912]
    assert objective.places.keys[0, :4].tolist() == pytest.approx(keys, rel=1e-12)


def test_setsims_pairs_and_loss_are_its_authors(monkeypatch):
    """``Matcher`` and ``_cal_pix_loss``, setstim of DerrickWang005/SetSim.pytorch, 6a439e2.

    With the options of its train_pretrain.sh; of features (2, 6, 7, 7), projections of width 5.
    """
    seen = [
        (places_of(2, 6, 7, 7, start=a), waves(2, 5), places_of(2, 5, 7, 7, start=b))
        for a, b in ((0, 1100), (900, 1700))
    ]
    pairing = AttendedSets()
    model = DenseCL(queue=12, projection=5, cells=49, pairing=pairing)
    objective = _dense(model, monkeypatch, seen)
    batch = {"view_a": torch.zeros(1), "view_b": torch.ones(1), "ddf_ab": field_of(*BOXES, side=14)}
    pairs = pairing(seen[0][0], seen[1][0], batch=batch, cells=49)
    assert pairs.sum(dim=(1, 2)).tolist() == [197, 201]
    assert pairs.any(dim=2).sum(dim=1).tolist() == [34, 41]
    found = float(objective(None, batch)["place_contrast"])
    assert found == pytest.approx(0.5 * 5.545867279607712, rel=1e-7)


def test_the_local_part_of_glcl_is_its_authors():
    """``decoder_pretrain_net``, models.py of krishnabits001/domain_specific_cl, e5aae80.

    The loop over regions, with NumPy in the place of TensorFlow's functions; six regions of 3 x 3
    of four maps of 8 x 8, no layer of weights, and the two next regions as negatives of each.
    """
    maps = waves(4, 8, 8, 2)
    corners = [(0, 0), (0, 5), (3, 2), (5, 0), (5, 5), (2, 4)]
    regions = torch.stack([maps[:, x : x + 3, y : y + 3].flatten(1) for x, y in corners], dim=1)
    others = torch.eye(6).bool().roll(1, dims=1) | torch.eye(6).bool().roll(2, dims=1)
    ways = (regions[0::2], regions[1::2]), (regions[1::2], regions[0::2])
    found = sum(told_apart(*way, others, temperature=0.1).sum() for way in ways) / 6
    assert float(found) == pytest.approx(61.326376690157055, rel=1e-12)


CURVES = [
    ([[0.2, 0.9], [0.7, 0.1]], 0.8, [0.286889532637, 0.444173977963, 0.594010895850]),
    ([[0.2, 0.9], [0.7, 0.1]], 0.2, [0.713110467363, 0.555826022037, 0.405989104150]),
    ([[0.9, 0.3], [0.05, 0.6]], 0.2, [0.952385084236, 0.863349080629, 0.097682956500]),
]


@pytest.mark.parametrize(("controls", "luck", "expected"), CURVES)
def test_intensities_are_mapped_as_by_models_genesis(controls, luck, expected):
    """``nonlinear_transformation``, pytorch/utils.py of MrGiovanni/ModelsGenesis, 12f7feb."""
    curve = RandBezierIntensity(prob=1.0, inverted=0.5, points=100_000)
    curve.R = SimpleNamespace(
        rand=lambda: 0.0, uniform=lambda size=None: np.array(controls) if size else luck
    )
    found = curve(torch.tensor([[0.1, 0.25, 0.75]], dtype=torch.float64))
    assert found[0].tolist() == pytest.approx(expected, abs=1e-12)
