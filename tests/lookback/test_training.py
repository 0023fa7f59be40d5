"""lookback.train and lookback.evaluate: from clips to a model and a report, repeatedly."""

import csv
import json
import shutil
import signal
from pathlib import Path

import pytest

import lookback
from lookback import TrainingRun
from recipes.loader import DEFAULT, load
from video.errors import LookbackError, UsageError

pytestmark = pytest.mark.slow

FAST = {
    "preprocessing.input_size": 32,
    "finetune.limit": 24,
    "finetune.clips_per_video": 2,
    "evaluate.bootstrap": 50,
}


@pytest.fixture(scope="module")
def data(clips_folder, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("api") / "data"
    shutil.copytree(clips_folder / "clips", folder / "clips")
    return folder


@pytest.fixture(scope="module")
def run(data) -> TrainingRun:
    return lookback.train(
        data,
        "demo",
        weights=data.with_name("weights"),
        epochs=2,
        settings={**FAST, "sequence.look_back": 5, "finetune.epochs": 1},
    )


def rows(path: Path) -> list[dict]:
    with path.open() as file:
        return list(csv.DictReader(file))


def test_a_run_returns_what_the_folder_holds(run, data):
    assert (run.folder, run.data) == (data.with_name("weights"), data)
    assert [each["epoch"] for each in run.history] == [1, 2]
    assert [each["epoch"] for each in run.finetuning] == [1]  # the key wins over the argument
    assert run.metrics == json.loads((run.folder / "metrics.json").read_text())
    for history, name in ((run.history, "history"), (run.finetuning, "finetune_history")):
        written = rows(run.folder / f"{name}.csv")
        assert [f"{each['loss']:.6g}" for each in history] == [each["loss"] for each in written]
    assert lookback.load(run.folder).look_back == 5


def test_a_report_is_what_metrics_json_holds(run, data, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    report = lookback.evaluate(str(run.folder), split="val", data=str(data))
    assert report.folder == Path("reports/weights")
    written = json.loads((report.folder / "metrics.json").read_text())
    assert dict(report) == report.metrics
    assert json.loads(json.dumps(dict(report))) == written
    assert report["split"] == "val"
    assert report.accuracy == report["clip"]["accuracy"] == run.metrics["clip"]["accuracy"]
    assert list(report.interval) == report["clip"]["accuracy_interval"]
    own = lookback.evaluate(run.folder, data=data, head="own", out=tmp_path / "own")
    assert (own["head"], own["split"], own.folder) == ("own", "test", tmp_path / "own")


def test_a_second_training_extends_what_is_there(run, data):
    """The feature file that the first training read is closed, so it can be written again."""
    keys = {**FAST, "sampling.fps": 5}
    again = lookback.train(
        data, "demo", weights=run.folder, finetune=False, epochs=1, settings=keys
    )
    assert again.finetuning == ()
    assert len(again.history) == 1
    assert (run.folder / "previous" / "model.yaml").is_file()
    seconds, features = lookback.load(run.folder).features(next((data / "clips/up").iterdir()))
    assert seconds.tolist() == [step / 5 for step in range(10)]
    assert features.shape == (10, 1024)


def test_the_head_own_needs_no_second_stage(data):
    run = lookback.train(
        data,
        "demo",
        weights=data.with_name("own"),
        epochs=1,
        settings={**FAST, "sequence.head": "own"},
    )
    assert run.history == run.finetuning
    assert run.metrics["head"] == "own"
    assert 0 <= run.metrics["clip_accuracy"] <= 1
    assert lookback.load(run.folder).look_back == 1
    assert lookback.evaluate(run.folder, data=data, out=run.folder / "report")["head"] == "own"


def test_training_puts_signal_handlers_back(run):
    assert run.history
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


@pytest.mark.parametrize("path", sorted(DEFAULT.parent.glob("*.yaml")), ids=lambda path: path.stem)
def test_a_recipe_asks_for_fine_tuning_where_its_commands_do(path):
    """`train` fine-tunes for the recipes that list finetune.py among their commands."""
    from lookback.training import asks_for_finetuning

    listed = any("#   python finetune.py" in line for line in path.read_text().splitlines())
    assert asks_for_finetuning(load(None if path == DEFAULT else path)) == listed


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"settings": {"sequence.lok_back": 8}}, "did you mean sequence.look_back?"),
        ({"recipe": "dmo"}, "did you mean demo?"),
        ({"epochs": 0}, "settings: finetune.epochs is 0, and should be"),
    ],
)
def test_a_wrong_argument_is_one_line(arguments, message, tmp_path):
    with pytest.raises(UsageError) as error:
        lookback.train(tmp_path, **arguments)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_a_folder_without_clips_is_one_line(tmp_path):
    with pytest.raises(LookbackError) as error:
        lookback.train(tmp_path / "none", weights=tmp_path / "weights")
    assert str(tmp_path / "none") in str(error.value)
    with pytest.raises(LookbackError, match=r"model\.yaml is missing"):
        lookback.evaluate(tmp_path)
    with pytest.raises(UsageError, match=r"evaluate\.split is 'tset'"):
        lookback.evaluate(tmp_path, split="tset")
