"""Check the clips of a folder, group and split them, and write manifest.csv and rejected.csv."""

from lookback.commands.prepare import FLAGS, main
from recipes.command_line import run_command

__all__ = ["FLAGS", "main"]

if __name__ == "__main__":
    run_command(main)
