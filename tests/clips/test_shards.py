"""Shards: every video in one of them, and the variables of job arrays."""

import pytest

from clips.manifest import Entry, Manifest
from clips.shards import Shard, parse_shard
from video.errors import UsageError


def test_every_video_is_in_one_shard_and_stays_there_when_clips_are_added(tmp_path):
    videos = [f"clips/run/{number}.mp4" for number in range(300)]
    rows = tuple(Entry(video, "run", start=start) for video in videos for start in (None, 1.0))
    manifest = Manifest(tmp_path / "manifest.csv", rows)
    parts = [Shard(number, 7).of(manifest) for number in range(1, 8)]
    dealt = [row for part in parts for row in part.entries]
    assert len(dealt) == len(rows)
    assert set(dealt) == set(rows)
    assert sum(len(part.videos) for part in parts) == len(videos)
    assert all(20 <= len(part.videos) <= 70 for part in parts)
    fewer = Manifest(tmp_path / "manifest.csv", rows[:100])
    for number, part in enumerate(parts, 1):
        assert set(Shard(number, 7).of(fewer).videos) <= set(part.videos)


@pytest.mark.parametrize(
    ("text", "environment", "shard"),
    [
        ("3/250", {}, Shard(3, 250)),
        ("1/1", {}, Shard(1, 1)),
        ("auto", {"AWS_BATCH_JOB_ARRAY_INDEX": "0", "AWS_BATCH_JOB_ARRAY_SIZE": "4"}, Shard(1, 4)),
        (
            "auto",
            {
                "SLURM_ARRAY_TASK_ID": "16",
                "SLURM_ARRAY_TASK_COUNT": "4",
                "SLURM_ARRAY_TASK_MIN": "10",
                "SLURM_ARRAY_TASK_STEP": "2",
            },
            Shard(4, 4),
        ),
        ("auto", {"CLOUD_RUN_TASK_INDEX": "2", "CLOUD_RUN_TASK_COUNT": "3"}, Shard(3, 3)),
        ("auto/250", {"JOB_COMPLETION_INDEX": "249"}, Shard(250, 250)),
    ],
)
def test_a_shard_is_named_or_taken_from_the_job_array(text, environment, shard):
    assert parse_shard(text, environment) == shard


@pytest.mark.parametrize(
    ("text", "environment", "told"),
    [
        ("third", {}, "write NUMBER/COUNT"),
        ("0/3", {}, "0 of 3 is none of 1/3 to 3/3"),
        ("4/3", {}, "4 of 3 is none"),
        ("auto", {}, "that of no job array"),
        ("auto", {"JOB_COMPLETION_INDEX": "2"}, "Kubernetes does not tell the number"),
        ("auto/2", {"JOB_COMPLETION_INDEX": "2"}, "3 of 2 is none"),
        ("auto/2", {"JOB_COMPLETION_INDEX": "x"}, "variables of Kubernetes are no numbers"),
    ],
)
def test_what_is_no_shard_is_a_usage_error(text, environment, told):
    with pytest.raises(UsageError, match=f"--shard {text}: .*{told}"):
        parse_shard(text, environment)
