"""An exported backbone to the Hugging Face Hub and back, with the client that reaches it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gemini_monai.base.errors import InputError
from gemini_monai.base.extras import optional
from gemini_monai.base.files import refuse_existing
from gemini_monai.weights.card import plain
from gemini_monai.weights.export import read_card
from gemini_monai.weights.hub_pages import (
    FEATURES,
    UNKNOWN,
    front_matter,
    license_text,
    metadata_of_backbone,
)
from gemini_monai.weights.network import read_state
from gemini_monai.weights.tensors import read_tensors, safe_bytes, write_state

NAME = "backbone.safetensors"
"""What the weights are called in a repository."""
TEXT = """\
{top}# {title}

A dense backbone, pre-trained with gemini_monai by {method} on {data}, {iterations} iterations, seed
{seed}. Research only, not for diagnosis.

Terms of the data: {terms}.

```bash
gemini pull {repository} {name}
gemini finetune DATA --pretrained {name} --output_dir runs/fine
```

```json
{card}
```
"""


def push_backbone(file: str | Path, repository: str, *, private: bool = False) -> str:
    """Upload an exported backbone with its card, as one commit.

    ``metadata.json`` and ``LICENSE`` are what MONAI's model zoo lists a model of the Hub by.

    Args:
        file: What ``export_backbone`` wrote.
        repository: ``OWNER/NAME``; made where there is none.
        private: Whether a repository that is made is seen by its owner alone.

    Returns:
        The address of the commit.

    Raises:
        InputError: If the file is no exported backbone, huggingface_hub is not installed, or the
            Hub refuses.
    """
    hub = hub_client()
    card = read_card(file)
    texts = {
        "README.md": _model_card(card, repository),
        "LICENSE": license_text(_terms(card)),
        "metadata.json": metadata_of_backbone(card, repository),
    }
    files = {name: text.encode() for name, text in texts.items()}
    files[NAME] = safe_bytes(read_state(Path(file)), card=json.dumps(card))
    message = f"{card.get('method')} on {_data(card)}"
    return committed(hub, repository, files, message=message, private=private)


def committed(
    hub: Any, repository: str, files: Mapping[str, bytes], *, message: str, private: bool
) -> str:
    """Upload files as one commit to a repository, which is made where there is none.

    Args:
        hub: As of ``hub_client``.
        repository: ``OWNER/NAME``.
        files: Content by path.
        message: Of the commit.
        private: Whether a repository that is made is seen by its owner alone.

    Returns:
        The address of the commit.

    Raises:
        InputError: If the Hub refuses.
    """
    operations = [
        hub.CommitOperationAdd(path_in_repo=name, path_or_fileobj=content)
        for name, content in files.items()
    ]
    api = hub.HfApi()
    try:
        api.create_repo(repository, private=private, exist_ok=True)
        commit = api.create_commit(repository, operations, commit_message=message)
    except (
        OSError,
        ValueError,
        RuntimeError,
    ) as error:  # of its requests; of a name that cannot be
        raise InputError(f"{repository}: the Hub does not take it: {one_line(error)}") from error
    return str(commit.commit_url)


def pull_backbone(repository: str, output: str | Path, *, overwrite: bool = False) -> Path:
    """Fetch a backbone that ``push_backbone`` uploaded.

    Args:
        repository: ``OWNER/NAME``.
        output: The file; ``.safetensors`` or PyTorch's, by its name.
        overwrite: Replace a file that is there.

    Raises:
        InputError: If there is no such repository or it has no backbone with a card,
            huggingface_hub is not installed, or the file is there.
    """
    hub, output = hub_client(), Path(output)
    refuse_existing([output], overwrite=overwrite)
    try:
        found = Path(hub.hf_hub_download(repository, NAME))
    except (OSError, ValueError, RuntimeError) as error:
        raise InputError(f"{repository}: no {NAME} to be had: {one_line(error)}") from error
    write_state(output, read_tensors(found)["state_dict"], card=json.dumps(read_card(found)))
    return output


def _model_card(card: dict[str, Any], repository: str) -> str:
    told = {name: plain(str(card.get(name))) for name in ("method", "iterations", "seed")}
    return TEXT.format(
        **told,
        top=front_matter(FEATURES, license_name="that-of-the-data"),
        title=repository.rpartition("/")[2],
        data=plain(_data(card)),
        terms=plain(_terms(card)),
        repository=repository,
        name=NAME,
        card=json.dumps(card, indent=1),
    )


def _data(card: dict[str, Any]) -> str:
    return str((card.get("dataset") or {}).get("name", "data that are not recorded"))


def _terms(card: Mapping[str, Any]) -> str:
    return str(card.get("license_of_the_data", UNKNOWN))


def one_line(error: Exception) -> str:
    """What an error of a client says, in a line."""
    return " ".join(str(error).split())[:300] or type(error).__name__


def hub_client() -> Any:
    """The Hub's own client.

    Raises:
        InputError: If it is not installed.
    """
    return optional("huggingface_hub", extra="hub", purpose="the Hub")
