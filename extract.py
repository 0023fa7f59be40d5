"""Compute the features of every clip with the backbone and store them in features/."""

from lookback.commands.extract import FLAGS, main
from recipes.command_line import run_command

__all__ = ["FLAGS", "main"]

if __name__ == "__main__":
    run_command(main)
