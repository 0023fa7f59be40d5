"""Flags of evaluate.py that set keys of the recipe."""

import argparse
from dataclasses import replace

from recipes.command_line import SECOND_STAGE_FLAGS, Flag

FLAGS = (
    Flag("--split", "evaluate.split", "clips to measure on: train, val, test or all", "SPLIT"),
    Flag(
        "--label-map",
        "evaluate.label_map",
        "labels of another data set: kick=fight,other=- or a YAML file",
        "MAP",
        "none",
    ),
    Flag(
        "--groups",
        "evaluate.groups",
        "groups that the check of the split keeps whole: a column of the manifest, a pattern, or a "
        "CSV file with video and group",
        "GROUPS",
        "those of the manifest, or proposed ones",
    ),
    Flag("--folds", "evaluate.folds", "folds of a cross-validation over groups; 0: off", "N"),
    Flag("--repeats", "evaluate.repeats", "repeats of it, each with new folds", "N"),
    Flag("--views", "evaluate.views", "windows averaged per clip, evenly spaced, or all", "N"),
    Flag("--explain", "evaluate.explain", "show where the model looks in 2 N clips", "N"),
    Flag(
        "--head",
        "sequence.head",
        "own: evaluate the fine-tuned backbone's classifier; with --folds: head to train",
        "NAME",
        "the second stage, or own if there is none; with --folds: lstm",
    ),
    *(replace(flag, help=f"with --folds: {flag.help}") for flag in SECOND_STAGE_FLAGS),
)


def add_switches(flags: argparse.ArgumentParser) -> None:
    """Add the flags that need no value to the parser of the command."""
    switches = {
        "speed": "also measure the speed of both stages, and store it in the model folder",
        "by_clip": "with --folds: also folds that ignore groups, to see how much a random split "
        "would flatter",
    }
    for key, words in switches.items():
        flags.add_argument(
            f"--{key.replace('_', '-')}",
            dest=f"evaluate.{key}",
            action="store_const",
            const=True,
            help=words,
        )
