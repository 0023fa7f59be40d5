import numpy as np
import pytest

from sequence.heads import HEADS
from sequence.model import build_sequence_model
from video.errors import UsageError


def test_an_unknown_head_is_an_error_that_names_the_nearest():
    with pytest.raises(UsageError, match=r"sequence\.head lstn: .*did you mean lstm\?") as error:
        build_sequence_model("lstn", 4, 5, 3, (8,), 0.0, True)
    assert error.value.exit_code == 2


def test_an_unknown_head_near_to_none_lists_them_all():
    with pytest.raises(UsageError) as error:
        build_sequence_model("xyz", 4, 5, 3, (8,), 0.0, True)
    assert all(name in str(error.value) for name in HEADS)


def test_outputs_are_logits_one_a_class():
    model = build_sequence_model("mean", 4, 5, 3, (8,), 0.0, True)
    assert model.input_shape == (None, 4, 5)
    assert model.output_shape == (None, 3)
    windows = 50 * np.random.default_rng(0).normal(size=(20, 4, 5))
    logits = model.predict_on_batch(windows.astype("float32"))
    assert logits.dtype == np.float32
    assert logits.min() < 0
    assert not np.allclose(logits.sum(1), 1, atol=0.1)
