"""Files segmented by one known network, and by several, against what is worked out by hand."""

from __future__ import annotations

from dataclasses import replace

import nibabel as nib
import numpy as np
import pytest
import torch
from monai.data import MetaTensor

from gemini_monai.base.errors import InputError
from gemini_monai.inference import Ensemble, TrainedRun, segment_files
from gemini_monai.transforms import CaseTable, InputSpec, postprocessing
from tests.data.prepare.made import image, save
from tests.inference.networks import PerVoxel, Uneven

AFFINE = np.diag([1.5, 2.0, 1.0, 1.0])


def _run(tmp_path, network, *, dims=2, **given):
    known = {
        "spatial_dims": dims,
        "in_channels": 1,
        "spatial_size": (12, 10, 6)[:dims],
        "intensity": {"kind": "range", "lower": 0, "upper": 100},
        "label_values": (0, 7),
        "structures": ("a",),
    }
    settings = InputSpec(**(known | given)).settings()
    record = {"settings": settings, "method": "supervised"}
    return TrainedRun(tmp_path / "no_run", record=record, network=network)


def _constant(tmp_path, value, shape=(12, 10)):
    save(tmp_path / "in" / "scan.nii.gz", np.full(shape, value, np.uint8), affine=AFFINE)
    return tmp_path / "in" / "scan.nii.gz"


def _sigmoid(value):
    return 1 / (1 + np.exp(-value))


@pytest.mark.parametrize("shape", [(12, 10), (12, 10, 6)])
def test_probabilities_are_those_of_the_network_and_add_up_to_one(tmp_path, shape):
    save(tmp_path / "a.nii.gz", image(0, shape), affine=AFFINE)
    run = _run(tmp_path, PerVoxel((4.0, 0.5)), dims=len(shape))
    found = run.predict(tmp_path / "a.nii.gz")
    expected = _sigmoid(4 * (np.clip(image(0, shape) / 100, 0, 1) - 0.5))
    np.testing.assert_allclose(found.probabilities[1].numpy(), expected, atol=1e-5)
    np.testing.assert_allclose(found.probabilities.sum(0).numpy(), 1, atol=1e-6)
    np.testing.assert_array_equal(found.label[0].numpy(), np.where(expected > 0.5, 7, 0))
    assert found.volumes[0]["case"] == "a"
    assert found.volumes[0]["voxels"] == int((expected > 0.5).sum())
    assert torch.equal(run.segment(tmp_path / "a.nii.gz"), found.label)


@pytest.mark.parametrize("shape", [(12, 10), (12, 10, 6)])
def test_an_image_in_memory_is_segmented_as_its_file_and_on_its_own_grid(tmp_path, shape):
    """A volume that lies askew, at another voxel size than the network's, by every door."""
    values = image(0, shape).astype(np.float32)
    turned = AFFINE[[1, 0, 2, 3]]
    save(tmp_path / "scan.nii.gz", values, affine=turned)
    run = _run(tmp_path, Uneven(), dims=len(shape), orientation="RAS"[: len(shape)])
    run.spec = replace(run.spec, spacing=(1.2,) * len(shape))
    expected = run.predict(tmp_path / "scan.nii.gz")
    doors = [
        (nib.load(tmp_path / "scan.nii.gz"), {}),
        (MetaTensor(torch.as_tensor(values)[None], affine=torch.as_tensor(turned)), {}),
        (values, {"affine": turned}),
        (torch.as_tensor(values)[None], {"affine": turned}),
    ]
    for given, grid in doors:
        found = run.predict(given, **grid)
        assert torch.equal(found.label, expected.label)
        torch.testing.assert_close(found.label.affine, expected.label.affine)
        assert torch.equal(Ensemble([run]).segment(given, **grid), found.label)
    assert run.predict(doors[0][0]).volumes == expected.volumes
    assert run.predict(values, affine=turned).volumes[0]["case"] == "image in memory"


def test_an_image_in_memory_that_the_run_does_not_take_is_named(tmp_path):
    run = _run(tmp_path, PerVoxel((4.0, 0.5)), spacing=(1.0, 1.0))
    with pytest.raises(InputError, match="image in memory: says no voxel size.* give spacing"):
        run.segment(np.zeros((12, 10)))
    with pytest.raises(InputError, match="image in memory: 2 channel"):
        run.segment(np.zeros((2, 12, 10)), spacing=(1, 1))
    with pytest.raises(InputError, match="image in memory: holds values that are not finite"):
        run.segment(np.full((12, 10), np.nan), spacing=(1, 1))
    with pytest.raises(InputError, match="a file says its own grid; spacing is for arrays"):
        run.segment(_constant(tmp_path, 1), spacing=(1, 1))


