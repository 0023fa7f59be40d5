"""A fine-tuning that was stopped anywhere and resumed ends as if it had never stopped."""

from dataclasses import replace

import h5py
import numpy as np
import pytest

from extract.finetuning.checkpoint import BEST, FOLDER
from extract.finetuning.trainer import FineTuning
from extract.finetuning.validation import Scores
from model_folder.card import BACKBONE_WEIGHTS, read_card, require_card
from tests.extract.conftest import phase
from tests.training.test_history import rows_of
from video.errors import LookbackError, UsageError

# Sixteen draws make six batches: what accumulates reaches from one epoch into the next.
WHOLE = {
    "epochs": 4,
    "batch_size": 3,
    "accumulate": 4,
    "optimizer": "adamw",
    "weight_decay": 0.01,
    "clip_norm": 1.0,
    "ema": 0.9,
    "network": {"dropout": 0.4},
    "augment": {"erasing": 0.5},
    "cache": {"draws": 1},  # so that draws come back which were computed before the run stopped
}
COSINE = {"kind": "cosine", "warmup_epochs": 1.5, "minimum": 1e-5}
PLATEAU = {"kind": "plateau", "patience": 0, "factor": 0.5}
# The accuracy of four clips moves in steps, so that epochs come that are no better.
COURSES = {
    "cosine": {"decay": COSINE},
    "plateau": {"decay": PLATEAU, "monitor": "clip_accuracy"},
}
STATE = "state.h5"


class Killed(Exception):
    """Stands for the end of the process: nothing of the program catches it."""


def killed(*_) -> None:
    raise Killed


class Watched(FineTuning):
    """Keeps what the run has become before the best epoch is taken."""

    end: list[np.ndarray]

    def _finish(self, best: Scores, stopped: bool) -> None:
        variables = [*self.network.model.variables, *self.network.step.optimizer.variables]
        self.end = [np.asarray(variable) for variable in variables]
        super()._finish(best, stopped)


def settings_of(quick_settings, folder, course: str):
    schedule = (phase(0, 0, 1e-2), phase(1, ["block5"]), phase(3, "all"))
    made = quick_settings(*schedule, **COURSES[course], **WHOLE)
    place = made.recipe.model.model_copy(update={"folder": str(folder)})
    return replace(made, recipe=made.recipe.model_copy(update={"model": place}))


@pytest.fixture(scope="module")
def never_stopped() -> dict[str, tuple]:
    """What runs of each course became, as far as a test has asked for them."""
    return {}


def outcome(tuning: Watched) -> tuple:
    return require_card(tuning.folder), rows_of(tuning.folder / "finetune_history.csv"), tuning.end


@pytest.fixture
def whole(quick_settings, scenes, tmp_path, never_stopped):
    """Return a function that gives the outcome of a run of that course that nothing stopped."""

    def run(course: str) -> tuple:
        if course not in never_stopped:
            chosen = settings_of(quick_settings, tmp_path / "whole", course)
            tuning = Watched(chosen, scenes(train=2, val=1))
            tuning.train()
            never_stopped[course] = outcome(tuning)
        return never_stopped[course]

    return run


def stop(tuning: FineTuning, monkeypatch, epoch: int, where: str, error: BaseException) -> None:
    """Let `error` come behind an epoch's third batch, or as its state is saved."""
    if where == "saving":
        save = tuning._save

        def saved(epochs: int, *rest) -> None:
            if epochs == epoch + 1:
                raise error
            save(epochs, *rest)

        monkeypatch.setattr(tuning, "_save", saved)
        return
    train = tuning._train_epoch

    def trained(number: int) -> float:
        inputs = tuning.network.inputs
        drawn = inputs.train

        def stopped(epoch: int):
            for batch, each in enumerate(drawn(epoch)):
                if batch == 3:
                    raise error
                yield each

        if number == epoch:
            monkeypatch.setattr(inputs, "train", stopped)
        return train(number)

    monkeypatch.setattr(tuning, "_train_epoch", trained)


