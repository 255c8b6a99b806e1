"""What memory cannot hold is refused before it is asked for; nothing here allocates it."""

from __future__ import annotations

import math
import struct
from dataclasses import replace
from types import SimpleNamespace

import nibabel as nib
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from monai.data.meta_tensor import MetaTensor
from monai.transforms import Lambda, Spacingd
from PIL import Image

from gemini_monai.base import memory, system
from gemini_monai.base.errors import InputError, input_error_in
from gemini_monai.base.memory import GIB, available, refuse_too_large
from gemini_monai.configuration.hardware import refuse_too_large_network
from gemini_monai.data.cache import cached
from gemini_monai.data.phantom import write_phantom
from gemini_monai.data.prepare import prepare_folder
from gemini_monai.data.prepare.split import Wanted
from gemini_monai.images import read
from gemini_monai.inference import FileRegistration, read_pairs, window_inferer
from gemini_monai.transforms import InputSpec, postprocessing, preprocessing
from gemini_monai.transforms.alignment import ResampleToGridd
from gemini_monai.transforms.room import RoomForGridd, RoomForOwnGridd, resampling_bytes
from tests.data.prepare.made import folder, image, save
from tests.inference.networks import Shift

PERCENTILE = {"kind": "percentile", "lower": 0, "upper": 100}


@pytest.fixture
def there(monkeypatch):
    """Let so many bytes be there."""

    def let(count):
        monkeypatch.setattr(memory, "available", lambda device="cpu": count)

    return let


def _spec(**changes):
    known = {"spatial_dims": 3, "in_channels": 1, "spatial_size": (8, 8, 8)}
    return InputSpec(**known, intensity=PERCENTILE, **changes)


def _message(run):
    """Of the ``InputError`` that something ends in."""
    with pytest.raises(Exception, match="") as raised:
        run()
    cause = input_error_in(raised.value)
    assert isinstance(cause, InputError), raised.value
    assert "GiB of memory or more" in str(cause)
    assert "\n" not in str(cause)
    return str(cause)


def test_what_just_fits_is_taken_and_a_byte_more_is_refused(there):
    there(1000)
    refuse_too_large([10, 10], voxel_bytes=10, what="x", change="y")
    message = r"^x: 10 x 10 voxels take .* GiB of memory or more, 0\.0 GiB are there; y$"
    with pytest.raises(InputError, match=message):
        refuse_too_large([10, 10], voxel_bytes=10.01, what="x", change="y")


@pytest.mark.parametrize("side", [math.inf, math.nan, 1e300, 10**30])
def test_a_size_that_is_no_number_is_too_large(side):
    with pytest.raises(InputError, match=r"give less$"):
        refuse_too_large([side, side, side], voxel_bytes=4, what="x", change="give less")


def test_numbers_are_told_as_a_person_would(there):
    there(23.54 * GIB)
    told = _message(
        lambda: refuse_too_large(
            [12000, 9000, 487.4], voxel_bytes=4, what="a.nii", change="crop it"
        )
    )
    assert told == (
        "a.nii: 12000 x 9000 x 487 voxels take 196 GiB of memory or more, 23.5 GiB are there; "
        "crop it"
    )


def test_what_is_there_is_what_psutil_says(monkeypatch):
    monkeypatch.setattr(system, "CGROUPS", ())
    said = SimpleNamespace(available=1234)
    monkeypatch.setattr(system.psutil, "virtual_memory", lambda: said)
    assert available() == 1234


def test_of_an_apple_gpu_it_is_no_more_than_metal_recommends_and_the_machine_has(monkeypatch):
    monkeypatch.setattr(torch.mps, "recommended_max_memory", lambda: 900)
    monkeypatch.setattr(torch.mps, "current_allocated_memory", lambda: 200)
    monkeypatch.setattr(memory, "free_memory", lambda: 1000.0)
    assert available("mps") == 700
    monkeypatch.setattr(memory, "free_memory", lambda: 100.0)
    assert available(torch.device("mps")) == 100


@pytest.mark.parametrize("device", ["cuda", "cuda:1", torch.device("cuda", 1)], ids=str)
def test_of_a_gpu_it_is_what_is_free_or_kept_for_later(monkeypatch, device):
    asked = []

    def said(value):
        return lambda device: (asked.append(device), value)[1]

    monkeypatch.setattr(torch.cuda, "mem_get_info", said((500, 9000)))
    monkeypatch.setattr(torch.cuda, "memory_reserved", said(70))
    monkeypatch.setattr(torch.cuda, "memory_allocated", said(20))
    assert available(device) == 550
    assert asked == [device] * 3


