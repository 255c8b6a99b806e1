"""Methods of dense features, against the papers' equations in loops."""

from __future__ import annotations

import itertools
import math

import pytest
import torch
import torch.nn.functional as F

from gemini_monai.data.streams.places import UNKNOWN
from gemini_monai.geometry.warp import identity_grid
from gemini_monai.networks import Gemini
from gemini_monai.objectives import Learner
from gemini_monai.study.methods import DenseCL, PixPro, VADeR
from gemini_monai.study.methods.dense_grid import cell_features, cell_places, near_cells
from gemini_monai.study.methods.densecl import most_alike
from gemini_monai.study.methods.key_queue import KeyQueue

METHODS = {"vader": VADeR, "pixpro": PixPro, "densecl": DenseCL}


@pytest.fixture
def network():
    return Gemini(2, 1, 1, channels=(4, 8)).double()


def _batch(shift=0.0):
    a, b = torch.rand(2, 2, 1, 8, 8).double()
    ddf = torch.zeros(2, 2, 8, 8).double()
    ddf[:, 0] = shift
    return {"view_a": a, "view_b": b, "ddf_ab": ddf}


def _bound(objective, network):
    objective.bind(network)
    return objective.double()


def test_a_queue_tells_the_key_from_what_it_holds_and_moves_on():
    queue = KeyQueue(5, 3, temperature=0.3).double()
    query, key = torch.randn(2, 4, 3).double()
    before = queue.keys.clone()
    total = 0.0
    for q, k in zip(F.normalize(query, dim=1), F.normalize(key, dim=1), strict=True):
        own = math.exp(float(q @ k) / 0.3)
        total -= math.log(own / (own + sum(math.exp(float(q @ old) / 0.3) for old in before)))
    assert float(queue(query, key)) == pytest.approx(total / 4, rel=1e-9)
    queue.push(key)
    torch.testing.assert_close(queue.keys, torch.cat([F.normalize(key, dim=1), before[:1]]))
    queue.push(torch.randn(9, 3).double())
    assert queue.keys.shape == (5, 3)
    with pytest.raises(ValueError, match="1 key or more and a temperature above 0, got 0"):
        KeyQueue(0, 3, temperature=1.0)


