"""Fine-tune a backbone on the labeled clips."""

from lookback.commands.finetune import FLAGS, main
from recipes.command_line import run_command

__all__ = ["FLAGS", "main"]

if __name__ == "__main__":
    run_command(main)
