"""The documents are true: links, commands, flags, modules, recipe keys and examples exist."""

import importlib
import os
import re
import shutil
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from pydantic import BaseModel

import lookback
from lookback.cli import _COMMANDS
from model_folder.config import read_config
from recipes.renamed_keys import RENAMED_FLAGS
from recipes.schema import Recipe
from tests.rooms import PACKAGES, module_files
from tests.running import ROOT

_NAMES = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "data/README.md", "weights/README.md")
DOCUMENTS = [*(ROOT / name for name in _NAMES), *sorted((ROOT / "docs").glob("*.md"))]
# Written at the same time as the documents that name them.
_EXPECTED: set[str] = set()

_OURS = {*PACKAGES, "tests", "benchmarks"}
_SCRIPTS = {
    "prepare.py": "prepare",
    "finetune.py": "finetune",
    "extract.py": "extract",
    "train_lstm.py": "train",
    "evaluate.py": "evaluate",
    "run.py": "run",
}
# A script, a module of ours after -m, or the installed command, with the rest of the line.
_COMMAND = re.compile(
    r"(?:python3?|Scripts\\python) +(?:-m +(?P<module>[\w.]+)|(?P<script>\w+\.py))(?P<a>[^`#\n]*)"
    r"|(?<![\w./])lookback (?P<name>[a-z]+)(?P<b>[^`#\n]*)"
)
_FLAG = re.compile(r"(?<![\w-])--[a-z][a-z0-9-]*")


def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def code_of(text: str) -> list[str]:
    """Return the fenced blocks of a document and its pieces of inline code."""
    fence = re.compile(r"```[a-z]*\n(.*?)```", re.DOTALL)
    return fence.findall(text) + re.findall(r"`([^`\n]+)`", fence.sub("", text))


def exists(name: str) -> bool:
    """Whether a file or folder of the repository exists, or is still to come."""
    return (ROOT / name).exists() or name in _EXPECTED


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _anchors(path: Path) -> set[str]:
    """Return the anchors of a document's headings, as GitHub makes them."""
    titles = re.findall(r"^#+ +(.+)$", text_of(path), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in titles}


@pytest.mark.parametrize("path", DOCUMENTS, ids=named)
def test_links_lead_somewhere(path: Path):
    for target in re.findall(r"\]\(([^)\s]+)\)", text_of(path)):
        file, _, anchor = target.partition("#")
        if not file.startswith(("http:", "https:")):
            place = path.parent / file if file else path
            assert exists(Path(os.path.relpath(place, ROOT)).as_posix()), target
            assert not anchor or anchor in _anchors(place), target


@cache
def _flags_of(module: str) -> frozenset[str]:
    """Return the flags of a command: those that its help shows, or else those in its text."""
    if module in {entry[0] for entry in _COMMANDS.values()}:
        return frozenset(_FLAG.findall(_help_of(module)))
    place = ROOT / Path(*module.split("."))
    source = place / "__main__.py" if place.is_dir() else place.with_suffix(".py")
    return frozenset(re.findall(r'"(--[a-z0-9-]+)"', text_of(source)))


def _help_of(module: str) -> str:
    lines: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            sys, "stdout", type("Output", (), {"write": lambda _, text: lines.append(text)})()
        )
        with pytest.raises(SystemExit):
            importlib.import_module(module).main(["--help"])
    return "".join(lines)


def _commands_of(path: Path) -> Iterator[tuple[str, str]]:
    """Yield (module, the words after it) of every command of ours in a document."""
    for match in (each for code in code_of(text_of(path)) for each in _COMMAND.finditer(code)):
        module = match["module"] or match["script"] or match["name"]
        if match["script"] in _SCRIPTS or match["name"] in _COMMANDS:
            module = _COMMANDS[_SCRIPTS.get(module, module)][0]
        elif match["module"] and module.split(".")[0] not in _OURS:
            continue  # such as pip
        yield module, match["a"] or match["b"] or ""


@pytest.mark.parametrize("path", DOCUMENTS, ids=named)
def test_commands_exist_with_their_flags(path: Path):
    for module, words in _commands_of(path):
        place = ROOT / Path(*module.split("."))
        assert place.with_suffix(".py").is_file() or (place / "__main__.py").is_file(), module
        assert set(_FLAG.findall(words)) <= _flags_of(module) | {"--help"}, f"{module} {words}"


def test_enough_commands_are_found():
    found = {module for path in DOCUMENTS for module, _ in _commands_of(path)}
    assert {entry[0].removesuffix(".__main__") for entry in _COMMANDS.values()} <= found
    assert {"clips.synthetic", "sequence.convert", "benchmarks.extraction"} <= found


@pytest.mark.parametrize("path", DOCUMENTS, ids=named)
def test_flags_in_the_text_belong_to_a_command(path: Path):
    known = {"--version", *RENAMED_FLAGS}  # the changelog names earlier flags
    for module in {module for document in DOCUMENTS for module, _ in _commands_of(document)}:
        known |= _flags_of(module)
    flags = [code for code in code_of(text_of(path)) if code.startswith("--")]
    assert {_FLAG.findall(code)[0] for code in flags} <= known


