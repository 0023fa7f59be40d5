"""Conversion of checkpoints: equal networks, metadata, one-line errors, the command."""

import hashlib
import json
import subprocess
import sys

import h5py
import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from extract.backbones import build
from extract.convert.__main__ import main
from extract.convert.conversion import convert_checkpoint
from extract.convert.kinetics import kinetics400
from extract.convert.weights_info import classes_in, read_info
from tests.running import ROOT
from training.keras_backend import keras
from video.errors import LookbackError, UsageError


def clips() -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (2, 4, 32, 32, 3), "uint8")


def outputs(model: keras.Model, scaled: np.ndarray) -> np.ndarray:
    return keras.ops.convert_to_numpy(model(scaled, training=False))


def test_converted_network_equals_the_original(small_network, original, checkpoint, tmp_path):
    out = tmp_path / "deep" / "x3d_tiny.weights.h5"
    convert_checkpoint("x3d_tiny", checkpoint(5), out)
    expected = outputs(original(5)[0], (clips() / 255 - 0.45).astype("float32") / 0.225)
    converted = outputs(build("x3d_tiny", str(out), 5), clips())
    np.testing.assert_allclose(converted, expected, atol=1e-5 * np.abs(expected).max())
    assert [path.name for path in out.parent.iterdir()] == [out.name]


def test_features_do_not_depend_on_the_head(checkpoint, tmp_path):
    source, features = checkpoint(5), []
    for without_head in (False, True):
        out = tmp_path / f"{without_head}.weights.h5"
        info = convert_checkpoint("x3d_tiny", source, out, without_head)
        assert info.classes == classes_in(out) == (0 if without_head else 5)
        features.append(outputs(build("x3d_tiny", str(out)), clips()))
    np.testing.assert_array_equal(*features)


def test_file_describes_its_weights(small_network, checkpoint, tmp_path):
    source, out = checkpoint(400), tmp_path / "a.weights.h5"
    returned = convert_checkpoint("x3d_tiny", source, out)
    info = read_info(out)
    assert info == returned
    assert (info.network, info.clip_length, info.input_size) == ("x3d_tiny", 4, 32)
    assert (info.classes, info.labels) == (400, kinetics400())
    assert info.source == source.name
    assert info.source_sha256 == hashlib.sha256(source.read_bytes()).hexdigest()
    assert info.converted_with["keras"] == keras.__version__


@pytest.mark.parametrize(
    ("classes", "names", "trained_on"),
    [(400, None, "Kinetics-400"), (400, "others", "unknown"), (5, None, "unknown")],
)
def test_only_matching_classes_are_called_kinetics(
    monkeypatch, checkpoint, tmp_path, classes, names, trained_on
):
    from extract.convert import catalogue

    entry = catalogue.PublishedFile("x3d_tiny", "Kinetics-400", 400, "https://a", "a", "MIT", "")
    monkeypatch.setattr(catalogue, "CATALOGUE", (entry,))
    labels = None
    if names:
        labels = tmp_path / "labels.txt"
        labels.write_text("\n".join(f"{names} {number}" for number in range(classes)))
    out = tmp_path / "a.weights.h5"
    info = convert_checkpoint("x3d_tiny", checkpoint(classes), out, labels_file=labels)
    assert info.trained_on == trained_on


def test_checkpoint_without_classifier_needs_without_head(checkpoint, tmp_path, capsys):
    source, out = checkpoint(0), tmp_path / "a.weights.h5"
    with pytest.raises(LookbackError, match=r"proj\.weight is missing; --without-head converts"):
        convert_checkpoint("x3d_tiny", source, out)
    assert not out.exists()
    assert convert_checkpoint("x3d_tiny", source, out, without_head=True).classes == 0
    assert "has no classifier" in capsys.readouterr().out


def test_without_head_leaves_out_nothing_else(checkpoint, tmp_path):
    source = checkpoint(5, stray=np.ones(3, "float32"))
    with pytest.raises(LookbackError, match="stray"):
        convert_checkpoint("x3d_tiny", source, tmp_path / "a.weights.h5", without_head=True)


def test_checkpoint_of_another_network_is_refused(small_network, tmp_path):
    save_file({"conv.weight": np.ones(3, "float32")}, tmp_path / "other.safetensors")
    for without_head in (False, True):
        message = r"other\.safetensors: the tensor .* is missing; is this a checkpoint of x3d_tiny"
        with pytest.raises(LookbackError, match=message):
            convert_checkpoint(
                "x3d_tiny", tmp_path / "other.safetensors", tmp_path / "a.weights.h5", without_head
            )


@pytest.mark.parametrize("number", [np.nan, np.inf])
def test_infinite_or_nan_weights_are_not_written(checkpoint, tmp_path, number):
    source, out = checkpoint(5), tmp_path / "a.weights.h5"
    out.write_bytes(b"what was there")
    tensors = load_file(source)
    tensors["blocks.5.proj.bias"] = np.full(5, number, "float32")
    save_file(tensors, source)
    with pytest.raises(
        LookbackError, match=r"original\.safetensors: holds infinite or NaN weights"
    ):
        convert_checkpoint("x3d_tiny", source, out)
    assert out.read_bytes() == b"what was there"
    assert not list(tmp_path.glob("part.*"))


