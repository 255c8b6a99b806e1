"""A pre-trained backbone in a MONAI pipeline of one's own.

    python -m gemini_monai export RUN backbone.pt
    python examples/segment_with_backbone.py backbone.pt IMAGES LABELS OUT.pt

``IMAGES`` and ``LABELS`` are folders of files of the same names; label values are 0 to ``classes``
minus 1. Every fifth case validates. All but ``UNetBackbone`` is MONAI, torch and ignite.
"""

from __future__ import annotations

import json
from pathlib import Path

import fire
import torch
from monai.data import CacheDataset, DataLoader
from monai.engines import SupervisedEvaluator, SupervisedTrainer
from monai.handlers import MeanDice, ValidationHandler, from_engine
from monai.losses import DiceCELoss
from monai.networks.layers import Conv
from monai.transforms import (
    AsDiscreted,
    Compose,
    ConcatItemsd,
    EnsureChannelFirstd,
    LoadImaged,
    MapTransform,
    Resized,
    ScaleIntensityRanged,
    ScaleIntensityRangePercentilesd,
    SplitDimd,
)

from gemini_monai.networks import UNetBackbone


def build_network(file: str, *, classes: int) -> tuple[torch.nn.Module, dict]:
    """The backbone of an exported file under a fresh head, and the file's card."""
    saved = torch.load(file, map_location="cpu", weights_only=True)
    card = json.loads(saved["card"])
    view, widths = card["preprocessing"], card["channels"]
    backbone = UNetBackbone(view["spatial_dims"], view["in_channels"], widths)
    backbone.load_state_dict(saved["state_dict"])
    head = Conv["conv", view["spatial_dims"]](backbone.out_channels, classes, kernel_size=1)
    return torch.nn.Sequential(backbone, head), card


def transforms(view: dict) -> Compose:
    """Images as the backbone saw them; the intensity scaling has to travel with the weights."""
    return Compose(
        [
            LoadImaged(["image", "label"]),
            EnsureChannelFirstd(["image", "label"]),
            Resized(["image", "label"], view["spatial_size"], mode=["area", "nearest"]),
            *scaling(view),
        ]
    )


def scaling(view: dict) -> list:
    """Intensities to [0, 1]: by one rule for all channels, as one or each, or by one a channel."""
    rules = view["intensity"]
    if isinstance(rules, dict):
        return [scaled("image", rules, channel_wise=not view.get("color", True))]
    channels = [str(k) for k in range(len(rules))]
    names = [f"image_{k}" for k in channels]
    split = SplitDimd("image", dim=0, output_postfixes=channels)
    return [split, *map(scaled, names, rules), ConcatItemsd(names, "image")]


def scaled(key: str, rule: dict, channel_wise: bool = False) -> MapTransform:
    """MONAI's transform for one rule."""
    bounds = rule["lower"], rule["upper"], 0.0, 1.0
    if rule["kind"] == "range":
        return ScaleIntensityRanged(key, *bounds, clip=True)
    return ScaleIntensityRangePercentilesd(key, *bounds, clip=True, channel_wise=channel_wise)


def main(
    backbone: str,
    images: str,
    labels: str,
    output: str,
    classes: int = 5,
    epochs: int = 20,
    learning_rate: float = 1e-3,
) -> None:
    """Train and validate, and save the network's state dict."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    network, card = build_network(backbone, classes=classes)
    network.to(device)
    files = [
        {"image": str(Path(images) / label.name), "label": str(label)}
        for label in sorted(Path(labels).iterdir())
    ]
    prepared = transforms(card["preprocessing"])
    training, validation = (
        CacheDataset([f for k, f in enumerate(files) if (k % 5 == 4) is held_out], prepared)
        for held_out in (False, True)
    )
    discrete = AsDiscreted(["pred", "label"], argmax=[True, False], to_onehot=classes)
    evaluator = SupervisedEvaluator(
        device=device,
        val_data_loader=DataLoader(validation, batch_size=1),
        network=network,
        postprocessing=discrete,
        key_val_metric={
            "mean_dice": MeanDice(
                include_background=False, output_transform=from_engine(["pred", "label"])
            )
        },
    )
    trainer = SupervisedTrainer(
        device=device,
        max_epochs=epochs,
        train_data_loader=DataLoader(training, batch_size=2, shuffle=True),
        network=network,
        optimizer=torch.optim.Adam(network.parameters(), learning_rate),
        loss_function=DiceCELoss(to_onehot_y=True, softmax=True),
        train_handlers=[ValidationHandler(interval=1, validator=evaluator)],
    )
    trainer.run()
    torch.save(network.state_dict(), output)
    print(f"validation Dice {evaluator.state.best_metric:.3f}; saved {output}")


if __name__ == "__main__":
    fire.Fire(main)
