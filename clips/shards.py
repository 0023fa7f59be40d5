"""Shards: the videos of a manifest, dealt to the tasks of a job array by the hash of their paths.

    --shard 3/250     the third of 250 tasks
    --shard auto      number and count from AWS Batch, SLURM or Cloud Run
    --shard auto/250  on Kubernetes, which tells a task its number only

The hash of a path does not change when clips are added, so a video stays in its shard.
"""

import hashlib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass

from clips.manifest import Manifest
from video.errors import UsageError

_FORM = re.compile(r"(?:(?P<number>\d+)/(?P<count>\d+))|(?:auto(?:/(?P<of>\d+))?)")


@dataclass(frozen=True)
class _Array:
    """Variables of a job array: of this task's index, of the number of tasks, if it is given, and
    of the first index and the step between two, if they may differ from 0 and 1."""

    name: str
    index: str
    count: str = ""
    first: str = ""
    step: str = ""


ARRAYS = (
    _Array("AWS Batch", "AWS_BATCH_JOB_ARRAY_INDEX", "AWS_BATCH_JOB_ARRAY_SIZE"),
    _Array(
        "SLURM",
        "SLURM_ARRAY_TASK_ID",
        "SLURM_ARRAY_TASK_COUNT",
        "SLURM_ARRAY_TASK_MIN",
        "SLURM_ARRAY_TASK_STEP",
    ),
    _Array("Cloud Run", "CLOUD_RUN_TASK_INDEX", "CLOUD_RUN_TASK_COUNT"),
    _Array("Kubernetes", "JOB_COMPLETION_INDEX"),
)


@dataclass(frozen=True)
class Shard:
    """One of `count` shards, `number` from 1."""

    number: int
    count: int

    def __str__(self) -> str:
        return f"{self.number}/{self.count}"

    def has(self, video: str) -> bool:
        """Return whether a video is dealt to this shard.

        >>> [Shard(n, 3).has("clips/run/a.mp4") for n in (1, 2, 3)].count(True)
        1
        """
        digest = hashlib.sha256(video.encode()).digest()
        return int.from_bytes(digest[:8], "big") % self.count == self.number - 1

    def of(self, manifest: Manifest) -> Manifest:
        """Return the manifest with the rows of this shard's videos."""
        return manifest.with_entries([each for each in manifest.entries if self.has(each.video)])


def parse_shard(text: str, environment: Mapping[str, str] = os.environ) -> Shard:
    """Return the shard that a `--shard` names.

    Args:
        text: NUMBER/COUNT, `auto`, or `auto/COUNT`.
        environment: Variables of the job array.

    Raises:
        UsageError: The text has another form, or the environment is that of no job array.
    """
    match = _FORM.fullmatch(text)
    if not match:
        raise UsageError(f"--shard {text}: write NUMBER/COUNT, such as 3/250, or auto")
    if match["number"]:
        return _checked(text, int(match["number"]), int(match["count"]))
    found = next((each for each in ARRAYS if each.index in environment), None)
    if found is None:
        raise UsageError(
            f"--shard {text}: the environment is that of no job array ("
            f"{', '.join(each.index for each in ARRAYS)}); write NUMBER/COUNT, such as 3/250"
        )
    count = match["of"] or environment.get(found.count, "")
    if not count:
        raise UsageError(
            f"--shard {text}: {found.name} does not tell the number of tasks; write auto/COUNT"
        )
    first, step = environment.get(found.first, "0"), environment.get(found.step, "1")
    try:
        number = (int(environment[found.index]) - int(first)) // int(step) + 1
        return _checked(text, number, int(count))
    except (ValueError, ZeroDivisionError):
        raise UsageError(f"--shard {text}: the variables of {found.name} are no numbers") from None


def _checked(text: str, number: int, count: int) -> Shard:
    if not 1 <= number <= count:
        raise UsageError(
            f"--shard {text}: {number} of {count} is none of 1/{count} to {count}/{count}"
        )
    return Shard(number, count)
