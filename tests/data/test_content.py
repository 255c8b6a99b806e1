"""Files that change after they were prepared, in every way that files do."""

from __future__ import annotations

import json
import logging
import os
import shutil

import itk
import nibabel as nib
import numpy as np
import pytest
from PIL import Image

from gemini_monai.base.errors import InputError
from gemini_monai.data import content, read_cohort, verification
from gemini_monai.data.prepare import prepare_folder
from gemini_monai.data.prepare.split import Wanted
from tests.data.prepare.made import folder, image, label, save
from tests.images.dicom import along_z, volume, write_slices

WANTED = Wanted(labeled=2, validation=0, test=0)


@pytest.fixture(autouse=True)
def _unsaid():
    verification._said.clear()


@pytest.fixture
def prepared(tmp_path):
    """``dataset.json`` of two labeled and two unlabeled images, and the folder of the files."""
    source = folder(tmp_path)
    return prepare_folder(source, tmp_path / "dst", wanted=WANTED), source


@pytest.fixture(params=["small", "large"])
def size(request, monkeypatch):
    """A data set that is hashed as a whole, and one that is not."""
    if request.param == "large":
        monkeypatch.setattr(content, "SMALL", 0)
    return request.param


def _flip(path):
    loaded = nib.load(path)
    affine = np.diag([-1.0, 1, 1, 1])
    nib.save(nib.Nifti1Image(np.asarray(loaded.dataobj), affine), path)


def _noise(path):
    save(path, image(77))


def _constant(path):
    save(path, np.full((12, 10), 3, np.uint8))


def _renumbered(path):
    save(path, label(values=(0, 2, 1)))


def _of_another(path):
    shutil.copy(path.with_name("case3.nii.gz" if "images" in str(path) else "case1.nii.gz"), path)


def _cut(path):
    path.write_bytes(path.read_bytes()[:-1])


def _emptied(path):
    path.write_bytes(b"")


@pytest.mark.parametrize(
    ("file", "change", "role"),
    [
        ("labels/case0.nii.gz", _flip, "label of 'case0'"),
        ("labels/case0.nii.gz", _renumbered, "label of 'case0'"),
        ("labels/case0.nii.gz", _of_another, "label of 'case0'"),
        ("images/case0.nii.gz", _flip, "image of 'case0'"),
        ("images/case2.nii.gz", _noise, "image of 'case2'"),
        ("images/case2.nii.gz", _constant, "image of 'case2'"),
        ("images/case2.nii.gz", _of_another, "image of 'case2'"),
        ("images/case2.nii.gz", _cut, "image of 'case2'"),
        ("images/case2.nii.gz", _emptied, "image of 'case2'"),
    ],
)
def test_a_change_is_refused_by_name_and_taken_where_it_is_meant(
    prepared, size, file, change, role, caplog
):
    path, source = prepared
    before = read_cohort(path)
    if change is _of_another and "labels" in file:
        save(source / "labels/case1.nii.gz", label(values=(0, 1)))
        path = prepare_folder(source, path.parent, wanted=WANTED)
        before = read_cohort(path)
    change(source / file)
    with pytest.raises(InputError, match=rf"not as it was prepared: {role} holds something else"):
        read_cohort(path)
    if change is _of_another and "images" in file:
        with pytest.raises(
            InputError, match="'case2' of .* and 'case3' of 'unlabeled' .* hold the same"
        ):
            read_cohort(path, data_changed=True)
        return
    caplog.set_level(logging.WARNING)
    after = read_cohort(path, data_changed=True)
    assert len(after.changes) == 1
    assert after.changes[str(source / file)].startswith(role)
    assert after.changes[str(source / file)] in caplog.text
    key = file.split("/")[0]
    differ = {name for name, own in after.identities.items() if own != before.identities[name]}
    assert differ == {key}
    assert (after.content_hash != before.content_hash) == (key == "images")
    assert after.folder_name == before.folder_name


def test_copies_with_new_times_pass_without_a_word(prepared, size, tmp_path, caplog):
    path, source = prepared
    before = read_cohort(path)
    for file in source.rglob("*.nii.gz"):
        os.utime(file, (1, 1))
    assert read_cohort(path) == before
    copy = tmp_path / "elsewhere"
    shutil.copytree(tmp_path / "src", copy / "src", copy_function=shutil.copy)
    shutil.copytree(tmp_path / "dst", copy / "dst")
    assert read_cohort(copy / "dst/dataset.json").identity == before.identity
    assert not caplog.text


