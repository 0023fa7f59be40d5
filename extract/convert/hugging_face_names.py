"""Renaming of the tensors in Hugging Face checkpoints to the layer names of the networks here."""

import numpy as np

from video.console import logger

_LOG = logger(__name__)

# Bias names in published checkpoints, and their names in current transformers.
_BIASES = {"q_bias": "query.bias", "v_bias": "value.bias"}
# Prefixes of VideoMAE's decoder, which only pretraining uses.
_DECODER = ("decoder.", "encoder_to_decoder.", "mask_token")
_LAST_NORM = "videomae.layernorm."


def rename_tensors(tensors: dict[str, np.ndarray], source: str) -> dict[str, np.ndarray]:
    """Return a checkpoint's tensors under the names of the network's layers.

    Tensors of other publishers are returned unchanged. Names of a bare encoder get the prefix that
    they have in a classifier. A pretraining checkpoint of VideoMAE loses its decoder and final
    layer norm and gets an `fc_norm` with scale 1 and offset 0, as the original's fine-tuning starts
    (MCG-NJU/VideoMAE, run_class_finetuning.py).

    Args:
        tensors: Tensors by their names in the checkpoint.
        source: Path of the checkpoint, for messages.
    """
    tensors = {_prefix(tensors) + _current_name(name): value for name, value in tensors.items()}
    return _encoder(tensors, source) if _is_encoder_alone(tensors) else tensors


def _current_name(name: str) -> str:
    start, _, end = name.rpartition(".")
    return f"{start}.{_BIASES[end]}" if end in _BIASES else name


def _prefix(tensors: dict[str, np.ndarray]) -> str:
    if "embeddings.patch_embeddings.projection.weight" not in tensors:
        return ""
    return "timesformer." if "embeddings.cls_token" in tensors else "videomae."


def _is_encoder_alone(tensors: dict[str, np.ndarray]) -> bool:
    ours = any(name.startswith("videomae.") for name in tensors)
    return ours and not any(name.startswith(("classifier.", "fc_norm.")) for name in tensors)


def _encoder(tensors: dict[str, np.ndarray], source: str) -> dict[str, np.ndarray]:
    left_out = (*_DECODER, _LAST_NORM)
    encoder = {name: value for name, value in tensors.items() if not name.startswith(left_out)}
    width = len(tensors.get("videomae.embeddings.patch_embeddings.projection.bias", ()))
    encoder["fc_norm.weight"] = np.ones(width, np.float32)
    encoder["fc_norm.bias"] = np.zeros(width, np.float32)
    _LOG.info(
        f"{source}: an encoder without a classifier; its decoder and final layer norm, if any, are "
        "left out, and fc_norm starts at scale 1 and offset 0, as in the original's fine-tuning"
    )
    return encoder