def test_the_readme_names_every_subcommand():
    install = text_of(ROOT / "README.md").partition("## Install")[2].partition("\n## ")[0]
    assert set(_COMMANDS) <= set(re.findall(r"`(?:lookback )?([a-z]+)`", install))


def _modules_of_rooms() -> list[str]:
    """Return the modules in the tables of architecture.md, below headings such as `### video/`."""
    found, folder = [], ""
    for line in text_of(ROOT / "docs/architecture.md").splitlines():
        if line.startswith("#"):
            heading = line.lstrip("# ")
            folder = heading if heading.endswith("/") else ""
        elif folder and (row := re.match(r"\| `(\w+\.py)` \|", line)):
            found.append(folder + row[1])
    return found


def _paths_in_text() -> list[str]:
    """Return the paths and dotted names of modules in architecture.md and CONTRIBUTING.md."""
    found = set()
    for name in ("docs/architecture.md", "CONTRIBUTING.md"):
        text = text_of(ROOT / name)
        found |= set(re.findall(r"`((?:\w+/)+(?:\w+\.\w+)?)`", text))
        found |= set(re.findall(r"^### ((?:\w+/)+)$", text, re.MULTILINE))
    return sorted(path for path in found if path.split("/")[0] in _OURS)


def test_modules_exist():
    listed = _modules_of_rooms()
    assert len(listed) > 100
    assert [path for path in [*listed, *_paths_in_text()] if not exists(path)] == []


def test_every_module_is_listed():
    listed = set(_modules_of_rooms())
    alike = ("sequence/heads", "sequence/convert", "lookback/commands")  # one line for all of each
    for path in module_files().values():
        name = path.relative_to(ROOT).as_posix()
        if path.stem not in ("__init__", "__main__") and not name.startswith(alike):
            assert name in listed, f"docs/architecture.md: {name}"


@pytest.mark.parametrize("name", ["docs/architecture.md", "CONTRIBUTING.md"])
def test_dotted_names_exist(name: str):
    rooms = "|".join(set(PACKAGES) - {"lookback"})  # lookback.video is a logger
    for dotted in re.findall(rf"`((?:{rooms})(?:\.(?!py\b)\w+)+)", text_of(ROOT / name)):
        module, names = ROOT, dotted.split(".")
        if _is_key(names):
            continue
        while names and (module / names[0]).is_dir():
            module /= names.pop(0)
        module = (module / names.pop(0)).with_suffix(".py")
        assert module.is_file(), dotted
        assert all(re.search(rf"\b{each}\b", text_of(module)) for each in names), dotted


def _is_key(words: list[str]) -> bool:
    section: type[BaseModel] | None = Recipe
    for word in words:
        if section is None or word not in section.model_fields:
            return False
        kind = section.model_fields[word].annotation
        section = kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None
    return True


@pytest.mark.parametrize(
    "path", [path for path in DOCUMENTS if path.name != "CHANGELOG.md"], ids=named
)
def test_recipe_keys_exist(path: Path):
    if "phases" not in Recipe.model_fields["finetune"].annotation.model_fields:
        pytest.skip("the keys of recipes do not have their new names yet")
    sections = "|".join(set(Recipe.model_fields) - {"model"})  # model.fit is Keras'
    for code in code_of(text_of(path)):
        for key in re.findall(rf"(?:^|--set )((?:{sections})\.(?!py\b)[a-z_.]+)(?=$|[=:\s])", code):
            module = ROOT / Path(*key.split(".")[:2])
            if not module.exists() and not module.with_suffix(".py").exists():
                assert _is_key(key.split(".")), key


def test_pages_begin_with_a_command():
    pages = [path for path in (ROOT / "docs").glob("*.md") if path.name != "performance.md"]
    assert len(pages) > 5
    for path in pages:
        assert re.match(r"# [^\n]+\n\n```", text_of(path)), named(path)


def _python_of(name: str) -> str:
    return re.findall(r"```python\n(.*?)```", text_of(ROOT / name), re.DOTALL)[0]


def test_the_readmes_python_example_runs(request, tmp_path: Path, monkeypatch, capsys):
    if not hasattr(lookback, "load"):
        pytest.skip("lookback.load is not there yet")
    project = request.getfixturevalue("project")
    shutil.copytree(project.weights, tmp_path / "weights")
    shutil.copy(next(project.data.glob("clips/up/*.mp4")), tmp_path / "match.mp4")
    monkeypatch.chdir(tmp_path)
    exec(_python_of("README.md"), {})
    label, at = capsys.readouterr().out.splitlines()[-1].split()
    assert {label, at} <= set(read_config(Path("weights")).labels)
    assert text_of(tmp_path / "match.csv").startswith("step,seconds,label,probability,down,")
