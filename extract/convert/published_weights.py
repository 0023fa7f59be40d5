"""The published weights of clip networks: fetched once, converted once, then read from disk."""

import hashlib
import re
from pathlib import Path

import filelock

from extract.architectures.spec import BackboneSpec
from extract.convert.catalogue import FOLDER, Published, published
from extract.convert.checkpoint_reader import require_reader
from extract.convert.conversion import convert_checkpoint
from extract.convert.download import download
from extract.convert.weights_info import announce_licence, read_info
from video.errors import LookbackError


def converted_weights(spec: BackboneSpec) -> Path:
    """Return the weights file that `--backbone-weights kinetics400` stands for.

    It lies in weights/pretrained. Where it does not yet, it is made of the official file, which is
    looked for there, by its own name, and downloaded otherwise.

    Raises:
        UsageError: there are no such weights of this network.
        LookbackError: they can neither be found nor downloaded, or are broken.
    """
    path = FOLDER / f"{spec.name}-kinetics400.weights.h5"
    if not path.is_file():
        entry = published(spec.name)
        FOLDER.mkdir(parents=True, exist_ok=True)
        # Two programs started together would write into the same file.
        with filelock.FileLock(FOLDER / f"{spec.name}.lock"):
            if not path.is_file():
                _convert(spec, entry, path)
    info = read_info(path)
    if info is None or info.network != spec.name:
        raise LookbackError(
            f"{path}: these are not converted weights of {spec.name}; move the file away"
        )
    announce_licence(info)
    return path


def _convert(spec: BackboneSpec, entry: Published, path: Path) -> None:
    official = FOLDER / entry.file
    require_reader(entry.file)  # before a long download
    if not official.is_file():
        print(f"{spec.name}: downloading {entry.address}")
        try:
            download(entry.address, official)
        except LookbackError as error:
            raise LookbackError(
                f"{spec.name}: the {entry.trained_on} weights cannot be downloaded ({error}); "
                f"try again, or fetch {entry.address} on another computer and put it at {official}"
            ) from None
    _check_hash_in_name(official)
    print(f"{spec.name}: converting {official}")
    convert_checkpoint(spec.name, official, path)


def _check_hash_in_name(path: Path) -> None:
    """Raise `LookbackError` where a name that ends in the start of its content's SHA-256, as
    PyTorch's do, does not fit the content."""
    named = re.search(r"-([0-9a-f]{8,})\.pth$", path.name)
    if named:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        if not digest.startswith(named.group(1)):
            raise LookbackError(f"{path}: is damaged (its SHA-256 is another); remove it")
