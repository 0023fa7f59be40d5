"""Check the clips of a folder, group and split them, and write manifest.csv and rejected.csv."""

import sys
from pathlib import Path

from clips.inspecting import Confirm, Unconfirmed
from clips.inspection.report import report_folder
from clips.preparation import manifest_path, prepare
from recipes.command_line import Flag, parser, settings
from video.console import logger

_LOG = logger(__name__)

FLAGS = (
    Flag(
        "--group-by",
        "data.group_by",
        "rule that puts clips into groups; a group is never divided between train, val and test: "
        "auto (_gNN_ in the file's name, else each file is its own group), folder or folder:N (a "
        "subfolder), a column of the manifest, a regular expression whose bracket is the group, "
        "propose (groups from names, dates and pictures, to confirm), or a CSV file of groups",
        "RULE",
    ),
    Flag("--split", "data.split", "fractions of the clips in train/val/test", "A/B/C"),
)


def main(arguments: list[str] | None = None) -> int:
    flags = parser("prepare", __doc__, FLAGS)
    flags.add_argument(
        "--drop-missing",
        action="store_true",
        help="remove the manifest rows whose video is missing (default: keep them)",
    )
    flags.add_argument("--yes", action="store_true", help="accept the groups of propose unasked")
    flags.add_argument(
        "--out",
        type=Path,
        metavar="FOLDER",
        help="report folder (default: reports/<name of the data folder>)",
    )
    parsed = flags.parse_args(arguments)
    chosen = settings(parsed)
    out = report_folder(parsed.out, manifest_path(chosen).parent)
    try:
        prepare(chosen, parsed.drop_missing, out, _confirmation(parsed.yes))
    except Unconfirmed as end:
        _LOG.info(str(end))
    return 0


def _confirmation(yes: bool) -> Confirm | None:
    """Return the function that asks the user; None if there is nobody to ask."""
    if yes:
        return lambda question: True
    if not sys.stdin.isatty():
        return None
    return lambda question: input(f"{question} [y/N] ").strip().casefold() in ("y", "yes")
