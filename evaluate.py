"""Measure the model and its baselines on the test clips, or a recipe by cross-validation."""

from lookback.commands.evaluate import FLAGS, main
from recipes.command_line import run_command

__all__ = ["FLAGS", "main"]

if __name__ == "__main__":
    run_command(main)
