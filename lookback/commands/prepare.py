"""Check the clips of a folder, group and split them, and write manifest.csv and rejected.csv."""

from clips.preparation import prepare
from recipes.command_line import Flag, parser, settings

FLAGS = (
    Flag(
        "--group-by",
        "data.group_by",
        "rule that puts clips into groups; a group is never divided between train, val and test: "
        "auto (_gNN_ in the file's name, else each file is its own group), folder or folder:N (a "
        "subfolder), a column of the manifest, or a regular expression whose bracket is the group",
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
    parsed = flags.parse_args(arguments)
    prepare(settings(parsed), parsed.drop_missing)
    return 0
