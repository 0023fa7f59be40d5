"""Reading checkpoints as plain arrays. Nothing in them is ever executed.

This is the one module that imports PyTorch, and only when a file of PyTorch's is read.
"""

import importlib.util
import pickle
import re
import warnings
import zipfile
from pathlib import Path

import numpy as np

from video.errors import LookbackError

# Where training programs put the weights inside what they save.
_WRAPPERS = ("model_state", "state_dict", "model_state_dict", "model")
# What torch.nn.DataParallel puts before every name.
_PARALLEL = "module."
# First bytes of files that get mistaken for checkpoints.
_FOREIGN = {
    b"\x89HDF": "an HDF5 file, maybe a weights file already",
    b"version https://git-lfs": "a Git LFS pointer, not the file itself: fetch that (git lfs pull)",
    b"<": "a web page, not a checkpoint: the download was refused or the address is wrong",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"GIF8": "a picture",
    b"%PDF": "a PDF",
    b"\x1f\x8b": "packed with gzip: unpack it",
}


def read_checkpoint(path: Path) -> dict[str, np.ndarray]:
    """Return the tensors of a `.pth`, `.pt`, `.pyth`, `.bin` or `.safetensors` file by name.

    Floating-point tensors come as float32. What kind of file it is shows in its first bytes.

    Raises:
        LookbackError: there is no such file, it is broken or no checkpoint, it holds more than
            tensors, or PyTorch is not installed.
    """
    if path.is_dir():
        raise LookbackError(
            f"{path}: is a folder; name the file in it, such as {path / 'model.safetensors'}"
        )
    if not path.is_file():
        raise LookbackError(f"{path}: there is no such checkpoint")
    with path.open("rb") as file:
        head = file.read(64)
    if not head:
        raise LookbackError(f"{path}: is empty; fetch it again")
    for start, what in _FOREIGN.items():
        if head.lstrip(b"\xef\xbb\xbf \r\n\t").startswith(start):
            raise LookbackError(f"{path}: is {what}")
    # Eight bytes of length, then JSON.
    tensors = _safetensors(path) if head[8:9] == b"{" else _torch_tensors(path, head)
    if not tensors:
        raise LookbackError(f"{path}: holds no named tensors")
    if all(name.startswith(_PARALLEL) for name in tensors):
        tensors = {name.removeprefix(_PARALLEL): value for name, value in tensors.items()}
    return tensors


def require_reader(name: str) -> None:
    """Raise `LookbackError` where a checkpoint of that name could not be read on this computer."""
    if not name.endswith(".safetensors") and importlib.util.find_spec("torch") is None:
        raise LookbackError(
            f"{name}: reading it needs PyTorch, for this step alone: pip install torch --index-url "
            "https://download.pytorch.org/whl/cpu gets a small one"
        )


def _safetensors(path: Path) -> dict[str, np.ndarray]:
    from safetensors import SafetensorError, deserialize

    try:
        entries = deserialize(path.read_bytes())
        return {name: _array(**entry) for name, entry in entries}
    except (SafetensorError, ValueError, KeyError, TypeError, OverflowError) as error:
        detail = _short(error)
        raise LookbackError(f"{path}: not a whole safetensors file ({detail})") from None


def _array(dtype: str, shape: list[int], data: bytes) -> np.ndarray:
    if dtype == "BF16":  # the upper half of a float32
        bits = np.frombuffer(data, "<u2").astype("<u4") << 16
        return bits.view("<f4").reshape(shape)
    if dtype == "BOOL":
        return np.frombuffer(data, "?").reshape(shape)
    known = {"F": "<f", "I": "<i", "U": "<u"}
    if not re.fullmatch(r"[FIU](8|16|32|64)", dtype) or dtype == "F8":
        raise ValueError(f"numbers of the kind {dtype} cannot be converted")
    values = np.frombuffer(data, f"{known[dtype[0]]}{int(dtype[1:]) // 8}").reshape(shape)
    return values.astype(np.float32) if dtype[0] == "F" else values


def _torch_tensors(path: Path, head: bytes) -> dict[str, np.ndarray]:
    if head.startswith(b"PK"):
        _require_torch_archive(path)
    require_reader(str(path))
    import torch

    try:
        with warnings.catch_warnings():  # of old formats, which are no business of the user's
            warnings.simplefilter("ignore")
            # weights_only refuses every pickle that would call code.
            content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise LookbackError(f"{path}: {_refusal(error)}") from None
    except Exception as error:  # what a parser raises over foreign bytes has no end
        raise LookbackError(
            f"{path}: not a whole PyTorch checkpoint ({_short(error)}); is it a .pth, .pyth, .pt, "
            ".bin or .safetensors file, fetched to its end?"
        ) from None
    for name in _WRAPPERS:
        if isinstance(content, dict) and isinstance(content.get(name), dict):
            content = content[name]
    if not isinstance(content, dict):
        return {}
    tensors = {
        name: value
        for name, value in content.items()
        if isinstance(name, str) and torch.is_tensor(value)
    }
    try:
        return {
            name: (value.float() if value.is_floating_point() else value).numpy()
            for name, value in tensors.items()
        }
    except (RuntimeError, TypeError, NotImplementedError) as error:
        raise LookbackError(f"{path}: holds tensors that are no arrays ({_short(error)})") from None


def _require_torch_archive(path: Path) -> None:
    """Tell a checkpoint from other zip files, which PyTorch reports in its own terms."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = {name.rpartition("/")[2] for name in archive.namelist()}
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        raise LookbackError(f"{path}: a broken or truncated file; fetch it again") from None
    if "data.pkl" not in names:
        raise LookbackError(f"{path}: a zip archive, but no PyTorch checkpoint; unpack it first?")
    if "constants.pkl" in names:
        raise LookbackError(
            f"{path}: a TorchScript program, which is not run here; save its weights alone where "
            "it can be: torch.save(model.state_dict(), FILE)"
        )


def _refusal(error: Exception) -> str:
    asked = re.search(r"GLOBAL ([\w.]+)", str(error))
    if not asked:
        return "no PyTorch checkpoint, or a broken one; nothing of it was run"
    return (
        f"refused, it holds more than weights ({asked.group(1)}); nothing of it was run. Where you "
        "trust it, save its weights alone: torch.save(model.state_dict(), FILE)"
    )


def _short(error: Exception) -> str:
    # A KeyError's text is the key alone, which tells a user nothing.
    lines = [] if isinstance(error, LookupError) else str(error).strip().splitlines()
    return lines[0][:120] if lines else type(error).__name__
