"""Addresses in a recipe become local paths, and what a command changes goes up."""

from pathlib import Path

import pytest

from recipes.command_line import parser
from recipes.loader import load
from recipes.places import copied_up, with_local_places
from storage import trees
from storage.mirror import url_of
from tests.storage.conftest import Memory
from video.errors import LookbackError, UsageError


@pytest.fixture
def memory(elsewhere):
    yield Memory(elsewhere)
    trees.close()


def test_settings_without_addresses_stay_as_they_are():
    settings = load()
    assert with_local_places(settings) is settings


def test_addresses_become_paths_of_mirrors(memory):
    memory.put("set/manifest.csv", "video,label\n")
    memory.put("set/lists/two.csv", "video,label\n")
    memory.put("model/model.yaml", "format: lookback-model\n")
    keys = {"data.folder": "set", "data.manifest": "set/lists/two.csv", "model.folder": "model"}
    keys |= {"data.features": "features", "data.lists": "set/lists"}
    urls = {key: f"{memory.url}/{name}" for key, name in keys.items()}
    settings = with_local_places(load(flags=urls))
    data, model = settings.recipe.data, settings.recipe.model
    found = [data.folder, data.manifest, model.folder, data.features, data.lists]
    assert [url_of(each) for each in found] == list(urls.values())
    for path in (f"{data.folder}/manifest.csv", data.manifest, f"{model.folder}/model.yaml"):
        assert Path(path).read_text("utf-8")
    assert set(settings.flags) == set(urls)


def test_what_changed_goes_up_also_after_an_error_of_the_user(memory):
    settings = with_local_places(load(flags={"model.folder": f"{memory.url}/model"}))
    folder = Path(settings.recipe.model.folder)
    folder.mkdir(parents=True)
    (folder / "history.csv").write_text("epoch\n", encoding="utf-8")
    with pytest.raises(LookbackError, match=f"^{memory.url}/model: is wrong$"), copied_up():
        raise LookbackError(f"{folder}: is wrong")
    assert memory.names("model") == ["history.csv"]
    memory.put("model/history.csv", "epoch,loss\n")
    with_local_places(load(flags={"model.folder": f"{memory.url}/model"}))
    assert (folder / "history.csv").read_text("utf-8") == "epoch,loss\n"


def test_a_flag_that_takes_a_path_refuses_an_address():
    flags = parser("train", "", ())
    with pytest.raises(UsageError, match=r"--recipe s3:/bucket/a.yaml: takes a path, no address"):
        flags.parse_args(["--recipe", "s3://bucket/a.yaml"])
