"""Check, group and split the clips of a folder: writes manifest.csv and rejected.csv."""

from clips.preparation import prepare
from recipes.command_line import Flag, parser, settings

FLAGS = (
    Flag(
        "--group-by",
        "data.group_by",
        "what must stay on one side of the split: auto (UCF-style _gNN_ in the name, else every "
        "file by itself), folder, folder:N, a column of an existing manifest, or a regular "
        "expression on the path",
        "RULE",
    ),
    Flag("--split", "data.split", "shares of train/val/test, by clips", "A/B/C"),
)


def main(arguments: list[str] | None = None) -> int:
    flags = parser("prepare", __doc__, FLAGS)
    flags.add_argument(
        "--drop-missing",
        action="store_true",
        help="drop the rows of videos that are not there any more (default: rows are kept)",
    )
    parsed = flags.parse_args(arguments)
    prepare(settings(parsed), parsed.drop_missing)
    return 0
