"""Model config of a new backbone that a recipe specifies."""

from extract.backbones.defaults import ResolvedBackbone
from metrics.task import TaskName
from model_folder.config import BackboneConfig, ModelConfig, made_with
from recipes.loader import Settings
from recipes.schema import Network


def make_config(
    settings: Settings,
    backbone: ResolvedBackbone,
    before: ModelConfig | None,
    sha256: str,
    feature_size: int,
    labels: tuple[str, ...] = (),
    network: Network | None = None,
    temperature: float = 1.0,
    task: TaskName = "single_label",
    thresholds: tuple[float, ...] = (),
    versions: dict[str, str] | None = None,
) -> ModelConfig:
    """Return the config of a new backbone.

    Args:
        settings: Settings that specify the backbone.
        backbone: Backbone that the recipe resolves to.
        before: Previous config of the folder, whose sequence model is kept.
        sha256: Hash of the network's weights.
        feature_size: D, the width of its features.
        labels: Labels of the folder's model, in the order of its probabilities.
        network: Layers of the classifier, of a fine-tuned backbone; None of a pretrained one.
        temperature: Temperature of that classifier.
        task: Whether a clip has one of its labels, or any number of them.
        thresholds: Thresholds of the labels, of a multi-label classifier.
        versions: Versions that the outputs depend on; None for those of this process.
    """
    same_weights = before is not None and before.backbone.sha256 == sha256
    same_network = (
        before is not None
        and same_weights
        and before.sampling.is_change == backbone.sampling.is_change
    )
    return ModelConfig(
        seed=settings.recipe.seed,
        recipe=settings.source,
        labels=labels,
        sampling=backbone.sampling,
        preprocessing=backbone.preprocessing,
        backbone=BackboneConfig(
            name=backbone.spec.name,
            weights=backbone.weights_name,
            fine_tuned=network is not None,
            sha256=sha256,
            file_sha256=before.backbone.file_sha256 if before and same_weights else "",
            feature_size=feature_size,
            licence=backbone.licence,
            clip_length=backbone.clip_length,
            network=network,
            labels=labels if network else (),
            temperature=temperature,
            task=task,
            thresholds=thresholds,
            input=backbone.input,
        ),
        precision=settings.recipe.extract.precision,
        quantised=before.quantised if before and same_network else None,
        sequence=before.sequence if before else None,
        made_with=versions or made_with(),
    )