def test_probabilities_of_overlapping_structures_are_their_own(tmp_path):
    kind = {"overlapping": True, "structures": ("a", "b"), "label_values": (0, 1)}
    run = _run(tmp_path, PerVoxel((4.0, 0.5), (-2.0, 0.1), background=False), **kind)
    found = run.predict(_constant(tmp_path, 80))
    for k, logit in enumerate((4 * 0.3, -2 * 0.7)):
        np.testing.assert_allclose(found.probabilities[k].numpy(), _sigmoid(logit), atol=1e-5)
    assert found.label.flatten(1).sum(1).tolist() == [120, 0]


@pytest.mark.parametrize("overlapping", [False, True])
def test_what_was_cropped_away_is_surely_background(tmp_path, overlapping):
    values = np.zeros((12, 10), np.uint8)
    values[3:9, 2:8] = 90
    save(tmp_path / "a.nii.gz", values, affine=AFFINE)
    network = PerVoxel((4.0, 0.5), background=not overlapping)
    run = _run(tmp_path, network, foreground=True, overlapping=overlapping, spatial_size=(6, 6))
    found = run.predict(tmp_path / "a.nii.gz").probabilities[-1].numpy()
    np.testing.assert_allclose(found[values == 0], 0, atol=1e-9)
    np.testing.assert_allclose(found[values > 0], _sigmoid(4 * 0.4), atol=1e-5)


@pytest.mark.parametrize("flips", [False, True])
@pytest.mark.parametrize("shape", [(12, 10), (12, 10, 6)])
def test_an_ensemble_of_one_run_twice_is_the_run(tmp_path, flips, shape):
    save(tmp_path / "a.nii.gz", image(0, shape), affine=AFFINE)
    run = _run(tmp_path, Uneven(), dims=len(shape), spatial_size=(8, 7, 5)[: len(shape)])
    one = run.predict(tmp_path / "a.nii.gz", flips=flips)
    two = Ensemble([run, run]).predict(tmp_path / "a.nii.gz", flips=flips)
    torch.testing.assert_close(two.probabilities, one.probabilities)
    assert torch.equal(two.label, one.label)
    assert two.volumes == one.volumes


def test_two_known_networks_come_to_their_mean_each_with_its_own_view(tmp_path):
    """Sizes, intensities and networks differ; a constant image is constant at any size."""
    first = _run(tmp_path, PerVoxel((9.0, 0.3)))
    wider = {"intensity": {"kind": "range", "lower": 0, "upper": 200}, "spatial_size": (20, 16)}
    second = _run(tmp_path, PerVoxel((-5.0, 0.1)), **wider)
    by_hand = (_sigmoid(9 * (0.6 - 0.3)) + _sigmoid(-5 * (0.3 - 0.1))) / 2
    found = Ensemble([first, second]).predict(_constant(tmp_path, 60))
    np.testing.assert_allclose(found.probabilities[1].numpy(), by_hand, atol=1e-5)
    assert found.label.unique().tolist() == [7 if by_hand > 0.5 else 0]
    np.testing.assert_allclose(found.label.affine.numpy()[:2, :2], AFFINE[:2, :2])


def test_what_all_runs_do_with_structures_is_done(tmp_path):
    kind = {"label_values": (0, 1, 2), "structures": ("a", "b")}
    network = PerVoxel((1.0, 0.0), (1.0, 0.0))
    runs = [
        _run(tmp_path, network, **kind, largest_component=largest, fill_holes=["a"])
        for largest in (["a", "b"], ["b"])
    ]
    spec = Ensemble(runs).spec
    assert (spec.largest_component, spec.fill_holes) == (["b"], ["a"])
    runs[1].spec = replace(runs[1].spec, fill_holes=())
    assert Ensemble(runs).spec.fill_holes == []


def test_files_of_probabilities_lie_on_the_images_grid(tmp_path):
    file = _constant(tmp_path, 70)
    run = _run(tmp_path, PerVoxel((4.0, 0.5)))
    table = CaseTable(tmp_path / "out" / "volumes.csv")
    after = postprocessing(run.spec, folder=tmp_path / "out", probabilities=True, volumes=table)
    segment_files(run, [{"image": str(file), "case": "scan"}], postprocessing=after)
    saved = nib.load(tmp_path / "out" / "scan_probabilities.nii.gz")
    assert (saved.shape, saved.get_data_dtype()) == ((12, 10, 1, 2), np.float32)
    np.testing.assert_allclose(saved.affine, AFFINE)
    np.testing.assert_allclose(saved.get_fdata()[..., 1], _sigmoid(0.8), atol=1e-5)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        *("scan.nii.gz", "scan_probabilities.nii.gz", "volumes.csv")
    ]
