"""Check the clips of a folder, group and split them, and write manifest.csv and rejected.csv."""

from clips.converting import convert
from clips.inspecting import Unconfirmed
from clips.inspection.report import report_folder
from clips.preparation import manifest_path, prepare
from lookback.commands.prepare_flags import add_prepare_flags, check_conversion, confirmation
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
    add_prepare_flags(flags)
    parsed = flags.parse_args(arguments)
    chosen = settings(parsed)
    data = manifest_path(chosen).parent
    check_conversion(parsed, data)
    out = report_folder(parsed.out, data)
    try:
        manifest = prepare(chosen, parsed.drop_missing, out, confirmation(parsed.yes))
    except Unconfirmed as end:
        _LOG.info(str(end))
        return 0
    if parsed.convert:
        convert(manifest, parsed.convert, parsed.short_side)
    return 0
