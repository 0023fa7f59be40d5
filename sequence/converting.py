"""Conversion of both stages at the end of a training, for later starts without Keras."""

from collections.abc import Iterator
from pathlib import Path

from extract.engines import UnbuiltModel
from extract.extractor.converting import backbone_parts, convert_networks
from extract.feature_store.spec import EXTERNAL
from model_folder.config import ModelConfig
from sequence.prediction import unbuilt_model
from sequence.unrolling import unrolled


def convert_stages(folder: Path, config: ModelConfig, engine: str) -> None:
    """Convert the backbone and the sequence model of a folder; see `convert_networks`.

    Args:
        folder: Model folder.
        config: Its config.
        engine: Name of an engine, or `auto`.
    """

    def parts() -> Iterator[UnbuiltModel]:
        with unrolled():
            yield unbuilt_model(folder, config)
        yield from backbone_parts(folder, config)

    if config.backbone.name != EXTERNAL:  # its features cannot be computed live
        convert_networks(parts, engine)
