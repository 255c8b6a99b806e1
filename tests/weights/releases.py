"""Files of today's releases by their true names of weights, narrow: facts of public code.

- nnssl and OpenMind: MIC-DKFZ/nnssl at 7044864 (``AbstractTrainer.save_checkpoint``,
  ``adaptation_plan.py``, ``voco_architecture.py``, ``evaMAE_module.py``), whose networks are of
  dynamic_network_architectures 0.4.4.
- CT-FM: project-lighter/CT-FM at f58c89a (``segresenc.yaml``) and MONAI 1.6.1. With these names a
  safetensors file without metadata has 311,116,176 bytes at the published width, as the file on
  the Hub has.
- anatomix: neel-dey/anatomix at a29b8a8 (``network.py``, ``load_from_hf.py``).
"""

from __future__ import annotations

import torch

TINY = {
    "n_stages": 3,
    "features_per_stage": [4, 6, 8],
    "conv_op": "torch.nn.modules.conv.Conv3d",
    "kernel_sizes": [[3, 3, 3]] * 3,
    "strides": [[1, 1, 1], [2, 2, 2], [2, 2, 2]],
    "n_blocks_per_stage": [1, 2, 2],
    "n_conv_per_stage_decoder": [1, 1],
    "conv_bias": True,
    "norm_op": "torch.nn.modules.instancenorm.InstanceNorm3d",
    "norm_op_kwargs": {"eps": 1e-05, "affine": True},
    "dropout_op": None,
    "dropout_op_kwargs": None,
    "nonlin": "torch.nn.modules.activation.LeakyReLU",
    "nonlin_kwargs": {"inplace": True},
}


def adaptation_plan(name="ResEncL", kwargs=None, **changes):
    """As ``AdaptationPlan.serialize`` writes it."""
    imported = kwargs and ["conv_op", "norm_op", "nonlin"]
    return {
        "architecture_plans": {
            "arch_class_name": name,
            "arch_kwargs": kwargs,
            "arch_kwargs_requiring_import": imported,
        },
        "pretrain_plan": {"dataset_name": "Dataset745_OpenMind", "configurations": {}},
        "pretrain_num_input_channels": 1,
        "recommended_downstream_patchsize": [160, 160, 160],
        "key_to_encoder": "encoder.stages",
        "key_to_stem": "encoder.stem",
        "keys_to_in_proj": ["encoder.stem.convs.0.conv", "encoder.stem.convs.0.all_modules.0"],
        "key_to_lpe": None,
    } | changes


def nnssl_checkpoint(weights, plan):
    """As ``save_checkpoint`` writes it."""
    return {
        "network_weights": weights,
        "optimizer_state": {"state": {}, "param_groups": [{"lr": 0.01}]},
        "grad_scaler_state": None,
        "logging": {"train_losses": [0.7]},
        "_best_ema": 0.5,
        "current_epoch": 1,
        "init_args": {"configuration_name": "onemmiso", "fold": 0},
        "trainer_name": "BaseMAETrainer",
        "nnssl_adaptation_plan": plan,
    }


def res_enc_encoder(widths=(4, 6, 8), blocks=(1, 2, 2)):
    """The residual encoder; every convolution has two names."""
    state = _unit("encoder.stem.convs.0", 1, widths[0])
    before = widths[0]
    for stage, (wide, count) in enumerate(zip(widths, blocks, strict=True)):
        for block in range(count):
            name = f"encoder.stages.{stage}.blocks.{block}"
            own = before if block == 0 else wide
            state |= _unit(f"{name}.conv1", own, wide) | _unit(f"{name}.conv2", wide, wide)
            if own != wide:
                state |= _unit(f"{name}.skip.1", own, wide, side=1, bias=False)
        before = wide
    return state


def res_enc(widths=(4, 6, 8), blocks=(1, 2, 2)):
    """Encoder and decoder, which holds the encoder again, and layers for what is restored."""
    state = res_enc_encoder(widths, blocks)
    state |= {f"decoder.{name}": value for name, value in state.items()}
    for place, (deep, wide) in enumerate(zip(widths[:0:-1], widths[-2::-1], strict=True)):
        state |= _unit(f"decoder.stages.{place}.convs.0", 2 * wide, wide)
        state |= _tensors(f"decoder.transpconvs.{place}", (deep, wide, 2, 2, 2), wide)
        state |= _tensors(f"decoder.seg_layers.{place}", (1, wide, 1, 1, 1), 1)
    return state


def _unit(name, own, out, *, side=3, bias=True):
    conv = _tensors("", (out, own, *[side] * 3), out if bias else None)
    norm = _tensors("", (out,), out)
    named = {"conv": conv, "norm": norm, "all_modules.0": conv, "all_modules.1": norm}
    return {f"{name}.{k}{key}": value for k, own in named.items() for key, value in own.items()}


