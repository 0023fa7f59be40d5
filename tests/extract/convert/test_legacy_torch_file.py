"""Files of PyTorch before 1.6 are read without PyTorch, and nothing in them is executed."""

import os
import sys
from collections import OrderedDict

import numpy as np
import pytest

from extract.convert.checkpoint_reader import read_checkpoint
from tests.extract.convert.legacy_file import Global, Tensor, write_legacy
from video.errors import LookbackError


@pytest.fixture(autouse=True)
def without_torch(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)  # an import of it fails


def refused(path) -> str:
    with pytest.raises(LookbackError) as error:
        read_checkpoint(path)
    assert str(error.value).startswith(f"{path}: ")
    assert "\n" not in str(error.value)
    return str(error.value)


def test_tensors_become_arrays(tmp_path):
    values = np.arange(6, dtype="f4")
    content = OrderedDict(
        plain=Tensor(values.reshape(2, 3), (2, 3), (3, 1)),
        turned=Tensor(values, (3, 2), (1, 3)),
        last=Tensor(values, (2,), (1,), offset=4),
        half=Tensor(np.array([1.5, -2], "f2")),
        brain=Tensor(
            np.array([1.5, -2], "f4").view("u4").__rshift__(16).astype("u2"), kind="BFloat16Storage"
        ),
        count=Tensor(np.array([7], "i8"), (), ()),
        none=Tensor(np.empty(0, "f4"), (0, 3), (3, 1)),
    )
    tensors = read_checkpoint(write_legacy(tmp_path / "a.pth", {"state_dict": content, "epoch": 3}))
    assert set(tensors) == set(content)
    np.testing.assert_array_equal(tensors["plain"], values.reshape(2, 3))
    np.testing.assert_array_equal(tensors["turned"], values.reshape(2, 3).T)
    assert tensors["last"].tolist() == [4, 5]
    assert tensors["half"].tolist() == tensors["brain"].tolist() == [1.5, -2]
    assert tensors["count"] == 7
    assert tensors["none"].shape == (0, 3)
    floats = {"plain", "turned", "last", "half", "brain", "none"}
    assert {tensors[name].dtype for name in floats} == {np.dtype("float32")}


def test_values_that_two_tensors_share_are_read_once(tmp_path):
    first = Tensor(np.arange(4, dtype="f4"))
    second = Tensor(np.empty(0, "f4"))
    second.arguments = (first.arguments[0], 1, (2,), (1,), False)
    tensors = read_checkpoint(write_legacy(tmp_path / "a.pth", {"a": first, "b": second}))
    assert tensors["b"].tolist() == [1, 2]


class _RunsCode:
    def __init__(self, module: str, name: str, *arguments: object) -> None:
        self.call = (Global(module, name), arguments)

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize(
    ("module", "name"),
    [("os", "mkdir"), (os.mkdir.__module__, "mkdir"), ("builtins", "eval"), ("torch", "load")],
)
def test_anything_but_tensors_is_refused(tmp_path, module, name):
    made = tmp_path / "executed"
    argument = f"__import__('os').mkdir({str(made)!r})" if name == "eval" else str(made)
    path = tmp_path / "a.pth"
    write_legacy(path, {"w": Tensor(np.ones(2, "f4")), "x": _RunsCode(module, name, argument)})
    message = refused(path)
    assert f"more than weights ({module}.{name})" in message
    assert "nothing in it was executed" in message
    assert not made.exists()


@pytest.mark.parametrize(
    "view", [((3,), (1,), 2), ((2,), (1,), -1), ((2,), (-1,), 1), ((9, 9), (0, 0), 0)]
)
def test_view_beyond_the_values_is_refused(tmp_path, view):
    shape, strides, offset = view
    tensor = Tensor(np.ones(4, "f4"), shape, strides, offset)
    assert "beyond its values" in refused(write_legacy(tmp_path / "a.pth", {"w": tensor}))


def test_truncated_file_fails_with_one_line(tmp_path):
    path = write_legacy(tmp_path / "a.pth", {"w": Tensor(np.ones(3000, "f4"))})
    content = path.read_bytes()
    for length in (20, 60, 120, len(content) // 2, len(content) - 3):
        path.write_bytes(content[:length])
        assert "truncated" in refused(path)
