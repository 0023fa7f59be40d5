"""A folder of converted networks starts without a framework, and never with other weights."""

import shutil
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from extract.engines import UnbuiltModel
from extract.extractor.loading import load_network, open_whole
from live.model import load_live_model
from model_folder.config import BACKBONE_WEIGHTS, SEQUENCE_WEIGHTS, require_config, write_config
from tests.live.conftest import probabilities, read_rows
from tests.running import ROOT
from video.errors import LookbackError


@pytest.fixture
def copied(project, tmp_path) -> Path:
    """A copy of the project's model folder."""
    return Path(shutil.copytree(project.weights, tmp_path / "weights"))


def as_of_an_earlier_version(folder: Path) -> None:
    """Remove what model folders had not before: hashes of files, and notes beside networks."""
    config = require_config(folder)
    parts = {
        name: getattr(config, name).model_copy(update={"file_sha256": ""})
        for name in ("backbone", "sequence")
    }
    write_config(folder, config.model_copy(update=parts))
    for note in folder.rglob("network.json"):
        note.unlink()


def test_commands_start_where_no_framework_can_be_imported(project, a_clip, tmp_path, run_live):
    command = [sys.executable, "-m", "tests.live.start_without"]
    places = [project.data, project.weights, tmp_path, a_clip]
    done = subprocess.run(
        [*command, *map(str, places)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "loaded:"
    assert "48 videos extracted" in done.stdout
    keras = ["--csv", tmp_path / "keras.csv", "--set", "extract.engine=keras"]
    assert run_live("--video", a_clip, "--head", "lstm", *keras) == 0
    ours, wanted = (probabilities(read_rows(tmp_path / f"{n}.csv")) for n in ("lstm", "keras"))
    np.testing.assert_allclose(ours, wanted, atol=1e-5)


def test_weights_that_were_replaced_are_refused(copied):
    config = require_config(copied)
    assert isinstance(open_whole(copied, config), UnbuiltModel)
    other = load_network(copied, config)
    other.set_weights([weight + 1 for weight in other.get_weights()])
    other.save_weights(copied / BACKBONE_WEIGHTS)
    with pytest.raises(LookbackError, match=r"backbone\.weights\.h5: these are not the weights"):
        load_live_model(copied)


def test_a_second_stage_that_was_replaced_is_refused(copied):
    with h5py.File(copied / SEQUENCE_WEIGHTS, "r+") as file:
        arrays: list[h5py.Dataset] = []
        file.visititems(lambda _, item: arrays.extend([item] * isinstance(item, h5py.Dataset)))
        arrays[0][...] += 1e-3
    with pytest.raises(LookbackError, match=r"sequence\.weights\.h5: these weights do not match"):
        load_live_model(copied)


def test_settings_that_were_changed_do_not_find_the_kept_networks(copied):
    config = require_config(copied)
    units = config.sequence.model_copy(update={"units": (8, 4)})
    write_config(copied, config.model_copy(update={"sequence": units}))
    with pytest.raises(LookbackError, match=r"sequence\.weights\.h5: these are not weights of"):
        load_live_model(copied)
    network = config.backbone.network.model_copy(update={"features": 8})
    backbone = config.backbone.model_copy(update={"network": network})
    write_config(copied, config.model_copy(update={"backbone": backbone}))
    with pytest.raises(LookbackError, match=r"backbone\.weights\.h5: these are not weights of"):
        load_live_model(copied)


def test_a_folder_of_an_earlier_version_is_checked_once(copied, capsys):
    as_of_an_earlier_version(copied)
    before = (copied / "model.yaml").read_bytes()
    assert not isinstance(open_whole(copied, require_config(copied)), UnbuiltModel)
    assert capsys.readouterr().out.count("is of an earlier version") == 1
    assert isinstance(open_whole(copied, require_config(copied)), UnbuiltModel)
    assert capsys.readouterr().out == ""
    assert (copied / "model.yaml").read_bytes() == before


@pytest.mark.slow
def test_an_earlier_folder_and_damaged_networks_are_converted_again(copied, a_clip, capsys):
    import lookback

    before = lookback.load(copied).predict(a_clip).probabilities
    as_of_an_earlier_version(copied)
    later = lookback.load(copied).predict(a_clip).probabilities
    assert capsys.readouterr().out.count("note:") == 1
    np.testing.assert_allclose(later, before, atol=1e-5)
    for path in (copied / "engines").rglob("model.bin"):
        path.write_bytes(path.read_bytes()[:-1])
    again = lookback.load(copied).predict(a_clip).probabilities
    assert capsys.readouterr().out.count("is damaged; the network is converted again") == 2
    np.testing.assert_allclose(again, before, atol=1e-5)
    lookback.load(copied)
    assert capsys.readouterr().out == ""
