"""Compute the features of every clip on the machines of a Ray cluster.

    python -m cluster.ray --address auto --parts 250 --data /shared/data --weights /shared/weights

Every part is a shard of the manifest, and a task of Ray. A task gets the processors of a node and
runs extract.py there. If its worker dies, Ray repeats it, and it computes what is missing.
"""

import argparse
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cluster.part import Work
from cluster.ray_tasks import Needs, connected, run, smallest_node
from extract.pipeline.task import shard_of
from lookback.commands.extract_flags import FLAGS
from recipes.command_line import parser, run_command, settings_as_given
from recipes.loader import Settings
from storage.mirror import is_url
from video.console import logger
from video.errors import UsageError
from video.signals import ended_by_signals

_LOG = logger(__name__)


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return its exit code."""
    flags = parser("ray", "Compute the features of every clip on a Ray cluster.", FLAGS)
    _add_flags(flags)
    parsed = flags.parse_args(arguments)
    chosen = settings_as_given(parsed)
    if not is_url(_manifest(chosen)):
        shard_of("1/1", chosen)  # refuses a missing manifest: all parts need the same one
    ours = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    _add_flags(ours)
    _, theirs = ours.parse_known_args(arguments)
    with connected(parsed.address), ended_by_signals(), _seen(chosen) as seen:
        needs = Needs(parsed.cpus or smallest_node(), parsed.gpus, parsed.retries)
        work = Work(tuple(theirs), str(Path.cwd()), seen, needs.cpus)
        _LOG.info(f"{parsed.parts} parts, {needs.cpus} CPUs each. Setting up the network.")
        for _, lines in run({"network": work.of("--network-only")}, needs, everything=True):
            _tell(lines)
        shards = [f"{number}/{parsed.parts}" for number in range(1, parsed.parts + 1)]
        parts = {shard: work.of("--shard", shard) for shard in shards}
        for done, (_, lines) in enumerate(run(parts, needs), 1):
            _tell([*lines[:-1], f"{done} of {parsed.parts} parts: {lines[-1]}"])
        for _, lines in run({"joining": work}, needs):
            _tell(lines[-1:])
    return 0


def _add_flags(flags: argparse.ArgumentParser) -> None:
    flags.add_argument(
        "--address",
        default="auto",
        metavar="ADDRESS",
        help="Ray cluster: auto (the one that this machine belongs to), HOST:PORT, or local, "
        "which starts Ray on this machine alone (default: auto)",
    )
    flags.add_argument(
        "--parts", required=True, type=_number, metavar="N", help="number of shards of the manifest"
    )
    flags.add_argument(
        "--cpus",
        type=_number,
        metavar="N",
        help="CPUs of a part (default: those of the smallest node)",
    )
    flags.add_argument(
        "--gpus",
        default=0,
        type=_number,
        metavar="N",
        help="GPUs of a part; Ray hides the GPUs that a part did not ask for (default: 0)",
    )
    flags.add_argument(
        "--retries",
        default=5,
        type=_number,
        metavar="N",
        help="how often a part is repeated whose worker or node dies (default: 5)",
    )


def _number(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number above 0")
    return int(text)


def _manifest(chosen: Settings) -> str:
    return chosen.recipe.data.manifest or f"{chosen.recipe.data.folder}/manifest.csv"


@contextmanager
def _seen(chosen: Settings) -> Iterator[tuple[str, ...]]:
    """Return local paths that every node must see: the manifest, and a new file beside the
    features.

    Without it, a node with a disk of its own would write features that no other node ever reads.
    """
    features = chosen.recipe.data.features or f"{chosen.recipe.data.folder}/features"
    seen = [each for each in (_manifest(chosen),) if not is_url(each)]
    if is_url(features):
        yield tuple(seen)
        return
    place = Path(features)
    token = place.with_name(f".{place.name}-{secrets.token_hex(8)}")
    try:
        token.touch()
    except FileNotFoundError:
        raise UsageError(f"--features {place}: there is no folder {place.parent}") from None
    try:
        yield (*seen, str(token))
    finally:
        token.unlink(missing_ok=True)


def _tell(lines: list[str]) -> None:
    for line in lines:
        _LOG.info(line)


if __name__ == "__main__":
    run_command(main)
