"""Images as files: the names of cases, one reader, one writer."""

from __future__ import annotations

from gemini_monai.images.dicom_seg import refuse_other_than_dicom, write_segmentation
from gemini_monai.images.headers import says_where
from gemini_monai.images.memory import image_in_memory
from gemini_monai.images.names import case_of, find_images, is_picture
from gemini_monai.images.read import file_shape, has_voxel_size, read, read_label, source_of
from gemini_monai.images.segment_files import snap_descriptions, write_segments
from gemini_monai.images.write import smallest_type, write_field, write_image

__all__ = [
    "case_of",
    "file_shape",
    "find_images",
    "has_voxel_size",
    "image_in_memory",
    "is_picture",
    "read",
    "read_label",
    "refuse_other_than_dicom",
    "says_where",
    "smallest_type",
    "snap_descriptions",
    "source_of",
    "write_field",
    "write_image",
    "write_segmentation",
    "write_segments",
]
