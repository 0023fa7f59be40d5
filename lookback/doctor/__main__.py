"""Check the machine and the installation, and name what mends each problem."""

import argparse
import json
from collections.abc import Iterator
from dataclasses import asdict

from lookback.doctor import machine, software
from lookback.doctor.finding import Check, Finding, findings
from recipes.command_line import CommandParser, run_command
from recipes.commands import command

CHECKS: dict[str, Check] = {
    "Python": software.python,
    "packages": software.packages,
    "cores": machine.cores,
    "instructions": machine.instructions,
    "memory": machine.memory,
    "GPU": software.gpu,
    "cuDNN": software.cudnn,
    "OpenVINO": software.openvino,
    "video": software.video_library,
    "webcam": machine.webcam,
    "screen": machine.screen,
    "disk": machine.disk,
    "write access": machine.write_access,
    "package index": machine.package_index,
}


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    flags = CommandParser(prog=command("doctor"), description=__doc__, allow_abbrev=False)
    flags.add_argument("--json", action="store_true", help="print the findings as JSON")
    return flags.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    """Print a line per check; return 1 if there is a problem, else 0."""
    as_json = _parse(arguments).json
    found = list(findings(CHECKS)) if as_json else list(_printed(findings(CHECKS)))
    problems = sum(each.state == "problem" for each in found)
    if as_json:
        content = {"problems": problems, "findings": [asdict(each) for each in found]}
        print(json.dumps(content, indent=2, ensure_ascii=False))
    else:
        print(f"\n{problems or 'no'} problem{'' if problems == 1 else 's'}")
    return 1 if problems else 0


def _printed(found: Iterator[Finding]) -> Iterator[Finding]:
    """Yield findings, each printed as soon as it is known: some checks take seconds."""
    for each in found:
        print(each.line(), flush=True)
        yield each


if __name__ == "__main__":
    run_command(main)
