"""`python -m cluster.batch`: what it refuses, what it would send, and what an emulation answers."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from clips.shards import parse_shard
from cluster import batch
from cluster.batch_job import read_job
from lookback.cli import main as lookback_main
from tests.running import ROOT
from video.errors import LookbackError, UsageError

ROLE = "arn:aws:iam::123456789012:role/lookback-"
JOB = {
    "name": "lookback-extract",
    "image": "123456789012.dkr.ecr.eu-central-1.amazonaws.com/lookback:worker",
    "queue": "lookback-spot",
    "region": "eu-central-1",
    "vcpus": 4,
    "memory_mib": 8192,
    "job_role_arn": f"{ROLE}task",
    "execution_role_arn": f"{ROLE}execution",
    "array_size": 250,
    "data": "s3://my-clips/set",
    "features": "s3://my-clips/features",
    "weights": "s3://my-clips/model",
}


@pytest.fixture
def job_file(tmp_path: Path):
    """Return a function that writes a job file with changed keys; None leaves a key out."""

    def write(**changes) -> Path:
        content = {key: each for key, each in {**JOB, **changes}.items() if each is not None}
        path = tmp_path / "job.yaml"
        path.write_text(yaml.safe_dump(content), encoding="utf-8")
        return path

    return write


def _dry_run(path: Path, capsys) -> dict:
    assert batch.main(["submit", str(path), "--dry-run"]) == 0
    return json.loads(capsys.readouterr().out)


def test_a_dry_run_prints_both_requests_and_needs_no_boto3(job_file, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "boto3", None)
    changes = {"flags": ["--dtype", "float16"], "log_group": "/lookback", "timeout_minutes": 90}
    sent = _dry_run(job_file(**changes), capsys)
    definition, job = sent["register_job_definition"], sent["submit_job"]
    container = definition["containerProperties"]
    assert container["jobRoleArn"] == JOB["job_role_arn"]
    assert container["executionRoleArn"] == JOB["execution_role_arn"]
    assert container["privileged"] is False
    assert container["environment"] == [{"name": "LOOKBACK_THREADS", "value": "4"}]
    assert {each["type"]: each["value"] for each in container["resourceRequirements"]} == {
        "VCPU": "4",
        "MEMORY": "8192",
    }
    assert container["logConfiguration"]["options"]["awslogs-group"] == "/lookback"
    assert definition["timeout"] == {"attemptDurationSeconds": 5400}
    assert definition["retryStrategy"]["attempts"] == 5
    assert job["arrayProperties"] == {"size": 250}
    assert job["jobQueue"] == "lookback-spot"
    words = job["containerOverrides"]["command"]
    assert words[:3] == ["extract", "--shard", "auto"]
    assert words[3:9:2] == ["--data", "--features", "--weights"]
    assert words[9:] == ["--dtype", "float16"]
    with pytest.raises(LookbackError, match="pip install boto3"):
        batch.main(["status", "1"])


def _action(rules: list[dict[str, str]], **ending: str) -> str:
    """Return what Batch does with an attempt that ended so: the first rule that matches counts."""
    for rule in rules:
        conditions = {key: each for key, each in rule.items() if key != "action"}
        # A star is the end of a pattern, and an ending without a value matches no pattern.
        if all(
            key in ending
            and (ending[key] == each or (each[-1] == "*" and ending[key].startswith(each[:-1])))
            for key, each in conditions.items()
        ):
            return rule["action"]
    return "RETRY"


def test_a_users_mistake_is_not_repeated_and_a_lost_machine_is(job_file, capsys):
    sent = _dry_run(job_file(), capsys)["register_job_definition"]
    rules = sent["retryStrategy"]["evaluateOnExit"]
    assert len(rules) <= 5  # Batch's limit
    ended = "Essential container in task exited"
    assert _action(rules, onExitCode=str(LookbackError.exit_code), onStatusReason=ended) == "EXIT"
    assert _action(rules, onExitCode=str(UsageError.exit_code), onStatusReason=ended) == "EXIT"
    lost = "Host EC2 (instance i-0123) terminated."
    assert _action(rules, onStatusReason=lost) == "RETRY"
    assert _action(rules, onStatusReason=lost, onExitCode="1") == "RETRY"
    assert _action(rules, onStatusReason=ended, onExitCode="130", onReason="") == "RETRY"
    assert _action(rules, onStatusReason=ended, onExitCode="137", onReason="OOM") == "RETRY"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"vcpu": 4, "vcpus": None}, ["there is no key vcpu", "did you mean vcpus?"]),
        ({"image": None}, ["image is missing", "REGISTRY/NAME:TAG"]),
        ({"array_size": 1}, ["array_size: 1 is not valid", "2 to 10,000"]),
        ({"array_size": 10_001}, ["array_size: 10001", "2 to 10,000"]),
        ({"vcpus": "4"}, ["vcpus: '4'", "1 to 256"]),
        ({"memory_mib": 8}, ["memory_mib: 8", "MiB"]),
        ({"attempts": 11}, ["attempts: 11", "1 to 10"]),
        ({"job_role_arn": "lookback"}, ["job_role_arn: 'lookback'", "arn:aws:iam::"]),
        ({"data": "data"}, ["data: 'data'", "s3://BUCKET/FOLDER"]),
        ({"region": "Frankfurt"}, ["region: 'Frankfurt'", "eu-central-1"]),
        ({"flags": ["--precison", "int8"]}, ["flags: unrecognized arguments: --precison"]),
        ({"flags": ["--precision", "int7"]}, ["flags: ", "int7"]),
        ({"flags": ["--shard", "1/2"]}, ["flags: --shard", "set for you"]),
        ({"flags": ["--data=s3://a/b"]}, ["flags: --data", "use the key data"]),
        ({"flags": ["--recipe", "mine/own.yaml"]}, ["flags: ", "own.yaml"]),
        ({"flags": "--dtype"}, ["flags: '--dtype'", "a list of texts"]),
        ({"environment": {"A": 1}}, ["environment.A: 1", "in quotes"]),
        ({"environment": {"a b": "1"}}, ["environment.a b", "rename it"]),
        ({"environment": {"AWS_BATCH_JOB_ARRAY_INDEX": "0"}}, ["AWS_BATCH_", "remove it"]),
        ({"environment": {"AWS_ACCESS_KEY_ID": "x"}}, ["AWS_ACCESS_KEY_ID", "job_role_arn"]),
        ({"environment": {"AWS_SESSION_TOKEN": "x"}}, ["AWS_SESSION_TOKEN", "job_role_arn"]),
        ({"environment": {"DB_PASSWORD": "x"}}, ["DB_PASSWORD", "secret"]),
        ({"environment": {"A": "AKIA" + "A" * 16}}, ["environment.A", "secret"]),
        ({"flags": ["--set", "x=AKIA" + "A" * 16]}, ["flags, entry 2", "secret"]),
        ({"aws_secret_access_key": "x"}, ["aws_secret_access_key", "secret"]),
        ({"weights": "https://me:word@host/model"}, ["weights", "secret"]),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_wrong_job_is_refused_in_one_line(job_file, changes, words):
    path = job_file(**changes)
    with pytest.raises(UsageError) as error:
        read_job(path)
    assert "\n" not in str(error.value)
    for word in [str(path), *words]:
        assert word in str(error.value)


@pytest.mark.parametrize("text", ["- a", "a: [", "name: a\nname: b", ""])
def test_what_is_no_job_file_is_refused(tmp_path, text):
    path = tmp_path / "job.yaml"
    with pytest.raises(UsageError, match="cannot be read"):
        read_job(path)
    path.write_text(text)
    with pytest.raises(UsageError, match=r"job\.yaml"):
        read_job(path)


def test_lookback_has_the_command(job_file, capsys):
    assert lookback_main(["batch", "submit", str(job_file()), "--dry-run"]) == 0
    assert json.loads(capsys.readouterr().out)["submit_job"]["jobName"] == JOB["name"]


def test_nobody_hands_credentials_to_boto3():
    for path in (ROOT / "cluster").glob("*.py"):
        text = path.read_text(encoding="utf-8")
        assert "aws_access_key" not in text.lower(), path
        assert "profile_name" not in text, path


@pytest.fixture
def aws(monkeypatch) -> Iterator[object]:
    """An emulated Batch, which runs nothing, with an enabled queue; yields its client."""
    moto = pytest.importorskip("moto", reason="moto emulates AWS")
    import boto3

    for name in ("AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    with moto.mock_aws(config={"batch": {"use_docker": False}}):
        region = JOB["region"]
        network = boto3.client("ec2", region_name=region)
        subnet = network.describe_subnets()["Subnets"][0]
        groups = network.describe_security_groups()["SecurityGroups"]
        iam = boto3.client("iam", region_name=region)
        for name in ("service", "instance", "task", "execution"):
            iam.create_role(RoleName=f"lookback-{name}", AssumeRolePolicyDocument="{}")
        iam.create_instance_profile(InstanceProfileName="lookback")
        iam.add_role_to_instance_profile(
            InstanceProfileName="lookback", RoleName="lookback-instance"
        )
        client = boto3.client("batch", region_name=region)
        environment = client.create_compute_environment(
            computeEnvironmentName="spot",
            type="MANAGED",
            state="ENABLED",
            computeResources={
                "type": "EC2",
                "minvCpus": 0,
                "maxvCpus": 256,
                "instanceTypes": ["t2.small"],
                "subnets": [subnet["SubnetId"]],
                "securityGroupIds": [groups[0]["GroupId"]],
                "instanceRole": "arn:aws:iam::123456789012:instance-profile/lookback",
            },
            serviceRole=f"{ROLE}service",
        )
        client.create_job_queue(
            jobQueueName=JOB["queue"],
            state="ENABLED",
            priority=1,
            computeEnvironmentOrder=[
                {"order": 1, "computeEnvironment": environment["computeEnvironmentArn"]}
            ],
        )
        yield client


@pytest.mark.slow
def test_a_job_is_submitted_and_watched_on_an_emulated_batch(job_file, aws, capsys):
    path = job_file(array_size=3)
    assert batch.main(["submit", str(path)]) == 0
    identity = capsys.readouterr().out.partition(":")[0]
    (job,) = aws.describe_jobs(jobs=[identity])["jobs"]
    assert job["arrayProperties"]["size"] == 3
    (definition,) = aws.describe_job_definitions(jobDefinitionName=JOB["name"])["jobDefinitions"]
    assert job["jobDefinition"] == definition["jobDefinitionArn"]
    assert definition["retryStrategy"]["attempts"] == 5
    code = batch.main(["status", identity, "--region", JOB["region"]])
    told = capsys.readouterr().out
    assert code == 0, told
    assert "3 tasks: 3 " in told
    indices = [each["jobId"].rpartition(":")[2] for each in batch._children(aws, identity)]
    shards = {
        str(
            parse_shard(
                "auto", {"AWS_BATCH_JOB_ARRAY_INDEX": each, "AWS_BATCH_JOB_ARRAY_SIZE": "3"}
            )
        )
        for each in indices
    }
    assert shards == {"1/3", "2/3", "3/3"}
    assert batch.main(["cancel", identity, "--region", JOB["region"]]) == 0


@pytest.mark.slow
def test_what_aws_does_not_know_is_told_in_one_line(job_file, aws, monkeypatch):
    with pytest.raises(UsageError, match=r"queue: other does not exist in eu-central-1"):
        batch.main(["submit", str(job_file(queue="other"))])
    with pytest.raises(UsageError, match="there is no such job"):
        batch.main(["status", "nothing", "--region", JOB["region"]])
    aws.update_job_queue(jobQueue=JOB["queue"], state="DISABLED")
    with pytest.raises(UsageError, match="is disabled"):
        batch.main(["submit", str(job_file())])
    with pytest.raises(UsageError, match=r"no region: .*AWS_REGION"):
        batch.main(["status", "nothing"])


class _Failed:
    """A Batch with an array job of which some tasks failed."""

    class meta:
        region_name = "eu-central-1"

    def describe_jobs(self, jobs: list[str]) -> dict:
        container = {"logStreamName": f"log/{jobs[0]}"} if ":" in jobs[0] else {}
        return {"jobs": [{"jobName": "x", "status": "FAILED", "container": container}]}

    def get_paginator(self, _: str) -> "_Failed":
        return self

    def paginate(self, arrayJobId: str, jobStatus: str) -> list[dict]:
        failed = {
            "statusReason": "Essential container in task exited",
            "container": {"exitCode": 1},
        }
        those = {
            "SUCCEEDED": [{"jobId": "j:0"}],
            "FAILED": [{"jobId": f"j:{number}", **failed} for number in range(1, 9)]
            + [{"jobId": "j:9", "statusReason": "Host EC2 (instance i-1) terminated."}],
        }
        return [
            {"jobSummaryList": [{**each, "status": jobStatus}]} for each in those.get(jobStatus, [])
        ]


def test_reasons_of_failed_tasks_are_counted(capsys):
    assert batch._status(_Failed(), "j") == 1
    first, second, third = capsys.readouterr().out.splitlines()
    assert first == "x: FAILED; 10 tasks: 1 SUCCEEDED, 9 FAILED"
    assert second == (
        "8 failed: exit code 1; Essential container in task exited (tasks 1, 2, 3, 4, 5, ...; "
        "log stream of the first: log/j:1)"
    )
    assert third.startswith("1 failed: Host EC2 (instance i-1) terminated. (tasks 9;")