def _exchanged_unseen(path):
    """Another content of the same size and time."""
    stat, content = path.stat(), bytearray(path.read_bytes())
    content[-3] ^= 255
    path.write_bytes(content)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))


def test_the_same_size_and_time_hide_nothing_in_a_small_data_set(prepared):
    path, source = prepared
    _exchanged_unseen(source / "labels/case1.nii.gz")
    with pytest.raises(InputError, match="label of 'case1' holds something else in the same"):
        read_cohort(path)


def test_of_a_large_data_set_sizes_and_times_are_looked_at_alone(prepared, monkeypatch):
    path, source = prepared
    monkeypatch.setattr(content, "SMALL", 0)
    read = []
    original = content.sha256
    monkeypatch.setattr(content, "sha256", lambda file: read.append(file) or original(file))
    before = read_cohort(path)
    assert read == []
    os.utime(source / "images/case1.nii.gz", (1, 1))
    assert read_cohort(path) == before
    assert read == [str(source / "images/case1.nii.gz")]
    _exchanged_unseen(source / "labels/case1.nii.gz")  # as the pages say
    assert read_cohort(path) == before


def test_many_changes_are_counted(prepared):
    path, source = prepared
    for file in (source / "images").iterdir():
        save(file, image(sum(map(ord, file.name))))
    message = (
        "image of 'case0' .*; image of 'case1' .*; image of 'case2' .* and 1 more; prepare again"
    )
    with pytest.raises(InputError, match=message):
        read_cohort(path)


def test_prepare_takes_what_is_there(prepared):
    path, source = prepared
    before = read_cohort(path)
    save(source / "labels/case0.nii.gz", label(values=(0, 2, 1)))
    prepare_folder(source, path.parent, wanted=WANTED)
    after = read_cohort(path)
    assert (after.hash, after.changes) == (before.hash, {})
    assert after.identity != before.identity


def _series(root):
    """Three series of slices."""
    for k in range(3):
        write_slices(root / "images" / f"c{k}", volume() + k, along_z(8))
    return root


def test_slices_are_files_of_their_own(tmp_path):
    source = _series(tmp_path / "src")
    path = prepare_folder(source, tmp_path / "dst")
    slices = sorted((source / "images/c1").iterdir())
    assert len(json.loads(path.read_text())["files"]) == 3 * len(slices)
    kept = slices[1].read_bytes()
    (source / "images/c1/.DS_Store").write_bytes(b"x")
    (source / "images/c1/Thumbs.db").write_bytes(b"x")
    read_cohort(path)
    for change, message in (
        (lambda: slices[1].write_bytes(slices[2].read_bytes()), "holds something else"),
        (slices[1].unlink, "is gone"),
        (lambda: slices[0].with_name("more.dcm").write_bytes(b"x"), "is new"),
    ):
        change()
        with pytest.raises(InputError, match=rf"image of 'c1' {message}.*: .*/images/c1/"):
            read_cohort(path)
        found = read_cohort(path, data_changed=True).changes
        assert found[str(source / "images/c1")].startswith(f"image of 'c1' {message}")
        slices[1].write_bytes(kept)
    slices[0].with_name("more.dcm").unlink()
    slices[0].rename(slices[0].with_name("renamed.dcm"))
    with pytest.raises(InputError, match=r"image of 'c1' is gone: .* \(and 1 more of its files\)"):
        read_cohort(path)


@pytest.mark.parametrize("suffix", [".mhd", ".nrrd"])
def test_data_beside_a_header_are_compared_too(tmp_path, suffix):
    (tmp_path / "src").mkdir()
    for k in range(3):
        if suffix == ".mhd":
            itk.imwrite(itk.image_from_array(image(k)), str(tmp_path / f"src/c{k}.mhd"))
        else:
            _detached(tmp_path / f"src/c{k}.nrrd", image(k))
    path = prepare_folder(tmp_path / "src", tmp_path / "dst")
    files = json.loads(path.read_text())["files"]
    assert len(files) == 6
    raw = next(file for file in files if "c1" in file and not file.endswith(suffix))
    (tmp_path / "dst" / raw).write_bytes((tmp_path / "dst" / raw).read_bytes()[::-1])
    with pytest.raises(InputError, match=r"image of 'c1' holds something else in the same"):
        read_cohort(path)


