"""One learning, in a process of its own: `python -m live.teaching.learn`.

It reads a request, one line of JSON, from its input, and writes lines of JSON: progress (`phase`,
`fraction`, `message`), then the result (`learned`) or one line about an error (`error`). When its
input ends, the program that asked is gone, and it ends as well.
"""

import json
import logging
import os
import re
import shutil
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, TextIO

from extract.architectures.registry import spec_of
from live.teaching.record import LearningRecord, write_record
from live.teaching.request import from_json, network_at_hand, with_keys, without_asking
from live.teaching.splitting import learning_clips
from model_folder.config import (
    BACKBONE_WEIGHTS,
    QUANTIZED,
    QUANTIZED_WEIGHTS,
    read_config,
    require_config,
    write_config,
)
from model_folder.provenance import SEEN
from model_folder.weights_files import copy_converted
from recipes.loader import Settings
from video.errors import LookbackError

PHASES = ("prepare", "start", "extract", "score", "train")
# Share of the whole at which each phase begins, as measured with 20 clips of 3 seconds.
_BEGINS = {"prepare": 0.0, "start": 0.03, "extract": 0.25, "score": 0.6, "train": 0.8}
_NICENESS = 10

Report = Callable[[str, float, str], object]


def learn(settings: Settings, folder: Path, report: Report) -> LearningRecord:
    """Learn the clips of the data folder, and write a model into a new folder.

    Args:
        settings: Settings that name the data folder, and the model folder to start from.
        folder: Model folder to make; it must not exist.
        report: Function that receives the phase, the share of it that is done, 0 to 1, and a line.

    Raises:
        LookbackError: There are too few clips, or no network with weights can be had.
    """
    started = time.perf_counter()
    report("prepare", 0.0, "Looking at the clips")
    clips = learning_clips(settings)
    chosen = _settings(settings, folder)
    count = len(clips.manifest.videos)
    report("start", 0.0, f"Starting with {count} clips")
    from extract.extraction import extract  # imports TensorFlow
    from live.teaching.choosing import choose
    from sequence.experiment import open_features
    from sequence.trainer import train

    report("start", 0.7, "Loading the network")
    passes = 2 if chosen.recipe.backbone.input == "auto" else 1
    extract(chosen, clips.manifest, _Rising(passes, report))
    report("score", 0.0, "Measuring with clips that are held back")
    experiment = open_features(chosen, clips.manifest)
    try:
        experiment, chosen, score = choose(experiment, chosen, clips.folds)
        report("train", 0.0, f"Training on {count} clips")
        with _epochs(chosen, report):
            train(experiment, chosen, ("train", "val"))
        labels = require_config(folder).labels
        warnings = clips.warnings
        if score is None:
            score = _validated(experiment)
            warnings = (*warnings, "The score is of the clips that chose the model's epoch.")
    finally:
        experiment.close()
    record = LearningRecord(score.accuracy, score.method, score.hits, labels, warnings)
    seconds = round(time.perf_counter() - started, 1)
    record = replace(record, seconds=seconds)
    write_record(folder, record)
    return record


def _settings(settings: Settings, folder: Path) -> Settings:
    """Return the settings of the learning, and begin the new folder with the old one's network."""
    old = Path(settings.recipe.model.folder)
    config = read_config(old)
    folder.mkdir(parents=True)
    if config is None:
        settings = without_asking(settings, {"backbone.name": network_at_hand()})
        if not spec_of(settings.recipe.backbone.name).is_clip_network:
            settings = without_asking(settings, {"backbone.input": "auto"})
    else:
        for name in (BACKBONE_WEIGHTS, QUANTIZED, QUANTIZED_WEIGHTS, SEEN):
            if (old / name).is_file():
                shutil.copy2(old / name, folder / name)
        copy_converted(old, folder)
        write_config(folder, config.model_copy(update={"sequence": None}))
    return with_keys(settings, {"model.folder": str(folder)})


def _validated(experiment: Any) -> Any:
    """Return the score on the validation clips of the model that was trained."""
    from live.teaching.scoring import validation_score
    from sequence.prediction import load_predictor, require_sequence

    config = require_config(experiment.folder)
    head = require_sequence(experiment.folder, config).head
    predictor = load_predictor(experiment.folder, config)
    dataset = experiment.dataset(predictor.look_back)
    return validation_score(dataset, head, predictor)


class _Rising:
    """Reports the share of an extraction that may have several passes over the clips."""

    def __init__(self, passes: int, report: Report) -> None:
        self._passes, self._report = passes, report
        self._before, self._last = 0, 0.0

    def __call__(self, share: float) -> None:
        if share < self._last:
            self._before += 1
        self._last = share
        done = min((self._before + share) / self._passes, 1.0)
        self._report("extract", done, "Reading the clips")


class _epochs(logging.Handler):
    """A context that reports the epochs which training logs."""

    def __init__(self, settings: Settings, report: Report) -> None:
        super().__init__(logging.INFO)
        self._epochs, self._report = settings.recipe.sequence.epochs, report
        self._logger = logging.getLogger("lookback.sequence.trainer")

    def emit(self, record: logging.LogRecord) -> None:
        line = record.getMessage()
        if found := re.match(r"epoch +(\d+)", line):
            share = min(int(found[1]) / self._epochs, 1.0)
            self._report("train", share, f"Training: epoch {found[1]}")

    def __enter__(self) -> "_epochs":
        self._level = self._logger.level
        self._logger.setLevel(logging.INFO)
        self._logger.addHandler(self)
        return self

    def __exit__(self, *_: object) -> None:
        self._logger.removeHandler(self)
        self._logger.setLevel(self._level)


def fraction(phase: str, share: float) -> float:
    """Return the share of the whole learning that is done, 0 to 1."""
    number = PHASES.index(phase)
    begins = _BEGINS[phase]
    ends = _BEGINS[PHASES[number + 1]] if number + 1 < len(PHASES) else 1.0
    return begins + share * (ends - begins)


def main() -> int:
    """Learn as the request on the input says; return the exit code."""
    # Libraries print to the output as well: the lines go to a copy of it that only we write.
    lines = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8", buffering=1)
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    if hasattr(os, "nice"):
        os.nice(_NICENESS)
    request = json.loads(sys.stdin.buffer.readline())
    threading.Thread(target=_end_with_input, args=(sys.stdin,), daemon=True).start()
    lock = threading.Lock()

    def write(**values: object) -> None:
        with lock:
            lines.write(json.dumps(values) + "\n")

    def report(phase: str, share: float, message: str) -> None:
        write(phase=phase, fraction=round(fraction(phase, share), 4), message=message)

    folder = Path(request["folder"])
    try:
        record = learn(from_json(request["settings"]), folder, report)
    except LookbackError as error:
        write(error=str(error))
        return error.exit_code
    write(learned=asdict(record))
    return 0


def _end_with_input(source: TextIO) -> None:
    source.buffer.read()
    os._exit(1)


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    # TensorFlow and OpenVINO take seconds to unload, and everything is written.
    os._exit(code)
