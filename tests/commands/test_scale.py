"""The files in docs/scale.md: a job of AWS Batch, policies, a SLURM script, a Kubernetes job."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import h5py
import pytest
import yaml

from clips.shards import Shard, parse_shard
from cluster.batch_job import read_job
from lookback.commands.extract_flags import flag_parser
from tests.running import ROOT, run_script
from video.errors import LookbackError, UsageError

TEXT = (ROOT / "docs/scale.md").read_text(encoding="utf-8")
_BASH = shutil.which("bash")


def _section(title: str) -> str:
    return TEXT.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def _blocks(title: str, language: str) -> list[str]:
    found = re.findall(rf"```{language}\n(.*?)```", _section(title), re.DOTALL)
    assert found, f"{title}: no block of {language}"
    return found


def test_the_job_of_batch_is_valid(tmp_path):
    (text,) = _blocks("AWS Batch", "yaml")
    path = tmp_path / "job.yaml"
    path.write_text(text, encoding="utf-8")
    job = read_job(path)
    policies = [json.loads(each) for each in _blocks("AWS Batch", "json")]
    for statement in (each for policy in policies for each in policy["Statement"]):
        assert statement["Action"] != "*"
        assert "iam:*" not in statement["Action"]
    role = policies[0]["Statement"]
    bucket = job.data.split("/")[2]
    for statement in role:
        resources = statement["Resource"]
        for each in [resources] if isinstance(resources, str) else resources:
            assert each.startswith(f"arn:aws:s3:::{bucket}")
    (written,) = (each for each in role if each["Action"] == "s3:PutObject")
    assert f"arn:aws:s3:::{job.features.removeprefix('s3://')}/*" in written["Resource"]
    calls = {"register_job_definition", "submit_job", "describe_jobs", "list_jobs"}
    calls |= {"terminate_job", "describe_job_queues"}
    named = {f"batch:{''.join(word.title() for word in each.split('_'))}" for each in calls}
    assert set(policies[1]["Statement"][0]["Action"]) == named


def test_the_kubernetes_job_is_complete():
    (text,) = _blocks("Kubernetes", "yaml")
    job = yaml.safe_load(text)
    assert (job["apiVersion"], job["kind"]) == ("batch/v1", "Job")
    spec = job["spec"]
    assert spec["completionMode"] == "Indexed"
    assert 1 <= spec["parallelism"] <= spec["completions"]
    assert spec["backoffLimitPerIndex"] >= 1
    ends = [rule for rule in spec["podFailurePolicy"]["rules"] if rule["action"] == "FailIndex"]
    codes = ends[0]["onExitCodes"]
    mistakes = {LookbackError.exit_code, UsageError.exit_code}
    assert (codes["operator"], set(codes["values"])) == ("In", mistakes)
    pod = spec["template"]["spec"]
    assert pod["restartPolicy"] == "Never"  # podFailurePolicy needs it
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] == 10001
    (container,) = pod["containers"]
    rights = container["securityContext"]
    assert rights["allowPrivilegeEscalation"] is False
    assert rights["capabilities"] == {"drop": ["ALL"]}
    for kind in ("requests", "limits"):
        assert set(container["resources"][kind]) == {"cpu", "memory"}
    mounted = {each["name"] for each in container["volumeMounts"]}
    assert mounted == {each["name"] for each in pod["volumes"]}
    assert container["args"][0] == "extract"
    parsed = flag_parser().parse_args(container["args"][1:])
    count = spec["completions"]
    shards = {
        parse_shard(parsed.shard, {"JOB_COMPLETION_INDEX": str(index)}) for index in range(count)
    }
    assert shards == {Shard(number, count) for number in range(1, count + 1)}


def test_the_cloud_run_job_computes_shards():
    words = shlex.split(_blocks("Cloud Run", "")[0].replace("\\\n", " "))
    (arguments,) = (each for each in words if each.startswith("--args="))
    extract, *flags = arguments.removeprefix("--args=").split(",")
    assert extract == "extract"
    assert flag_parser().parse_args(flags).shard == "auto"


def _slurm(folder: Path, lookback: str, places: Mapping[str, str]) -> Path:
    """Write the SLURM script, and beside it an `srun` and a `lookback` that it finds."""
    (text,) = _blocks("SLURM", "bash")
    for place, real in places.items():
        assert place in text
        text = text.replace(place, real)
    script = folder / "lookback.sbatch"
    script.write_text(text, encoding="utf-8")
    programs = folder / "bin"
    programs.mkdir()
    starts = 'while [[ "$1" == --* ]]; do shift; done\nexec "$@"\n'
    for name, content in {"srun": starts, "lookback": lookback}.items():
        (programs / name).write_text(f"#!{_BASH}\n{content}", encoding="utf-8")
        (programs / name).chmod(0o755)
    return script


def _task(script: Path, index: int, count: int) -> subprocess.CompletedProcess:
    assert _BASH
    variables = {"SLURM_ARRAY_TASK_ID": index, "SLURM_ARRAY_TASK_COUNT": count}
    variables |= {"SLURM_ARRAY_TASK_MIN": 0, "SLURM_ARRAY_TASK_STEP": 1, "SLURM_CPUS_PER_TASK": 2}
    path = f"{script.parent / 'bin'}{os.pathsep}{os.environ['PATH']}"
    env = {**os.environ, **{name: str(value) for name, value in variables.items()}, "PATH": path}
    return subprocess.run(
        [_BASH, script], env=env, cwd=script.parent, capture_output=True, text=True, check=False
    )


@pytest.mark.skipif(_BASH is None or os.name == "nt", reason="there is no bash here")
def test_the_slurm_script_starts_a_shard_of_every_task(tmp_path):
    script = _slurm(tmp_path, 'echo "$LOOKBACK_THREADS $*"\n', {})
    (array,) = re.findall(r"^#SBATCH --array=0-(\d+)", script.read_text(), re.MULTILINE)
    assert subprocess.run([_BASH, "-n", script], check=False).returncode == 0
    done = _task(script, int(array), int(array) + 1)
    assert done.returncode == 0, done.stderr
    threads, extract, *flags = done.stdout.split()
    assert (threads, extract) == ("2", "extract")
    assert flag_parser().parse_args(flags).shard == "auto"


@pytest.mark.slow
@pytest.mark.skipif(_BASH is None or os.name == "nt", reason="there is no bash here")
def test_tasks_of_the_slurm_script_compute_all_videos(copied, tmp_path):
    run_script("extract.py", [*copied.arguments, "--features", tmp_path / "one"])
    shutil.rmtree(copied.data / "features")
    lookback = f'cd {ROOT}\nexec {sys.executable} -m lookback "$@"\n'
    places = {"/shared/set": str(copied.data), "/shared/model": str(copied.weights)}
    script = _slurm(tmp_path, lookback, places)
    for index in range(2):
        done = _task(script, index, 2)
        assert done.returncode == 0, done.stderr
        assert f"shard {index + 1}/2: " in done.stdout
    run_script("extract.py", copied.arguments)
    one, many = (
        next(each.glob("part-*.h5")) for each in (tmp_path / "one", copied.data / "features")
    )
    with h5py.File(one) as first, h5py.File(many) as second:
        assert first.attrs["spec_sha256"] == second.attrs["spec_sha256"]
    assert one.read_bytes() == many.read_bytes()
