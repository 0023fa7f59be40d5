"""Hugging Face's checkpoints of transformers under the names that the networks here have."""

import numpy as np

from video.console import logger

_LOG = logger(__name__)

# What transformers calls a bias inside, and what it has always been called in files.
_BIASES = {"q_bias": "query.bias", "v_bias": "value.bias"}
# What only the pretraining of VideoMAE needs: the way back from tokens to pixels.
_DECODER = ("decoder.", "encoder_to_decoder.", "mask_token")
_LAST_NORM = "videomae.layernorm."


def renamed(tensors: dict[str, np.ndarray], source: str) -> dict[str, np.ndarray]:
    """Return a checkpoint's tensors under the names of its network's layers.

    Whatever is not Hugging Face's comes back as it is. A bare encoder's names get the prefix that
    they have below a classifier. VideoMAE's encoder out of a pretraining loses the decoder and its
    last layer norm, and gets an `fc_norm` of one and zero: the original's fine-tuning begins so
    (MCG-NJU/VideoMAE, run_class_finetuning.py).
    """
    tensors = {_prefix(tensors) + _own_name(name): value for name, value in tensors.items()}
    return _encoder(tensors, source) if _is_encoder_alone(tensors) else tensors


def _own_name(name: str) -> str:
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
    kept = {name: value for name, value in tensors.items() if not name.startswith(left_out)}
    width = len(tensors.get("videomae.embeddings.patch_embeddings.projection.bias", ()))
    kept["fc_norm.weight"] = np.ones(width, np.float32)
    kept["fc_norm.bias"] = np.zeros(width, np.float32)
    _LOG.info(
        f"{source}: an encoder without a classifier; its decoder and last layer norm, if any, are "
        "left out, and fc_norm begins at one and zero, as for fine-tuning"
    )
    return kept
