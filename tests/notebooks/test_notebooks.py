"""The notebooks run from top to bottom, on a small set, and are stored without outputs."""

import csv
import logging
import re
import sys
from pathlib import Path

import matplotlib
import pytest

from tests.notebooks.runner import PARAMETERS, cells_of, run_notebook
from tests.running import ROOT

pytestmark = pytest.mark.slow

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
SMALL = {"SCENES": 6, "EPOCHS": 1}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_has_no_outputs_and_links_that_lead_somewhere(path):
    cells = cells_of(path)
    for cell in cells:
        if cell["cell_type"] == "code":
            assert (cell["outputs"], cell["execution_count"]) == ([], None)
        else:
            for target in re.findall(r"\]\(([^)#]+)", cell["source"]):
                assert (path.parent / target).is_file(), target
    assert len({cell["id"] for cell in cells}) == len(cells)
    assert cells[0]["source"].startswith(f"# {path.stem[0]}. ")
    assert sum(PARAMETERS in cell["metadata"].get("tags", ()) for cell in cells) == 1


def test_there_are_four_notebooks_in_order():
    assert [path.stem[0] for path in NOTEBOOKS] == ["1", "2", "3", "4"]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty folder as the current one; what the notebooks change in the process is undone."""
    backend, level = matplotlib.get_backend(), logging.getLogger("lookback").level
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.chdir(tmp_path)
    matplotlib.use("Agg")
    handlers = list(logging.root.handlers)
    yield tmp_path
    matplotlib.use(backend)
    logging.root.handlers[:] = handlers
    logging.getLogger("lookback").setLevel(level)


@pytest.mark.filterwarnings("ignore:FigureCanvasAgg is non-interactive")
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.UndefinedMetricWarning")
@pytest.mark.filterwarnings("ignore:More than 20 figures")
def test_the_notebooks_run_from_top_to_bottom(folder):
    names: dict[str, object] = {}
    for path in NOTEBOOKS:
        cells = "".join(cell["source"] for cell in cells_of(path) if PARAMETERS in str(cell))
        names |= run_notebook(path, {k: v for k, v in SMALL.items() if f"{k} =" in cells})
    assert len(names["run"].history) == SMALL["EPOCHS"]
    assert names["report"]["clip"]["count"] == 4  # one scene of six, with its four clips
    with (folder / names["OUT"] / "show.csv").open(newline="") as file:
        assert next(csv.reader(file)) == ["label", "start", "end", "probability"]
    assert Path(names["WEIGHTS"], "model.yaml").is_file()
