"""The unrolled LSTM equals the LSTM of Keras."""

import numpy as np
import pytest

from extract.backbones.heads import weights_sha256
from extract.engines import NetworkId, Workload
from extract.engines.registry import make_engine
from sequence.heads.lstm import LSTM
from sequence.model import build_sequence_model, join
from sequence.unrolling import unrolled
from training.keras_backend import keras

ROWS = np.random.default_rng(0).normal(size=(3, 7, 5)).astype(np.float32)


@pytest.mark.parametrize("return_sequences", [False, True])
@pytest.mark.parametrize("go_backwards", [False, True])
def test_unrolled_lstm_has_the_same_states(return_sequences, go_backwards):
    options = {"return_sequences": return_sequences, "go_backwards": go_backwards}
    layer, reference = LSTM(4, **options), keras.layers.LSTM(4, **options)
    wanted = reference(ROWS)
    layer.build(ROWS.shape)
    layer.set_weights([3 * weight for weight in reference.get_weights()])
    reference.set_weights(layer.get_weights())
    wanted = keras.ops.convert_to_numpy(reference(ROWS))
    assert np.allclose(layer(ROWS), wanted, atol=1e-6)
    with unrolled():
        assert np.allclose(layer(ROWS), wanted, atol=1e-6)
    assert wanted.std() > 0.1


@pytest.mark.slow
@pytest.mark.parametrize(("head", "ensemble"), [("lstm", 2), ("bilstm_attention", 1)])
def test_the_converted_network_has_no_loop_and_the_same_logits(head, ensemble):
    openvino_engine = pytest.importorskip("extract.engines.openvino_engine")
    if openvino_engine.missing():
        pytest.skip(f"openvino {openvino_engine.missing()}")
    keras.utils.set_random_seed(0)
    model = join([build_sequence_model(head, 7, 5, 3, (8, 4), 0.5, True) for _ in range(ensemble)])
    with unrolled():
        kinds = [each.get_type_name() for each in openvino_engine._convert(model).get_ops()]
        network = NetworkId(None, weights_sha256(model), "sequence")
        engine = make_engine(model, network, "openvino", Workload(live=True))
    assert "Loop" not in kinds
    assert np.allclose(engine(ROWS), model.predict_on_batch(ROWS), atol=1e-5)
