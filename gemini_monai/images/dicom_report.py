"""Volumes of segments as a structured report of DICOM's template 1500, Measurement Report."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gemini_monai.images.dicom_library import DicomLibraries
from gemini_monai.images.dicom_words import MAKER, made_by
from gemini_monai.images.names import DICOM

SERIES_NUMBER = 301  # after that of the segmentation


def report_file(path: Path) -> Path:
    """The report beside a DICOM-SEG file, ``<case>_volumes.dcm``.

    Args:
        path: The DICOM-SEG file.
    """
    return path.with_name(f"{path.name.removesuffix(DICOM)}_volumes{DICOM}")


def volume_report(
    segmentation: Any,
    images: Sequence[Any],
    volumes: Sequence[float],
    *,
    libraries: DicomLibraries,
) -> Any:
    """A report with a group of measurements for each segment, not yet written.

    A group refers to its segment and to the series that it was found in. It has the segment's
    tracking identifiers, code and algorithm, and one measurement, its volume. The report is of the
    images' patient and study, complete, preliminary and not verified.

    Args:
        segmentation: The DICOM-SEG data set, whose segments have tracking identifiers.
        images: Headers of the images.
        volumes: In ml, of each segment in its order.
        libraries: To write with.
    """
    library, codes = libraries.highdicom, libraries.pydicom.sr.codedict.codes
    groups = [
        _group(segment, volume, segmentation, images[0].SeriesInstanceUID, libraries=libraries)
        for segment, volume in zip(segmentation.SegmentSequence, volumes, strict=True)
    ]
    content = library.sr.MeasurementReport(
        observation_context=_observer(libraries),
        procedure_reported=codes.SCT.ImagingProcedure,
        imaging_measurements=groups,
    )
    return library.sr.EnhancedSR(
        evidence=[*images, segmentation],
        content=content[0],
        series_number=SERIES_NUMBER,
        series_description=f"{segmentation.SeriesDescription}, volumes"[:64],
        is_complete=True,
        **made_by(libraries),
    )


def _observer(libraries: DicomLibraries) -> Any:
    """A device, which is the same in every report."""
    library = libraries.highdicom
    device = library.sr.DeviceObserverIdentifyingAttributes(
        uid=libraries.pydicom.uid.generate_uid(entropy_srcs=[MAKER]), name=MAKER
    )
    context = library.sr.ObserverContext(
        observer_type=libraries.pydicom.sr.codedict.codes.DCM.Device,
        observer_identifying_attributes=device,
    )
    return library.sr.ObservationContext(observer_device_context=context)


def _group(
    segment: Any, volume: float, segmentation: Any, series: str, *, libraries: DicomLibraries
) -> Any:
    library, codes = libraries.highdicom.sr, libraries.pydicom.sr.codedict.codes
    made = segment.SegmentationAlgorithmIdentificationSequence[0]
    measured = library.Measurement(
        name=codes.SCT.Volume,
        value=float(volume),
        unit=library.CodedConcept("ml", "UCUM", "milliliter"),
    )
    return library.VolumetricROIMeasurementsAndQualitativeEvaluations(
        tracking_identifier=library.TrackingIdentifier(segment.TrackingUID, segment.TrackingID),
        referenced_segment=library.ReferencedSegment(
            sop_class_uid=segmentation.SOPClassUID,
            sop_instance_uid=segmentation.SOPInstanceUID,
            segment_number=segment.SegmentNumber,
            source_series=library.SourceSeriesForSegmentation(series),
        ),
        finding_type=segment.SegmentedPropertyTypeCodeSequence[0],
        algorithm_id=library.AlgorithmIdentification(made.AlgorithmName, made.AlgorithmVersion),
        measurements=[measured],
    )
