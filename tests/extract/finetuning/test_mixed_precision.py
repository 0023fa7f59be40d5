"""Which policy `auto` means, and that it ends with the network that it is for."""

import pytest

from extract.finetuning.mixed_precision import layers_in, training_precision
from training.keras_backend import keras


@pytest.mark.parametrize("chosen", ["float32", "mixed_float16", "mixed_bfloat16"])
def test_what_the_recipe_names_is_taken(chosen):
    assert training_precision(chosen) == chosen


@pytest.mark.parametrize(("devices", "wanted"), [([], "float32"), (["gpu:0"], "mixed_float16")])
def test_auto_is_mixed_on_a_gpu_alone(monkeypatch, devices, wanted):
    monkeypatch.setattr(keras.distribution, "list_devices", lambda kind: devices)
    assert training_precision("auto") == wanted


def test_the_policy_holds_within_and_ends_also_by_an_error():
    def build_and_fail() -> None:
        with layers_in("mixed_bfloat16"):
            assert keras.layers.Dense(2).compute_dtype == "bfloat16"
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        build_and_fail()
    assert keras.layers.Dense(2).compute_dtype == "float32"
