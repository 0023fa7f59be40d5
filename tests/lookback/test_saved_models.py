"""Networks that Keras saved whole come back in a process that has imported nothing yet."""

import subprocess
import sys

import numpy as np
import pytest

import lookback
from tests.running import ROOT
from video.errors import LookbackError

pytestmark = pytest.mark.slow

_LOADING = """
import numpy as np
{imports}
for name in ("first", "second"):
    model = {load}(f"{folder}/{{name}}.keras")
    np.save(f"{folder}/{{name}}_loaded.npy", np.asarray(model(np.load(f"{folder}/{{name}}.npy"))))
"""
_WAYS = {
    "lookback": ("import lookback", "lookback.load_model"),
    "rooms": (
        "import extract.architectures.custom_layers, sequence.model, keras",
        "keras.saving.load_model",
    ),
}


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A folder with a network of each stage, its input, and its output in this process."""
    from sequence.model import build_sequence_model
    from tests.golden.cases import CASES
    from training.keras_backend import keras

    folder = tmp_path_factory.mktemp("saved")
    keras.utils.set_random_seed(0)
    case, random = CASES["timesformer"], np.random.default_rng(0)
    made = {
        "first": (case.make(case.shape), random.normal(size=(2, *case.shape, 3)).astype("float32")),
        "second": (
            build_sequence_model("bilstm_attention", 6, 6, 3, (8, 4), 0.5, True),
            random.normal(size=(2, 6, 6)).astype("float32"),
        ),
    }
    for name, (model, batch) in made.items():
        model.save(folder / f"{name}.keras")
        np.save(folder / f"{name}.npy", batch)
        np.save(folder / f"{name}_wanted.npy", np.asarray(model(batch)))
    return folder


@pytest.mark.parametrize("way", _WAYS)
def test_a_fresh_process_loads_both_stages_bit_for_bit(saved, way):
    imports, load = _WAYS[way]
    code = _LOADING.format(imports=imports, load=load, folder=saved)
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    for name in ("first", "second"):
        loaded, wanted = (np.load(saved / f"{name}_{end}.npy") for end in ("loaded", "wanted"))
        np.testing.assert_array_equal(loaded, wanted)


def test_a_path_without_a_model_is_one_line(tmp_path):
    with pytest.raises(LookbackError, match=r"none\.keras: there is no such file"):
        lookback.load_model(tmp_path / "none.keras")
    (tmp_path / "text.keras").write_text("no model")
    with pytest.raises(LookbackError, match=r"text\.keras: cannot be loaded as a Keras model"):
        lookback.load_model(tmp_path / "text.keras")


def test_a_model_that_carries_code_is_refused(tmp_path):
    from training.keras_backend import keras

    inputs = keras.Input((2,))
    model = keras.Model(inputs, keras.layers.Lambda(lambda x: 2 * x)(inputs))
    model.save(tmp_path / "code.keras")
    with pytest.raises(LookbackError, match=r"code\.keras: cannot be loaded"):
        lookback.load_model(tmp_path / "code.keras")
