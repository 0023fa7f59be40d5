"""A fine-tuning that was stopped anywhere and resumed ends as if it had never stopped."""

from dataclasses import replace

import h5py
import numpy as np
import pytest

from extract.finetuning.checkpoint import BEST, FOLDER, Checkpoint
from extract.finetuning.train_step import TrainingStep
from extract.finetuning.trainer import Trainer
from model_folder.config import BACKBONE_WEIGHTS, read_config, require_config
from tests.extract.conftest import phase
from tests.extract.scripted_tuning import follow
from tests.history_files import rows_of
from training.keras_backend import keras
from video.errors import LookbackError, UsageError

# Six updates an epoch: what accumulates reaches from one epoch into the next.
UPDATES = 6
DRAWS = 8 * 20  # all of eight clips of twenty frames
WHOLE = {
    "gradient_accumulation_steps": 4,
    "optimizer": "adamw",
    "weight_decay": 0.01,
    "gradient_clip_norm": 1.0,
    "ema_momentum": 0.9,
    "head": {"dropout": 0.4},
    "augment": {"erasing": 0.5},
    "cache": {"epochs": 1},  # so that draws come back which were computed before the run stopped
}
COSINE = {"kind": "cosine", "warmup_epochs": 1.5, "min_learning_rate": 1e-5}
PLATEAU = {"kind": "plateau", "patience": 0, "factor": 0.5}
# Of the cosine the run learns only in its first epoch how many updates an epoch has, and must know
# it again when it goes on: `all` counts no draws beforehand. The accuracy of four clips moves in
# steps, so that epochs of the plateau come that are no better.
COURSES = {
    "cosine": {
        "learning_rate_schedule": COSINE,
        "epochs": 3,
        "clips_per_video": "all",
        "batch_size": -(-DRAWS // UPDATES),
    },
    "plateau": {
        "learning_rate_schedule": PLATEAU,
        "epochs": 4,
        "monitor": "clip_accuracy",
        "batch_size": 3,
    },
}
# Of the plateau the last phase trains what was frozen, and is entered after the run was resumed.
SCHEDULES = {
    "cosine": [phase(0, 0, 1e-2), phase(1, ["block5"])],
    "plateau": [phase(0, ["block5"], 1e-2), phase(3, "all")],
}
EVERYTHING = phase(0, "all")
STATE = "state.h5"


class Killed(Exception):
    """Stands for the end of the process: nothing of the program catches it."""


@pytest.fixture
def killed_at_the_end(monkeypatch):
    """Return a function that runs a fine-tuning and kills it as it takes up the best epoch."""

    def killed(*_, **__) -> None:
        raise Killed

    def run(tuning: Trainer) -> None:
        with monkeypatch.context() as patched:
            patched.setattr(keras.Model, "load_weights", killed)
            with pytest.raises(Killed):
                tuning.train()

    return run


@pytest.fixture
def last_saved(monkeypatch) -> dict:
    """All variables of a run's network and optimizer as its last checkpoint has them, by folder."""
    save, found = Checkpoint.save, {}

    def watched(checkpoint: Checkpoint, model, optimizer, run) -> None:
        variables = [*model.variables, *optimizer.variables]
        found[checkpoint.folder] = [np.asarray(variable) for variable in variables]
        save(checkpoint, model, optimizer, run)

    monkeypatch.setattr(Checkpoint, "save", watched)
    return found


def settings_of(quick_settings, folder, course: str):
    made = quick_settings(*SCHEDULES[course], **COURSES[course], **WHOLE)
    place = made.recipe.model.model_copy(update={"folder": str(folder)})
    return replace(made, recipe=made.recipe.model_copy(update={"model": place}))


@pytest.fixture
def run_of(quick_settings, scenes, tmp_path):
    """Return a function that makes a run of a course: run_of("cosine", "stopped")."""

    def make(course: str, folder: str) -> Trainer:
        chosen = settings_of(quick_settings, tmp_path / folder, course)
        return Trainer(chosen, scenes(train=2, val=1))

    return make


@pytest.fixture
def outcome(last_saved):
    """Return a function that gives config, rows and last variables of a finished run."""

    def of(tuning: Trainer) -> tuple:
        rows = rows_of(tuning.folder / "finetune_history.csv")
        return require_config(tuning.folder), rows, last_saved[tuning.folder / FOLDER]

    return of


def stop_saving(monkeypatch, epochs: int) -> None:
    """Kill the run as it saves the state after so many epochs."""
    save = Checkpoint.save

    def stopped(checkpoint: Checkpoint, model, optimizer, run) -> None:
        if run.state.epochs == epochs:
            raise Killed
        save(checkpoint, model, optimizer, run)

    monkeypatch.setattr(Checkpoint, "save", stopped)


def press_ctrl_c(monkeypatch, updates: int) -> None:
    """Interrupt the run behind so many updates."""
    update, done = TrainingStep.__call__, []

    def stopped(step: TrainingStep, *batch) -> float:
        if len(done) == updates:
            raise KeyboardInterrupt
        done.append(batch)
        return update(step, *batch)

    monkeypatch.setattr(TrainingStep, "__call__", stopped)


def assert_equal(found: tuple, wanted: tuple) -> None:
    assert found[0] == wanted[0]  # with the hash of the best epoch's weights
    assert found[1] == wanted[1]
    for one, other in zip(found[2], wanted[2], strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.slow
def test_a_killed_run_that_is_resumed_ends_bit_for_bit_like_one_never_killed(
    run_of, outcome, monkeypatch
):
    whole = run_of("plateau", "whole")
    whole.train()
    tuning = run_of("plateau", "killed")
    with monkeypatch.context() as patched:
        stop_saving(patched, 3)
        with pytest.raises(Killed):
            tuning.train()
    assert read_config(tuning.folder) is None
    again = run_of("plateau", "killed")
    again.train(resume=True)
    assert_equal(outcome(again), outcome(whole))
    rates = [float(row["learning_rate"]) for row in outcome(again)[1]]
    assert len(set(rates)) > 2  # the course is one
    assert not (again.folder / FOLDER).exists()


@pytest.mark.slow
def test_a_run_that_ctrl_c_stopped_goes_on_to_the_same_end(run_of, outcome, monkeypatch, capsys):
    whole = run_of("cosine", "whole")
    whole.train()
    tuning = run_of("cosine", "stopped")
    with monkeypatch.context() as patched:
        press_ctrl_c(patched, 2 * UPDATES + 3)
        best = tuning.train()
    rows = rows_of(tuning.folder / "finetune_history.csv")
    assert len(rows) == 2
    # The model so far can be used meanwhile.
    assert best.loss == pytest.approx(min(float(row["val_loss"]) for row in rows), rel=1e-5)
    assert require_config(tuning.folder).backbone.temperature == best.temperature
    assert "--resume continues the run" in capsys.readouterr().out
    again = run_of("cosine", "stopped")
    again.train(resume=True)
    assert_equal(outcome(again), outcome(whole))
    assert "Resumed after epoch 2." in capsys.readouterr().out


@pytest.fixture
def few(scenes):
    """The smallest manifest: a training and a validation clip of every class."""
    return scenes(train=1, val=1)


@pytest.fixture
def unfinished(quick_settings, few, monkeypatch) -> Trainer:
    """A run that was killed in its third epoch."""
    tuning = Trainer(quick_settings(EVERYTHING, epochs=9), few)
    with pytest.raises(Killed):
        follow(tuning, monkeypatch, [3, 2, Killed()]).train()
    return tuning


@pytest.mark.parametrize(
    ("named", "keys"),
    [
        ("finetune.batch_size", {"batch_size": 4}),
        ("finetune.augment.flip", {"augment": {"flip": False}}),
        ("finetune.learning_rate_schedule.kind", {"learning_rate_schedule": {"kind": "step"}}),
        ("finetune.head.dropout", {"head": {"dropout": 0.3}}),
        ("finetune.cache.epochs", {"cache": {"epochs": 2}}),
        ("finetune.monitor", {"monitor": "accuracy"}),
        ("finetune.epochs", {"epochs": 5, "learning_rate_schedule": {"kind": "cosine"}}),
    ],
)
def test_another_recipe_is_refused_and_its_key_named(unfinished, quick_settings, few, named, keys):
    before = (unfinished.checkpoint.folder / STATE).read_bytes()
    other = Trainer(quick_settings(EVERYTHING, **{"epochs": 9, **keys}), few)
    with pytest.raises(UsageError) as error:
        other.train(resume=True)
    told = str(error.value)
    assert told.startswith("--resume: ")
    assert named in told or (
        named == "finetune.epochs" and "finetune.learning_rate_schedule" in told
    )
    assert "\n" not in told
    assert len(told) < 600
    assert (unfinished.checkpoint.folder / STATE).read_bytes() == before


def test_another_seed_is_refused(unfinished, few):
    chosen = unfinished.settings
    other = replace(chosen, recipe=chosen.recipe.model_copy(update={"seed": 1}))
    with pytest.raises(UsageError, match="--resume: seed is 1 now and was 0 in the unfinished run"):
        Trainer(other, few).train(resume=True)


def test_another_engine_is_refused(unfinished, few):
    """It computes what is frozen, to other last bits."""
    chosen = unfinished.settings
    extract = chosen.recipe.extract.model_copy(update={"engine": "auto"})
    other = replace(chosen, recipe=chosen.recipe.model_copy(update={"extract": extract}))
    with pytest.raises(UsageError, match=r"--resume: extract\.engine is 'auto' now and was"):
        Trainer(other, few).train(resume=True)


@pytest.mark.parametrize("split", ["train", "val"])
def test_other_clips_are_refused_of_either_split(unfinished, scenes, split):
    """Those that validate chose the best epoch, and fit the temperature of all."""
    others = scenes(2, 1) if split == "train" else scenes(1, 2)
    with pytest.raises(UsageError, match="--resume: the clips for training and validation differ"):
        Trainer(unfinished.settings, others).train(resume=True)


@pytest.mark.parametrize("ends", [(1.0, 1.5), (1.0, None)])
def test_other_ends_of_labels_are_refused(quick_settings, few, monkeypatch, ends):
    def manifest(end):
        return few.with_entries([replace(entry, start=0.0, end=end) for entry in few.entries])

    chosen = quick_settings(EVERYTHING, epochs=9)
    with pytest.raises(Killed):
        follow(Trainer(chosen, manifest(ends[0])), monkeypatch, [3, Killed()]).train()
    with pytest.raises(UsageError, match="--resume: the clips for training and validation differ"):
        Trainer(chosen, manifest(ends[1])).train(resume=True)


def test_how_long_a_run_goes_on_may_be_chosen_anew(unfinished, quick_settings, few, monkeypatch):
    chosen = quick_settings(EVERYTHING, epochs=4, patience=3)
    again = follow(Trainer(chosen, few), monkeypatch, [1, 5])
    assert again.train(resume=True).loss == pytest.approx(1)
    rows = rows_of(again.folder / "finetune_history.csv")
    assert [float(row["val_loss"]) for row in rows] == [3, 2, 1, 5]


def test_a_run_that_had_ended_by_its_patience_does_not_go_on(
    quick_settings, few, monkeypatch, killed_at_the_end
):
    """Killed after its last epoch, while the best one is put into place."""
    chosen = quick_settings(EVERYTHING, epochs=9, patience=2)
    tuning = follow(Trainer(chosen, few), monkeypatch, [1, 2, 3])
    killed_at_the_end(tuning)
    again = follow(Trainer(chosen, few), monkeypatch, [0.5])
    assert again.train(resume=True).loss == pytest.approx(1)
    assert len(rows_of(again.folder / "finetune_history.csv")) == 3


def test_all_epochs_done_leaves_nothing_but_to_put_the_best_into_place(
    quick_settings, few, monkeypatch, killed_at_the_end
):
    chosen = quick_settings(EVERYTHING, epochs=2)
    tuning = follow(Trainer(chosen, few), monkeypatch, [1, 2])
    killed_at_the_end(tuning)
    again = Trainer(chosen, few)
    assert again.train(resume=True).loss == pytest.approx(1)
    assert (again.folder / BACKBONE_WEIGHTS).is_file()
    assert not (again.folder / FOLDER).exists()


def test_where_there_is_nothing_to_resume_one_line_says_so(quick_settings, few):
    tuning = Trainer(quick_settings(EVERYTHING), few)
    with pytest.raises(LookbackError, match="no unfinished run to resume; leave out --resume"):
        tuning.train(resume=True)
    assert not tuning.folder.exists()


def test_a_new_run_gives_the_unfinished_one_up_and_says_so(unfinished, few, monkeypatch, capsys):
    again = follow(Trainer(unfinished.settings, few), monkeypatch, [*[4] * 9])
    again.train()
    assert "note: the unfinished run in" in capsys.readouterr().out
    assert len(rows_of(again.folder / "finetune_history.csv")) == 9
    assert not (again.folder / FOLDER).exists()


@pytest.mark.parametrize("damage", ["cut", "text", "no state", "no array", "no best"])
def test_a_damaged_checkpoint_is_one_line_that_names_it(unfinished, few, monkeypatch, damage):
    path = unfinished.checkpoint.folder / STATE
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:5000])
    elif damage == "text":
        path.write_text("no state")
    elif damage == "no best":
        path = path.with_name(BEST)
        path.unlink()
    else:
        with h5py.File(path, "r+") as file:
            if damage == "no state":
                del file.attrs["state"]
            else:
                del file["model"]
    again = follow(Trainer(unfinished.settings, few), monkeypatch, [*[9] * 7])
    with pytest.raises(LookbackError) as error:
        again.train(resume=True)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


def test_a_checkpoint_of_an_earlier_version_is_refused(unfinished, few):
    path = unfinished.checkpoint.folder / STATE
    with h5py.File(path, "r+") as file:
        file.attrs["state"] = '{"recipe": {}, "epochs": 2, "progress": {"best_epoch": 1}}'
    with pytest.raises(LookbackError, match=r"earlier version .* start again without --resume"):
        Trainer(unfinished.settings, few).train(resume=True)
