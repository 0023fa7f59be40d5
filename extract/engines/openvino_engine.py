"""Inference by OpenVINO on the CPU: most networks several times as fast as Keras, equal to 1e-4.

The network goes through TensorFlow's SavedModel format: Keras' own OpenVINO export gives some
networks a graph several times slower. What comes out (a description and weights, no code) is kept
in the model folder, so that only the first start after a training pays for it.
"""

import hashlib
import json
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from extract.engines.base import Engine
from video.errors import UsageError

if TYPE_CHECKING:
    import keras
    import openvino

# Changes with what this module makes of a network, so that older files are made anew.
_FORM = 1
_TOLERANCE = 1e-4  # of the largest feature, at f32
FOLDER = "engines"


class OpenVinoEngine(Engine):
    """Computes features with OpenVINO.

    Raises:
        UsageError: the processor does not have the precision.
        RuntimeError: the network cannot be converted, or gives other features than Keras.
    """

    name = "openvino"

    def __init__(
        self,
        model: "keras.Model",
        batch_size: int,
        precision: str,
        folder: Path | None,
        sha256: str,
    ) -> None:
        """Convert a network, or take up what was converted; arguments as for `make_engine`."""
        import openvino

        super().__init__(batch_size)
        self.precision, self.feature_size = precision, model.output_shape[-1]
        self._core = openvino.Core()
        if precision == "bf16" and not self._has_bf16():
            raise UsageError(
                "extract.precision bf16: this processor computes in float32 alone; take f32"
            )
        self._shape = tuple(model.input_shape[1:])
        self._compiled: dict[int, openvino.CompiledModel] = {}
        key = _key(sha256, self._shape, openvino.__version__)
        place = folder / FOLDER / key if folder else None
        if place and (place / "model.xml").is_file():
            self._network = self._core.read_model(place / "model.xml")
            if precision != "f32":
                self._check(model)
        else:
            self._network = _converted(model)
            self._check(model)
            if place:
                _keep(self._network, place)

    def _has_bf16(self) -> bool:
        return "BF16" in self._core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")

    def _compute(self, clips: np.ndarray) -> np.ndarray:
        network = self._for_batch(len(clips))
        return np.array(network(clips)[0], np.float32)  # a copy: OpenVINO uses its memory again

    def _for_batch(self, size: int) -> "openvino.CompiledModel":
        if size not in self._compiled:
            network = self._network.clone()
            network.reshape([size, *self._shape])
            # By itself OpenVINO takes bf16 where a processor has it, which costs 5e-3.
            options = {"INFERENCE_PRECISION_HINT": self.precision, "PERFORMANCE_HINT": "LATENCY"}
            self._compiled[size] = self._core.compile_model(network, "CPU", options)
        return self._compiled[size]

    def _check(self, model: "keras.Model") -> None:
        """Hold a random clip's features against Keras; tell what a lower precision costs."""
        clip = np.random.default_rng(0).integers(0, 256, (1, *self._shape), np.uint8)
        wanted, ours = np.asarray(model(clip), np.float32)[0], self._compute(clip)[0]
        if self.precision == "f32":
            difference = np.abs(ours - wanted).max() / max(np.abs(wanted).max(), 1e-12)
            if not difference <= _TOLERANCE:
                raise RuntimeError(f"its features differ by {difference:.1e}")
            return
        lengths = max(float(np.linalg.norm(ours) * np.linalg.norm(wanted)), 1e-12)
        print(
            f"{self.precision}: cosine to the float32 features of a random clip "
            f"{float(ours @ wanted) / lengths:.5f}."
        )


def _key(sha256: str, shape: tuple, version: str) -> str:
    told = json.dumps([_FORM, sha256, shape, version])
    return hashlib.sha256(told.encode()).hexdigest()[:16]


def _converted(model: "keras.Model") -> "openvino.Model":
    import openvino

    with tempfile.TemporaryDirectory() as folder:
        model.export(folder, format="tf_saved_model", verbose=False)
        shape = openvino.PartialShape([-1, *model.input_shape[1:]])
        return openvino.convert_model(folder, input=[shape])


def _keep(network: "openvino.Model", place: Path) -> None:
    """Write a converted network in one step, and remove those of the weights before."""
    import openvino

    partial = place.with_name(f"part.{place.name}")
    try:
        partial.mkdir(parents=True, exist_ok=True)
        openvino.save_model(network, partial / "model.xml", compress_to_fp16=False)
        for older in place.parent.iterdir():
            if older != partial:
                shutil.rmtree(older, ignore_errors=True)
        partial.rename(place)
    except OSError:  # a folder that cannot be written is no reason to stop
        shutil.rmtree(partial, ignore_errors=True)
