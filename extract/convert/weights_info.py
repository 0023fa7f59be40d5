"""Description of converted weights, stored inside the weights file and readable without Keras."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import h5py

from video.console import logger
from video.errors import LookbackError

_LOG = logger(__name__)

_ATTRIBUTE = "lookback"


@dataclass(frozen=True)
class WeightsInfo:
    """Origin of the weights in a file.

    Attributes:
        network: Name of the backbone.
        clip_length: T, frames per clip.
        input_size: Side of the square input in pixels.
        classes: Number of classes of the classifier in the file; 0 without one.
        labels: Class names in order; None if they are unknown.
        licence: License of the weights, an SPDX identifier.
        trained_on: Data set, or `unknown`.
        source: File name of the checkpoint.
        source_sha256: SHA-256 of the checkpoint in hex.
        converted_with: Versions of Keras and NumPy.
    """

    network: str
    clip_length: int
    input_size: int
    classes: int
    labels: tuple[str, ...] | None
    licence: str
    trained_on: str
    source: str
    source_sha256: str
    converted_with: dict[str, str]


def is_non_commercial(licence: str) -> bool:
    """Return whether a license, an SPDX identifier, forbids commercial use."""
    return "NC" in licence.split("-")


def write_info(path: Path, info: WeightsInfo) -> None:
    """Write `info` into a weights file."""
    with h5py.File(path, "r+") as file:
        file.attrs[_ATTRIBUTE] = json.dumps(asdict(info), ensure_ascii=False)


def read_info(path: Path) -> WeightsInfo | None:
    """Return the description in a weights file; None without one, or if it is not HDF5.

    Raises:
        LookbackError: The description is damaged.
    """
    try:
        with h5py.File(path, "r") as file:
            text = file.attrs.get(_ATTRIBUTE)
    except OSError:
        return None
    if text is None:
        return None
    try:
        content = json.loads(text)
        labels = content.pop("labels")
        info = WeightsInfo(labels=None if labels is None else tuple(labels), **content)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        info = None
    if info is None or not _is_valid(info):
        raise LookbackError(f"{path}: its description is damaged; convert the checkpoint again")
    return info


def _is_valid(info: WeightsInfo) -> bool:
    texts = (info.network, info.licence, info.trained_on, info.source, *(info.labels or ()))
    numbers = (info.clip_length, info.input_size, info.classes)
    if info.labels is not None and len(info.labels) != info.classes:
        return False
    return all(isinstance(text, str) for text in texts) and all(
        isinstance(number, int) and number >= 0 for number in numbers
    )


def classes_in(path: Path) -> int | None:
    """Return the number of classes of the classifier in a converted file.

    It is 0 without a classifier, and None if the file has no description.
    """
    info = read_info(path)
    return None if info is None else info.classes


def announce_licence(weights: Path | WeightsInfo) -> None:
    """Print one line if the license of converted weights forbids commercial use."""
    info = weights if isinstance(weights, WeightsInfo) else read_info(weights)
    if info and is_non_commercial(info.licence):
        _LOG.info(
            f"{info.network}: the license of these weights ({info.source}), {info.licence}, allows "
            "no commercial use."
        )
