"""Extract features: run the backbone over every step of all videos, once, into features.h5."""

from lookback.commands.extract import FLAGS, main
from recipes.command_line import run_command

__all__ = ["FLAGS", "main"]

if __name__ == "__main__":
    run_command(main)
