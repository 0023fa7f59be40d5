"""Reading checkpoints: float32 arrays, one-line errors, no execution of code."""

import io
import json
import os
import pickle
import re
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest

from extract.convert import checkpoint_reader as checkpoints
from extract.convert.checkpoint_reader import read_checkpoint, require_reader
from tests.running import ROOT
from video.errors import LookbackError


def safetensors_file(path: Path, header: bytes | dict, body: bytes = b"") -> Path:
    header = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(header)) + header + body)
    return path


def entry(dtype: str, shape: list[int], end: int, start: int = 0) -> dict:
    return {"dtype": dtype, "shape": shape, "data_offsets": [start, end]}


def refused(path: Path) -> str:
    with pytest.raises(LookbackError) as error:
        read_checkpoint(path)
    message = str(error.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    return message


FOREIGN = {
    b"": "is empty",
    b"<!DOCTYPE html><title>404": "a web page",
    b"\n\n<html><body>Not found": "a web page",
    b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 3\n": "a Git LFS pointer",
    b"\x89HDF\r\n\x1a\n": "an HDF5 file",
    b"\x89PNG\r\n\x1a\n": "an image",
    b"\xff\xd8\xff\xe0 JFIF": "an image",
    b"\x1f\x8b\x08": "compressed with gzip",
    b"PK\x03\x04 and no more": "a broken or truncated file",
}


@pytest.mark.parametrize(("content", "message"), FOREIGN.items())
@pytest.mark.parametrize("name", ["a.pth", "model.safetensors"])
def test_error_names_the_kind_of_another_file(tmp_path, content, message, name):
    (tmp_path / name).write_bytes(content)
    assert message in refused(tmp_path / name)


def test_missing_checkpoint(tmp_path):
    assert "there is no such checkpoint" in refused(tmp_path / "a.pth")


def test_zip_archive_that_is_no_checkpoint(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.pth", "w") as archive:
        archive.writestr("weights/a.txt", "hello")
    assert "a zip archive, but not a PyTorch checkpoint" in refused(tmp_path / "a.pth")


BROKEN = {
    "cut": ({"w": entry("F32", [2], 8)}, bytes(4)),
    "too long": ({"w": entry("F32", [2], 8)}, bytes(12)),
    "no JSON": (b"{]", b""),
    "nested": (b'{"a":' + b"[" * 100_000, b""),
    "shared bytes": ({"a": entry("F32", [2], 8), "b": entry("F32", [2], 8)}, bytes(8)),
    "huge shape": ({"w": entry("F32", [2**62, 4], 8)}, bytes(8)),
    "wrong shape": ({"w": entry("F32", [3], 8)}, bytes(8)),
    "unknown numbers": ({"w": entry("F8_E4M3", [2], 2)}, bytes(2)),
}


@pytest.mark.parametrize(("header", "body"), BROKEN.values(), ids=BROKEN.keys())
def test_malformed_safetensors_fail_with_one_line(tmp_path, header, body):
    path = safetensors_file(tmp_path / "a.safetensors", header, body)
    assert "a broken or truncated safetensors file" in refused(path)


def test_safetensors_header_longer_than_the_file(tmp_path):
    path = tmp_path / "a.safetensors"
    path.write_bytes(struct.pack("<Q", 2**60) + b"{" + bytes(50))
    assert "a broken or truncated safetensors file" in refused(path)


def test_safetensors_without_tensors(tmp_path):
    path = safetensors_file(tmp_path / "a.safetensors", {"__metadata__": {"format": "pt"}})
    assert "holds no named tensors" in refused(path)


def test_floating_point_tensors_become_float32(tmp_path):
    values = np.array([1.0, -2.5, 0.1], "float32")
    cut = (values.view("<u4") >> 16).astype("<u2")  # bfloat16, rounded towards zero
    body = values.astype("<f2").tobytes() + cut.tobytes() + values.astype("<f8").tobytes()
    header = {
        "half": entry("F16", [3], 6),
        "brain": entry("BF16", [3, 1], 12, 6),
        "double": entry("F64", [3], 36, 12),
    }
    tensors = read_checkpoint(safetensors_file(tmp_path / "a.safetensors", header, body))
    assert {array.dtype for array in tensors.values()} == {np.dtype("float32")}
    np.testing.assert_array_equal(tensors["half"], values.astype("float16").astype("float32"))
    np.testing.assert_allclose(tensors["brain"][:, 0], values, rtol=2**-7)
    assert tensors["brain"][:2, 0].tolist() == [1.0, -2.5]
    np.testing.assert_array_equal(tensors["double"], values)


def test_content_decides_the_format(tmp_path):
    header = {"module.a": entry("F32", [1], 4), "module.b": entry("I64", [1], 12, 4)}
    path = safetensors_file(tmp_path / "a.bin", header, bytes(12))
    # The prefix of DataParallel is removed as well.
    assert set(read_checkpoint(path)) == {"a", "b"}


def test_missing_torch_fails_with_the_install_command(tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoints.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(LookbackError, match=r"X3D_S\.pyth: .* pip install torch --index-url"):
        require_reader("X3D_S.pyth")
    require_reader("model.safetensors")
    (tmp_path / "a.pth").write_bytes(pickle.dumps({"a": 1}))
    assert "pip install torch" in refused(tmp_path / "a.pth")


def test_only_the_checkpoint_reader_imports_torch():
    modules = (ROOT / "extract" / "convert").rglob("*.py")
    importing = re.compile(r"^\s*(import|from) torch\b", re.MULTILINE)
    found = [path for path in modules if importing.search(path.read_text(encoding="utf-8"))]
    assert found == [ROOT / "extract" / "convert" / "checkpoint_reader.py"]


class _RunsCode:
    """Object whose pickle calls a function when it is loaded."""

    def __init__(self, function, *arguments):
        self.call = (function, arguments)

    def __reduce__(self):
        return self.call


class TestTorchFiles:
    @pytest.fixture
    def torch(self):
        return pytest.importorskip("torch", reason="PyTorch's own files need PyTorch")

    @pytest.mark.parametrize("zipped", [True, False])
    @pytest.mark.parametrize("wrapper", [None, "state_dict", "model_state"])
    def test_tensors_become_float32(self, torch, tmp_path, zipped, wrapper, recwarn):
        values = {"half": torch.tensor([1.5, -2]).half(), "brain": torch.tensor([1.5]).bfloat16()}
        content = {**values, "count": torch.tensor(3)}
        path = tmp_path / "a.pth"
        torch.save(
            {wrapper: content, "epoch": 3, "cfg": "TRAIN"} if wrapper else content,
            path,
            _use_new_zipfile_serialization=zipped,
        )
        tensors = read_checkpoint(path)
        assert {name: array.tolist() for name, array in tensors.items()} == {
            "half": [1.5, -2],
            "brain": [1.5],
            "count": 3,
        }
        assert tensors["half"].dtype == tensors["brain"].dtype == np.float32
        assert not recwarn.list

    @pytest.mark.parametrize("zipped", [True, False])
    @pytest.mark.parametrize("protocol", [2, 4])
    @pytest.mark.parametrize("function", [os.mkdir, eval, exec])
    def test_pickle_that_would_run_code_is_refused(
        self, torch, tmp_path, zipped, protocol, function
    ):
        made = tmp_path / "executed"
        argument = str(made) if function is os.mkdir else f"__import__('os').mkdir({str(made)!r})"
        path = tmp_path / "a.pth"
        torch.save(
            {"w": torch.ones(2), "evil": _RunsCode(function, argument)},
            path,
            _use_new_zipfile_serialization=zipped,
            pickle_protocol=protocol,
        )
        message = refused(path)
        assert "nothing in it was executed" in message
        assert not made.exists()

    def test_bare_pickle_is_refused(self, torch, tmp_path):
        made = tmp_path / "executed"
        for protocol in (0, 2, 4):
            content = pickle.dumps({"w": _RunsCode(os.mkdir, str(made))}, protocol)
            (tmp_path / "a.pt").write_bytes(content)
            refused(tmp_path / "a.pt")
        assert not made.exists()

    def test_pickled_model_is_refused_with_a_remedy(self, torch, tmp_path):
        torch.save(torch.nn.Linear(2, 2), tmp_path / "a.pt")
        message = refused(tmp_path / "a.pt")
        assert "torch.nn.modules.linear.Linear" in message
        assert "torch.save(model.state_dict(), FILE)" in message

    def test_torchscript_program_is_refused(self, torch, tmp_path):
        with zipfile.ZipFile(tmp_path / "a.pt", "w") as archive:
            for name in ("data.pkl", "constants.pkl", "code/__torch__.py"):
                archive.writestr(f"a/{name}", b"")
        assert "TorchScript" in refused(tmp_path / "a.pt")

    @pytest.mark.parametrize("zipped", [True, False])
    def test_truncated_checkpoint_fails_with_one_line(self, torch, tmp_path, zipped):
        buffer = io.BytesIO()
        torch.save({"w": torch.ones(3000)}, buffer, _use_new_zipfile_serialization=zipped)
        content = buffer.getvalue()
        for length in (1, 10, 100, len(content) // 2, len(content) - 3):
            (tmp_path / "a.pth").write_bytes(content[:length])
            refused(tmp_path / "a.pth")

    def test_random_bytes_fail_with_one_line(self, torch, tmp_path):
        for seed in range(20):
            noise = np.random.default_rng(seed).integers(0, 256, 2000, "uint8").tobytes()
            (tmp_path / "a.pth").write_bytes(b"\x80" + noise)
            refused(tmp_path / "a.pth")

    def test_checkpoint_without_named_tensors(self, torch, tmp_path):
        for content in (torch.ones(3), [torch.ones(3)], {}, {"a": 1}, {3: torch.ones(3)}):
            torch.save(content, tmp_path / "a.pt")
            assert "holds no named tensors" in refused(tmp_path / "a.pt")
