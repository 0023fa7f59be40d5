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
    """
    same_network = (
        before is not None
        and before.backbone.sha256 == sha256
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
        made_with=made_with(),
    )
