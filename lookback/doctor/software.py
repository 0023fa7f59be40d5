"""Checks of the software: Python, packages, TensorFlow's GPU, OpenVINO."""

import contextlib
import os
import platform
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Literal

from lookback.doctor.finding import Finding

_PYTHONS = ((3, 11), (3, 13))
_NEEDED = ("tensorflow", "keras", "numpy", "h5py", "av", "opencv-python", "scikit-learn")
_REQUIREMENTS = Path(__file__).resolve().parents[2] / "requirements.txt"
_NVIDIA_SECONDS = 20.0


def python() -> Finding:
    """Return the version of Python, and whether the packages exist for it."""
    text = f"{platform.python_version()} in {sys.prefix}"
    first, last = ((".".join(map(str, each))) for each in _PYTHONS)
    if not _PYTHONS[0] <= sys.version_info[:2] <= _PYTHONS[1]:
        return Finding("Python", "problem", text, f"install Python {first} to {last}")
    if sys.prefix == sys.base_prefix:
        remedy = "an environment of its own avoids conflicts: python -m venv .venv"
        return Finding("Python", "note", text, remedy)
    return Finding("Python", "ok", text)


def packages() -> Finding:
    """Return the versions of the packages, and which do not fit the requirements."""
    known = {name: _version(name) for name in _NEEDED}
    text = ", ".join(f"{name} {version or 'missing'}" for name, version in known.items())
    unfit = [f"{line} (found: {found or 'none'})" for line, found in _unfit_requirements()]
    if unfit or not all(known.values()):
        install = "pip install -r requirements.txt"
        needed = f"; required: {', '.join(unfit)}" if unfit else ""
        return Finding("packages", "problem", text + needed, install)
    return Finding("packages", "ok", text)


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""


def _unfit_requirements() -> list[tuple[str, str]]:
    """Return the requirements that no installed package meets, with the version that is there."""
    from packaging.requirements import Requirement

    if _REQUIREMENTS.is_file():
        lines = [each.partition("#")[0].strip() for each in _REQUIREMENTS.open(encoding="utf-8")]
    else:
        lines = [each for each in metadata.requires("lookback") or () if "extra ==" not in each]
    found = []
    for line in filter(None, lines):
        requirement, version = Requirement(line), _version(Requirement(line).name)
        if not version or not requirement.specifier.contains(version, prereleases=True):
            found.append((line, version))
    return found


def gpu() -> Finding:
    """Return the GPUs that TensorFlow computes on, or why there is none."""
    from training.keras_backend import gpus, keras

    found = gpus()
    if found:
        return Finding("GPU", "ok", f"{', '.join(found)} ({_nvidia_names() or 'no nvidia-smi'})")
    text = f"none: {keras.backend.backend()} computes on the CPU"
    state, reason, mend = _why_no_gpu()
    return Finding("GPU", "problem" if state else "note", f"{text}; {reason}", mend)


def _why_no_gpu() -> tuple[bool, str, str]:
    """Return whether a GPU is there without being used, the reason, and the remedy."""
    names = _nvidia_names()
    hidden = os.environ.get("CUDA_VISIBLE_DEVICES")
    if os.name == "nt":
        return bool(names), "TensorFlow has no GPU on native Windows", "use WSL2 for one"
    if sys.platform == "darwin":
        return False, "TensorFlow's packages for macOS use no GPU", ""
    if not names:
        return False, "no NVIDIA driver answers (nvidia-smi)", "training takes longer; it works"
    if hidden is not None and hidden.strip() in ("", "-1"):
        mend = "unset CUDA_VISIBLE_DEVICES to use it"
        return False, f"{names} is hidden by CUDA_VISIBLE_DEVICES={hidden}", mend
    mend = 'pip install "tensorflow[and-cuda]~=2.21.0"; if it is there, update the driver'
    return True, f"{names} is there, but CUDA's libraries or the driver do not fit", mend


def _nvidia_names() -> str:
    """Return the names of the GPUs that the driver knows; empty without a driver."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return ""
    command = [program, "--query-gpu=name,driver_version", "--format=csv,noheader"]
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=_NVIDIA_SECONDS, check=True
        )
        return "; ".join(line.strip() for line in done.stdout.splitlines() if line.strip())
    return ""


def cudnn() -> Finding:
    """Return whether cuDNN, which trains LSTMs and convolutions on a GPU, works there."""
    from training.keras_backend import gpus, keras

    if not gpus():
        return Finding("cuDNN", "ok", "not needed without a GPU")
    import tensorflow as tf

    built = tf.sysconfig.get_build_info()
    text = f"built for {built.get('cudnn_version', '?')}, CUDA {built.get('cuda_version', '?')}"
    layer = keras.layers.LSTM(4)
    try:
        layer(keras.ops.zeros((2, 3, 4)), training=True)
        keras.ops.conv(keras.ops.zeros((1, 8, 8, 3)), keras.ops.zeros((3, 3, 3, 2)))
    except Exception as error:
        reason = str(error).splitlines()[0][:160]
        mend = 'pip install --force-reinstall "tensorflow[and-cuda]~=2.21.0"'
        return Finding("cuDNN", "problem", f"{text}; a first layer fails: {reason}", mend)
    return Finding("cuDNN", "ok", f"{text}; a first LSTM and convolution work")


def openvino() -> Finding:
    """Return OpenVINO's devices, and the precisions of the processor."""
    if not _version("openvino"):
        slower = "the backbone is several times slower without it: pip install openvino"
        return Finding("OpenVINO", "note", "is not installed", slower)
    from extract.engines.openvino_engine import PRECISIONS, device_names, processor_has

    can = [name for name in PRECISIONS if processor_has(name)]
    text = f"{_version('openvino')}: {', '.join(device_names())}; precisions {', '.join(can)}"
    if "int8" in can and not _version("nncf"):
        more = "int8 also needs nncf: pip install nncf"
        return Finding("OpenVINO", "ok", text, more)
    return Finding("OpenVINO", "ok", text)


def video_library() -> Finding:
    """Return whether FFmpeg decodes and encodes H.264."""
    import av

    name = f"PyAV {av.__version__}"
    needed: tuple[tuple[str, Literal["r", "w"]], ...]
    needed = (("h264", "r"), ("hevc", "r"), ("libx264", "w"))
    lacking = []
    for codec, mode in needed:
        try:
            av.codec.Codec(codec, mode)
        except av.codec.codec.UnknownCodecError:
            lacking.append(f"{'decoder' if mode == 'r' else 'encoder'} {codec}")
    if lacking:
        mend = "install its wheel: pip install --force-reinstall --only-binary :all: av"
        return Finding("video", "problem", f"{name} lacks {', '.join(lacking)}", mend)
    return Finding("video", "ok", f"{name} decodes H.264 and HEVC, and encodes H.264")
