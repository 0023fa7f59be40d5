"""Fine-tunes the small clip network as `finetune.py` does: a process of `test_devices.py`.

    python -m tests.extract.finetuning.train_on_devices LOSSES FLAGS

LOSSES is a file that receives the loss of each batch.
"""

import json
import sys
from contextlib import ExitStack
from pathlib import Path
from unittest import mock

from extract.finetuning import joining
from lookback.commands import finetune
from recipes.command_line import run_command
from training.processes import Processes


def main(arguments: list[str] | None) -> int:
    losses: list[float] = []
    with ExitStack() as stack:

        def register() -> None:
            # These import Keras, which has to wait until the processes are joined.
            from extract.finetuning.train_step import TrainingStep
            from tests.clip_network import registered

            stack.enter_context(registered())
            train = TrainingStep.__call__

            def recorded(self, *batch) -> float:
                losses.append(train(self, *batch))
                return losses[-1]

            stack.enter_context(mock.patch.object(TrainingStep, "__call__", recorded))

        def join_and_register(chosen: Processes) -> int:
            rank = join(chosen)
            register()
            return rank

        join = joining.join_processes
        stack.enter_context(mock.patch.object(joining, "join_processes", join_and_register))
        if "--distributed" not in sys.argv:
            register()
        words = ["--backbone", "clips_tiny", "--backbone-weights", "none"]
        code = finetune.main([*sys.argv[2:], *words])
    Path(sys.argv[1]).write_text(json.dumps(losses), encoding="utf-8")
    return code


if __name__ == "__main__":
    run_command(main)
