"""``prepare ppmi``: files, DICOM series and a flat folder; T1 alone, by patient."""

from __future__ import annotations

import pytest

from gemini_monai.base.errors import InputError
from gemini_monai.data.dataset_file import read_cohort
from gemini_monai.data.prepare import prepare_ppmi
from tests.data.prepare.made import save
from tests.data.prepare.sources.trees import ppmi


@pytest.mark.parametrize("flat", [True, False])
@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
def test_files_give_their_patients(tmp_path, capsys, flat, suffix):
    source = ppmi.files(tmp_path / "src", flat=flat, suffix=suffix)
    dataset = read_cohort(prepare_ppmi(source, tmp_path / "dst"))
    assert dataset.column("unlabeled", "patient") == ["3101", "3102", "3102", "50319"]
    assert dataset.labeled == dataset.validation == dataset.test == []
    assert (dataset.spatial_size, dataset.spacing) == ((160, 160, 128), None)
    assert dataset.intensity == {"kind": "percentile", "lower": 0.0, "upper": 100.0}
    assert "4 volumes of 3 patients; the paper has 837" in capsys.readouterr().out


@pytest.mark.parametrize("named", [True, False])
def test_dicom_series_give_their_patients(tmp_path, named):
    source = ppmi.series(tmp_path / "src", named=named)
    dataset = read_cohort(prepare_ppmi(source, tmp_path / "dst"))
    assert dataset.column("unlabeled", "patient") == ["3000", "3001", "3001"]
    assert [entry["case"] for entry in dataset.unlabeled] == [
        "PPMI_3000_S99863",
        "PPMI_3001_S99864",
        "PPMI_3001_S99865",
    ]
    assert dataset.spatial_dims == 3


@pytest.mark.parametrize("source", ["data", "data/brain"])
def test_names_without_a_subject_are_patients_of_their_own(tmp_path, capsys, source):
    for k in range(3):
        save(tmp_path / "data" / "brain" / f"{k}.nii", ppmi.extracted(k))
    dataset = read_cohort(prepare_ppmi(tmp_path / source, tmp_path / "dst"))
    assert dataset.column("unlabeled", "patient") == ["0", "1", "2"]
    assert "every volume counts as a patient of its own" in capsys.readouterr().out


def test_what_is_no_t1_is_left_out_and_counted(tmp_path, capsys):
    source = ppmi.series(ppmi.files(tmp_path / "src"), description="AX_FLAIR")
    phantom = ppmi.name(3107, 8, description="MPRAGE_Phantom_GRAPPA2_br_raw")
    save(source / f"{phantom}.nii", ppmi.extracted(8))
    save(source / f"{ppmi.name(3101, 0)}_bet_mask.nii.gz", ppmi.extracted(9))
    dataset = read_cohort(prepare_ppmi(source, tmp_path / "dst"))
    assert len(dataset.unlabeled) == 4
    said = capsys.readouterr().out
    assert "not T1: AX_FLAIR__br_raw (3), MPRAGE_Phantom_GRAPPA2_br_raw (1), mask (1)" in said


def test_a_second_run_is_identical(tmp_path):
    source = ppmi.files(tmp_path / "src")
    first = prepare_ppmi(source, tmp_path / "dst").read_bytes()
    assert prepare_ppmi(source, tmp_path / "dst").read_bytes() == first


def _half(source):
    path = next(source.glob("PPMI_3101*.nii"))
    path.write_bytes(path.read_bytes()[:500])


def _unnamed(source):
    save(source / "more.nii", ppmi.extracted(20))


def _another_data_set(source):
    for path in source.glob("*.nii"):
        path.unlink()
    save(source / "HC" / "HC_001_seg.nii.gz", ppmi.extracted(20))


def _twice(source):
    path = next(source.glob("PPMI_3101*.nii"))
    save(source / "again" / path.name, ppmi.extracted(21))


def _copied(source):
    path = next(source.glob("PPMI_3101*.nii"))
    (source / f"{ppmi.name(3109, 9)}.nii").write_bytes(path.read_bytes())


def _loose_series(source):
    ppmi.series(source, named=False)
    (source / "PPMI").rename(source / "x")
    folder = next((source / "x" / "3000").rglob("*.dcm")).parent
    folder.rename(source / "series")


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (_half, r"PPMI_3101.*\.nii: cannot be read as an image"),
        (_unnamed, r"more\.nii: no subject in its name"),
        (_another_data_set, r"HC_001_seg\.nii\.gz: no subject in its name; expected one such as"),
        (_twice, r"'PPMI_3101.*' is there twice"),
        (_copied, r"same content as .*PPMI_3101"),
        (_loose_series, r"series: a DICOM series outside of <subject>"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_written(tmp_path, spoil, message):
    source = ppmi.files(tmp_path / "src")
    spoil(source)
    with pytest.raises(InputError, match=message):
        prepare_ppmi(source, tmp_path / "dst")
    assert not (tmp_path / "dst").exists()


def test_without_a_t1_volume_what_was_found_is_named(tmp_path):
    (tmp_path / "src").mkdir()
    with pytest.raises(InputError, match="found nothing; are its archives unpacked"):
        prepare_ppmi(tmp_path / "src", tmp_path / "dst")
    ppmi.series(tmp_path / "src", description="AX_FLAIR", named=False)
    with pytest.raises(InputError, match=r"found only AX_FLAIR \(3\)"):
        prepare_ppmi(tmp_path / "src", tmp_path / "dst")


T1 = (
    *("T1-anatomical", "MPRAGE_GRAPPA", "3D_SAG", "SAG_3D", "SAG_3D_MPR", "3D_SAG__br_raw"),
    *("SAG_FSPGR_3D", "sT1W_3D_TFE", "t1_mpr_ns_sag_p2_iso", "SAG_BRAVO", "3D_Sagittal_RPT"),
)
OTHER = (
    *("AX_T2", "3D_T2_FLAIR", "SAG_3D_FLAIR", "T2_in_T1-anatomical_space", "DTI_gated"),
    *("2D_GRE-MT", "MIDLINE_SAG_LOC", "SAG", "SAG_3D_DIR", "3D_SAG_T2", "MPRAGE_Phantom_GRAPPA2"),
)


@pytest.mark.parametrize("description", T1)
def test_names_that_ppmi_gives_t1_volumes_are_known(tmp_path, description):
    for k in range(2):
        save(tmp_path / "src" / f"{ppmi.name(3101 + k, k, description=description)}.nii", _scan(k))
    assert len(read_cohort(prepare_ppmi(tmp_path / "src", tmp_path / "dst")).unlabeled) == 2


@pytest.mark.parametrize("description", OTHER)
def test_names_of_other_volumes_are_left_out(tmp_path, description):
    path = tmp_path / "src" / f"{ppmi.name(3101, 0, description=description)}.nii"
    save(path, _scan(0))
    with pytest.raises(InputError, match=rf"found only {description} \(1\)"):
        prepare_ppmi(tmp_path / "src", tmp_path / "dst")


def _scan(seed):
    return ppmi.extracted(seed, (8, 8, 6))


def test_what_a_mac_adds_to_a_series_is_no_series(tmp_path):
    source = ppmi.series(tmp_path / "src")
    for folder in {path.parent for path in source.rglob("*.dcm")}:
        (folder / "._0.dcm").write_bytes(b"x")
    (source / "__MACOSX").mkdir()
    (source / "__MACOSX" / "._0.dcm").write_bytes(b"x")
    assert len(read_cohort(prepare_ppmi(source, tmp_path / "dst")).unlabeled) == 3
