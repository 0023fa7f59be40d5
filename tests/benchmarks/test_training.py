"""Kernel of recurrent layers, as the training benchmark reports it."""

import pytest
import tensorflow as tf

from benchmarks.training import kernel_line, recurrent_ops
from sequence.heads import HEADS
from sequence.model import build_sequence_model

pytestmark = pytest.mark.slow


@pytest.fixture(params=[True, False], ids=["gpu", "cpu"])
def gpu(request, monkeypatch) -> bool:
    """Whether Keras sees a GPU. The graphs are only traced, so the tests need none."""
    devices = ["GPU:0"] if request.param else []
    monkeypatch.setattr(tf.config, "list_logical_devices", lambda kind=None: devices)
    return request.param


def model_of(head: str):
    return build_sequence_model(head, 5, 6, 3, (8, 4), 0.5, True)


@pytest.mark.parametrize("head", sorted(set(HEADS) - {"mean", "statistics"}))
def test_recurrent_heads_use_cudnn_on_a_gpu(head, gpu):
    names = ["CudnnRNNBackpropV3", "CudnnRNNV3"] if gpu else ["StatelessWhile", "While"]
    assert recurrent_ops(model_of(head)) == names


def test_kernel_line_names_the_kernel(gpu):
    line = kernel_line(model_of("lstm"))
    assert ("fused cuDNN kernel (CudnnRNNBackpropV3, CudnnRNNV3)" in line) == gpu
    assert ("loop over the steps, no cuDNN" in line) != gpu


def test_the_mean_head_has_no_recurrent_operations():
    assert recurrent_ops(model_of("mean")) == []
