"""What a converted weights file is: written into the file itself, readable without Keras."""

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
    """Where the weights in a file come from.

    Attributes:
        network: name of the backbone.
        clip_length: T, frames that one feature sees.
        input_size: side of the square input in pixels.
        classes: of the classifier in the file; 0 without one.
        labels: names of the classes in order; None where they are not known.
        licence: of the weights.
        trained_on: data set, or `unknown`.
        source: file name of the checkpoint.
        source_sha256: of its bytes.
        converted_with: versions of the programs that matter.
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
    """Whether a licence, as SPDX writes it, forbids commercial use."""
    return "NC" in licence.split("-")


def write_info(path: Path, info: WeightsInfo) -> None:
    """Write `info` into a weights file."""
    with h5py.File(path, "r+") as file:
        file.attrs[_ATTRIBUTE] = json.dumps(asdict(info), ensure_ascii=False)


def read_info(path: Path) -> WeightsInfo | None:
    """Return what a weights file says it is; None where it says nothing or is no HDF5 file.

    Raises:
        LookbackError: what it says is damaged.
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
    if info is None or not _sound(info):
        raise LookbackError(f"{path}: its note on where it comes from is damaged; convert it again")
    return info


def _sound(info: WeightsInfo) -> bool:
    texts = (info.network, info.licence, info.trained_on, info.source, *(info.labels or ()))
    numbers = (info.clip_length, info.input_size, info.classes)
    if info.labels is not None and len(info.labels) != info.classes:
        return False
    return all(isinstance(text, str) for text in texts) and all(
        isinstance(number, int) and number >= 0 for number in numbers
    )


def classes_in(path: Path) -> int | None:
    """Return how many classes the classifier in a converted file has, 0 without a classifier; None
    where the file does not say."""
    info = read_info(path)
    return None if info is None else info.classes


def announce_licence(weights: Path | WeightsInfo) -> None:
    """Print one line where converted weights may not be used commercially."""
    info = weights if isinstance(weights, WeightsInfo) else read_info(weights)
    if info and is_non_commercial(info.licence):
        _LOG.info(
            f"{info.network}: these weights ({info.source}) are under {info.licence}: "
            "no commercial use."
        )
