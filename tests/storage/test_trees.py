"""Folders come down when a command begins, and what it changed goes up when it ends."""

import shutil

import pytest

from storage import roles, trees
from storage.mirror import local_path
from video.errors import LookbackError


@pytest.fixture
def model(memory) -> str:
    for name in ("model.yaml", "backbone.weights.h5", "previous/model.yaml", "checkpoint/state.h5"):
        memory.put(f"model/{name}", name)
    memory.put("model-2/model.yaml", "another one")
    return f"{memory.url}/model"


def test_a_model_folder_comes_down_whole_and_once(memory, model, gets):
    folder = roles.model_folder(model)
    for name in memory.names("model"):
        assert (folder / name).read_text() == name
    assert set(gets.values()) == {1}
    trees.close()
    roles.model_folder(model)
    assert sum(gets.values()) == 4
    memory.put("model/model.yaml", "newer it is")
    trees.close()
    assert (roles.model_folder(model) / "model.yaml").read_text() == "newer it is"
    assert sum(gets.values()) == 5


def test_only_what_changed_goes_up_and_what_is_gone_goes(memory, model, monkeypatch):
    folder = roles.model_folder(model)
    sent, real = [], trees.copies.send
    monkeypatch.setattr(trees.copies, "send", lambda path: sent.append(path.name) or real(path))
    (folder / "model.yaml").write_text("MODEL.YAML")  # of the same size
    (folder / "metrics.json").write_text("{}")
    (folder / "part.metrics.json").write_text("{")  # not finished
    shutil.rmtree(folder / "checkpoint")
    trees.copy_up()
    assert sent == ["metrics.json", "model.yaml"]  # the config goes up last
    assert memory.read("model/model.yaml") == b"MODEL.YAML"
    assert memory.names("model") == [
        "backbone.weights.h5",
        "metrics.json",
        "model.yaml",
        "previous/model.yaml",
    ]
    trees.copy_up()
    assert len(sent) == 2
    assert memory.names("model-2") == ["model.yaml"]


def test_a_mirror_that_was_emptied_removes_nothing(memory, model):
    before = memory.names()
    shutil.rmtree(roles.model_folder(model))
    trees.copy_up()
    assert memory.names() == before


def test_files_that_the_storage_lacks_do_not_stay_in_the_mirror(memory, model):
    folder = local_path(model)
    folder.mkdir(parents=True)
    (folder / "baselines.npz").write_text("of an earlier model")
    roles.model_folder(model)
    assert not (folder / "baselines.npz").exists()


def test_a_failed_upload_tells_where_the_files_are(memory, model, monkeypatch, capsys):
    folder = roles.model_folder(model)
    (folder / "metrics.json").write_text("{}")

    def fail(*_, **__):
        raise PermissionError

    monkeypatch.setattr("fsspec.implementations.memory.MemoryFileSystem.put_file", fail)
    with pytest.raises(LookbackError, match=f"no permission to write it.*{folder}$"):
        trees.copy_up()
    trees.copy_up_if_possible(folder / "checkpoint")  # one of many, and the training goes on
    assert "no permission to write it" in capsys.readouterr().out


@pytest.fixture
def data(memory) -> str:
    for name in ("clips/run/a.mp4", "clips/run/a.csv", "augmented/b.mp4", "features/part-1-a.h5"):
        memory.put(f"set/{name}", name)
    for name in ("manifest.csv", "lists/train.txt", "movie.mp4", "model/model.yaml"):
        memory.put(f"set/{name}", name)
    return f"{memory.url}/set"


def test_of_a_data_folder_texts_come_down_and_clips_are_named(memory, data, gets):
    folder = roles.data_folder(data, [f"{data}/model"])
    sizes = {
        path.relative_to(folder).as_posix(): path.stat().st_size
        for path in folder.rglob("*")
        if path.is_file()
    }
    assert sizes == {
        "clips/run/a.mp4": 0,
        "clips/run/a.csv": 0,
        "augmented/b.mp4": 0,
        "movie.mp4": 0,
        "manifest.csv": 12,
        "lists/train.txt": 15,
    }
    memory.remove("set/clips/run/a.mp4")
    trees.close()
    assert not (roles.data_folder(data) / "clips/run/a.mp4").exists()


def test_of_a_data_folder_only_what_was_made_goes(memory, data):
    folder = roles.data_folder(data)
    for name in ("clips/run/a.mp4", "manifest.csv", "augmented/b.mp4"):
        (folder / name).unlink()
    (folder / "rejected.csv").write_text("video,reason\n")
    before = set(memory.names("set"))
    trees.copy_up()
    assert set(memory.names("set")) == (before - {"augmented/b.mp4"}) | {"rejected.csv"}


def test_a_file_or_folder_of_lists_comes_down(memory, data):
    assert roles.file_or_folder(f"{data}/lists/train.txt").read_text() == "lists/train.txt"
    assert (roles.file_or_folder(f"{data}/lists") / "train.txt").read_text() == "lists/train.txt"
    with pytest.raises(LookbackError, match="there is no such file or folder"):
        roles.file_or_folder(f"{data}/lists/val.txt")


def test_what_only_saves_time_may_stay_here(memory, data, monkeypatch, capsys):
    folder = roles.data_folder(data)
    (folder / "hashes.json").write_text("{}")

    def fail(*_, **__):
        raise PermissionError

    with monkeypatch.context() as context:
        context.setattr("fsspec.implementations.memory.MemoryFileSystem.put_file", fail)
        trees.copy_up_cache(folder / "hashes.json")
        trees.copy_up_cache(folder / "hashes.json")
    assert capsys.readouterr().out.count("saves time only") == 1
    trees.copy_up()
    assert "hashes.json" not in memory.names("set")


def test_results_go_up_without_anything_coming_down(memory, gets):
    memory.put("report/old.png", "old")
    folder = roles.out_folder(f"{memory.url}/report")
    folder.mkdir(parents=True)
    (folder / "metrics.json").write_text("{}")
    trees.copy_up()
    assert memory.names("report") == ["metrics.json", "old.png"]
    assert not gets


def test_a_single_file_of_features_goes_up_and_down(memory):
    memory.put("shared.h5", "features")
    memory.put("shared.h5.parts/part-1-a.h5", "newer")
    path = local_path(f"{memory.url}/shared.h5")
    roles.features(path)
    assert path.read_text() == "features"
    (path.parent / "shared.h5.parts" / "part-1-a.h5").replace(path)
    (path.parent / "shared.h5.parts").rmdir()
    trees.copy_up()
    assert memory.read("shared.h5") == b"newer"
    assert memory.names() == ["shared.h5"]
