"""Explainers of a model folder, of published weights, or of a model that is in use."""

from extract.backbones.heads import feature_network, own_classifier
from extract.extractor import Extractor
from extract.extractor.choice import OWN_HEAD, ModelChoice, PretrainedModel
from extract.extractor.extractor import feature_spec
from extract.extractor.loading import load_network, open_published
from sequence.explain.explainer import Explainer
from sequence.own_head import predictor_of
from sequence.prediction import Predictor, load_predictor, require_sequence, require_spec
from video.errors import LookbackError


def load_explainer(choice: ModelChoice) -> Explainer:
    """Return the explainer of the model that `choose_for_inference` has chosen.

    Raises:
        UsageError: The backbone has no classifier.
        LookbackError: A part of the model is missing, or the parts do not belong together.
    """
    if isinstance(choice, PretrainedModel):
        opened = open_published(choice)
        predictor = predictor_of(own_classifier(opened.model), opened.config.backbone)
        labels = opened.config.labels
        return Explainer(feature_network(opened.model), predictor, opened.config, labels)
    folder, config = choice.folder, choice.config
    model = load_network(folder, config)
    network = feature_network(model)
    if choice.head == OWN_HEAD:
        predictor = predictor_of(own_classifier(model), config.backbone)
        return Explainer(network, predictor, config, config.backbone.labels)
    trained = require_sequence(folder, config)
    require_spec(config, feature_spec(config, config.precision, trained.dtype), str(folder))
    predictor = load_predictor(folder, config)
    return Explainer(network, predictor, config, config.labels, trained.dtype)


def explainer_of(
    extractor: Extractor, predictor: Predictor, labels: tuple[str, ...], dtype: str
) -> Explainer:
    """Return the explainer of a model in use, whose network an engine computes without gradients.

    Args:
        extractor: First stage. Its network is loaded once more.
        predictor: Second stage.
        labels: Names of the K classes.
        dtype: Type that the training's features were stored in.

    Raises:
        LookbackError: The extractor does not know its network.
    """
    if extractor.reload is None:
        raise LookbackError("this model has no network in Keras, so it cannot be explained")
    return Explainer(extractor.reload(), predictor, extractor.config, labels, dtype)
