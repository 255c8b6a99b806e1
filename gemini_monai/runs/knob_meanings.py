"""A sentence on every knob, for the help of the commands and the tables of the bundles."""

from __future__ import annotations

from collections.abc import Collection

MEANINGS: dict[str, str] = {
    # the run
    "seed": "Of the first weights, the batches and the random transforms",
    "device": "Where the network is",
    "dataset_dir": "The prepared data set, or the folder of images",
    "output_dir": "The folder that is written",
    "resume": "Go on after a stop, from the last checkpoint",
    "overwrite": "Replace a run, or files, that are there",
    "data_changed": "Files may hold something else than when they were prepared; that is told, and "
    "kept in run.json",
    "compare": "Methods, or overlay files, that are trained after it with the same batches, each "
    "into RUN/NAME",
    "pretrained": "A run of GEMINI-MIP, or an exported backbone, to start from; none for none",
    "continue_from": "A run whose whole network a later round starts from",
    # its length
    "epochs": "How many; iterations are epochs times epoch_length",
    "epoch_length": "Iterations of an epoch",
    "val_interval": "Epochs from one validation to the next",
    "checkpoint": "What model.pt is: the network of the best validation, or of the last epoch",
    "stop_after": "Share of the training without a gain after which it ends; null for never",
    "learning_rate": "Of Adam, at the beginning",
    "final_learning_rate": "Share of the rate that a cosine ends at; 1.0 for a constant rate",
    "average": "Share of a moving average of the network that stays at every step; that average is "
    "validated and kept; 0 for the network itself",
    # the machine
    "amp": "The network in bfloat16; losses, fields and warps stay in float32",
    "compile": "torch.compile of backbone and deformer; weights keep their names, and a run goes "
    "on with or without",
    "memory": "With low, one image at a time, computed again on the way back, with equal losses",
    "num_workers": "Processes that load: up to 8 beside a GPU, none beside a CPU",
    "transforms_on": "With cuda, random transforms on the GPU, and no process that loads",
    "cache_rate": "Share of the prepared images that memory keeps",
    "cache_dir": "A folder that keeps prepared images between runs, instead of memory",
    # the batch
    "update": "One step on the sum of all objectives (summed, equation 10), or one for each",
    "labeled_cases": "How many labeled cases keep their labels; null for all; the others are used "
    "without",
    "labeled_draw": "Which choice of these cases",
    "use_validation": "Validate; without, it trains for its whole length and keeps the last "
    "network",
    "unlabeled_share": "How many of the images without labels are used; smaller choices of one "
    "seed lie in larger ones",
    "labeled_images": "Of one iteration",
    "unlabeled_images": "Of one iteration, for copy-paste and for two views",
    "pairs": "Of one iteration",
    "pairing": "Each image with the next one of the batch (ring), or pairs of their own",
    "group_choice": "Over groups of the data list (group of an entry), or by their images",
    "crops": "How images larger than spatial_size are trained on: cut about their center, or "
    "random crops, mostly about a structure (foreground)",
    "augmentation": "strong; light: place alone, by rotation_degrees and scale; none; or a name of "
    "yours in augmentations",
    "rotation_degrees": "Of the light augmentation, the most",
    "scale": "Of the light augmentation, the most, as a share",
    # the objectives
    "smoothness": "Weight of equation 3",
    "smoothness_order": "2 for bending energy in the place of equation 3, which leaves turning and "
    "scaling free",
    "visual": "Weight of equation 6",
    "semantic": "Weight of equation 7",
    "positive": "Weight of the path of equation 7 that trains the features",
    "positive_start": "Share of the training before that path counts; 1.0 for never",
    "bijective": "Both directions of equation 5",
    "pairs_interval": "Pairs train in every so many iterations, and the run can register; 0 for no "
    "pairs",
    "contrast_weight": "Of dense contrast of two views of unlabeled images; 0 leaves it out",
    "supervised_weight": "Of Dice plus cross-entropy",
    "restoration_weight": "Of the mean squared error of equation 11, 100 for the authors'; 0 "
    "leaves it out",
    "shuffling": "Probability of shuffled voxels, for restoration",
    "recoloring": "Probability of bent intensities, for restoration",
    "painting": "Probability of painted boxes, for restoration",
    # the network
    "channels": "Widths of the backbone's levels, the finest first; the paper's are [32, 64, 128, "
    "256, 512]",
    "feature_channels": "Channels that a backbone of yours returns",
    "backbone_multiple": "Images are padded to a multiple of this, for a backbone of yours",
    "deformer_stages": "Resolutions of the deformer; 3 see 26 voxels",
    "half_resolution_field": "Displacements at half resolution, so that the deformer sees twice as "
    "far",
    "deformer_scales": "Deformers from coarse to fine",
    "diffeomorphic": "Fields that do not fold, integrated from velocities",
    # the tests
    "registration_pairs": "Pairs of test images that are registered, at most; 0 for none",
    "surface_tolerance": "How far surfaces may be from each other in normalized surface Dice, in "
    "mm (pixels without a voxel size); null for the longest side of spacing",
    "probe_interval": "Epochs between two probes of the features; 0 for none",
    "probe_datalist": "dataset.json of labels to probe with; null for those of the data set itself",
    "points": "Voxels of each image that are probed",
    # what is seen
    "spatial_dims": "Axes of the images",
    "in_channels": "Channels of the images",
    "out_channels": "Channels that the network gives out",
    "spatial_size": "Voxels that the network sees",
    "spacing": "Voxel size in mm that images are brought to; null to resize them",
    "orientation": "Axes that volumes are turned to; null to leave them",
    "foreground": "Crop images to what is above zero",
    "intensity": "What becomes 0 and 1; kind is percentile or range, or zscore without bounds; a "
    "list has a rule a channel",
    "color": "Channels are parts of one color, and share a rule",
    "align": "What registers every volume to the reference; null for no",
    "reference": "The image that volumes are aligned to",
    "slices": "A 2-D network sees volumes slice by slice",
    "preprocessing_steps": "The steps from a file to the network, in their order; before and after "
    "are transforms of your own",
    "largest_component": "Structures whose largest component alone is kept in a label map; by "
    "default those of which three labeled images or more have it so; [] for none",
    "fill_holes": "Structures whose holes are closed in a label map; by default likewise; [] for "
    "none",
    # the use of a run
    "weights": "The file of weights that is used",
    "output_ext": "Format of what is written",
    "probabilities": "Write the probabilities of every class as well",
    "flips": "The mean over mirrored images, at 4 (2-D) or 8 (3-D) times the cost",
    "sw_batch_size": "Windows, or slices, at a time; null for several where they are small",
    "overlap": "Share of a window that it shares with the next",
    "quality": "Trust numbers; auto writes them where they can be learned",
    "quality_data": "dataset.json of the run, where it has moved",
    "moving_label": "A label map of the moving image, to be warped along",
    "moving_landmarks": "Points of the moving image, to be scored",
    "fixed_landmarks": "The same points in the fixed image",
    "start": "Where two images meet, before the network's field",
    "affine": "What finds an affine of the two images first; null for none",
    "refine": "Iterations at each of four resolutions that refine the field for the pair",
    "inverse": "Write the field of the way back as well",
    "tolerance": "Inverse-consistency error in mm above which a point is flagged; null for two "
    "voxels",
    "count": "How many scans, at most",
    "order": "A table whose column case says the order; null for the least sure first",
}
"""By knob: all that a configuration has at its top and that has a range."""
OF_ONE: dict[str, dict[str, str]] = {
    "moving": {"pairs": "A table of pairs to register, one after the other"},
}
"""What a name means in one configuration alone, by a key that only that one has."""


def meaning(name: str, beside: Collection[str] = ()) -> str:
    """The sentence on a knob, without its full stop; empty for what has none.

    Args:
        name: Of the knob.
        beside: All keys of its configuration.
    """
    for mark, own in OF_ONE.items():
        if mark in beside and name in own:
            return own[name]
    return MEANINGS.get(name, "")
