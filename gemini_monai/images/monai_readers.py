"""MONAI's loading of images, without what it says wherever pydicom is installed."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

DECODER = logging.getLogger("monai.data.nvimgcodec_pydicom_plugin")


@contextmanager
def quiet_readers() -> Iterator[None]:
    """While MONAI registers its readers: nothing on the missing decoder of DICOM for GPUs.

    MONAI 1.6 says it twice for every ``LoadImage``, of whatever format its files are.
    """
    level = DECODER.level
    DECODER.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "NvImgCodecPydicomReader")
            yield
    finally:
        DECODER.setLevel(level)