def _tensors(name, shape, bias):
    state = {f"{name}.weight": torch.rand(shape)}
    return state if bias is None else state | {f"{name}.bias": torch.rand(bias)}


def primus():
    """Of ``EvaMAE`` what tells it: patches and a transformer."""
    names = ("mask_token", "down_projection.proj.weight", "eva.blocks.0.attn.q_proj.weight")
    return {name: torch.rand(2, 2) for name in (*names, "up_projection.decode.0.0.weight")}


def ct_fm_encoder(filters=2, blocks=(1, 2, 2, 4, 4)):
    """``ct_fm_feature_extractor``: MONAI's SegResEncoder with batch normalization."""
    state = {"conv_init.weight": torch.rand(filters, 1, 3, 3, 3)}
    for level, count in enumerate(blocks):
        wide = filters * 2**level
        for block in range(count):
            state |= _residual(f"layers.{level}.blocks.{block}", wide)
        if level < len(blocks) - 1:
            state[f"layers.{level}.downsample.weight"] = torch.rand(2 * wide, wide, 3, 3, 3)
    return state


def ct_fm_segmenter(filters=2, blocks=(1, 2, 2, 4, 4), classes=3):
    """``ct_fm_segresnet``: SegResNetDS, whose every level has a layer for classes."""
    own = ct_fm_encoder(filters, blocks)
    state = {f"encoder.{name}": value for name, value in own.items()}
    for place in range(len(blocks) - 1):
        wide = filters * 2 ** (len(blocks) - 2 - place)
        name = f"up_layers.{place}"
        state[f"{name}.upsample.deconv.weight"] = torch.rand(2 * wide, wide, 3, 3, 3)
        state |= _residual(f"{name}.blocks.0", wide)
        state |= _tensors(f"{name}.head", (classes, wide, 1, 1, 1), classes)
    return state


def _residual(name, wide):
    state = {}
    for k in (1, 2):
        state |= _batch_norm(f"{name}.norm{k}", wide)
        state[f"{name}.conv{k}.weight"] = torch.rand(wide, wide, 3, 3, 3)
    return state


def _batch_norm(name, wide):
    values = {part: torch.rand(wide) for part in ("weight", "bias", "running_mean", "running_var")}
    count = {f"{name}.num_batches_tracked": torch.tensor(9)}
    return {f"{name}.{part}": value for part, value in values.items()} | count


ANATOMIX = [
    *((0, 1, 1), (3, 1, 1), (6, 1, 1), (10, 1, 2), (13, 2, 2), (17, 2, 4), (20, 4, 4)),
    *((24, 4, 8), (27, 8, 8), (31, 8, 16), (34, 16, 16), (38, 24, 8), (41, 8, 8)),
    *((45, 12, 4), (48, 4, 4), (52, 6, 2), (55, 2, 2), (59, 3, 1), (62, 1, 1), (65, 1, 1)),
]
"""Of ``anatomix`` the place of each convolution, and its channels in and out by ``ngf``, which is
16; the first sees one channel, and the last has no normalization."""
ANATOMIX_DEV = [
    *((0, 1, 1), (3, 1, 1), (6, 1, 1), (10, 1, 2), (13, 2, 2), (17, 2, 4), (20, 4, 4)),
    *((24, 4, 8), (27, 8, 8), (31, 8, 16), (34, 16, 16), (38, 16, 32), (41, 32, 32)),
    *((45, 48, 16), (48, 16, 16), (52, 24, 8), (55, 8, 8), (59, 12, 4), (62, 4, 4)),
    *((66, 6, 2), (69, 2, 2), (73, 3, 1), (76, 1, 1), (79, 1, 1)),
]
"""The same of ``anatomix-dev``, whose ``ngf`` is 32."""


def anatomix(width=2):
    """Batch normalization behind each convolution, which has no bias then."""
    state = {}
    for place, own, out in ANATOMIX:
        own = 1 if place == 0 else own * width
        state[f"model.{place}.weight"] = torch.rand(out * width, own, 3, 3, 3)
        if place != ANATOMIX[-1][0]:
            state |= _batch_norm(f"model.{place + 1}", out * width)
    return state


def anatomix_dev(width=2):
    """Instance normalization, which has no weights; saved compiled."""
    state = {}
    for place, own, out in ANATOMIX_DEV:
        own = 1 if place == 0 else own * width
        state |= _tensors(f"model.{place}", (out * width, own, 3, 3, 3), out * width)
    return {f"_orig_mod.{name}": value for name, value in state.items()}
