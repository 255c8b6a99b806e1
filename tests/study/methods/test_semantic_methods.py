"""SetSim, DSC-PM, DeepCluster and GLCL, against their equations in loops."""

from __future__ import annotations

import itertools
import json
import math
from pydoc import locate

import pytest
import torch
import torch.nn.functional as F

from gemini_monai.networks import Gemini
from gemini_monai.study.methods import AttendedSets, DeepCluster, DenseCL, LocalContrast, Prototypes
from gemini_monai.study.methods.deep_cluster import k_means
from gemini_monai.study.methods.dense_grid import cell_features
from tests.bundles.runs import BUNDLE, MIP


@pytest.fixture
def network():
    torch.manual_seed(0)
    return Gemini(2, 1, 1, channels=(4, 8)).double()


def _views():
    return dict(zip(("view_a", "view_b"), torch.rand(2, 2, 1, 8, 8).double(), strict=True))


def _cosine(a, b):
    return float(F.cosine_similarity(a, b, dim=0))


@pytest.mark.parametrize("size", [(4, 4), (2, 2, 2)])
def test_sets_are_of_attended_places_that_are_alike_and_of_near_ones(size):
    count = math.prod(size)
    features, others = torch.randn(2, 2, count, 3).double()
    ddf = torch.zeros(2, len(size), *size).double()
    ddf[1] = 1.0
    pairing = AttendedSets(attention=0.3, likeness=0.2)
    found = pairing(features, others, batch={"ddf_ab": ddf}, cells=count)
    places = list(itertools.product(*(range(side) for side in size)))
    for b in range(2):
        attended = [_attended(own[b], 0.3) for own in (features, others)]
        assert 0 < len(attended[0]) < count
        for i, j in itertools.product(range(count), repeat=2):
            alike = _cosine(features[b, i], others[b, j]) >= 0.2
            near = math.dist(places[i], [x + b for x in places[j]]) < 0.5 * math.sqrt(len(size))
            wanted = (i in attended[0] and j in attended[1] and alike) or near
            assert bool(found[b, i, j]) is wanted


def _attended(features, share):
    squares = [float((own**2).sum()) / len(own) for own in features]
    least, greatest = min(squares), max(squares)
    return {k for k, own in enumerate(squares) if (own - least) / (greatest - least) >= share}


def test_nothing_stands_out_of_features_that_are_all_alike():
    flat = torch.ones(1, 16, 3)
    batch = {"ddf_ab": torch.full((1, 2, 8, 8), 100.0)}
    assert not AttendedSets()(flat, flat, batch=batch, cells=16).any()


def test_every_pair_of_a_set_counts(network):
    pairing = AttendedSets(0.6, likeness=0.0, distance=0.1)
    objective = DenseCL(queue=6, cells=16, projection=5, pairing=pairing)
    assert objective.reads == ("view_a", "view_b", "ddf_ab")
    objective.bind(network)
    objective.double()
    batch = _views() | {"ddf_ab": torch.full((2, 2, 8, 8), 0.7).double()}
    found = objective(network, batch)["place_contrast"]
    f, g = (cell_features(network.features(batch[key]), 16) for key in ("view_a", "view_b"))
    pairs = pairing(f, g, batch=batch, cells=16)
    assert len(pairs.sum(dim=2).unique()) > 2
    total = sum(_of_image(objective, f[b], g[b], pairs[b]) for b in range(2))
    assert float(found) == pytest.approx(0.5 * total / 2, rel=1e-9)


def _of_image(objective, f, g, pairs):
    """Mean over places that have partners of that over their partners."""
    q, k = (F.normalize(objective.projectors[1](own), dim=1) for own in (f, g))
    others = [sum(math.exp(float(own @ old) / 0.2) for old in objective.places.keys) for own in q]
    losses = []
    for i, row in enumerate(pairs):
        scores = [math.exp(float(q[i] @ k[j]) / 0.2) for j in row.nonzero().flatten()]
        whole = sum(scores) + others[i]
        if scores:
            losses.append(-sum(math.log(score / whole) for score in scores) / len(scores))
    return sum(losses) / len(losses)


def test_views_without_any_pair_teach_no_place(network):
    objective = DenseCL(cells=16, pairing=AttendedSets(1.1))
    objective.bind(network)
    objective.double()
    batch = _views() | {"ddf_ab": torch.full((2, 2, 8, 8), 100.0).double()}
    terms = objective(network, batch)
    assert float(terms["place_contrast"]) == 0
    assert float(terms["image_contrast"]) > 0


def test_prototypes_share_places_evenly_and_each_pair_learns_its_share():
    term = Prototypes(4, number=3, weight=2.0, temperature=0.3, sharpness=0.2, rounds=2).double()
    query, key = torch.randn(2, 2, 5, 4).double()
    pairs = torch.rand(2, 5, 5) < 0.3
    keys = key.reshape(10, 4)
    raw = [[math.exp(_cosine(k, c) / 0.2) for c in term.centers] for k in keys]
    for _ in range(2):
        columns = [sum(row[c] for row in raw) for c in range(3)]
        raw = [[row[c] / columns[c] for c in range(3)] for row in raw]
        raw = [[value / sum(row) for value in row] for row in raw]
    losses = []
    for b, i, j in pairs.nonzero().tolist():
        scores = [_cosine(query[b, i], c) / 0.3 for c in term.centers]
        total = math.log(sum(math.exp(s) for s in scores))
        losses.append(-sum(raw[5 * b + j][c] * (scores[c] - total) for c in range(3)))
    found = float(term(query, key, pairs))
    assert found == pytest.approx(2 * sum(losses) / len(losses), rel=1e-6)


