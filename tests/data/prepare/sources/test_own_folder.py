"""``prepare folder``: every format in, every bad input refused, nothing half-written."""

from __future__ import annotations

import json
from pathlib import Path

import itk
import numpy as np
import pytest
from PIL import Image

from gemini_monai import images
from gemini_monai.base.errors import InputError
from gemini_monai.data.dataset_file import read_cohort
from gemini_monai.data.prepare import prepare_folder
from gemini_monai.data.prepare.split import Wanted
from tests.data.prepare.made import folder, image, label, save


@pytest.mark.parametrize("suffix", [".nii.gz", ".nii", ".nrrd", ".mha", ".png", ".jpg"])
def test_every_format_is_read(tmp_path, suffix):
    source = folder(tmp_path, suffix=suffix, labels=0)
    for k in range(2):
        kind = ".png" if suffix in (".png", ".jpg") else suffix
        save(source / "labels" / f"case{k}{kind}", label())
    dataset = read_cohort(prepare_folder(source, tmp_path / "dst"))
    assert (dataset.spatial_dims, dataset.channels) == (2, 1)
    assert len(dataset.labeled) == len(dataset.unlabeled) == 2
    assert dataset.spatial_size == (16, 16)
    assert (dataset.spacing is None) == (suffix in (".png", ".jpg"))
    assert dataset.labels == {"background": 0, "structure 1": 1, "structure 2": 2}


def _dicom_series(path, volume):
    path.mkdir(parents=True)
    for k in range(volume.shape[0]):
        slice_image = itk.image_from_array(volume[k : k + 1].astype(np.int16))
        slice_image.SetSpacing((1.0, 1.0, 2.0))
        slice_image.SetOrigin((0.0, 0.0, 2.0 * k))
        io = itk.GDCMImageIO.New()
        dictionary = slice_image.GetMetaDataDictionary()
        dictionary["0008|0060"] = "CT"
        dictionary["0020|0013"] = str(k + 1)
        dictionary["0020|000e"] = "1.2.3.4"
        io.KeepOriginalUIDOn()
        itk.imwrite(slice_image, str(path / f"{k}.dcm"), imageio=io)


def test_a_dicom_series_is_a_volume(tmp_path):
    for k in range(3):
        _dicom_series(tmp_path / "src" / "images" / f"case{k}", image(k, (4, 6, 5)))
    volume = itk.image_from_array(label((4, 6, 5)))
    volume.SetSpacing((1.0, 1.0, 2.0))
    (tmp_path / "src" / "labels").mkdir()
    itk.imwrite(volume, str(tmp_path / "src" / "labels" / "case0.nii.gz"))
    dataset = read_cohort(prepare_folder(tmp_path / "src", tmp_path / "dst"))
    assert dataset.spatial_dims == 3
    assert dataset.spacing == (1.0, 1.0, 2.0)


def test_overlapping_structures_have_a_mask_each(tmp_path):
    source = folder(tmp_path, labels=0)
    for k in range(2):
        for name in ("lung", "clavicle"):
            save(source / "labels" / f"case{k}" / f"{name}.nii.gz", label(values=(0, 1)))
    dataset = read_cohort(prepare_folder(source, tmp_path / "dst"))
    assert dataset.overlapping
    assert dataset.structures == ("clavicle", "lung")
    assert [Path(file).name for file in dataset.labeled[0]["label"]] == [
        "clavicle.nii.gz",
        "lung.nii.gz",
    ]


def test_images_without_a_folder_of_their_own_are_unlabeled(tmp_path):
    for k in range(3):
        save(tmp_path / "brain" / f"{k}.nii.gz", image(k, (12, 10, 8)))
    dataset = read_cohort(prepare_folder(tmp_path / "brain", tmp_path / "dst"))
    assert [entry["case"] for entry in dataset.unlabeled] == ["0", "1", "2"]
    assert not dataset.labeled


def test_a_gray_picture_may_be_among_colored_ones(tmp_path):
    folder = tmp_path / "src"
    folder.mkdir()
    for k in range(3):
        colors = [image(10 * k + c * (k > 0)) for c in range(3)]  # the first is gray
        Image.fromarray(np.stack(colors, axis=-1).transpose(1, 0, 2)).save(folder / f"{k}.png")
    assert read_cohort(prepare_folder(folder, tmp_path / "dst")).channels == 3


def test_labels_json_names_the_values(tmp_path):
    source = folder(tmp_path)
    (source / "labels.json").write_text('{"heart": 1, "2": "lung"}')
    dataset = read_cohort(prepare_folder(source, tmp_path / "dst"))
    assert dataset.structures == ("heart", "lung")


def test_no_label_of_an_unlabeled_image_is_opened(tmp_path, monkeypatch):
    """Neither by us, which is recorded, nor by anyone: they are no images and may not be read."""
    source = folder(tmp_path, images=8, labels=8)
    prepare_folder(source, tmp_path / "once", wanted=Wanted(2, 1, 1))
    dataset = read_cohort(tmp_path / "once" / "dataset.json")
    for entry in dataset.unlabeled:
        file = source / "labels" / f"{entry['case']}.nii.gz"
        file.write_bytes(b"not a label")
        file.chmod(0)
    opened = _record_opened(monkeypatch)
    prepare_folder(source, tmp_path / "again", wanted=Wanted(labeled=2, validation=1, test=1))
    assert read_cohort(tmp_path / "again" / "dataset.json").unlabeled == dataset.unlabeled
    kept = {e["case"] for e in [*dataset.labeled, *dataset.validation, *dataset.test]}
    assert sorted(opened) == sorted(f"{case}.nii.gz" for case in kept)