def test_network_whose_outputs_overflow_is_not_written(checkpoint, tmp_path):
    source, out = checkpoint(5), tmp_path / "a.weights.h5"
    tensors = load_file(source)
    tensors["blocks.5.proj.weight"] = np.full_like(tensors["blocks.5.proj.weight"], 3e38)
    save_file(tensors, source)
    with pytest.raises(LookbackError, match="a random input gives infinite"):
        convert_checkpoint("x3d_tiny", source, out)
    assert not out.exists()


def test_torch_file_converts_like_safetensors(original, checkpoint, tmp_path):
    torch = pytest.importorskip("torch", reason="PyTorch's own files need PyTorch")
    tensors = {name: torch.from_numpy(t.copy()) for name, t in original(5)[1].items()}
    source, out = tmp_path / "a.pyth", tmp_path / "a.weights.h5"
    torch.save({"model_state": tensors, "epoch": 3}, source)
    convert_checkpoint("x3d_tiny", source, out)
    again = tmp_path / "b.weights.h5"
    convert_checkpoint("x3d_tiny", checkpoint(5), again)
    models = [build("x3d_tiny", str(path), 5) for path in (out, again)]
    for one, other in zip(*(model.get_weights() for model in models), strict=True):
        np.testing.assert_array_equal(one, other)


class TestCommand:
    def test_converts_a_checkpoint(self, checkpoint, tmp_path, capsys):
        source, out = checkpoint(5), tmp_path / "a.weights.h5"
        (tmp_path / "names.txt").write_text("a\nb\nc\nd\ne\n")
        arguments = ["x3d_tiny", source, "--out", out, "--labels", tmp_path / "names.txt"]
        assert main([str(argument) for argument in arguments]) == 0
        assert read_info(out).labels == tuple("abcde")
        assert capsys.readouterr().out == (
            f"{out}: weights of x3d_tiny with a classifier of 5 classes; training data: unknown. "
            f"Use them with --backbone x3d_tiny --backbone-weights {out}.\n"
        )

    def test_list_needs_no_other_argument(self, capsys):
        assert main(["--list"]) == 0
        assert "https://download.pytorch.org/models/" in capsys.readouterr().out

    @pytest.mark.parametrize("arguments", [["--list"], ["--help"], ["x3d_s"]])
    def test_usage_does_not_import_the_framework(self, arguments):
        code = (
            "import sys; from extract.convert.__main__ import main\n"
            f"try: main({arguments})\nexcept BaseException: pass\n"
            "assert not {'keras', 'tensorflow', 'torch'} & set(sys.modules)"
        )
        subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True)

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ([], "NAME is missing"),
            (["x3d_s"], "CHECKPOINT is missing"),
            (["x3d_s", "a.pth"], r"--out FILE\.weights\.h5 is missing"),
            (["x3d_s", "a.pth", "--out", "a.h5"], r"ends in \.weights\.h5"),
            (["x3d", "a.pth", "--out", "a.weights.h5"], "none of that name; did you mean x3d_"),
            (["vgg16", "a.pth", "--out", "a.weights.h5"], "only checkpoints of clip networks"),
            (["x3d_s", "a.pth", "--head"], "unrecognized"),
            (["x3d_s", "a.weights.h5", "--out", "a.weights.h5"], "the checkpoint itself"),
            (["cudnnlstm"], r"python -m sequence\.convert MODEL\.h5 --out FILE\.weights\.h5"),
            (["cudnnlstm", "a.h5", "--out", "a.weights.h5"], r"python -m sequence\.convert"),
            (
                ["x3d_s", "a", "--out", "b", "--labels", "c", "--without-head"],
                "leaves the classifier out",
            ),
        ],
    )
    def test_wrong_arguments_are_a_usage_error(self, arguments, message):
        with pytest.raises(UsageError, match=message):
            main(arguments)


class TestInfo:
    def test_other_files_have_no_description(self, tmp_path):
        with h5py.File(tmp_path / "a.h5", "w"):
            pass
        (tmp_path / "b.h5").write_text("no HDF5")
        for name in ("a.h5", "b.h5", "gone.h5"):
            assert read_info(tmp_path / name) is None
            assert classes_in(tmp_path / name) is None

    @pytest.mark.parametrize("text", ["{", "[]", "{}", json.dumps({"labels": 3}), "null"])
    def test_damaged_description_fails_with_one_line(self, tmp_path, text):
        with h5py.File(tmp_path / "a.h5", "w") as file:
            file.attrs["lookback"] = text
        with pytest.raises(LookbackError, match=r"a\.h5: its description is damaged"):
            read_info(tmp_path / "a.h5")
