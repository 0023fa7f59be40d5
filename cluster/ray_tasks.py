"""Parts of an extraction as tasks of Ray: https://docs.ray.io/en/latest/ray-core/tasks.html."""

import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from cluster.part import Work, compute
from video.console import logger
from video.cores import usable_cores
from video.errors import LookbackError, UsageError

_LOG = logger(__name__)

_STORE_BYTES = 100 * 2**20  # Ray takes 30 % of the memory by default; the parts return a few lines
_REACH_SECONDS = 10.0
_END_SECONDS = 30.0  # a part that is cancelled writes its finished videos


@dataclass(frozen=True)
class Needs:
    """What Ray gives a part: processors, GPUs, and further attempts after its worker has died."""

    cpus: int
    gpus: int
    retries: int


@contextmanager
def connected(address: str) -> Iterator[None]:
    """Connect to a Ray cluster while the context lasts.

    Args:
        address: `auto`, HOST:PORT, or `local` to start Ray on this machine.

    Raises:
        LookbackError: Ray is not installed.
        UsageError: There is no cluster at this address.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # reports are sent by default
    try:
        import ray
    except ModuleNotFoundError:
        raise LookbackError('Ray is not installed: pip install "ray>=2.50"') from None
    options: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}
    if address == "local":
        options |= {"num_cpus": usable_cores(), "object_store_memory": _STORE_BYTES}
        options |= {"include_dashboard": False}
    try:
        _reach(address)
        ray.init(address, **options)
    except (OSError, RuntimeError, ValueError) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise UsageError(
            f"--address {address}: no Ray cluster answers ({reason}); start one with `ray start "
            "--head`, or name its HOST:PORT, or use --address local"
        ) from None
    try:
        yield
    finally:
        ray.shutdown()


def _reach(address: str) -> None:
    """Raise `OSError` if nothing listens at HOST:PORT: Ray would try for minutes."""
    host, _, port = address.rpartition(":")
    if host and port.isdecimal():
        socket.create_connection((host.rpartition("/")[2], int(port)), _REACH_SECONDS).close()


def smallest_node() -> int:
    """Return the number of CPUs of the cluster's smallest node, nodes without CPUs left out.

    Raises:
        UsageError: No node has CPUs.
    """
    import ray

    alive = [node["Resources"].get("CPU", 0) for node in ray.nodes() if node["Alive"]]
    if not (cpus := [int(number) for number in alive if number >= 1]):
        raise UsageError(
            "no node of the Ray cluster has CPUs yet: start one with `ray start --address HOST:PORT"
            "`, or name the CPUs of a coming node with --cpus"
        )
    return min(cpus)


def run(
    parts: Mapping[str, Work], needs: Needs, everything: bool = False
) -> Iterator[tuple[str, list[str]]]:
    """Compute parts; yield the name and the messages of each as it ends.

    A part whose worker dies is repeated. An error of the user ends all parts, which write the
    videos that they have finished.

    Args:
        parts: Work of every part, by name.
        needs: What Ray gives a part.
        everything: Whether all messages are returned; see `cluster.part.compute`.

    Raises:
        LookbackError: A part failed by a mistake of the user, or lost its worker too often.
        OSError: A part could not read or write a file.
    """
    import ray

    # A process a part: nothing of the last part, such as its copies of remote folders, is left.
    task = ray.remote(max_calls=1)(compute)
    takes = {"num_cpus": needs.cpus, "num_gpus": needs.gpus, "max_retries": needs.retries}
    names = {
        task.options(name=f"lookback {name}", **takes).remote(work, everything): name
        for name, work in parts.items()
    }
    running = list(names)
    try:
        while running:
            (ready,), running = ray.wait(running, num_returns=1)
            yield names[ready], _result(ready, names[ready], needs)
    except BaseException:
        _cancel(running)
        raise


def _result(reference: Any, name: str, needs: Needs) -> list[str]:
    import ray
    from ray.exceptions import RayError, RayTaskError

    try:
        lines: list[str] = ray.get(reference)
        return lines
    except RayTaskError as error:
        cause = error.cause
        if isinstance(cause, LookbackError):
            raise type(cause)(f"{cause} (part {name})") from None
        if isinstance(cause, ModuleNotFoundError):
            raise LookbackError(
                f"part {name}: a node has no module {cause.name}; install the same Lookback in the "
                "environment of Ray on every node"
            ) from None
        if isinstance(cause, OSError):
            raise cause from None
        raise
    except RayError as error:
        reason = str(error).strip().splitlines()[0].partition(". ")[0]
        raise LookbackError(
            f"part {name}: lost after {needs.retries} repetitions ({reason}); finished parts are "
            "kept: run the same command again"
        ) from None


def _cancel(references: list[Any]) -> None:
    import ray

    for reference in references:
        ray.cancel(reference)
    if references:
        ray.wait(references, num_returns=len(references), timeout=_END_SECONDS)
