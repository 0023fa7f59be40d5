"""Several processes that train one network together: JAX joins them, before Keras starts.

finetune.py --distributed 10.0.0.1:21821,2,0      on the first machine
finetune.py --distributed 10.0.0.1:21821,2,1      on the second
finetune.py --distributed auto                    on a cluster whose variables JAX knows
"""

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path

from video.errors import LookbackError, UsageError

AUTO = "auto"
_FORM = re.compile(r"(?P<address>\S+:\d+),(?P<count>\d+),(?P<rank>\d+)")


@dataclass(frozen=True)
class Processes:
    """The processes of a training and the place of this one.

    Attributes:
        address: HOST:PORT at which the first process is reached; None: from the cluster.
        count: Number of processes; None: from the cluster.
        rank: Number of this process, from 0; None: from the cluster.
    """

    address: str | None = None
    count: int | None = None
    rank: int | None = None


def parse_processes(text: str) -> Processes:
    """Return the processes that a `--distributed` names.

    Args:
        text: ADDRESS:PORT,N,RANK, or `auto`.

    Raises:
        UsageError: The text has another form.

    >>> parse_processes("10.0.0.1:21821,2,1")
    Processes(address='10.0.0.1:21821', count=2, rank=1)
    """
    if text == AUTO:
        return Processes()
    match = _FORM.fullmatch(text)
    if not match or not int(match["rank"]) < int(match["count"]):
        raise UsageError(
            f"--distributed {text}: write HOST:PORT,N,RANK with RANK from 0 to N-1, such as "
            f"10.0.0.1:21821,2,0, or {AUTO} on a cluster"
        )
    return Processes(match["address"], int(match["count"]), int(match["rank"]))


def backend_name() -> str:
    """Return the backend that Keras will use, without importing it, which takes seconds."""
    if chosen := os.environ.get("KERAS_BACKEND"):
        return chosen
    home = os.environ.get("KERAS_HOME")
    path = (Path(home) if home else Path.home() / ".keras") / "keras.json"
    try:
        return str(json.loads(path.read_text(encoding="utf-8"))["backend"])
    except (OSError, ValueError, KeyError, TypeError):
        return "tensorflow"


def require_jax() -> None:
    """Raise `UsageError` if the backend of Keras cannot train in several processes."""
    if (backend := backend_name()) != "jax":
        raise UsageError(
            f"--distributed: needs KERAS_BACKEND=jax, and Keras runs on {backend}, "
            f"{_REASONS.get(backend, 'where several devices are not tested')}"
        )


def join_processes(processes: Processes) -> int:
    """Connect this process to the others and return its rank; call it before Keras is imported.

    Args:
        processes: The processes.

    Raises:
        UsageError: The backend of Keras is not JAX, or the cluster's variables are missing.
        LookbackError: The other processes are not reached.
    """
    require_jax()
    try:
        import jax
    except ImportError:
        raise UsageError("--distributed: JAX is not installed; pip install jax") from None
    try:
        jax.distributed.initialize(processes.address, processes.count, processes.rank)
    except ValueError as error:  # no cluster whose variables JAX knows
        raise UsageError(
            f"--distributed {AUTO}: JAX finds no cluster in the environment ({_first(error)}); "
            "write HOST:PORT,N,RANK"
        ) from None
    except RuntimeError as error:
        where = f" at {processes.address}" if processes.address else ""
        raise LookbackError(
            f"--distributed: cannot join the processes{where} ({_first(error)})"
        ) from None
    return int(jax.process_index())


_REASONS = {
    "tensorflow": "which ignores keras.distribution: every process would train alone, on all clips",
    "torch": "which computes every batch on one device",
}


def _first(error: Exception) -> str:
    return str(error).strip().split("\n", maxsplit=1)[0][:160]
