"""Train the second stage on the cached features: what the last steps say of what happens."""

from lookback.commands.train import FLAGS, main
from recipes.command_line import run_command

__all__ = ["FLAGS", "main"]

if __name__ == "__main__":
    run_command(main)
