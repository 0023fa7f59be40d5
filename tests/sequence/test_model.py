"""Building the sequence model, and unknown heads."""

import numpy as np
import pytest

from sequence.heads import HEADS
from sequence.model import build_sequence_model
from video.errors import UsageError


def test_an_unknown_head_is_a_usage_error_with_a_suggestion():
    with pytest.raises(UsageError, match=r"sequence\.head lstn: .*did you mean lstm\?") as error:
        build_sequence_model("lstn", 4, 5, 3, (8,), 0.0, True)
    assert error.value.exit_code == 2


def test_an_unknown_head_without_a_similar_name_lists_all_heads():
    with pytest.raises(UsageError) as error:
        build_sequence_model("xyz", 4, 5, 3, (8,), 0.0, True)
    assert all(name in str(error.value) for name in HEADS)


def test_outputs_are_one_logit_per_class():
    model = build_sequence_model("mean", 4, 5, 3, (8,), 0.0, True)
    assert model.input_shape == (None, 4, 5)
    assert model.output_shape == (None, 3)
    windows = 50 * np.random.default_rng(0).normal(size=(20, 4, 5))
    logits = model.predict_on_batch(windows.astype("float32"))
    assert logits.dtype == np.float32
    assert logits.min() < 0
    assert not np.allclose(logits.sum(1), 1, atol=0.1)
