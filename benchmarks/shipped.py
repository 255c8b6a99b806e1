"""A bundle as it is shipped, on generated data, for benchmarks that look into its parts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from monai.bundle import ConfigWorkflow

BUNDLES = Path(__file__).parents[1] / "bundles"


def workflow(
    bundle: str, *, datalist: Path, overlays: Sequence[str] = (), **options: object
) -> ConfigWorkflow:
    """The training of a bundle, initialized; its run folder is beside the data.

    Args:
        bundle: Its folder's name.
        datalist: The data set.
        overlays: Names of configurations of the bundle that come after ``train``.
        options: Overrides, by their keys.
    """
    configs = BUNDLES / bundle / "configs"
    flow = ConfigWorkflow(
        config_file=[str(configs / f"{name}.json") for name in ("train", *overlays)],
        meta_file=str(configs / "metadata.json"),
        logging_file=False,
        workflow_type="train",
        bundle_root=str(configs.parent),
        dataset_dir=str(datalist.parent),
        datalist=str(datalist),
        output_dir=str(datalist.parent / "run"),
        **options,
    )
    flow.initialize()
    return flow
