"""Which files are there: data/clips/<class>/**."""

import os
from pathlib import Path

from video.errors import LookbackError

# Files that stand beside clips and are nobody's idea of one. All else is tried, whatever its name.
_NOT_CLIPS = {
    ".txt", ".md", ".csv", ".json", ".xml", ".yaml", ".yml", ".srt", ".ini", ".db", ".html", ".py",
    ".jpg", ".jpeg", ".png", ".bmp", ".webp", ".wav", ".mp3", ".npy", ".h5", ".zip", ".part",
}  # fmt: skip


def find_clips(folder: Path) -> list[tuple[str, str]]:
    """Return (path relative to `folder`, class) of all files below `folder`/clips/<class>/.

    Raises:
        LookbackError: there is no clips folder, or nothing in it.
    """
    root = folder / "clips"
    layout = f"put clips into {root / '<class>'}/, one folder a class"
    if not root.is_dir():
        raise LookbackError(f"{root}: there is no such folder; {layout}")
    found = []
    # A class folder may be a link to another disk, which rglob would pass by.
    below = (
        Path(place) / name for place, _, names in os.walk(root, followlinks=True) for name in names
    )
    for path in sorted(below):
        parts = path.relative_to(root).parts
        hidden = any(part.startswith(".") for part in parts)
        if hidden or not path.is_file() or path.suffix.lower() in _NOT_CLIPS:
            continue
        try:
            str(path).encode()
        except UnicodeEncodeError:
            shown = str(path).encode(errors="backslashreplace").decode()
            raise LookbackError(f"{shown}: the name is not UTF-8; rename the file") from None
        if len(parts) < 2:
            raise LookbackError(f"{path}: lies in no class folder; {layout}")
        found.append((path.relative_to(folder).as_posix(), parts[0]))
    if not found:
        raise LookbackError(f"{root}: holds no clips; {layout}")
    return found
