"""Reading checkpoints as plain arrays, without executing anything in them.

This is the only module that imports PyTorch, and it does so only to read a file of PyTorch 1.6 or
later.
"""

import importlib.util
import pickle
import re
import warnings
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from extract.convert.legacy_torch_file import is_legacy, read_legacy
from video.errors import LookbackError

# Keys under which training programs save the weights.
_WRAPPERS = ("model_state", "state_dict", "model_state_dict", "model")
# Prefix that torch.nn.DataParallel adds to every name.
_PARALLEL = "module."
# First bytes of files that are often mistaken for checkpoints.
_FOREIGN = {
    b"\x89HDF": "an HDF5 file; it may already be a weights file",
    b"version https://git-lfs": "a Git LFS pointer, not the file itself; run git lfs pull",
    b"<": "a web page, not a checkpoint; the download was refused or the address is wrong",
    b"\x89PNG": "an image",
    b"\xff\xd8\xff": "an image",
    b"GIF8": "an image",
    b"%PDF": "a PDF",
    b"\x1f\x8b": "compressed with gzip; decompress it",
}


def read_checkpoint(path: Path) -> dict[str, np.ndarray]:
    """Return the tensors of a `.pth`, `.pt`, `.pyth`, `.bin` or `.safetensors` file by name.

    Floating-point tensors become float32. The first bytes decide the format, not the file's name.

    Raises:
        LookbackError: The file is missing, broken or not a checkpoint, it holds more than tensors,
            or PyTorch is not installed.
    """
    if path.is_dir():
        raise LookbackError(
            f"{path}: is a folder; name a file in it, such as {path / 'model.safetensors'}"
        )
    if not path.is_file():
        raise LookbackError(f"{path}: there is no such checkpoint")
    with path.open("rb") as file:
        head = file.read(64)
    if not head:
        raise LookbackError(f"{path}: is empty; download it again")
    for start, kind in _FOREIGN.items():
        if head.lstrip(b"\xef\xbb\xbf \r\n\t").startswith(start):
            raise LookbackError(f"{path}: is {kind}")
    # A safetensors file starts with eight bytes of length and a JSON header.
    tensors = _safetensors(path) if head[8:9] == b"{" else _torch_tensors(path, head)
    if not tensors:
        raise LookbackError(f"{path}: holds no named tensors")
    if all(name.startswith(_PARALLEL) for name in tensors):
        tensors = {name.removeprefix(_PARALLEL): value for name, value in tensors.items()}
    return tensors


def require_reader(name: str) -> None:
    """Raise `LookbackError` if a checkpoint of this name needs PyTorch and it is missing."""
    if not name.endswith(".safetensors") and importlib.util.find_spec("torch") is None:
        raise LookbackError(
            f"{name}: reading this file needs PyTorch, which only the conversion uses: "
            "pip install torch --index-url https://download.pytorch.org/whl/cpu"
        )


def _safetensors(path: Path) -> dict[str, np.ndarray]:
    from safetensors import SafetensorError, deserialize

    try:
        entries = deserialize(path.read_bytes())
        return {name: _array(**entry) for name, entry in entries}
    except (SafetensorError, ValueError, KeyError, TypeError, OverflowError) as error:
        detail = _first_line(error)
        raise LookbackError(
            f"{path}: a broken or truncated safetensors file ({detail}); download it again"
        ) from None


def _array(dtype: str, shape: list[int], data: bytes) -> np.ndarray:
    if dtype == "BF16":  # the upper half of a float32
        bits = np.frombuffer(data, "<u2").astype("<u4") << 16
        return bits.view("<f4").reshape(shape)
    if dtype == "BOOL":
        return np.frombuffer(data, "?").reshape(shape)
    codes = {"F": "<f", "I": "<i", "U": "<u"}
    if not re.fullmatch(r"[FIU](8|16|32|64)", dtype) or dtype == "F8":
        raise ValueError(f"tensors of type {dtype} cannot be converted")
    values = np.frombuffer(data, f"{codes[dtype[0]]}{int(dtype[1:]) // 8}").reshape(shape)
    return values.astype(np.float32) if dtype[0] == "F" else values


def _torch_tensors(path: Path, head: bytes) -> dict[str, np.ndarray]:
    if head.startswith(b"PK"):
        _require_torch_archive(path)
    legacy = is_legacy(head)
    if not legacy:
        require_reader(str(path))
    try:
        content = read_legacy(path) if legacy else _load_with_torch(path)
    except pickle.UnpicklingError as error:
        raise LookbackError(f"{path}: {_refusal(error)}") from None
    except Exception as error:  # a parser can raise anything over arbitrary bytes
        raise LookbackError(
            f"{path}: not a PyTorch checkpoint, or a truncated one ({_first_line(error)}); "
            "download it again, or name a .pth, .pyth, .pt, .bin or .safetensors file"
        ) from None
    for name in _WRAPPERS:
        if isinstance(content, dict) and isinstance(content.get(name), dict):
            content = content[name]
    if not isinstance(content, dict):
        return {}
    named = {name: value for name, value in content.items() if isinstance(name, str)}
    if legacy:
        return {name: value for name, value in named.items() if isinstance(value, np.ndarray)}
    return _arrays(path, named)


def _load_with_torch(path: Path) -> Any:
    import torch

    with warnings.catch_warnings():  # about old formats
        warnings.simplefilter("ignore")
        # weights_only refuses every pickle that would run code.
        return torch.load(path, map_location="cpu", weights_only=True)


def _arrays(path: Path, named: dict[str, Any]) -> dict[str, np.ndarray]:
    """Return those of PyTorch's values that are tensors, as arrays."""
    import torch

    tensors = {name: value for name, value in named.items() if torch.is_tensor(value)}
    try:
        return {
            name: (value.float() if value.is_floating_point() else value).numpy()
            for name, value in tensors.items()
        }
    except (RuntimeError, TypeError, NotImplementedError) as error:
        raise LookbackError(
            f"{path}: holds tensors that are not dense arrays ({_first_line(error)})"
        ) from None


def _require_torch_archive(path: Path) -> None:
    """Raise `LookbackError` for a zip file that is not a checkpoint of tensors."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = {name.rpartition("/")[2] for name in archive.namelist()}
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        raise LookbackError(f"{path}: a broken or truncated file; download it again") from None
    if "data.pkl" not in names:
        raise LookbackError(f"{path}: a zip archive, but not a PyTorch checkpoint; unpack it first")
    if "constants.pkl" in names:
        raise LookbackError(
            f"{path}: a TorchScript program, which is not executed here; save only its weights "
            "with PyTorch: torch.save(model.state_dict(), FILE)"
        )


def _refusal(error: Exception) -> str:
    called = re.search(r"GLOBAL ([\w.]+)", str(error))
    if not called:
        return "not a PyTorch checkpoint, or a broken one; nothing in it was executed"
    return (
        f"refused: it holds more than weights ({called.group(1)}); nothing in it was executed. If "
        "you trust it, save only its weights with PyTorch: torch.save(model.state_dict(), FILE)"
    )


def _first_line(error: Exception) -> str:
    # The text of a KeyError is only the key, which does not help a user.
    lines = [] if isinstance(error, LookupError) else str(error).strip().splitlines()
    return lines[0][:120] if lines else type(error).__name__