def _detached(path, values):
    header = ["NRRD0004", "type: unsigned char", "dimension: 2", "sizes: 12 10", "encoding: raw"]
    header += [f"data file: {path.stem}.raw", "", ""]
    path.write_text("\n".join(header))
    path.with_suffix(".raw").write_bytes(values.T.tobytes())


def test_the_reference_of_an_alignment_is_compared(prepared, tmp_path):
    path, _ = prepared
    save(tmp_path / "reference.nii.gz", image(5))
    record = content.recorded([str(tmp_path / "reference.nii.gz")])
    written = json.loads(path.read_text())
    grid = {"grid": np.eye(4).tolist()}
    for split in ("labeled", "unlabeled"):
        written[split] = [entry | grid for entry in written[split]]
    written |= {"align": "itk", "reference": "../reference.nii.gz"}
    written["files"]["../reference.nii.gz"] = next(iter(record.values()))
    path.write_text(json.dumps(written))
    read_cohort(path)
    save(tmp_path / "reference.nii.gz", image(6))
    with pytest.raises(InputError, match="not as it was prepared: reference holds something else"):
        read_cohort(path)


def _without_records(path):
    written = json.loads(path.read_text())
    del written["files"]
    path.write_text(json.dumps(written))
    return written


def test_a_file_without_records_is_read_and_said_once(prepared, caplog):
    path, source = prepared
    _without_records(path)
    _noise(source / "images/case2.nii.gz")
    found = [read_cohort(path) for _ in range(3)]
    assert caplog.text.count("records no sizes and hashes of its files") == 1
    assert found[0].identities == {}
    assert found[0].identity == found[1].identity


def test_an_entry_that_was_added_by_hand_is_said_and_hashed(prepared, caplog):
    path, source = prepared
    save(source / "images/more.nii.gz", image(9))
    written = json.loads(path.read_text())
    written["unlabeled"].append({"case": "more", "image": "../src/images/more.nii.gz"})
    path.write_text(json.dumps(written))
    first = read_cohort(path)
    assert "records nothing of" in caplog.text
    assert "more.nii.gz" in caplog.text
    save(source / "images/more.nii.gz", image(10))
    assert read_cohort(path).identities["images"] != first.identities["images"]


def test_exchanged_entries_are_another_data_set(prepared):
    path, source = prepared
    save(source / "labels/case1.nii.gz", label(values=(0, 2, 1)))
    prepare_folder(source, path.parent, wanted=WANTED)
    written = json.loads(path.read_text())
    first, second = written["labeled"]
    first["label"], second["label"] = second["label"], first["label"]
    before = read_cohort(path).identities
    path.write_text(json.dumps(written))
    after = read_cohort(path).identities
    assert {name for name in before if before[name] == after[name]} == {"images", "split"}


@pytest.mark.parametrize("record", ["", 7, "1 2", f"1 2.000000000 {'g' * 64}", f"1 2 {'0' * 64}"])
def test_a_record_that_is_none_is_named(prepared, record):
    path, _ = prepared
    written = json.loads(path.read_text())
    file = next(iter(written["files"]))
    written["files"][file] = record
    path.write_text(json.dumps(written))
    with pytest.raises(InputError, match=r"key 'files': of '.*case0\.nii\.gz', expected its size"):
        read_cohort(path)


def test_the_knob_is_true_or_false(prepared):
    with pytest.raises(InputError, match="key 'data_changed': expected True or False, got 'yes'"):
        read_cohort(prepared[0], data_changed="yes")


def test_pictures_and_masks_are_recorded(tmp_path):
    for k in range(4):
        (tmp_path / "src/images").mkdir(parents=True, exist_ok=True)
        Image.fromarray(image(k)).save(tmp_path / f"src/images/c{k}.png")
    for name in ("a", "b"):
        for k in range(2):
            save(tmp_path / f"src/labels/c{k}/{name}.png", label((10, 12), values=(0, 1)))
    path = prepare_folder(tmp_path / "src", tmp_path / "dst", wanted=WANTED)
    assert len(json.loads(path.read_text())["files"]) == 8
    save(tmp_path / "src/labels/c1/b.png", label((10, 12), values=(1, 0)))
    with pytest.raises(InputError, match=r"label of 'c1' holds something else.*: .*c1/b\.png"):
        read_cohort(path)