# --- files


def _nifti(path, shape):
    nib.save(nib.Nifti1Image(np.zeros((2, 2, 2), np.uint8), np.eye(4)), path)
    content = bytearray(path.read_bytes())
    content[40:56] = struct.pack("<8h", 3, *shape, 1, 1, 1, 1)
    path.write_bytes(content)


def _nrrd(path, shape):
    sizes = " ".join(map(str, shape))
    path.write_text(f"NRRD0004\ntype: uchar\ndimension: 3\nsizes: {sizes}\nencoding: raw\n\n")


def _mha(path, shape):
    sizes = " ".join(map(str, shape))
    start = f"ObjectType = Image\nNDims = 3\nDimSize = {sizes}\n"
    path.write_text(f"{start}ElementType = MET_UCHAR\nElementDataFile = LOCAL\n")


@pytest.mark.parametrize(("name", "write"), [("a.nii", _nifti), ("a.nrrd", _nrrd), ("a.mha", _mha)])
def test_a_header_of_a_size_that_memory_cannot_hold_is_refused_unread(tmp_path, name, write):
    write(tmp_path / name, (30000, 30000, 300))
    told = _message(lambda: read(tmp_path / name))
    assert told.startswith(f"{tmp_path / name}: 30000 x 30000 x 300 voxels take 1006 GiB")
    assert "its header is damaged" in told


@pytest.mark.parametrize("name", ["a.nii.gz", "a.nrrd", "a.png", "a.jpg"])
def test_a_file_is_read_while_it_fits(tmp_path, there, name):
    shape = (6, 5) if name.endswith(("png", "jpg")) else (6, 5, 4)
    save(tmp_path / name, np.arange(math.prod(shape), dtype=np.uint8).reshape(shape))
    there(4 * math.prod(shape))
    assert read(tmp_path / name).shape[1:] == shape
    there(4 * math.prod(shape) - 1)
    assert str(tmp_path / name) in _message(lambda: read(tmp_path / name))


def test_colors_count(tmp_path, there):
    Image.fromarray(np.zeros((5, 6, 3), np.uint8)).save(tmp_path / "a.png")
    there(3 * 30 * 4 - 1)
    _message(lambda: read(tmp_path / "a.png"))


# --- to the network's grid and back


@given(
    st.lists(st.integers(2, 12), min_size=3, max_size=3),
    st.lists(st.floats(0.3, 4), min_size=3, max_size=3),
    st.lists(st.floats(0.3, 4), min_size=3, max_size=3),
)
def test_the_estimated_grid_is_the_one_that_monai_makes(shape, own, spacing):
    seen = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(memory, "available", lambda device: 1e12)
        patch.setattr(
            "gemini_monai.transforms.room.refuse_too_large",
            lambda shape, **options: seen.append(shape),
        )
        item = {"image": MetaTensor(torch.zeros(1, *shape), affine=np.diag([*own, 1.0]))}
        RoomForGridd("image", spacing=spacing, spatial_size=[8] * 3)(item)
    made = Spacingd("image", spacing)(item)["image"].shape[1:]
    assert np.abs(np.array(seen[0]) - made).max() <= 0.5 + 1e-3


@pytest.mark.parametrize("key", ["image", "label"])
@pytest.mark.parametrize("channels", [1, 30])
def test_a_voxel_size_is_taken_while_its_grid_fits(there, key, channels):
    volume = torch.zeros(channels, 5, 5, 5)
    item = {key: MetaTensor(volume, affine=np.diag([2.0, 2.0, 2.0, 1.0]))}
    room = RoomForGridd(key, spacing=[1.0, 1.0, 1.0], spatial_size=[8] * 3)
    needed = 9**3 * max(56, 24 + 8 * channels)
    there(needed)
    room(item)
    there(needed - 1)
    told = _message(lambda: room(item))
    assert "voxels of 2 x 2 x 2 mm brought to 1 x 1 x 1 mm: 9 x 9 x 9 voxels take" in told
    same = RoomForGridd(key, spacing=[2.0, 2.0, 2.0], spatial_size=[8] * 3)
    there(channels * 125 * 4)  # nothing is sampled where the voxel size stays
    same(item)


