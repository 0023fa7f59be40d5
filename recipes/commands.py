"""Names of the commands as the user types them, for help texts and hints.

The same commands have three forms: the scripts of a clone (`python extract.py`), the installed
command (`lookback extract`), and `python -m lookback extract`. A hint in the form that the user has
just typed can be copied.
"""

import sys
from pathlib import Path

_FORMS_OF_A_CLONE = {
    "prepare": "python prepare.py",
    "finetune": "python finetune.py",
    "extract": "python extract.py",
    "train": "python train_lstm.py",
    "evaluate": "python evaluate.py",
    "compare": "python -m sequence.compare",
    "explain": "python -m sequence.explain",
    "run": "python run.py",
    "quantize": "python -m extract.quantize",
    "convert": "python -m extract.convert",
    "backbones": "python -m extract.backbones",
    "doctor": "python -m lookback.doctor",
    "preview": "python -m clips.preview",
    "ray": "python -m cluster.ray",
    "batch": "python -m cluster.batch",
}
COMMANDS = tuple(_FORMS_OF_A_CLONE)
_ROOT = Path(__file__).resolve().parents[1]


def program() -> str | None:
    """Return `lookback` or `python -m lookback`, as it was started; None if it was neither."""
    called = Path(sys.argv[0] if sys.argv else "")
    if called.stem.lower() == "lookback":  # bin/lookback, Scripts\\lookback.exe
        return "lookback"
    if (called.parent.name, called.name) == ("lookback", "__main__.py"):
        return "python -m lookback"
    return None


def command(name: str) -> str:
    """Return a command as the user types it.

    Outside of a command, for example in a notebook, it is the script if the packages are in a
    clone, else the installed command.

    Args:
        name: Name in `COMMANDS`.

    >>> command("train")
    'python train_lstm.py'
    """
    started = program()
    if started is None and not (_ROOT / "train_lstm.py").is_file():
        started = "lookback"
    return f"{started} {name}" if started else _FORMS_OF_A_CLONE[name]
