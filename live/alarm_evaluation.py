"""Evaluation of alarms: long videos without events and the test clips, through the live code."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from clips.finding.file_kinds import CLIP, kind_of
from clips.finding.walking import walk
from clips.manifest import Manifest
from clips.manifest.segments import Segment, spans_of
from clips.manifest.time_blocks import time_blocks
from clips.preparation import load_manifest, manifest_path
from live.alarm_options import AlarmOptions
from live.alarm_report import AlarmReport, ClassResult, json_of, text_of
from live.alarms.measurement import (
    Clip,
    Recording,
    Watching,
    false_alarms,
    recall,
    replay,
)
from live.alarms.presets import event_classes, rules_of
from live.alarms.proposal import propose, sweep
from live.alarms.rule import Rule
from model_folder.config import read_config
from model_folder.provenance import refuse_seen_clips
from recipes.loader import Settings
from video.console import logger, progress_bar
from video.errors import LookbackError, UsageError, VideoError
from video.image_folder import is_video
from video.sources import open_video

if TYPE_CHECKING:
    from live.model import LiveModel

_LOG = logger(__name__)

_EVERY_CORE = 0  # decoder threads of a file


def evaluate_alarms(options: AlarmOptions, settings: Settings) -> dict:
    """Measure the rules of a recipe, propose thresholds, and write alarms.json.

    Args:
        options: Videos, wanted rate and report folder.
        settings: Settings of the recipe and the flags.

    Returns:
        Content of alarms.json.

    Raises:
        UsageError: No class raises an alarm, or the rules do not fit to the classes.
        LookbackError: A video cannot be read or trained the model, or a part of the model is
            missing.
    """
    recipe, folder = settings.recipe, Path(settings.recipe.model.folder)
    videos = find_videos(options.videos)
    manifest = _manifest(settings)
    config = read_config(folder)
    if manifest:
        refuse_known_videos(videos, manifest)
        refuse_split_in_time(manifest)
        if config and recipe.evaluate.split in ("test", "all"):
            refuse_seen_clips(folder, config, manifest, split=recipe.evaluate.split)
    # The imports of the networks are slow: everything that needs none was checked before.
    from live.model import choose_live_model
    from sequence.report import report_folder, write_json

    model = choose_live_model(settings)
    of_model = config.sequence.events if config and config.sequence else ()
    several = bool(model.thresholds)
    events = event_classes(recipe.sequence.events, of_model, model.labels, several)
    rules = rules_of(recipe.alarms, model.labels, events)
    if not rules:
        raise UsageError(
            "alarms.classes: no class raises an alarm; name those that do, such as "
            f"--set alarms.classes=[{model.labels[0]}]"
        )
    out = report_folder(options.out, folder)
    watching = Watching(model.labels, recipe.live.bridge_seconds, recipe.live.gap_seconds)
    quiet = record_videos({str(path): path for path in videos}, model, "videos without events")
    segments: list[Segment] = []
    tested: list[Recording] = []
    if manifest:
        in_split = (
            each for each in spans_of(manifest) if recipe.evaluate.split in (each.split, "all")
        )
        segments = list(in_split)
        named = {each.video: manifest.path.parent / each.video for each in segments}
        tested = record_videos(named, model, "test clips")
    report = measure_alarms(quiet, tested, segments, rules, watching, options.wanted)
    content = {"split": recipe.evaluate.split, **json_of(report)}
    path = out / "alarms.json"
    write_json(path, content)
    _LOG.info("\n" + text_of(report))
    _LOG.info(f"\n{path}")
    return content


def find_videos(places: Iterable[Path]) -> list[Path]:
    """Return the videos that are named, and those in folders that are named, each once.

    Raises:
        LookbackError: There is no such file or folder, or a folder has no file that may be a video.
    """
    found: dict[Path, Path] = {}
    for place in places:
        if place.is_dir():
            files = [path for path in walk(place).files if kind_of(path) == CLIP]
            if not files:
                raise LookbackError(f"{place}: there is no video in this folder")
        elif is_video(place):
            files = [place]
        else:
            raise LookbackError(f"{place}: there is no such file; --alarms takes videos or folders")
        for path in files:
            found.setdefault(path.resolve(), path)
    return list(found.values())


def refuse_known_videos(videos: Iterable[Path], manifest: Manifest) -> None:
    """Refuse videos of the train and val split: the model would give too few false alarms.

    Raises:
        LookbackError: A video is in one of these splits.
    """
    known = {
        (manifest.path.parent / each.video).resolve(): each.split
        for each in manifest.entries
        if each.split in ("train", "val")
    }
    for path in videos:
        if split := known.get(path.resolve()):
            raise LookbackError(
                f"{path}: is in the split {split} of {manifest.path}, so the model has seen it; "
                "give --alarms other videos"
            )


def refuse_split_in_time(manifest: Manifest) -> None:
    """Refuse test clips that are the end of a video: alarms are measured from the start of one.

    Raises:
        LookbackError: A video is split in time.
    """
    for video in time_blocks(manifest.entries):
        raise LookbackError(
            f"{manifest.path}: {video} is split in time, so the model has seen its beginning; "
            "--alarms needs a recording of which all rows are in test"
        )


def record_videos(videos: Mapping[str, Path], model: "LiveModel", what: str) -> list[Recording]:
    """Return the probabilities at the steps of videos; warn about videos that cannot be read.

    Args:
        videos: Path of each video, by its name.
        model: Model.
        what: What the videos are, for the progress bar.

    Raises:
        LookbackError: None of the videos can be read.
    """
    recordings, fault = [], ""
    for name, path in progress_bar(videos.items(), desc=what, unit="video"):
        try:
            recordings.append(record(name, path, model))
        except VideoError as error:
            fault = str(error)
            _LOG.warning(f"note: left out: {fault}")
    if videos and not recordings:
        raise LookbackError(fault if len(videos) == 1 else f"none of the {what} can be read")
    return recordings


def record(name: str, path: Path, model: "LiveModel") -> Recording:
    """Return the probabilities at the steps of a video.

    Args:
        name: Name of the recording.
        path: The video.
        model: Model.

    Raises:
        VideoError: The video cannot be read, or has no step.
    """
    with open_video(path, _EVERY_CORE, model.extractor.config.sampling) as source:
        steps = progress_bar(model.decisions(source), desc=path.name, unit="step", leave=False)
        made = [(each.seconds, each.probabilities, each.full) for each in steps]
        if source.note:
            _LOG.warning(f"note: {source.name}: {source.note}")
    if not made:
        raise VideoError(f"{path}: ended before the first step")
    seconds, probabilities, full = zip(*made, strict=True)
    return Recording(name, np.array(seconds), np.stack(probabilities), np.array(full, bool))


def measure_alarms(
    videos: Sequence[Recording],
    tested: Sequence[Recording],
    segments: Sequence[Segment],
    rules: Sequence[Rule],
    watching: Watching,
    wanted: float,
) -> AlarmReport:
    """Return false alarms, recall, delays and proposed thresholds.

    Args:
        videos: Recordings without events.
        tested: Recordings of the test videos.
        segments: Labeled segments of the test videos; `Segment.video` names the recording.
        rules: Rules of the alarm classes, at least one.
        watching: Settings of the detector.
        wanted: Wanted rate of false alarms of all classes together, per hour.

    Raises:
        LookbackError: No video without events has two full windows.
    """
    quiet = [replay(each, rules, watching) for each in videos]
    hours = sum(each.watched for each in quiet) / 3600
    if not hours:
        raise LookbackError(
            "--alarms: no video is long enough for two full windows; give longer videos"
        )
    replays = {each.name: replay(each, rules, watching) for each in tested}
    counts = false_alarms(quiet, rules)
    classes, sweeps = {}, {}
    for rule in rules:
        mine = [each for each in segments if each.label == rule.label and each.video in replays]
        clips = [Clip(each, replays[each.video]) for each in mine]
        classes[rule.label] = ClassResult(
            rule, counts[rule.label], recall(clips, list(replays.values()), rule)
        )
        possible = [clip for clip in clips if clip.is_long_enough(rule)]
        sweeps[rule.label] = sweep(rule, quiet, possible, watching)
    proposal = propose(sweeps, hours, wanted)
    return AlarmReport(hours, quiet, len(segments), classes, sweeps, proposal)


def _manifest(settings: Settings) -> Manifest | None:
    """Return the manifest; None, with a note, if there is none and the user names none."""
    path = manifest_path(settings)
    if path.is_file() or settings.recipe.data.manifest:
        return load_manifest(settings)
    _LOG.warning(f"note: there is no {path}, so the recall is not measured")
    return None
