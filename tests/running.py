"""Running the scripts as a user does, but inside this process: the framework starts only once."""

import importlib.util
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def load_script(name: str):
    """Return a script of the top level as a module, also where a package has its name."""
    spec = importlib.util.spec_from_file_location(f"script_{Path(name).stem}", ROOT / name)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run_script(name: str, arguments: list[str]) -> int:
    """Run a script's main from the project's root and return its exit code.

    Errors that the script would print in one line come as `LookbackError`.
    """
    import os

    before = Path.cwd()
    os.chdir(ROOT)
    try:
        return load_script(name).main([str(argument) for argument in arguments])
    finally:
        os.chdir(before)
