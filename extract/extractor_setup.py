"""Setup of the extractor for extraction: choose it, quantize it if requested, then save it."""

from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from clips.manifest import Manifest
from extract.backbones.reachable import with_reachable_backbone
from extract.engines import openvino_engine
from extract.engines.registry import require_able
from extract.extractor import Extractor
from extract.extractor.choice import PretrainedModel, choose_for_extraction
from extract.extractor.loading import (
    LoadedNetwork,
    int8_state,
    make_extractor,
    open_network,
    with_input,
)
from extract.feature_store.reader import FeatureStore, change_path, features_path
from extract.pipeline.store_elsewhere import fetch_features
from recipes.commands import command
from recipes.loader import Settings
from video.console import logger
from video.errors import LookbackError, UsageError

_LOG = logger(__name__)


def set_up_extractors(settings: Settings, manifest: Manifest) -> dict[Path, Extractor]:
    """Return the extractors that extract.py uses, by feature file, and save their model.

    There are two with `backbone.input: auto`, of frames and of change pictures; they have the same
    weights. Arguments and errors as for `set_up_extractor`.
    """
    path = features_path(settings)
    extractor = set_up_extractor(settings, manifest)
    config, keys = extractor.config, settings.recipe
    if config.backbone.input != "auto":
        return {path: extractor}
    seconds = config.sampling.change_seconds or _change_seconds(settings)
    made = {}
    for place, change_seconds in ((path, None), (change_path(path), seconds)):
        if config.sampling.change_seconds == change_seconds:
            made[place] = extractor
        else:
            network = with_input(extractor.folder, config, change_seconds)
            made[place] = make_extractor(network, keys.extract.engine, keys.extract.batch_size)
    return made


def _change_seconds(settings: Settings) -> float:
    """Return the time between two frames: as the settings say, or as in the existing features."""
    asked, path = settings.recipe.sampling.change_seconds, change_path(features_path(settings))
    if "sampling.change_seconds" not in settings.given:
        fetch_features(path)
        with suppress(LookbackError), FeatureStore(path) as store:  # there may be none yet
            return store.spec["sampling"].get("change_seconds") or asked
    return asked


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
    if choice.input == "auto" and choice.precision == "int8":
        raise UsageError(
            "backbone.input auto: int8 is calibrated for one input; extract with --precision f32 "
            f"and run {command('train')}, which chooses; then extract with --precision int8 and "
            "--input frame or --input change, as chosen"
        )
    if isinstance(choice, PretrainedModel) and choice.before is None:
        choice = choose_for_extraction(with_reachable_backbone(settings))
    network = open_network(choice)
    if choice.precision == "int8":
        network = _with_int8(network, manifest, settings)
    extractor = make_extractor(network, keys.engine, keys.batch_size)
    return replace(extractor, config=network.save())


def _with_int8(
    network: LoadedNetwork, manifest: Manifest | None, settings: Settings
) -> LoadedNetwork:
    """Return a network with its int8 form, or in the precision that is used instead of int8."""
    config, state = network.config, int8_state(network.folder, network.config)
    if state in ("missing", "changed") and manifest is not None:
        from extract.quantization import quantize  # slow to import

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