def test_after_many_rounds_every_prototype_has_as_many_places():
    shares = Prototypes(8, number=4, rounds=200).double().shares(torch.rand(40, 4).double())
    assert torch.allclose(shares.sum(dim=1), torch.ones(40).double())
    assert torch.allclose(shares.sum(dim=0), torch.full((4,), 10.0).double(), atol=1e-3)


def test_a_prototype_that_lies_far_from_all_places_has_as_many_as_the_others():
    cosine = torch.rand(20, 4) / 10 + torch.tensor([0.9, 0.9, 0.9, -1.0])
    shares = Prototypes(8, number=4, rounds=1).shares(cosine)
    assert torch.allclose(shares.sum(dim=0), torch.full((4,), 5.0), atol=0.5)


def test_k_means_comes_to_the_means_of_clusters_that_lie_apart():
    torch.manual_seed(0)
    middles = torch.tensor([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0]])
    points = middles.repeat(20, 1) + 0.1 * torch.randn(60, 2)
    found = k_means(points, 3)
    torch.testing.assert_close(found[[0, 2, 1]], points.reshape(20, 3, 2).mean(dim=0))


def test_points_that_are_all_alike_leave_centers_where_they_are():
    assert k_means(torch.ones(4, 2), 3).tolist() == [[1.0, 1.0]] * 3


def test_a_view_learns_the_cluster_of_the_other(network):
    objective = DeepCluster(clusters=3, memory=8, period=2)
    objective.bind(network)
    objective.double()
    batch = _views()
    found = objective(network, batch)["cluster"]
    total = 0.0
    for b in range(2):
        first, second = (
            network.backbone.encode(batch[key][b : b + 1])[-1].mean(dim=(2, 3))[0]
            for key in ("view_a", "view_b")
        )
        second = F.normalize(second, dim=0)
        number = min(range(3), key=lambda c: float((second - objective.centers[c]).norm()))
        total -= float(objective.classifier(first).log_softmax(0)[number])
    assert float(found) == pytest.approx(total / 2, rel=1e-9)


def test_the_classifier_is_emptied_when_clusters_change(network):
    objective = DeepCluster(clusters=3, memory=8, period=2)
    objective.bind(network)
    objective.double()
    before = objective.centers.clone()
    objective(network, _views())
    objective.after_step(network)
    assert torch.equal(objective.centers, before)
    assert objective.classifier.weight.any()
    torch.testing.assert_close(objective.memory.keys[:2], objective.latest)
    objective(network, _views())
    objective.after_step(network)
    assert torch.equal(objective.centers, k_means(objective.memory.keys, 3))
    assert not objective.classifier.weight.any()


def test_more_clusters_than_embeddings_are_refused():
    with pytest.raises(ValueError, match="expected 2 to 4 clusters, got 5"):
        DeepCluster(clusters=5, memory=4)


def test_regions_are_told_apart_where_both_views_have_them(network):
    objective = LocalContrast(regions=16, cells=16, temperature=0.5, projection=5)
    objective.bind(network)
    objective.double()
    batch = _views()
    ddf = torch.zeros(2, 2, 8, 8).double()
    ddf[0, 0] = 2.0  # a cell: the last row of the first image lies outside of the other view
    found = objective(network, batch | {"ddf_ab": ddf})["local_contrast"]
    first, second = (network.features(batch[key]) for key in ("view_a", "view_b"))
    moved = torch.cat([F.pad(first[:1, :, 2:], (0, 0, 0, 2)), first[1:]])
    places = torch.cat([cell_features(moved, 16), cell_features(second, 16)])
    # every cell is drawn, so the order does not matter to the batch normalization
    f, g = objective.projector(places.flatten(0, 1)).unflatten(0, (2, 2, 16))
    losses = []
    for b, count in ((0, 12), (1, 16)):
        for one, other in ((f[b], g[b]), (g[b], f[b])):
            for i in range(count):
                scores = [math.exp(_cosine(one[i], other[j]) / 0.5) for j in range(count)]
                within = [math.exp(_cosine(one[i], one[j]) / 0.5) for j in range(count) if j != i]
                losses.append(-math.log(scores[i] / (sum(scores) + sum(within))))
    assert float(found) == pytest.approx(sum(losses) / len(losses), rel=1e-6)


def test_views_that_do_not_meet_teach_no_region(network):
    objective = LocalContrast(cells=16)
    objective.bind(network)
    objective.double()
    ddf = torch.full((2, 2, 8, 8), 100.0).double()
    assert float(objective(network, _views() | {"ddf_ab": ddf})["local_contrast"]) == 0


@pytest.mark.parametrize("bundle", [BUNDLE, MIP], ids=lambda bundle: bundle.name)
def test_both_parts_of_glcl_have_its_authors_temperature(bundle):
    given = json.loads((bundle / "configs" / "method_glcl.json").read_text())["objectives"]
    images, regions = (
        locate(options.pop("_target_"))(**options) for options in (given["global"], given["local"])
    )
    assert images.loss.temperature == regions.temperature == 0.1


def test_regions_inside_come_first():
    ddf = torch.zeros(3, 2, 8, 8)
    ddf[:, 0] = 4.0
    chosen, inside = LocalContrast(regions=8, cells=16).drawn(ddf)
    assert inside.all()
    assert int(chosen.max()) < 8
    _, inside = LocalContrast(regions=11, cells=16).drawn(ddf)
    assert inside.sum(dim=1).tolist() == [8, 8, 8]
