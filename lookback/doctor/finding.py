"""What a check of the doctor found."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

State = Literal["ok", "note", "problem"]


@dataclass(frozen=True)
class Finding:
    """The result of a check, a line of the doctor.

    Attributes:
        name: What was checked, such as `GPU`.
        state: `ok`; `note` for what limits some uses; `problem` for what stops a command.
        text: What was found.
        mend: What to do about it; empty if there is nothing to do.
    """

    name: str
    state: State
    text: str
    mend: str = ""

    def line(self) -> str:
        """Return the finding as a line, with its remedy after a semicolon.

        >>> Finding("webcam", "note", "none", "connect one").line()
        'note     webcam         none; connect one'
        """
        remedy = f"; {self.mend}" if self.mend else ""
        return f"{self.state:<9}{self.name:<15}{self.text}{remedy}"


Check = Callable[[], Finding]


def findings(checks: dict[str, Check]) -> Iterator[Finding]:
    """Yield the finding of every check. A check that fails itself is a problem, and not the end.

    Args:
        checks: The checks, by name.
    """
    for name, check in checks.items():
        try:
            yield check()
        except Exception as error:
            text = f"{type(error).__name__}: {error}".splitlines()[0]
            yield Finding(name, "problem", f"the check failed ({text[:200]})", REINSTALL)


REINSTALL = "install the requirements again: pip install --force-reinstall -r requirements.txt"