@pytest.mark.parametrize("size", [(8, 12), (8, 4, 4)])
def test_cells_are_means_and_lie_in_their_middle(size):
    dims = len(size)
    features = torch.rand(1, 3, *size)
    cells = cell_features(features, 4**dims)
    assert cells.shape == (1, 4**dims, 3)
    first = features[(0, slice(None), *(slice(0, side // 4) for side in size))]
    torch.testing.assert_close(cells[0, 0], first.flatten(1).mean(dim=1))
    ddf = torch.zeros(1, dims, *size)
    ddf[:, 1] = size[1] / 4  # one cell along the second axis
    own, other = cell_places(ddf, 4**dims)
    torch.testing.assert_close(own[0, 1] - own[0, 0], torch.eye(dims)[-1])
    torch.testing.assert_close(other - own, torch.eye(dims)[1].expand_as(own))


def test_pixpro_pairs_near_places_and_smooths_by_likeness(network):
    objective = _bound(PixPro(cells=16, projection=5), network)
    with torch.no_grad():
        for own in objective.teacher.parameters():
            own += 0.1 * torch.randn_like(own)
    batch = _batch(shift=2.0)  # a cell
    batch["ddf_ab"][1] = 0.0
    views = torch.cat([batch["view_a"], batch["view_b"]])
    x = objective._projected((network, objective.projector), views)
    target = objective._projected(objective.teacher.module.children(), views)

    expected = 0.0
    for k, cells in ((0, 1.0), (1, 0.0)):
        shift, found = torch.tensor([cells, 0.0]), []
        for i, j in itertools.product(range(16), range(16)):
            if float((_place(i) - _place(j) - shift).norm()) < 0.7 * math.sqrt(2):
                there = _smoothed(objective, x[k], i), target[k + 2, j]
                back = _smoothed(objective, x[k + 2], j), target[k, i]
                found += [float(F.cosine_similarity(*pair, dim=0)) for pair in (there, back)]
        expected -= 2 * 2 * sum(found) / len(found) / 2  # both ways have as many; two images
    assert float(objective(network, batch)["propagation"]) == pytest.approx(expected, rel=1e-9)


def _smoothed(objective, x, i):
    """What all 16 places of a view make of one."""
    total = 0
    for own in x:
        likeness = max(float(F.cosine_similarity(x[i], own, dim=0)), 0.0)
        total = total + likeness**2 * F.normalize(objective.transform(own), dim=0)
    return total


def _place(i):
    return torch.tensor([i // 4, i % 4]).double()


@pytest.mark.parametrize(("zoom", "near"), [(0.5, 16), (1.0, 16), (2.0, 12)])
def test_near_is_measured_in_the_larger_cells(zoom, near):
    """Two views of one middle, the second of which shows ``zoom`` times as much of each side."""
    grid = identity_grid((8, 8), dtype=torch.float64)[None]
    ddf = (zoom - 1) * (grid - 3.5)
    pairs = near_cells(ddf, 16, distance=0.7)[0]
    first = [2 * k + 0.5 for k in range(4)]  # middles, in voxels
    second = [3.5 + zoom * (middle - 3.5) for middle in first]
    limit = 0.7 * math.sqrt(2) * 2 * max(zoom, 1)
    expected = torch.tensor(
        [
            [math.dist(one, other) < limit for other in itertools.product(second, repeat=2)]
            for one in itertools.product(first, repeat=2)
        ]
    )
    assert torch.equal(pairs, expected)
    assert int(pairs.any(dim=0).sum()) == near


def test_near_cells_of_views_that_are_known_in_part_are_those_that_are_known():
    ddf = torch.zeros(1, 2, 8, 8)
    ddf[:, :, :2] = UNKNOWN
    expected = torch.eye(16, dtype=torch.bool)
    expected[:4] = False
    assert torch.equal(near_cells(ddf, 16, distance=0.7)[0], expected)


def test_densecl_pairs_the_most_alike_and_mixes_two_parts(network):
    objective = _bound(DenseCL(share=0.3, queue=6, cells=16, projection=5), network)
    batch = _batch()
    terms = objective(network, batch)
    f = cell_features(network.features(batch["view_a"]), 16)
    g = cell_features(network.features(batch["view_b"]), 16)  # the average is the network still
    total = 0.0
    for b in range(2):
        for i in range(16):
            likeness = [float(F.cosine_similarity(f[b, i], g[b, j], dim=0)) for j in range(16)]
            partner = max(range(16), key=lambda j: likeness[j])
            q = F.normalize(objective.projectors[1](f[b, i]), dim=0)
            k = F.normalize(objective.projectors[1](g[b, partner]), dim=0)
            own = math.exp(float(q @ k) / 0.2)
            total -= math.log(
                own / (own + sum(math.exp(float(q @ o) / 0.2) for o in objective.places.keys))
            )
    assert float(terms["place_contrast"]) == pytest.approx(0.3 * total / 32, rel=1e-9)
    mean = objective.projectors[0](f.mean(dim=1)), objective.projectors[0](g.mean(dim=1))
    assert float(terms["image_contrast"]) == pytest.approx(0.7 * float(objective.means(*mean)))
    objective.after_step(network)
    keys = objective.projectors[1](g).mean(dim=1)
    torch.testing.assert_close(objective.places.keys[:2], F.normalize(keys, dim=1))


def test_the_most_alike_is_found_whatever_its_length():
    features = torch.eye(3)[None]
    others = torch.stack([torch.eye(3)[k] * (k + 1) for k in (2, 0, 1)])[None]
    pairs = most_alike(features, others, batch={}, cells=3)
    assert pairs.nonzero().tolist() == [[0, 0, 1], [0, 1, 2], [0, 2, 0]]


def test_vader_pairs_places_by_the_known_field(network):
    objective = _bound(VADeR(points=10**6, queue=6, projection=5), network)
    batch = _batch(shift=3.0)
    found = float(objective(network, batch)["pixel_contrast"])
    f, g = network.features(batch["view_a"]), network.features(batch["view_b"])
    total, count = 0.0, 0
    for b in range(2):
        for x in range(5):  # the partner of x lies at x + 3
            for y in range(8):
                q = F.normalize(objective.projector(f[b, :, x + 3, y]), dim=0)
                k = F.normalize(objective.projector(g[b, :, x, y]), dim=0)
                own = math.exp(float(q @ k) / 0.07)
                others = sum(math.exp(float(q @ o) / 0.07) for o in objective.queue.keys)
                total -= math.log(own / (own + others))
                count += 1
    assert found == pytest.approx(total / count, rel=1e-9)


@pytest.mark.parametrize("name", ["vader", "pixpro"])
def test_another_geometry_is_another_loss(network, name):
    objective = _bound(METHODS[name](), network)
    batch = _batch()
    torch.manual_seed(0)
    straight = next(iter(objective(network, batch).values()))
    torch.manual_seed(0)
    bent = next(iter(objective(network, batch | {"ddf_ab": batch["ddf_ab"] + 3.0}).values()))
    assert float(straight) != float(bent)


@pytest.mark.parametrize("name", ["vader", "pixpro"])
def test_views_that_do_not_meet_are_no_error(network, name):
    objective = _bound(METHODS[name](), network)
    terms = objective(network, _batch(shift=100.0))
    assert float(next(iter(terms.values()))) == 0
    objective.after_step(network)


@pytest.mark.parametrize("name", METHODS)
def test_another_teacher_is_another_loss(network, name):
    objective = _bound(METHODS[name](), network)
    batch = _batch()
    torch.manual_seed(0)
    first = sum(objective(network, batch).values())
    with torch.no_grad():
        for own in objective.teacher.parameters():
            own += torch.randn_like(own)
    torch.manual_seed(0)
    assert float(first) != float(sum(objective(network, batch).values()))


@pytest.mark.parametrize("name", METHODS)
def test_the_whole_backbone_and_what_the_method_owns_learn(network, name):
    learner = Learner(network, {name: METHODS[name]()}).double()
    sum(learner([name], _batch()).values()).backward()
    reached = {n for n, p in learner.named_parameters() if p.grad is not None and p.requires_grad}
    trainable = {n for n, p in learner.named_parameters() if p.requires_grad}
    rest = ("network.deformer.", "network.head.")
    assert reached == {n for n in trainable if not n.startswith(rest)}
    assert not any("teacher" in n for n in trainable)
