"""Train GEMINI-Semi from Python, cell by cell: the built-in phantom, five labels, two minutes.

In the root of a clone: ``python examples/train_from_python.py``, or its cells in a notebook.
"""

from __future__ import annotations

# %% Prepare: 85 subjects, five of them with a label to train on
import csv
import json
from pathlib import Path

import monai.bundle

from gemini_monai.data.phantom import write_phantom

folder = Path("runs/from_python")
datalist = write_phantom(folder / "phantom", spatial_dims=2, spatial_size=(96, 96))

# %% Train: any key of train.json is an argument; those at its top are the knobs
knobs = {"epochs": 6, "epoch_length": 50, "learning_rate": 0.001, "compare": []}
places = {"datalist": str(datalist), "output_dir": str(folder / "run"), "overwrite": True}
monai.bundle.run(
    "training", config_file="bundles/gemini_semi/configs/train.json", **places, **knobs
)

# %% Read the history: a row per iteration, a column per term of the loss
history = list(csv.DictReader((folder / "run" / "history.csv").open(encoding="utf-8")))
for row in history[:: max(1, len(history) // 6)]:
    print(f"iteration {row['iteration']:>4}  loss {float(row['loss']):.2f}")

# %% Dice of the test subjects, on their own grids
scores = json.loads((folder / "run" / "test" / "segmentation.json").read_text(encoding="utf-8"))
for structure, score in scores["structures"].items():
    print(f"{structure:>12}  Dice {100 * score['dice']['mean']:.1f} %")
