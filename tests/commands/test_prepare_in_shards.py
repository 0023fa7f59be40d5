"""`prepare.py --shard`: flags that it refuses, and a task that is ended by a signal."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from clips.kept_looks import FOLDER
from tests.conftest import distinct_copy, write_coded_video
from tests.running import ROOT
from video.cores import VARIABLE


def test_a_shard_reads_its_clips_and_writes_no_manifest(end_of, tmp_path, monkeypatch):
    monkeypatch.setenv(VARIABLE, "2")  # which --threads sets, until the end of the test
    one = write_coded_video(tmp_path / "one.mp4", 3)  # too short to be a copy
    for number in range(8):
        distinct_copy(one, tmp_path / "data" / "clips" / "ab"[number % 2] / f"{number}.mp4")
    places = ["--data", tmp_path / "data"]
    for flags in (["--convert", tmp_path / "new"], ["--augment", "9"], ["--drop-missing"]):
        end = end_of("prepare.py", *places, "--shard", "1/2", *flags)
        end.is_refusal(flags[0], "without --shard", code=2)
    end_of("prepare.py", *places, "--shard", "3/2").is_refusal("--shard 3/2", "1/2 to 2/2", code=2)
    end_of("prepare.py", *places, "--threads", "0").is_refusal("LOOKBACK_THREADS=0", code=2)
    read = 0
    for number in (1, 2):
        end = end_of("prepare.py", *places, "--shard", f"{number}/2", "--threads", "1")
        assert f"Shard {number}/2: " in end.output
        read += int(end.output.split(f"Shard {number}/2: ")[1].split()[0])
    assert read == 8
    assert not (tmp_path / "data" / "manifest.csv").exists()


def _open_files(process: int) -> list[str]:
    found = []
    for path in Path(f"/proc/{process}/fd").iterdir():
        with suppress(OSError):
            found.append(os.readlink(path))
    return found


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="needs /proc")
def test_sigterm_keeps_what_was_found(tmp_path):
    data = tmp_path / "data"
    one = write_coded_video(tmp_path / "one.mp4", 300, size=(640, 480))
    for number in range(60):
        distinct_copy(one, data / "clips" / "ab"[number % 2] / f"{number:02}.mp4")
    command = [sys.executable, "prepare.py", "--data", str(data), "--shard", "1/1", "--threads=1"]
    # The progress bar is shown on a terminal alone, so the files that are open tell that it reads.
    task = subprocess.Popen(command, cwd=ROOT)
    while not any("clips" in each for each in _open_files(task.pid)):
        assert task.poll() is None
        time.sleep(0.02)
    time.sleep(1)
    task.send_signal(signal.SIGTERM)
    assert task.wait(30) == 130
    kept = len((data / FOLDER / "shard-1-of-1.jsonl").read_text().splitlines())
    assert 0 < kept < 60
    again = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert f"Shard 1/1: {60 - kept} clips read, {kept} known before" in again.stdout
