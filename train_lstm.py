"""Train the second stage: a sequence model that classifies windows of features."""

from lookback.commands.train import FLAGS, main
from recipes.command_line import run_command

__all__ = ["FLAGS", "main"]

if __name__ == "__main__":
    run_command(main)
