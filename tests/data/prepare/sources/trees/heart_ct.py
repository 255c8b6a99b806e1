"""Small cardiac CT with the names, formats, dtypes and codes of WHS-CT, ASOCA and CAT08."""

from __future__ import annotations

import itk
import numpy as np

from tests.data.prepare.made import save

CODES = (205, 420, 500, 550, 600, 820, 850)
SPACING = (0.8, 0.8, 1.0)
AFFINE = np.diag([-SPACING[0], -SPACING[1], SPACING[2], 1.0])  # as ITK's, whose axes are LPS
SHAPE = (14, 12, 10)


def heart(seed, *, shape=SHAPE, codes=CODES):
    """A chest in Hounsfield units and its label: one slab of contrast per structure."""
    random = np.random.default_rng(seed)
    image = random.normal(40, 20, shape)
    image[:2] = -1000 + random.uniform(0, 5, image[:2].shape)
    label = np.zeros(shape, np.int16)
    for k, code in enumerate(codes):
        slab = np.s_[3:-2, 2 : -2 - seed % 2, 1 + k % 8 : 2 + k % 8]
        label[slab] = code
        image[slab] = 150 + 50 * k + random.normal(0, 10, image[slab].shape)
    return image.round().astype(np.int16), label


def write_itk(path, array, *, spacing=SPACING):
    """NRRD, or a header and its ``.raw``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    volume = itk.image_from_array(array.T.copy())
    volume.SetSpacing(spacing)
    itk.imwrite(volume, str(path))


def whs(root, *, labeled=4, unlabeled=2, shape=SHAPE, slip=True):
    """``ct_train`` and ``ct_test``; the first label has some 421 for 420."""
    for k in range(labeled):
        image, label = heart(k, shape=shape)
        if slip and k == 0:
            label[4:6][label[4:6] == 420] = 421
        for name, array in (("image", image), ("label", label)):
            save(root / f"ct_train/ct_train_{1001 + k}_{name}.nii.gz", array, affine=AFFINE)
    for k in range(unlabeled):
        image, _ = heart(100 + k, shape=shape)
        save(root / f"ct_test/ct_test_{2001 + k}_image.nii.gz", image, affine=AFFINE)
        (root / f"ct_test/ct_test_{2001 + k}_label_encrypt_1mm.nii.gz").write_bytes(b"secret")
    return root


def asoca(root, *, each=1, test=1, shape=SHAPE):
    """``Normal`` and ``Diseased``; the annotations, of other structures, are no images here."""
    for group, (name, tests) in enumerate(
        {"Normal": "Testset_Normal", "Diseased": "Testset_Disease"}.items()
    ):
        for k in range(each):
            image, _ = heart(200 + 20 * group + k, shape=shape)
            write_itk(root / f"{name}/CTCA/{name}_{k + 1}.nrrd", image)
            (root / f"{name}/Annotations").mkdir(exist_ok=True)
            (root / f"{name}/Annotations/{name}_{k + 1}.nrrd").write_bytes(b"lumen")
        for k in range(test):
            image, _ = heart(300 + 20 * group + k, shape=shape)
            write_itk(root / f"{name}/{tests}/{10 * group + k}.nrrd", image)
    return root


def cat08(root, *, cases=3, shape=SHAPE, offset=1024, labels="dataset{0}/label{0}.nii.gz"):
    """``dataset00`` and so on, stored from 0 on; the labels come from elsewhere."""
    for k in range(cases):
        image, label = heart(400 + k, shape=shape)
        stored = np.maximum(image + offset, 0) if offset else image
        write_itk(root / f"dataset{k:02d}/image{k:02d}.mhd", stored.astype(np.int16))
        (root / f"dataset{k:02d}/vessel0").mkdir()
        (root / f"dataset{k:02d}/vessel0/pointA.txt").write_text("1 2 3")
        save(root / labels.format(f"{k:02d}"), label, affine=AFFINE)
    return root


def all_three(root, *, shape=SHAPE):
    """One parent folder with 7 labeled and 6 unlabeled images."""
    whs(root / "MM-WHS 2017 Dataset", shape=shape)
    asoca(root / "ASOCA", shape=shape)
    cat08(root / "CAT08", shape=shape)
    return root


def released(root, *, train=2, unlabeled=2, test=2, codes=CODES, shape=SHAPE):
    """The authors' tree, whose folders are the split."""
    base = root / "T1_CardiacCT"
    for part, count in (("train", train), ("test", test)):
        for k in range(count):
            image, label = heart(k + 10 * (part == "test"), shape=shape, codes=codes)
            for name, array in (("image", image), ("label", label)):
                file = f"{part}/labeled/{name}/{k + 5 * (part == 'train'):02d}.nii"
                save(base / file, array, affine=np.eye(4))
    for k in range(unlabeled):
        image, _ = heart(50 + k, shape=shape)
        save(base / f"train/unlabeled/image/{k}.nii", image, affine=np.eye(4))
    return root
