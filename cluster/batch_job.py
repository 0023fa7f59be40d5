"""A job file of `python -m cluster.batch`, and the two requests to AWS Batch that it stands for."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from lookback.commands.extract_flags import flag_parser
from recipes.command_line import settings_as_given
from recipes.loader import DEFAULT, recipe_file
from recipes.unique_keys import load_unique
from video.cores import VARIABLE
from video.errors import UsageError, hint

_ROLE = r"^arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]+$"
_FOLDER = r"^s3://[a-z0-9][a-z0-9.-]+(/[^/\s]+)*/?$"
_OWN_FLAGS = ("--shard", "--threads", "--data", "--features", "--weights")
# Names and values that give access. The role of the job gives it without them.
_SECRET_NAME = re.compile(
    r"secret|password|passwd|token|credential|api_?key|access_?key|private_?key", re.IGNORECASE
)
_SECRET_VALUE = re.compile(r"\b(AKIA|ASIA)[A-Z0-9]{16}\b|://[^/\s:@]+:[^/\s@]+@|X-Amz-Signature=")
# The first rule that matches counts; what matches none is repeated.
_RETRIES = (
    {"onStatusReason": "Host EC2*", "action": "RETRY"},  # a spot machine was taken away
    {"onExitCode": "1", "action": "EXIT"},  # a mistake of the user
    {"onExitCode": "2", "action": "EXIT"},  # a wrong command
    {"onReason": "*", "action": "RETRY"},
)

Role = Annotated[str, Field(pattern=_ROLE)]
Folder = Annotated[str, Field(pattern=_FOLDER)]


class BatchJob(BaseModel):
    """The keys of a job file; their descriptions end the messages about them."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    name: str = Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$",
        max_length=128,
        description="a name of letters, digits, - and _",
    )
    image: str = Field(
        pattern=r"^[\w.:/@-]+$", description="the image with Lookback, such as REGISTRY/NAME:TAG"
    )
    queue: str = Field(pattern=r"^[\w:/-]+$", description="the name or ARN of a job queue")
    region: str | None = Field(
        None, pattern=r"^[a-z]{2}(-[a-z]+)+-\d$", description="a region, such as eu-central-1"
    )
    vcpus: int = Field(ge=1, le=256, description="the vCPUs of a task, 1 to 256")
    memory_mib: int = Field(ge=1024, description="the memory of a task in MiB, at least 1024")
    job_role_arn: Role = Field(
        description="the role that reads and writes the folders, arn:aws:iam::ACCOUNT:role/NAME"
    )
    execution_role_arn: Role = Field(
        description="the role that pulls the image and writes logs, arn:aws:iam::ACCOUNT:role/NAME"
    )
    array_size: int = Field(
        ge=2, le=10_000, description="the number of tasks, 2 to 10,000; one machine needs no array"
    )
    attempts: int = Field(5, ge=1, le=10, description="the attempts of a task, 1 to 10")
    timeout_minutes: int | None = Field(
        None, ge=1, description="the minutes after which an attempt is ended"
    )
    log_group: str | None = Field(
        None, pattern=r"^[A-Za-z0-9_./#-]+$", description="a log group of CloudWatch that exists"
    )
    data: Folder = Field(description="a folder with clips/ and manifest.csv, s3://BUCKET/FOLDER")
    features: Folder = Field(description="the folder of the features, s3://BUCKET/FOLDER")
    weights: Folder = Field(description="a model folder, s3://BUCKET/FOLDER")
    flags: tuple[str, ...] = Field(
        (), strict=False, description="further flags of the extraction, a list of texts"
    )
    environment: dict[str, str] = Field(
        {}, description="variables of a task: names with texts in quotes, and no secrets"
    )

    @property
    def command(self) -> list[str]:
        """The arguments of the image's entry point, `lookback`."""
        places = ["--data", self.data, "--features", self.features, "--weights", self.weights]
        return ["extract", "--shard", "auto", *places, *self.flags]

    def definition(self) -> dict[str, Any]:
        """Return the request of `register_job_definition`."""
        # Batch limits processor time, which a process cannot see: the threads are told.
        variables = {VARIABLE: str(self.vcpus), **self.environment}
        needs = {"VCPU": str(self.vcpus), "MEMORY": str(self.memory_mib)}
        container: dict[str, Any] = {
            "image": self.image,
            "command": [],
            "jobRoleArn": self.job_role_arn,
            "executionRoleArn": self.execution_role_arn,
            "resourceRequirements": [{"type": k, "value": v} for k, v in needs.items()],
            "environment": [{"name": k, "value": v} for k, v in variables.items()],
            "privileged": False,
        }
        if self.log_group:
            options = {"awslogs-group": self.log_group, "awslogs-stream-prefix": self.name}
            container["logConfiguration"] = {"logDriver": "awslogs", "options": options}
        request: dict[str, Any] = {
            "jobDefinitionName": self.name,
            "type": "container",
            "platformCapabilities": ["EC2"],
            "containerProperties": container,
            "retryStrategy": {"attempts": self.attempts, "evaluateOnExit": list(_RETRIES)},
        }
        if self.timeout_minutes:
            request["timeout"] = {"attemptDurationSeconds": 60 * self.timeout_minutes}
        return request

    def submission(self, definition: str = "") -> dict[str, Any]:
        """Return the request of `submit_job`.

        Args:
            definition: ARN of the registered definition; empty for its name.
        """
        return {
            "jobName": self.name,
            "jobQueue": self.queue,
            "jobDefinition": definition or self.name,
            "arrayProperties": {"size": self.array_size},
            "containerOverrides": {"command": self.command},
        }


