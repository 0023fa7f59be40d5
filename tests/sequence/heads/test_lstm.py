"""Step by step, without a loop, a layer gives the numbers of Keras' own."""

import numpy as np
import pytest

from extract.backbones.heads import weights_sha256
from extract.engines import NetworkId, Workload
from extract.engines.registry import make_engine
from sequence.heads.lstm import LSTM, step_by_step
from sequence.model import build_sequence_model
from training.keras_backend import keras

ROWS = np.random.default_rng(0).normal(size=(3, 7, 5)).astype(np.float32)


@pytest.mark.parametrize("return_sequences", [False, True])
@pytest.mark.parametrize("go_backwards", [False, True])
def test_step_by_step_it_gives_the_same_states(return_sequences, go_backwards):
    options = {"return_sequences": return_sequences, "go_backwards": go_backwards}
    layer, own = LSTM(4, **options), keras.layers.LSTM(4, **options)
    wanted = own(ROWS)
    layer.build(ROWS.shape)
    layer.set_weights([3 * weight for weight in own.get_weights()])
    own.set_weights(layer.get_weights())
    wanted = keras.ops.convert_to_numpy(own(ROWS))
    assert np.allclose(layer(ROWS), wanted, atol=1e-6)
    with step_by_step():
        assert np.allclose(layer(ROWS), wanted, atol=1e-6)
    assert wanted.std() > 0.1


@pytest.mark.parametrize("head", ["lstm", "bilstm_attention"])
def test_an_engine_s_network_has_no_loop_and_the_same_logits(head):
    openvino_engine = pytest.importorskip("extract.engines.openvino_engine")
    if openvino_engine.missing():
        pytest.skip(f"openvino {openvino_engine.missing()}")
    keras.utils.set_random_seed(0)
    model = build_sequence_model(head, 7, 5, 3, (8, 4), 0.5, True)
    with step_by_step():
        kinds = [each.get_type_name() for each in openvino_engine._convert(model).get_ops()]
        network = NetworkId(None, weights_sha256(model), "sequence")
        engine = make_engine(model, network, "openvino", Workload(live=True))
    assert "Loop" not in kinds
    assert np.allclose(engine(ROWS), model.predict_on_batch(ROWS), atol=1e-5)
