"""``prepare chestxray8``: the official table and the authors' folders."""

from __future__ import annotations

import pytest

from gemini_monai.base.errors import InputError
from gemini_monai.data.dataset_file import read_cohort
from gemini_monai.data.prepare import prepare_chestxray8
from gemini_monai.data.prepare.sources import chestxray8
from tests.data.prepare.made import image, save

TABLE = "Data_Entry_2017.csv"
HEADER = (
    "Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age,Patient Gender,View Position,"
    "OriginalImage[Width,Height],OriginalImagePixelSpacing[x,y],"
)


def _official(root, *, images=8, folder="images_001/images", header=HEADER, table=TABLE):
    rows = [header]
    (root / folder).mkdir(parents=True)
    for k in range(images):
        name = f"{k // 2:08d}_{k % 2:03d}.png"
        (root / folder / name).write_text(name)
        view, sex = ("PA", "AP")[k % 2], "FM"[k // 4 % 2]
        rows.append(f"{name},No Finding,{k % 2},{k // 2},58,{sex},{view},2682,2749,0.143,0.143,")
    (root / table).write_text("\n".join(rows) + "\n")
    return root


@pytest.mark.parametrize("folder", ["images_001/images", "images"])
def test_the_official_table_gives_groups_and_patients(tmp_path, folder):
    path = prepare_chestxray8(_official(tmp_path / "src", folder=folder), tmp_path / "dst")
    dataset = read_cohort(path)
    assert dataset.column("unlabeled", "group") == ["PA_F", "AP_F"] * 2 + ["PA_M", "AP_M"] * 2
    assert dataset.column("unlabeled", "patient") == ["0", "0", "1", "1", "2", "2", "3", "3"]
    assert dataset.labeled == []
    assert dataset.spatial_size == (512, 512)


def test_folders_of_groups_give_the_same(tmp_path, capsys):
    for group, names in {
        "AP_F": ["00000005_001", "00000005_002"],
        "PA_M": ["00000001_000"],
    }.items():
        for name in names:
            save(tmp_path / "src" / group / f"{name}.png", image(int(name.replace("_", ""))))
    dataset = read_cohort(prepare_chestxray8(tmp_path / "src", tmp_path / "dst"))
    assert dataset.column("unlabeled", "group") == ["AP_F", "AP_F", "PA_M"]
    assert dataset.column("unlabeled", "patient") == ["00000005", "00000005", "00000001"]
    assert "AP_F       2 images of 1 patients" in capsys.readouterr().out


def test_what_a_mac_adds_is_no_image(tmp_path):
    source = _official(tmp_path / "src")
    (source / "images_001" / "images" / "._00000000_000.png").write_bytes(b"x")
    assert len(read_cohort(prepare_chestxray8(source, tmp_path / "dst")).unlabeled) == 8


def test_many_images_are_read(tmp_path):
    source = _official(tmp_path / "src", images=5_000)
    dataset = read_cohort(prepare_chestxray8(source, tmp_path / "dst"))
    assert len(dataset.unlabeled) == 5_000


def test_the_later_table_and_its_headers_are_read(tmp_path):
    header = "\ufeff" + HEADER.replace("Gender", "Sex")
    table = "Data_Entry_2017_v2020.csv"
    source = _official(tmp_path / "src", header=header, table=table)
    assert len(read_cohort(prepare_chestxray8(source, tmp_path / "dst")).unlabeled) == 8


def test_images_are_counted_by_view_and_sex(tmp_path, capsys, monkeypatch):
    prepare_chestxray8(_official(tmp_path / "src"), tmp_path / "dst")
    printed = capsys.readouterr().out
    assert "other numbers than the paper's: AP 4 of 44,810, PA 4 of 67,310, M 4 of" in printed
    assert "not there: images_002, images_003" in printed
    monkeypatch.setattr(chestxray8, "TOTALS", {"AP": 4, "PA": 4, "M": 4, "F": 4})
    prepare_chestxray8(tmp_path / "src", tmp_path / "dst")
    assert capsys.readouterr().out.endswith("complete: AP 4 of 4, PA 4 of 4, M 4 of 4, F 4 of 4\n")


def test_the_papers_totals_fit_each_other():
    assert chestxray8.TOTALS["AP"] + chestxray8.TOTALS["PA"] == 112_120
    assert chestxray8.TOTALS["M"] + chestxray8.TOTALS["F"] == 112_120


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (
            lambda s: (s / "images_001/images/00000001_000.png").unlink(),
            r"csv: 1 of 8 rows have no file in .*src/images\*, the first is '00000001_000\.png'; "
            r"not unpacked: images_002, .*images_012$",
        ),
        (
            lambda s: save(s / "images_001/images/00000009_000.png", image(0)),
            r"images_001/images/00000009_000\.png: no row in .*csv, as for 1 file\(s\) in all",
        ),
        (
            lambda s: save(s / "images_002/images/00000001_000.png", image(0)),
            r"images_002/images/00000001_000\.png: there twice, also as .*images_001",
        ),
        (
            lambda s: _rewrite(s, lambda text: text + text.splitlines()[-1] + "\n"),
            r"csv: two rows for image '00000003_001\.png'",
        ),
        (
            lambda s: _rewrite(s, lambda text: text[: text.rindex(",58,")]),
            r"line 9: 4 cell\(s\), the table was cut off",
        ),
        (
            lambda s: _rewrite(s, lambda text: text.replace(",PA,", ",LL,", 1)),
            r"line 2: unknown view 'LL'",
        ),
        (
            lambda s: _rewrite(s, lambda text: "Image Index,Patient ID\n"),
            "column 'Patient Gender' is missing",
        ),
        (lambda s: (s / TABLE).unlink(), r"neither Data_Entry_2017\.csv nor a folder"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, spoil, message):
    source = _official(tmp_path / "src")
    spoil(source)
    with pytest.raises(InputError, match=message):
        prepare_chestxray8(source, tmp_path / "dst")
    assert not (tmp_path / "dst").exists()


def _rewrite(source, change):
    path = source / TABLE
    path.write_text(change(path.read_text()))


@pytest.mark.parametrize("folder", ["images_001/images", "images"])
def test_an_archive_unpacked_in_part_is_placed(tmp_path, folder):
    source = _official(tmp_path / "src", folder=folder)
    for name in chestxray8.ARCHIVES[1:] if "_" in folder else ():
        (source / name / "images").mkdir(parents=True)
        save(source / name / "images" / f"{name}.png", image(0))
        rows = (source / TABLE).read_text() + f"{name}.png,x,0,9,58,F,PA,1,1,1,1,\n"
        (source / TABLE).write_text(rows)
    (source / folder / "00000002_001.png").unlink()
    with pytest.raises(InputError, match=rf"unpacked in part: .*{folder} or the next archive"):
        prepare_chestxray8(source, tmp_path / "dst")