def read_job(path: Path) -> BatchJob:
    """Return the job of a file.

    Raises:
        UsageError: The file cannot be read, a key is unknown, missing or not valid, or it holds a
            secret; the message names file and key.
    """
    try:
        content = load_unique(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{path}: the job file cannot be read ({error.strerror})") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        where = getattr(error, "problem_mark", None)
        line = f", line {where.line + 1}" if where else ""
        raise UsageError(
            f"{path}{line}: no YAML ({getattr(error, 'problem', None) or 'no text'})"
        ) from None
    if not isinstance(content, dict):
        raise UsageError(f"{path}: a job file holds keys and values, such as 'name: extract'")
    _refuse_secrets(path, content)
    try:
        job = BatchJob.model_validate(content)
    except ValidationError as error:
        raise UsageError(f"{path}: {_problem(error)}") from None
    _check_variables(path, job)
    _check_flags(path, job)
    return job


def _refuse_secrets(path: Path, content: dict) -> None:
    for key, text in _texts(content):
        if _SECRET_NAME.search(key) or _SECRET_VALUE.search(text):
            raise UsageError(
                f"{path}: {key} looks like a secret; remove it: the role of job_role_arn gives the "
                "tasks their access"
            )


def _texts(value: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """Yield every value of a YAML content as text, with its dotted key."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _texts(inner, f"{key}.{name}" if key else str(name))
    elif isinstance(value, list):
        for number, inner in enumerate(value, 1):
            yield from _texts(inner, f"{key}, entry {number}")
    else:
        yield key, str(value)


def _problem(error: ValidationError) -> str:
    # Unknown keys first: a misspelled key often causes a missing one as well.
    problems = sorted(error.errors(), key=lambda problem: problem["type"] != "extra_forbidden")
    first = problems[0]
    key, *rest = map(str, first["loc"])
    if first["type"] == "extra_forbidden":
        return f"there is no key {key}; {hint(key, list(BatchJob.model_fields))}"
    what = f"{key} is {BatchJob.model_fields[key].description}"
    if first["type"] == "missing":
        return f"{key} is missing; {what}"
    return f"{'.'.join([key, *rest])}: {first['input']!r} is not valid; {what}"


def _check_variables(path: Path, job: BatchJob) -> None:
    for name in job.environment:
        if name.upper().startswith("AWS_BATCH_"):
            raise UsageError(
                f"{path}: environment.{name}: AWS Batch sets the names that begin with AWS_BATCH_; "
                "remove it"
            )
        if not re.fullmatch(r"[A-Za-z_]\w*", name):
            raise UsageError(
                f"{path}: environment.{name}: a name has letters, digits and _; rename it"
            )


def _check_flags(path: Path, job: BatchJob) -> None:
    """Refuse flags that extract.py would refuse in every task, hours later."""
    for flag in job.flags:
        if (name := flag.partition("=")[0]) in _OWN_FLAGS:
            own = name.removeprefix("--")
            instead = f"use the key {own}" if own in BatchJob.model_fields else "it is set for you"
            raise UsageError(f"{path}: flags: {name} does not belong here; {instead}")
    try:
        parsed = flag_parser().parse_args(job.flags)
        settings_as_given(parsed)
    except UsageError as error:
        raise UsageError(f"{path}: flags: {error}") from None
    if parsed.recipe and recipe_file(parsed.recipe).parent != DEFAULT.parent:
        raise UsageError(
            f"{path}: flags: --recipe {parsed.recipe}: the image has the built-in recipes only; "
            "write its keys as --set KEY=VALUE"
        )