def assert_equal(found: tuple, wanted: tuple) -> None:
    assert found[0] == wanted[0]  # with the hash of the best epoch's weights
    assert found[1] == wanted[1]
    for one, other in zip(found[2], wanted[2], strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_killed_run_that_is_resumed_ends_bit_for_bit_like_one_never_killed(
    quick_settings, scenes, monkeypatch, tmp_path, whole
):
    chosen = settings_of(quick_settings, tmp_path / "killed", "plateau")
    tuning = FineTuning(chosen, scenes(train=2, val=1))
    with monkeypatch.context() as patched:
        stop(tuning, patched, 2, "saving", Killed())
        with pytest.raises(Killed):
            tuning.train()
    assert read_card(tuning.folder) is None
    again = Watched(chosen, scenes(train=2, val=1))
    again.train(resume=True)
    assert_equal(outcome(again), whole("plateau"))
    rates = [float(row["learning_rate"]) for row in outcome(again)[1]]
    assert len(set(rates)) > 2  # the course is one
    assert not (again.folder / FOLDER).exists()


def test_a_run_that_ctrl_c_stopped_goes_on_to_the_same_end(
    quick_settings, scenes, monkeypatch, tmp_path, whole, capsys
):
    chosen = settings_of(quick_settings, tmp_path / "stopped", "cosine")
    tuning = FineTuning(chosen, scenes(train=2, val=1))
    with monkeypatch.context() as patched:
        stop(tuning, patched, 2, "within", KeyboardInterrupt())
        best = tuning.train()
    rows = rows_of(tuning.folder / "finetune_history.csv")
    # The model so far can be used meanwhile.
    assert best.loss == pytest.approx(min(float(row["val_loss"]) for row in rows), rel=1e-5)
    assert require_card(tuning.folder).backbone.temperature == best.temperature
    assert "--resume goes on from here" in capsys.readouterr().out
    again = Watched(chosen, scenes(train=2, val=1))
    again.train(resume=True)
    assert_equal(outcome(again), whole("cosine"))
    assert "Resumed after epoch 2." in capsys.readouterr().out


def scripted(tuning: FineTuning, monkeypatch, *losses) -> FineTuning:
    """Replace training and validation: epoch n scores losses[n], or raises it."""
    script = iter(losses)

    def validate() -> Scores:
        loss = next(script)
        if isinstance(loss, BaseException):
            raise loss
        return Scores(loss, 0.5, 0.5)

    monkeypatch.setattr(tuning, "_train_epoch", lambda _: 1.0)
    monkeypatch.setattr(tuning, "_validate", validate)
    return tuning


@pytest.fixture
def unfinished(quick_settings, scenes, monkeypatch) -> FineTuning:
    """A run that was killed in its third epoch."""
    tuning = FineTuning(quick_settings(phase(0, 0), epochs=9), scenes(train=2, val=1))
    with pytest.raises(Killed):
        scripted(tuning, monkeypatch, 3, 2, Killed()).train()
    return tuning


@pytest.mark.parametrize(
    ("named", "keys"),
    [
        ("finetune.batch_size", {"batch_size": 4}),
        ("finetune.augment.flip", {"augment": {"flip": False}}),
        ("finetune.decay.kind", {"decay": {"kind": "step"}}),
        ("finetune.network.dropout", {"network": {"dropout": 0.3}}),
        ("finetune.cache.draws", {"cache": {"draws": 2}}),
        ("finetune.monitor", {"monitor": "accuracy"}),
        ("finetune.epochs", {"epochs": 5, "decay": {"kind": "cosine"}}),
    ],
)
def test_another_recipe_is_refused_and_its_key_named(
    unfinished, quick_settings, scenes, named, keys
):
    before = (unfinished.checkpoint.folder / STATE).read_bytes()
    other = FineTuning(quick_settings(phase(0, 0), **{"epochs": 9, **keys}), scenes(2, 1))
    with pytest.raises(UsageError) as error:
        other.train(resume=True)
    told = str(error.value)
    assert told.startswith("--resume: ")
    assert named in told or (named == "finetune.epochs" and "finetune.decay" in told)
    assert "\n" not in told
    assert len(told) < 600
    assert (unfinished.checkpoint.folder / STATE).read_bytes() == before


def test_another_seed_is_refused(unfinished, scenes):
    chosen = unfinished.settings
    other = replace(chosen, recipe=chosen.recipe.model_copy(update={"seed": 1}))
    with pytest.raises(UsageError, match="--resume: seed is 1 now and was 0 in the unfinished run"):
        FineTuning(other, scenes(2, 1)).train(resume=True)


def test_another_engine_is_refused(unfinished, scenes):
    """It computes what is frozen, to other last bits."""
    chosen = unfinished.settings
    extract = chosen.recipe.extract.model_copy(update={"engine": "auto"})
    other = replace(chosen, recipe=chosen.recipe.model_copy(update={"extract": extract}))
    with pytest.raises(UsageError, match=r"--resume: extract\.engine is 'auto' now and was"):
        FineTuning(other, scenes(2, 1)).train(resume=True)


@pytest.mark.parametrize("split", ["train", "val"])
def test_other_clips_are_refused_of_either_split(unfinished, scenes, split):
    """Those that validate chose the best epoch, and fit the temperature of all."""
    others = scenes(3, 1) if split == "train" else scenes(2, 2)
    with pytest.raises(UsageError, match="--resume: the clips that train and validate are others"):
        FineTuning(unfinished.settings, others).train(resume=True)


@pytest.mark.parametrize("ends", [(1.0, 1.5), (1.0, None)])
def test_other_ends_of_labels_are_refused(quick_settings, scenes, monkeypatch, ends):
    def manifest(end):
        made = scenes(2, 1)
        return made.with_entries([replace(entry, start=0.0, end=end) for entry in made.entries])

    chosen = quick_settings(phase(0, 0), epochs=9)
    with pytest.raises(Killed):
        scripted(FineTuning(chosen, manifest(ends[0])), monkeypatch, 3, Killed()).train()
    with pytest.raises(UsageError, match="--resume: the clips that train and validate are others"):
        FineTuning(chosen, manifest(ends[1])).train(resume=True)


def test_how_long_a_run_goes_on_may_be_chosen_anew(unfinished, quick_settings, scenes, monkeypatch):
    chosen = quick_settings(phase(0, 0), epochs=4, patience=3)
    again = scripted(FineTuning(chosen, scenes(2, 1)), monkeypatch, 1, 5)
    assert again.train(resume=True).loss == 1
    rows = rows_of(again.folder / "finetune_history.csv")
    assert [float(row["val_loss"]) for row in rows] == [3, 2, 1, 5]


def test_a_run_that_had_ended_by_its_patience_does_not_go_on(quick_settings, scenes, monkeypatch):
    """Killed after its last epoch, while the best one is put into place."""
    chosen = quick_settings(phase(0, 0), epochs=9, patience=2)
    tuning = scripted(FineTuning(chosen, scenes(2, 1)), monkeypatch, 1, 2, 3)
    monkeypatch.setattr(tuning, "_finish", killed)
    with pytest.raises(Killed):
        tuning.train()
    again = scripted(FineTuning(chosen, scenes(2, 1)), monkeypatch, 0.5)
    assert again.train(resume=True).loss == 1
    assert len(rows_of(again.folder / "finetune_history.csv")) == 3


def test_all_epochs_done_leaves_nothing_but_to_put_the_best_into_place(
    quick_settings, scenes, monkeypatch
):
    chosen = quick_settings(phase(0, 0), epochs=2)
    tuning = scripted(FineTuning(chosen, scenes(2, 1)), monkeypatch, 1, 2)
    monkeypatch.setattr(tuning, "_finish", killed)
    with pytest.raises(Killed):
        tuning.train()
    again = FineTuning(chosen, scenes(2, 1))
    assert again.train(resume=True).loss == 1
    assert (again.folder / BACKBONE_WEIGHTS).is_file()
    assert not (again.folder / FOLDER).exists()


def test_where_there_is_nothing_to_resume_one_line_says_so(quick_settings, scenes):
    tuning = FineTuning(quick_settings(phase(0, 0)), scenes(2, 1))
    with pytest.raises(LookbackError, match="no unfinished run is there to resume; leave --resume"):
        tuning.train(resume=True)
    assert not tuning.folder.exists()


def test_a_new_run_gives_the_unfinished_one_up_and_says_so(unfinished, scenes, monkeypatch, capsys):
    again = scripted(FineTuning(unfinished.settings, scenes(2, 1)), monkeypatch, *[4] * 9)
    again.train()
    assert "note: the unfinished run in" in capsys.readouterr().out
    assert len(rows_of(again.folder / "finetune_history.csv")) == 9
    assert not (again.folder / FOLDER).exists()


@pytest.mark.parametrize("damage", ["cut", "text", "no state", "no array", "no best"])
def test_a_damaged_checkpoint_is_one_line_that_names_it(unfinished, scenes, monkeypatch, damage):
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
    again = scripted(FineTuning(unfinished.settings, scenes(2, 1)), monkeypatch, *[9] * 7)
    with pytest.raises(LookbackError) as error:
        again.train(resume=True)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)
