import pytest
import tensorflow as tf

from benchmarks.training import kernel_line, recurrent_ops
from sequence.heads import HEADS
from sequence.model import build_sequence_model


@pytest.fixture(params=[True, False], ids=["gpu", "cpu"])
def gpu(request, monkeypatch) -> bool:
    """Whether Keras believes in a GPU: a graph is traced on any machine, and runs on none here."""
    devices = ["GPU:0"] if request.param else []
    monkeypatch.setattr(tf.config, "list_logical_devices", lambda kind=None: devices)
    return request.param


def model_of(head: str):
    return build_sequence_model(head, 5, 6, 3, (8, 4), 0.5, True)


@pytest.mark.parametrize("head", sorted(set(HEADS) - {"mean"}))
def test_recurrent_heads_take_cudnns_kernel_where_there_is_a_gpu(head, gpu):
    names = ["CudnnRNNBackpropV3", "CudnnRNNV3"] if gpu else ["StatelessWhile", "While"]
    assert recurrent_ops(model_of(head)) == names


def test_the_kernel_is_told_by_name(gpu):
    told = kernel_line(model_of("lstm"))
    assert ("cuDNN's fused kernel (CudnnRNNBackpropV3, CudnnRNNV3)" in told) == gpu
    assert ("a loop over the steps, no cuDNN" in told) != gpu


def test_an_average_has_no_recurrence():
    assert recurrent_ops(model_of("mean")) == []
