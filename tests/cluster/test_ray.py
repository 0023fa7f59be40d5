"""`python -m cluster.ray` on a cluster of two nodes on this machine."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster import ray as command
from cluster.part import Work, compute
from tests.conftest import Project
from tests.running import ROOT, run_script
from video.errors import LookbackError, UsageError

WITHOUT_REPORTS = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_DISABLE_IMPORT_WARNING": "1"}


def test_a_manifest_is_needed_before_ray_starts(tmp_path):
    with pytest.raises(UsageError, match=r"there is no .*manifest\.csv yet"):
        command.main(["--parts", "2", "--data", str(tmp_path)])


def test_parts_are_a_number(tmp_path):
    for given in (["--parts", "0"], ["--parts", "x"], []):
        with pytest.raises(UsageError, match="--parts"):
            command.main([*given, "--data", str(tmp_path)])


def test_ray_that_is_missing_is_told(project, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(LookbackError, match="pip install"):
        command.main(["--parts", "2", *project.arguments])


def test_a_node_that_does_not_see_the_data_tells_so(tmp_path, monkeypatch):
    monkeypatch.setenv("LOOKBACK_THREADS", "1")
    work = Work((), str(tmp_path), (str(tmp_path), str(tmp_path / "manifest.csv")), 1)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(LookbackError, match=r"manifest\.csv: the node .* does not see it"):
        compute(work)


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Address of a cluster: a head without CPUs, and two nodes with one each."""
    pytest.importorskip("ray", reason="ray of requirements-cluster.txt")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in WITHOUT_REPORTS.items():
            patch.setenv(name, value)
        from ray.cluster_utils import Cluster

        small = {"object_store_memory": 100 * 2**20, "include_dashboard": False}
        cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, **small})
        try:
            for _ in range(2):
                cluster.add_node(num_cpus=1, **small)
            yield cluster.address
        finally:
            cluster.shutdown()


def _start(address: str, *arguments: object) -> subprocess.Popen:
    words = ["-m", "cluster.ray", "--address", address, *map(str, arguments)]
    return subprocess.Popen(
        [sys.executable, *words],
        cwd=ROOT,
        env={**os.environ, **WITHOUT_REPORTS},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _reader_of_clips(folder: Path) -> int:
    """Wait for a worker of Ray that has a clip open, which is in the middle of a part."""
    end = time.monotonic() + 200
    while time.monotonic() < end:
        for process in Path("/proc").glob("[0-9]*"):
            try:
                name = (process / "cmdline").read_bytes()
                opened = [os.readlink(each) for each in (process / "fd").iterdir()]
            except OSError:  # it has ended
                continue
            clips = any(each.startswith(f"{folder}/clips/") for each in opened)
            if clips and name.startswith(b"ray::lookback "):
                return int(process.name)
    raise AssertionError("no worker read a clip")


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="finds the worker below /proc")
def test_a_killed_worker_is_repeated_and_the_features_are_those_of_one_program(
    project: Project, address: str, tmp_path: Path
):
    run_script("extract.py", [*project.arguments, "--features", tmp_path / "one"])
    features = ("--features", tmp_path / "many")
    started = _start(address, "--parts", 4, *project.arguments, *features)
    os.kill(_reader_of_clips(project.data), signal.SIGKILL)
    out, error = started.communicate(timeout=250)
    assert started.returncode == 0, error
    assert "4 of 4 parts" in out
    assert "48 were there already, 0 rejected" in out  # the program that joins computed none
    one, many = (next((tmp_path / name).glob("part-*.h5")) for name in ("one", "many"))
    assert one.read_bytes() == many.read_bytes()


@pytest.mark.slow
def test_a_users_mistake_ends_all_parts_in_one_line(project, address, tmp_path):
    empty = tmp_path / "weights"
    arguments = ["--parts", 2, "--data", project.data, "--weights", empty]
    started = _start(
        address,
        *arguments,
        "--backbone",
        "tiny",
        "--engine",
        "keras",
        "--precision",
        "int8",
        "--features",
        tmp_path / "features",
    )
    _, error = started.communicate(timeout=250)
    assert started.returncode in (1, 2)
    (line,) = error.strip().splitlines()
    assert line.startswith("error: ")
    assert line.endswith("(part network)")


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="finds the worker below /proc")
def test_ctrl_c_ends_the_parts(project, address, tmp_path):
    features = ("--features", tmp_path / "features")
    started = _start(address, "--parts", 4, *project.arguments, *features)
    worker = _reader_of_clips(project.data)
    started.send_signal(signal.SIGINT)
    _, error = started.communicate(timeout=100)
    assert started.returncode == 130
    assert "stopped" in error
    assert not list(tmp_path.glob(".features-*"))
    name = Path(f"/proc/{worker}/cmdline")
    end = time.monotonic() + 30
    while name.exists() and name.read_bytes().startswith(b"ray::lookback "):
        assert time.monotonic() < end, "the part goes on"
        time.sleep(0.1)