@pytest.mark.parametrize(
    ("spacing", "voxel"),
    [((0.001,) * 3, 1.0), ((1.0,) * 3, 1e4), ((1e-300,) * 3, 1.0), ((1.0, 1.0, 1e-9), 1.0)],
)
def test_a_grid_that_follows_from_a_file_or_a_setting_is_named(tmp_path, spacing, voxel):
    affine = np.diag([voxel, voxel, voxel, 1.0])
    save(tmp_path / "a.nii.gz", image(0, (12, 12, 12)), affine=affine)
    before = preprocessing(_spec(spacing=spacing, orientation="RAS"), keys=["image"])
    told = _message(lambda: before({"image": str(tmp_path / "a.nii.gz")}))
    assert told.startswith(f"{tmp_path / 'a.nii.gz'}: voxels of ")
    assert "give a larger spacing (--spacing, or in dataset.json)" in told


def test_sizes_that_images_are_resized_padded_or_aligned_to_are_named(tmp_path):
    save(tmp_path / "a.nii.gz", image(0, (12, 12, 12)))
    item = {"image": str(tmp_path / "a.nii.gz")}
    huge = replace(_spec(), spatial_size=(10**5,) * 3)
    told = _message(lambda: preprocessing(huge, keys=["image"])(dict(item)))
    assert "resized: 100000 x 100000 x 100000 voxels" in told
    assert "give a smaller --spatial_size" in told
    assert "key 'spatial_size'" in _message(lambda: preprocessing(huge, fit=True))
    grid = ResampleToGridd(
        "image", spatial_size=[10**5] * 3, spacing=[1.0] * 3, intensity=PERCENTILE
    )
    volume = MetaTensor(torch.zeros(1, 4, 4, 4), affine=np.eye(4))
    assert "on the grid of the reference" in _message(
        lambda: grid({"image": volume, "grid": np.eye(4)})
    )


@pytest.mark.parametrize("classes", [2, 40])
def test_predictions_come_back_while_the_images_own_grid_holds_them(tmp_path, there, classes):
    affine = np.diag([-1.0, 2.0, 1.0, 1.0])
    save(tmp_path / "a.nii.gz", image(0, (12, 7, 12)), affine=affine)
    values = tuple(range(classes))
    spec = _spec(spacing=(2.0,) * 3, orientation="RAS", label_values=values)
    before = preprocessing(spec, keys=["image"])
    item = before({"image": str(tmp_path / "a.nii.gz"), "case": "a"})
    logits = torch.zeros(classes, *item["image"].shape[1:])
    item["pred"] = MetaTensor(logits, affine=item["image"].affine)
    after = postprocessing(spec, preprocessing=before)
    needed = 12 * 7 * 12 * resampling_bytes(classes)
    there(needed)
    assert after(dict(item))["pred"].shape[1:] == (12, 7, 12)
    there(needed - 1)
    told = _message(lambda: after(dict(item)))
    assert f"case 'a': {classes} channels on the image's own grid: 12 x 7 x 12 voxels" in told


def test_an_image_without_a_history_comes_back_as_it_is(there):
    there(0)
    item = {"pred": torch.zeros(2, 4, 4), "image": torch.zeros(1, 4, 4)}
    assert RoomForOwnGridd("pred")(item) == item


@pytest.mark.parametrize("slices", [False, True])
def test_windows_begin_while_their_predictions_fit(there, slices):
    spec = _spec(label_values=tuple(range(20)), slices=slices)
    inferer, volume = window_inferer(spec), torch.zeros(1, 1, 10, 9, 8)
    calls = []

    def network(window):
        calls.append(1)
        return window.expand(-1, 20, *[-1] * (window.ndim - 2)).clone()

    needed = 4 * 21 * 720
    there(needed)
    assert inferer(volume, network).shape == (1, 20, 10, 9, 8)
    calls.clear()
    there(needed - 1)
    assert "predictions of 20 channels: 10 x 9 x 8 voxels" in _message(
        lambda: inferer(volume, network)
    )
    assert not calls
    virtual = torch.zeros(1, 1, 1, 1, 1).expand(1, 1, 20000, 20000, 20000)
    there(23 * GIB)
    _message(lambda: inferer(virtual, network))


# --- commands


