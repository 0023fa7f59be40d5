"""Runs a notebook without Jupyter: its code cells, one after another, in one namespace."""

import json
from pathlib import Path
from typing import Any

PARAMETERS = "parameters"


def cells_of(path: Path) -> list[dict[str, Any]]:
    """Return the cells of a notebook, with their text joined."""
    content = json.loads(path.read_text(encoding="utf-8"))
    assert (content["nbformat"], content["nbformat_minor"]) == (4, 5)
    return [{**cell, "source": "".join(cell["source"])} for cell in content["cells"]]


def run_notebook(path: Path, parameters: dict[str, Any]) -> dict[str, Any]:
    """Run a notebook in the current folder and return its namespace.

    Args:
        path: The notebook.
        parameters: Values of the names that its cell with the tag `parameters` sets.
    """
    namespace: dict[str, Any] = {"__name__": "__main__"}
    for number, cell in enumerate(cells_of(path)):
        if cell["cell_type"] != "code":
            continue
        exec(compile(cell["source"], f"{path.name}, cell {number}", "exec"), namespace)
        if PARAMETERS in cell["metadata"].get("tags", ()):
            assert parameters.keys() <= namespace.keys(), "the notebook has other parameters"
            namespace.update(parameters)
    return namespace
