"""Compute the features of every clip in an array job of AWS Batch.

    python -m cluster.batch submit job.yaml --dry-run    # print the two requests
    python -m cluster.batch submit job.yaml
    python -m cluster.batch status JOB
    python -m cluster.batch cancel JOB

Every task of the array computes a shard. Access comes from where boto3 finds it: a profile, SSO, or
the role of the machine.
"""

import argparse
import json
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cluster.batch_job import BatchJob, read_job
from recipes.command_line import CommandParser, run_command
from recipes.commands import command
from video.console import logger
from video.errors import LookbackError, UsageError

_LOG = logger(__name__)

_STATES = ("SUBMITTED", "PENDING", "RUNNABLE", "STARTING", "RUNNING", "SUCCEEDED", "FAILED")
_SHOWN = 5  # numbers of failed tasks in a line


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return its exit code."""
    parsed = _parse(arguments)
    if parsed.action == "submit":
        job = read_job(parsed.job)
        if parsed.dry_run:
            print(json.dumps(_requests(job), indent=2))
            return 0
        with _client(job.region) as batch:
            return _submit(batch, job)
    with _client(parsed.region) as batch:
        return _status(batch, parsed.id) if parsed.action == "status" else _cancel(batch, parsed.id)


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    flags = CommandParser(
        prog=command("batch"),
        description="Compute the features of every clip in an array job of AWS Batch.",
        allow_abbrev=False,
    )
    actions = flags.add_subparsers(dest="action", required=True, metavar="ACTION")
    submit = actions.add_parser(
        "submit", help="submit the array job of a YAML file; --dry-run only prints the requests"
    )
    submit.add_argument("job", type=Path, metavar="FILE", help="job file; see docs/scale.md")
    submit.add_argument(
        "--dry-run", action="store_true", help="print the requests, and send nothing"
    )
    for name, text in (
        ("status", "count the tasks by state, and tell why tasks failed"),
        ("cancel", "end all tasks; finished parts are kept"),
    ):
        action = actions.add_parser(name, help=text)
        action.add_argument("id", metavar="JOB", help="ID that submit printed")
        action.add_argument("--region", metavar="REGION", help="region (default: that of boto3)")
    return flags.parse_args(arguments)


def _requests(job: BatchJob) -> dict[str, Any]:
    return {"register_job_definition": job.definition(), "submit_job": job.submission()}


@contextmanager
def _client(region: str | None) -> Iterator[Any]:
    """Yield a client of AWS Batch; errors of AWS and boto3 become one line."""
    try:
        import boto3
        from botocore.exceptions import (
            BotoCoreError,
            ClientError,
            NoCredentialsError,
            NoRegionError,
            TokenRetrievalError,
        )
    except ModuleNotFoundError:
        raise LookbackError("boto3 is not installed: pip install boto3") from None
    try:
        yield boto3.client("batch", region_name=region)
    except NoRegionError:
        raise UsageError(
            "no region: write `region` in the job file, use --region, or set AWS_REGION"
        ) from None
    except (NoCredentialsError, TokenRetrievalError) as error:
        raise LookbackError(
            f"AWS: {error}; log in, such as with `aws sso login`, or name a profile in AWS_PROFILE"
        ) from None
    except ClientError as error:
        told = error.response["Error"]
        raise LookbackError(f"AWS: {told.get('Code')}: {told.get('Message')}") from None
    except BotoCoreError as error:
        raise LookbackError(f"AWS: {error}") from None


def _submit(batch: Any, job: BatchJob) -> int:
    queues = batch.describe_job_queues(jobQueues=[job.queue])["jobQueues"]
    if not queues or queues[0]["state"] != "ENABLED":
        why = "is disabled" if queues else "does not exist"
        raise UsageError(
            f"queue: {job.queue} {why} in {batch.meta.region_name}; name another, or create it"
        )
    definition = batch.register_job_definition(**job.definition())["jobDefinitionArn"]
    identity = batch.submit_job(**job.submission(definition))["jobId"]
    _LOG.info(f"{identity}: {job.array_size} tasks on {job.queue}")
    _LOG.info(f"Next: {command('batch')} status {identity}")
    return 0


def _job(batch: Any, identity: str) -> dict[str, Any]:
    jobs: list[dict[str, Any]] = batch.describe_jobs(jobs=[identity])["jobs"]
    if not jobs:
        raise UsageError(f"{identity}: there is no such job in {batch.meta.region_name}")
    return jobs[0]


def _status(batch: Any, identity: str) -> int:
    """Print the states of the tasks; return 1 if any failed."""
    job = _job(batch, identity)
    children = list(_children(batch, identity))
    counts = [(state, [c for c in children if c["status"] == state]) for state in _STATES]
    told = ", ".join(f"{len(those)} {state}" for state, those in counts if those)
    _LOG.info(f"{job['jobName']}: {job['status']}; {len(children)} tasks: {told or 'none yet'}")
    failed = dict(counts)["FAILED"]
    reasons = defaultdict(list)
    for child in failed:
        container = child.get("container", {})
        code = f"exit code {container['exitCode']}" if "exitCode" in container else ""
        words = (code, child.get("statusReason", ""), container.get("reason", ""))
        reasons["; ".join(each for each in words if each)].append(child["jobId"])
    for reason, those in reasons.items():
        numbers = [each.rpartition(":")[2] for each in those]
        more = ", ..." if len(numbers) > _SHOWN else ""
        _LOG.info(
            f"{len(those)} failed: {reason or 'no reason told'} (tasks "
            f"{', '.join(numbers[:_SHOWN])}{more}{_log_of(batch, those[0])})"
        )
    return 1 if failed else 0


def _children(batch: Any, identity: str) -> Iterator[dict[str, Any]]:
    # Without a state, Batch lists the running tasks only.
    pages = batch.get_paginator("list_jobs")
    for state in _STATES:
        for page in pages.paginate(arrayJobId=identity, jobStatus=state):
            yield from page["jobSummaryList"]


def _log_of(batch: Any, identity: str) -> str:
    stream = _job(batch, identity).get("container", {}).get("logStreamName", "")
    return f"; log stream of the first: {stream}" if stream else ""


def _cancel(batch: Any, identity: str) -> int:
    job = _job(batch, identity)
    batch.terminate_job(jobId=identity, reason=f"{command('batch')} cancel")
    _LOG.info(f"{job['jobName']}: its tasks are being ended; finished parts are kept")
    return 0


if __name__ == "__main__":
    run_command(main)
