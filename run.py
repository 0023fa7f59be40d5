"""Classify live video: a webcam, a video file or a network stream."""

from lookback.commands.run import FLAGS, main
from recipes.command_line import run_command

__all__ = ["FLAGS", "main"]

if __name__ == "__main__":
    run_command(main)
