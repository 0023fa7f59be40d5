"""Hints name a command as the user has started the program."""

import ast
import re
import sys

import pytest

from recipes import commands
from recipes.commands import COMMANDS, command, program
from tests.rooms import PACKAGES
from tests.running import ROOT

_ROOMS = PACKAGES


@pytest.mark.parametrize(
    ("started_as", "train", "convert"),
    [
        ("train_lstm.py", "python train_lstm.py", "python -m extract.convert"),
        ("/home/a/lookback/train_lstm.py", "python train_lstm.py", "python -m extract.convert"),
        ("/usr/bin/lookback", "lookback train", "lookback convert"),
        ("lookback.exe", "lookback train", "lookback convert"),
        (
            "/lib/site-packages/lookback/__main__.py",
            "python -m lookback train",
            "python -m lookback convert",
        ),
        ("", "python train_lstm.py", "python -m extract.convert"),
    ],
)
def test_a_command_is_named_as_the_program_was_started(started_as, train, convert, monkeypatch):
    monkeypatch.setattr(sys, "argv", [started_as])
    assert (command("train"), command("convert")) == (train, convert)


def test_outside_of_a_clone_the_installed_command_is_named(monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "argv", ["ipykernel_launcher.py"])
    monkeypatch.setattr(commands, "_ROOT", tmp_path)
    assert program() is None
    assert command("train") == "lookback train"


def test_every_form_of_a_clone_is_there():
    for name in COMMANDS:
        form = commands._FORMS_OF_A_CLONE[name].split()
        path = form[1] if form[1] != "-m" else form[2].replace(".", "/")
        there = (path, f"{path}.py", f"{path}/__main__.py")
        assert any((ROOT / each).is_file() for each in there), form


def _texts(path) -> "list[str]":
    """Return the string literals of a module that are no docstrings."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    owners = (ast.Module, ast.ClassDef, ast.FunctionDef)
    documented = [node for node in ast.walk(tree) if isinstance(node, owners) and node.body]
    docstrings = {id(getattr(node.body[0], "value", None)) for node in documented}
    return [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and id(node) not in docstrings
    ]


@pytest.mark.parametrize("room", _ROOMS)
def test_no_text_of_the_program_names_a_command_by_hand(room):
    by_hand = re.compile(r"\b(prepare|finetune|extract|train_lstm|evaluate|run)\.py\b")
    for path in (ROOT / room).rglob("*.py"):
        if path.name != "commands.py":
            assert not [text for text in _texts(path) if by_hand.search(text)], path
