"""Setup of the extractor for extraction: choose it, quantize it if requested, then save it."""

from dataclasses import replace

from clips.manifest import Manifest
from extract.engines import openvino_engine
from extract.engines.registry import require_able
from extract.extractor import Extractor
from extract.extractor.choice import choose_for_extraction
from extract.extractor.loading import LoadedNetwork, int8_state, make_extractor, open_network
from extract.quantization import quantize
from recipes.loader import Settings
from video.console import logger

_LOG = logger(__name__)


def set_up_extractor(settings: Settings, manifest: Manifest | None = None) -> Extractor:
    """Return the extractor that extract.py uses, and save its model to the model folder.

    If int8 is requested, weights that are not quantized yet are quantized. If int8 loses too much
    accuracy, features are computed in bf16, or in f32 on a processor without bf16. The folder
    changes only after everything has succeeded.

    Args:
        settings: Settings that name folder, backbone, engine and precision.
        manifest: Manifest whose training clips calibrate int8 and whose validation clips measure
            it; None to forbid quantization.

    Raises:
        UsageError: The settings and the folder's model contradict each other, or the engine cannot
            be used here.
        LookbackError: Weights are missing, or there are no clips to calibrate int8.
    """
    choice, keys = choose_for_extraction(settings), settings.recipe.extract
    require_able(keys.engine, choice.precision)
    network = open_network(choice)
    if choice.precision == "int8":
        network = _with_int8(network, manifest, settings)
    extractor = make_extractor(network, keys.engine, keys.batch_size)
    network.save()
    return extractor


def _with_int8(
    network: LoadedNetwork, manifest: Manifest | None, settings: Settings
) -> LoadedNetwork:
    """Return a network with its int8 form, or in the precision that is used instead of int8."""
    config, state = network.config, int8_state(network.folder, network.config)
    if state in ("missing", "changed") and manifest is not None:
        report = quantize(network, manifest, settings)
        config = config.model_copy(update={"quantised": report})
        network = replace(network, config=config, config_is_new=True)
        state = int8_state(network.folder, config)
    if state == "too costly":
        instead = "bf16" if openvino_engine.processor_has("bf16") else "f32"
        _LOG.info(
            f"int8 costs this network too much accuracy and is not used: {config.quantised}. "
            f"Using {instead} instead."
        )
        config = config.model_copy(update={"precision": instead})
        return replace(network, config=config, config_is_new=True)
    if state == "ready":
        _LOG.info(f"{config.quantised}.")
    return network