@pytest.mark.parametrize("inverse", [False, True])
def test_a_field_in_mm_is_refused_before_the_network(tmp_path, there, inverse):
    for name, size in (("a", (12, 11)), ("b", (12, 10))):
        save(tmp_path / f"{name}.nii.gz", image(0, size))
    spec = InputSpec(spatial_dims=2, in_channels=1, spatial_size=(12, 12), intensity=PERCENTILE)
    run = FileRegistration(network=Shift(0, 0), spec=spec, folder=tmp_path / "out", inverse=inverse)
    pair = read_pairs(moving=str(tmp_path / "a.nii.gz"), fixed=str(tmp_path / "b.nii.gz"))
    there(120 * 96)
    if inverse:
        assert "a.nii.gz: a field in mm on its own grid: 12 x 11" in _message(lambda: run.run(pair))
        return
    run.run(pair)
    run.overwrite = True
    there(120 * 96 - 1)
    assert "b.nii.gz: a field in mm on its own grid: 12 x 10" in _message(lambda: run.run(pair))


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ({"spatial_size": (10**5,) * 3}, "--spatial_size: 1e+05 x 1e+05"),
        ({"spacing": (1e-4,) * 3}, "case0.nii.gz: voxels of 1 x 1 x 1 mm brought to 0.0001"),
        ({"spacing": (1e-200,) * 3}, "case0.nii.gz: voxels of 1 x 1 x 1 mm brought to 1e-200"),
        ({"spatial_size": (3000,) * 3, "align": "itk"}, "--spatial_size: 3000 x 3000 x 3000"),
    ],
)
def test_what_a_training_could_not_hold_is_refused_by_prepare(tmp_path, wanted, message):
    source = folder(tmp_path, images=4, labels=2, shape=(12, 10, 8))
    told = _message(lambda: prepare_folder(source, tmp_path / "dst", wanted=Wanted(**wanted)))
    assert message.replace("1e+05", "100000") in told
    assert not (tmp_path / "dst").exists()


def test_a_phantom_that_memory_cannot_hold_is_refused_unwritten(tmp_path):
    told = _message(lambda: write_phantom(tmp_path / "p", spatial_size=(10**6, 10**6)))
    assert told.startswith("spatial_size: 1e+06 x 1e+06 voxels")
    assert not (tmp_path / "p").exists()


@pytest.mark.parametrize("processes", [1, 3])
def test_a_cache_in_memory_is_refused_at_its_first_item(there, monkeypatch, processes):
    monkeypatch.setenv("LOCAL_WORLD_SIZE", str(processes))
    made = Lambda(lambda item: {"image": torch.zeros(1, 10, 10), "case": "a"}, track_meta=False)
    there(400 * 50 * processes)
    items = [{"n": k} for k in range(50)]
    assert len(cached(items, made)) == 50
    there(400 * 50 * processes - 1)
    told = _message(lambda: cached(items, made))
    assert told.startswith("50 prepared images in memory")
    assert ("each of 3 processes" in told) == (processes == 3)
    assert "give --cache_dir FOLDER, or a smaller --cache_rate" in told
    assert len(cached(items, made, cache_rate=0.5)) == 50
    there(0)
    assert len(cached(items, made, cache_rate=0.0)) == 50


def test_a_network_that_no_machine_could_train_is_refused_by_its_knobs(there):
    options = {"in_channels": 1, "channels": (16, 32), "device": "cpu"}
    there(64**3 * 4 * 33)
    refuse_too_large_network([64] * 3, **options)
    told = _message(lambda: refuse_too_large_network([64, 64, 65], **options))
    assert told.startswith("key 'spatial_size': 64 x 64 x 65 voxels")
    there(16 * 27 * 10 * (10 + 20))
    wide = options | {"channels": (10, 10, 20)}
    refuse_too_large_network([4] * 3, **wide)
    told = _message(lambda: refuse_too_large_network([4] * 3, **wide | {"channels": (10, 10, 21)}))
    assert told.startswith("key 'channels': weights of [10, 10, 21] features take")


def test_windows_larger_than_the_image_count(there):
    inferer = window_inferer(_spec(label_values=(0, 1)))
    there(4 * 3 * 8**3 - 1)
    assert "8 x 8 x 8 voxels" in _message(lambda: inferer(torch.zeros(1, 1, 2, 2, 2), None))
