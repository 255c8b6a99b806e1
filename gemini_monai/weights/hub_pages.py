"""What the pages of the Hugging Face Hub and of MONAI's model zoo are made of: front matter, facts.

The zoo lists what is hosted on the Hub by ``README.md``, ``LICENSE`` and ``metadata.json``, which
has what its schema of 2025-03-21 requires.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

SCHEMA = (
    "https://github.com/Project-MONAI/MONAI-extra-test-data/releases/download/0.8.1/"
    "meta_schema_hf_20250321.json"
)
FRONT_MATTER = """\
---
library_name: monai
pipeline_tag: {kind}
license: other
license_name: {license_name}
tags: [monai, medical, self-supervised, gemini_monai]
---
"""
SEGMENTER, FEATURES = "image-segmentation", "image-feature-extraction"
"""Kinds of models, as the Hub calls them."""
FIRST = "0.1.0"
"""Version of weights that say none of their own."""
LICENSE = """\
Weights of a neural network, trained by gemini_monai (Apache-2.0), which comes under its own terms.

The terms of these weights are those of the data that they were trained on: {terms}

Research only, not for diagnosis. Without warranty of any kind.
"""
UNKNOWN = "not recorded"


def front_matter(kind: str, *, license_name: str) -> str:
    """The first lines of a model's page on the Hub.

    Args:
        kind: ``SEGMENTER`` or ``FEATURES``.
        license_name: Where its terms are told, a word without spaces.
    """
    return FRONT_MATTER.format(kind=kind, license_name=license_name)


def license_text(terms: str) -> str:
    """``LICENSE`` of weights that have no terms of their own.

    Args:
        terms: Of the data, in a line.
    """
    return LICENSE.format(terms=" ".join(terms.split()))


def metadata_of_bundle(metadata: Mapping[str, Any], repository: str) -> str:
    """``metadata.json`` of a bundle for the zoo's list, from that in its ``configs``.

    Args:
        metadata: The bundle's.
        repository: ``OWNER/NAME``.
    """
    return _text({**metadata, **_where(repository)})


def metadata_of_backbone(card: Mapping[str, Any], repository: str) -> str:
    """``metadata.json`` of a backbone for the zoo's list, from its card.

    Args:
        card: As of ``read_card``.
        repository: ``OWNER/NAME``.
    """
    owner, _, name = repository.partition("/")
    versions = card.get("versions") or {}
    data = str((card.get("dataset") or {}).get("name", UNKNOWN))
    told = f"{card.get('method')} on {data}, {card.get('iterations')} iterations"
    packages = ("monai", "torch", "numpy")
    monai, torch, numpy = (str(versions.get(own, UNKNOWN)).partition("+")[0] for own in packages)
    facts = {
        "version": FIRST,
        "changelog": {FIRST: f"first weights: {told}"},
        "monai_version": monai,
        "pytorch_version": torch,
        "numpy_version": numpy,
        "required_packages_version": {"gemini_monai": versions.get("gemini_monai", UNKNOWN)},
        "name": name,
        "task": "Dense features of medical images, for segmentation and registration",
        "description": f"A dense backbone, encoder and decoder, pre-trained by {told}.",
        "authors": owner,
        "copyright": f"Copyright (c) {owner}",
        "data_source": data,
        "intended_use": "Research only; not for diagnosis",
    }
    return _text({**facts, **_where(repository)})


def _where(repository: str) -> dict[str, str]:
    address = f"https://huggingface.co/{repository}"
    return {"schema": SCHEMA, "huggingface_model_id": repository, "huggingface_url": address}


def _text(content: Mapping[str, Any]) -> str:
    return json.dumps(content, indent=4)
