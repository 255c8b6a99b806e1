"""``prepare chestxray8``: the official table and the authors' folders."""

from __future__ import annotations

import pytest

from gemini_monai.data.dataset import read_dataset
from gemini_monai.data.prepare import prepare_chestxray8
from gemini_monai.errors import InputError
from tests.data.prepare.sources import image, save

HEADER = (
    "Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age,Patient Gender,View Position,"
    "OriginalImage[Width,Height],OriginalImagePixelSpacing[x,y],"
)


def _official(root, *, images=8, folder="images_001/images"):
    rows = [HEADER]
    (root / folder).mkdir(parents=True)
    for k in range(images):
        name = f"{k // 2:08d}_{k % 2:03d}.png"
        (root / folder / name).touch()
        view, sex = ("PA", "AP")[k % 2], "FM"[k // 4 % 2]
        rows.append(f"{name},No Finding,{k % 2},{k // 2},58,{sex},{view},2682,2749,0.143,0.143,")
    (root / "Data_Entry_2017.csv").write_text("\n".join(rows) + "\n")
    return root


@pytest.mark.parametrize("folder", ["images_001/images", "images"])
def test_the_official_table_gives_groups_and_patients(tmp_path, folder):
    path = prepare_chestxray8(_official(tmp_path / "src", folder=folder), tmp_path / "dst")
    dataset = read_dataset(path)
    assert dataset.column("unlabeled", "group") == ["PA_F", "AP_F"] * 2 + ["PA_M", "AP_M"] * 2
    assert dataset.column("unlabeled", "patient") == ["0", "0", "1", "1", "2", "2", "3", "3"]
    assert dataset.labeled == []
    assert dataset.spatial_size == (512, 512)


def test_folders_of_groups_give_the_same(tmp_path, capsys):
    for group, names in {
        "AP_F": ["00000005_001", "00000005_002"],
        "PA_M": ["00000001_000"],
    }.items():
        for k, name in enumerate(names):
            save(tmp_path / "src" / group / f"{name}.png", image(k))
    dataset = read_dataset(prepare_chestxray8(tmp_path / "src", tmp_path / "dst"))
    assert dataset.column("unlabeled", "group") == ["AP_F", "AP_F", "PA_M"]
    assert dataset.column("unlabeled", "patient") == ["00000005", "00000005", "00000001"]
    assert "AP_F       2 images of 1 patients" in capsys.readouterr().out


def test_the_size_of_the_real_one_is_read(tmp_path):
    source = _official(tmp_path / "src", images=112_120)
    dataset = read_dataset(prepare_chestxray8(source, tmp_path / "dst"))
    assert len(dataset.unlabeled) == 112_120


def test_what_is_wrong_is_named(tmp_path):
    with pytest.raises(InputError, match=r"neither Data_Entry_2017\.csv nor a folder"):
        prepare_chestxray8(tmp_path, tmp_path / "dst")
    source = _official(tmp_path / "src")
    (source / "images_001" / "images" / "00000001_000.png").unlink()
    with pytest.raises(InputError, match=r"line 4: image '00000001_000\.png' is not in"):
        prepare_chestxray8(source, tmp_path / "dst")
    table = source / "Data_Entry_2017.csv"
    table.write_text(table.read_text().replace(",PA,", ",LL,", 1))
    with pytest.raises(InputError, match=r"line 2: unknown view 'LL'"):
        prepare_chestxray8(source, tmp_path / "dst")
    table.write_text("Image Index,Patient ID\n")
    with pytest.raises(InputError, match="column 'Patient Gender' is missing"):
        prepare_chestxray8(source, tmp_path / "dst")
    assert not (tmp_path / "dst").exists()
