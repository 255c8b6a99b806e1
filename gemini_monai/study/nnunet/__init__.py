"""nnU-Net itself as an arm: the same labeled cases and split, its own training, our scores.

After nnU-Net 2.8 (https://github.com/MIC-DKFZ/nnUNet): planner, preprocessing, trainer with its own
losses, augmentation and schedule, and sliding window are called, and nothing of them is written
anew.
"""

from __future__ import annotations
