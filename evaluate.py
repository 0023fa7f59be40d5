"""Measure the trained model on clips it never saw, beside baselines; or the recipe over folds."""

from lookback.commands.evaluate import FLAGS, main
from recipes.command_line import run_command

__all__ = ["FLAGS", "main"]

if __name__ == "__main__":
    run_command(main)
