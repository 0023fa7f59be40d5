"""Turn every clip into features, once: backbone over all steps, into features.h5."""

from lookback.commands.extract import FLAGS, main
from recipes.command_line import run_command

__all__ = ["FLAGS", "main"]

if __name__ == "__main__":
    run_command(main)
