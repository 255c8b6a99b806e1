"""Pictures of pre-training: what they hold, that they repeat, and that nothing is trained."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from ignite.engine import Engine

from gemini_monai.geometry.warp import warp
from gemini_monai.handlers import PretrainingExamples
from gemini_monai.networks import Gemini
from gemini_monai.transforms import RandInPainting

IMAGES = torch.rand(3, 1, 16, 12, generator=torch.Generator().manual_seed(0))


def _network(spatial_dims=2):
    torch.manual_seed(0)
    return Gemini(spatial_dims, 1, 1, channels=(4, 8))


def _run(folder, *, images=IMAGES, **options):
    engine = Engine(lambda engine, batch: None)
    engine.state.device = "cpu"
    network = _network(images.ndim - 2).train()
    options = {"corruption": RandInPainting(), **options}
    PretrainingExamples(folder, network=network, images=images, **options).attach(engine)
    engine.run([0], max_epochs=1)
    assert network.training
    return {path.stem: dict(np.load(path)) for path in (folder / "examples").rglob("*.npz")}


def test_a_triptych_and_two_pairs_are_kept(tmp_path):
    found = _run(tmp_path)
    assert set(found) == {"restoration", "first", "second"}
    restoration, pair = found["restoration"], found["second"]
    np.testing.assert_array_equal(restoration["clean"], IMAGES.numpy())
    assert restoration["corrupted"].shape == restoration["restored"].shape == (3, 1, 16, 12)
    assert not np.array_equal(restoration["corrupted"], restoration["clean"])
    np.testing.assert_array_equal(pair["moving"], IMAGES[1].numpy())
    np.testing.assert_array_equal(pair["fixed"], IMAGES[2].numpy())
    again = warp(IMAGES[1:2], torch.as_tensor(pair["ddf"])[None])[0]
    np.testing.assert_allclose(pair["warped"], again.numpy(), atol=1e-6)


def test_the_corruption_is_the_same_every_time(tmp_path):
    first, second = (_run(tmp_path / name)["restoration"] for name in ("a", "b"))
    np.testing.assert_array_equal(first["corrupted"], second["corrupted"])


def test_only_what_the_objectives_train_is_shown(tmp_path):
    assert set(_run(tmp_path / "a", corruption=None)) == {"first", "second"}
    assert set(_run(tmp_path / "b", pairs=False)) == {"restoration"}


@pytest.mark.parametrize("shape", [(2, 1, 16, 12), (2, 1, 8, 8, 8)])
def test_the_same_pictures_are_in_tensorboard(tmp_path, shape):
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    images = torch.rand(shape, generator=torch.Generator().manual_seed(1))
    _run(tmp_path, images=images)
    events = accumulator.EventAccumulator(str(tmp_path / "tensorboard")).Reload()
    tags = events.Tags()["images"]
    assert len(tags) == 3
    triptych = events.Images(next(tag for tag in tags if "restoration" in tag))[0]
    assert (triptych.height, triptych.width) == (shape[3], 3 * shape[2])
