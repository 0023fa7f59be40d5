"""Conversion of a folder's networks at the end of a training, for later starts without Keras."""

from collections.abc import Callable, Iterator
from pathlib import Path

from extract.architectures.registry import spec_of
from extract.engines import UnbuiltModel
from extract.engines.framewise import live_parts
from extract.engines.registry import convert
from extract.extractor.loading import LoadedNetwork, open_whole
from model_folder.config import ModelConfig
from recipes.commands import command
from video.console import logger

_LOG = logger(__name__)


def backbone_parts(folder: Path, config: ModelConfig) -> Iterator[UnbuiltModel]:
    """Yield the networks that extraction and live video compute of a folder's backbone.

    Args:
        folder: Model folder.
        config: Its config.

    Raises:
        LookbackError: The weights are missing or do not match model.yaml.
    """
    network = LoadedNetwork(open_whole(folder, config), config, folder)
    features = network.features
    yield features
    spec, stride = spec_of(config.backbone.name), config.sampling.stride
    yield from live_parts(features, spec, stride, network.identity, config.precision) or ()
    if network.classifier:
        yield network.classifier


def convert_networks(parts: Callable[[], Iterator[UnbuiltModel]], engine: str) -> None:
    """Convert networks, so that later starts need no Keras. A failure is not an error.

    Args:
        parts: Function that yields the networks.
        engine: Name of an engine, or `auto`.
    """
    try:
        done = [convert(part, engine) for part in parts()]
    except Exception as error:  # the training is done; converters raise what they like
        reason = str(error).partition("\n")[0][:120]
        _LOG.warning(
            f"note: the networks cannot be converted ({reason}); {command('run')} loads Keras."
        )
        _LOG.debug("the conversion failed", exc_info=True)
    else:
        if done and all(done):
            _LOG.info(f"The networks are converted: {command('run')} starts without Keras.")