def _record_opened(monkeypatch):
    """Names of the label files that are read from here on."""
    opened, original = [], images.read_label

    def read_label(path):
        opened.append(path.name)
        return original(path)

    monkeypatch.setattr(images, "read_label", read_label)
    return opened


def test_patients_stay_on_one_side(tmp_path):
    source = folder(tmp_path, images=12, labels=12)
    rows = [f"case{k},p{k // 3}" for k in range(12)]
    (source / "patients.csv").write_text("\n".join(["image,patient", *rows]))
    path = prepare_folder(source, tmp_path / "dst", wanted=Wanted(labeled=3, validation=3, test=3))
    dataset = read_cohort(path)
    patients = [
        {int(entry["case"][4:]) // 3 for entry in part}
        for part in ([*dataset.labeled, *dataset.unlabeled], dataset.validation, dataset.test)
    ]
    assert dataset.column("unlabeled", "patient") is not None
    assert not patients[0] & patients[1]
    assert not patients[0] & patients[2]
    assert not patients[1] & patients[2]


def test_another_draw_keeps_validation_and_test(tmp_path):
    source = folder(tmp_path, images=12, labels=12)
    first, second = (
        read_cohort(
            prepare_folder(
                source,
                tmp_path / f"{k}",
                wanted=Wanted(labeled=3, validation=2, test=2, labeled_draw=k),
            )
        )
        for k in (0, 1)
    )
    assert first.test == second.test
    assert first.validation == second.validation
    assert first.labeled != second.labeled


def _corrupt(source):
    (source / "images" / "case1.nii.gz").write_bytes(b"not an image")


def _other_shape(source):
    save(source / "labels" / "case1.nii.gz", label((12, 11)))


def _other_affine(source):
    save(source / "labels" / "case1.nii.gz", label(), affine=np.diag([2.0, 1, 1, 1]))


def _undeclared(source):
    (source / "labels.json").write_text(json.dumps({"heart": 1}))


def _duplicate(source):
    save(source / "images" / "case3.nii.gz", image(2))


def _not_finite(source):
    array = image(2).astype(np.float32)
    array[3, 3] = np.nan
    save(source / "images" / "case2.nii.gz", array)


def _constant(source):
    save(source / "images" / "case2.nii.gz", np.full((12, 10), 7, np.uint8))


def _one_unlabeled(source):
    (source / "images" / "case3.nii.gz").unlink()


def _three_dimensional(source):
    save(source / "images" / "case2.nii.gz", image(2, (12, 10, 6)))


def _mixed_channels(source):
    for k in range(4):
        (source / "images" / f"case{k}.nii.gz").unlink()
        save(source / "images" / f"case{k}.png", image(k))
    (source / "images" / "case2.png").unlink()
    from PIL import Image

    Image.fromarray(image(2, (10, 12, 3))).save(source / "images" / "case2.png")


def _no_image_for_a_label(source):
    save(source / "labels" / "case9.nii.gz", label())


def _unknown_format(source):
    (source / "images" / "notes.txt").write_text("hello")


def _not_whole(source):
    save(source / "labels" / "case1.nii.gz", label().astype(np.float32) + 0.5)


def _empty(source):
    for path in (source / "images").iterdir():
        path.unlink()


def _wrong_names(source):
    (source / "labels.json").write_text('["heart"]')


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (_corrupt, r"case1\.nii\.gz: cannot be read as an image"),
        (_other_shape, r"labels/case1\.nii\.gz: .*\(12, 11\).*\(12, 10\)"),
        (_other_affine, r"labels/case1\.nii\.gz: .*affine"),
        (_undeclared, r"labels/case\d\.nii\.gz: label value 2 is not declared"),
        (_duplicate, r"case3\.nii\.gz: same content as .*case2\.nii\.gz"),
        (_not_finite, r"case2\.nii\.gz: holds values that are not finite"),
        (_constant, r"case2\.nii\.gz: constant image, every value is 7"),
        (_one_unlabeled, r"case2\.nii\.gz: the only unlabeled image"),
        (_three_dimensional, r"case2\.nii\.gz: 3 dimensions, most others have 2"),
        (_mixed_channels, r"case2\.png: 3 channels, most others have 1"),
        (_no_image_for_a_label, r"case9\.nii\.gz: a label without an image"),
        (_unknown_format, r"notes\.txt: unknown image format"),
        (_not_whole, r"case1\.nii\.gz: label values must be whole numbers"),
        (_empty, r"images: empty"),
        (_wrong_names, r"labels\.json: expected a JSON object, found array"),
    ],
)
def test_bad_input_is_named_and_nothing_is_written(tmp_path, spoil, message):
    source = folder(tmp_path)
    spoil(source)
    with pytest.raises(InputError, match=message):
        prepare_folder(source, tmp_path / "dst")
    assert not (tmp_path / "dst").exists()


def test_missing_folders_are_named(tmp_path):
    with pytest.raises(InputError, match=r"src/images: no such folder"):
        prepare_folder(tmp_path / "src", tmp_path / "dst")


def test_images_alone_are_for_pretraining(tmp_path, capsys):
    path = prepare_folder(folder(tmp_path, labels=0), tmp_path / "dst")
    dataset = read_cohort(path)
    assert len(dataset.unlabeled) == 4
    assert dataset.labeled == dataset.validation == dataset.test == []
    assert "labeled  none: for pre-training only" in capsys.readouterr().out
    with pytest.raises(InputError, match=r"0 labeled case\(s\) are too few for --labeled 2"):
        prepare_folder(tmp_path / "src", tmp_path / "again", wanted=Wanted(labeled=2))


def test_too_few_labels_are_counted(tmp_path):
    with pytest.raises(InputError, match=r"2 labeled case\(s\) are too few for --labeled 5$"):
        prepare_folder(folder(tmp_path), tmp_path / "dst", wanted=Wanted(labeled=5))
