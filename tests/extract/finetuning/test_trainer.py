"""Fine-tuning trains the stages of the phases and no others, and keeps the best epoch."""

from itertools import pairwise

import h5py
import numpy as np
import pytest
import tensorflow as tf

from clips.manifest import BACKGROUND, Entry, Manifest
from clips.manifest.segments import Segment, limited
from extract.backbones import reachable
from extract.backbones.defaults import resolve_backbone
from extract.backbones.heads import weights_sha256
from extract.extractor.loading import load_network
from extract.extractor_setup import set_up_extractor
from extract.finetuning.checkpoint import FOLDER as CHECKPOINT
from extract.finetuning.dataset import ClipDataset
from extract.finetuning.train_step import TrainingStep, seed_dropout
from extract.finetuning.trainer import Trainer, print_outcome
from model_folder.config import BACKBONE_WEIGHTS, read_config, require_config
from tests.extract.conftest import QUICK, phase
from tests.extract.scripted_tuning import follow, logits_of, saved_epoch
from tests.history_files import points_of, rows_of, run_of
from training.keras_backend import keras
from video.errors import LookbackError, UsageError

HEAD = {"features", "classifier"}
STILL = {
    **dict.fromkeys(("flip", "random_crop"), False),
    **dict.fromkeys(("rotation_degrees", "shift", "zoom", "erasing"), 0.0),
    **dict.fromkeys(("brightness", "contrast", "saturation", "hue"), 0.0),
    **dict.fromkeys(("elastic", "clahe", "blur", "pixel_dropout", "time_reversal"), 0.0),
    **dict.fromkeys(("speed", "frame_drop", "mixup", "cutmix"), 0.0),
    "short_side": None,
}


def layer_weights(tuning: Trainer) -> dict[str, list[np.ndarray]]:
    """Return copies of the weights of every layer, by stage for those of the backbone."""
    found = {
        f"{stage}/{layer.name}": layer.get_weights()
        for stage, layers in tuning.network.trunk.stages.items()
        for layer in layers
        if layer.weights
    }
    for name in HEAD:
        found[f"head/{name}"] = tuning.network.model.get_layer(name).get_weights()
    return found


def changed_stages(before: dict, after: dict) -> set[str]:
    """Return the stages of which a layer changed by as much as one bit."""
    return {
        name.split("/")[0]
        for name in before
        if not all(np.array_equal(a, b) for a, b in zip(before[name], after[name], strict=True))
    }


@pytest.fixture
def scripted_run(quick_settings, scenes, monkeypatch):
    """Return a function that makes a run which follows a script of validation losses:
    scripted_run([3, 2], patience=1). It trains everything, so that nothing is computed."""

    def make(script: list, *schedule: dict, watch=lambda step: None, **keys) -> Trainer:
        keys = {"epochs": len(script), "clips_per_video": 1, **keys}
        settings = quick_settings(*(schedule or (phase(0, "all"),)), **keys)
        return follow(Trainer(settings, scenes(train=1, val=1)), monkeypatch, script, watch)

    return make


def test_frozen_stages_do_not_change_by_one_bit_and_trained_ones_do(
    quick_settings, scenes, capsys, monkeypatch
):
    settings = quick_settings(
        phase(0, 0), phase(1, ["block4", "block5"]), phase(2, "all", 1e-4), epochs=3
    )
    tuning = Trainer(settings, scenes(train=3, val=1))
    states, logits = [layer_weights(tuning)], TrainingStep.logits

    def watched(step: TrainingStep, inputs) -> np.ndarray:
        states.append(layer_weights(tuning))  # the batch is all of validation
        return logits(step, inputs)

    monkeypatch.setattr(TrainingStep, "logits", watched)
    best = tuning.train()
    changes = [changed_stages(one, other) for one, other in pairwise(states)]
    everything = {f"block{n}" for n in range(1, 6)}
    assert changes == [{"head"}, {"head", "block4", "block5"}, {"head"} | everything]

    # What the run leaves: the best epoch's weights, their hash, a row and a point an epoch.
    config = require_config(tuning.folder)
    assert config.backbone.fine_tuned
    assert config.labels == config.backbone.labels == ("down", "lower", "raise", "up")
    assert config.backbone.feature_size == 16
    assert config.preprocessing.width == 48
    saved = load_network(tuning.folder, config)
    assert weights_sha256(saved) == config.backbone.sha256
    with h5py.File(tuning.folder / BACKBONE_WEIGHTS) as file:
        assert "optimizer" not in file  # its state would make the file several times as large
    rows = rows_of(tuning.folder / "finetune_history.csv")
    losses = [float(row["val_loss"]) for row in rows]
    assert [row["epoch"] for row in rows] == ["1", "2", "3"]
    assert best.loss == pytest.approx(min(losses), rel=1e-4)
    head = states[1 + losses.index(min(losses))]["head/classifier"]
    for one, other in zip(saved.get_layer("classifier").get_weights(), head, strict=True):
        assert np.array_equal(one, other)
    points = points_of(tuning.folder / "logs")
    measures = {"loss", "accuracy", "clip_accuracy", "roc_auc"}
    assert set(points) == {"loss", "learning_rate", *(f"val_{name}" for name in measures)}
    assert [epoch for epoch, _ in points["loss"]] == [1, 2, 3]
    run = run_of(tuning.folder / "logs")
    better = [1 + n for n, loss in enumerate(losses) if loss == min(losses[: n + 1])]
    for tag in ("confusion", "samples"):
        assert [image.step for image in run.Images(tag)] == better
    curves = [f"precision_recall/{label}" for label in config.labels]
    assert set(curves) <= set(run.Tags()["tensors"])
    assert not (tuning.folder / CHECKPOINT).exists()
    assert not list(tuning.folder.rglob("*part*"))

    print_outcome(tuning, best)
    told = capsys.readouterr().out
    assert "From epoch 1: head at 0.001." in told
    assert "From epoch 2: head, block4, block5 at 0.001." in told
    assert f"{best.accuracy:.3f}" in told
    # Extraction takes up exactly this network.
    assert set_up_extractor(settings).config == config


@pytest.fixture
def unvalidated(monkeypatch) -> None:
    """Validation whose logits are all 0: no network is compiled for it."""
    monkeypatch.setattr(TrainingStep, "logits", lambda step, inputs: np.zeros((len(inputs), 4)))


@pytest.mark.usefixtures("unvalidated")
@pytest.mark.parametrize("freeze", [True, False])
def test_frozen_batch_normalisation_keeps_its_statistics(quick_settings, scenes, freeze):
    settings = quick_settings(
        phase(0, ["block5"], 1e-2), backbone="mobilenet_025", epochs=1, freeze_batch_norm=freeze
    )
    tuning = Trainer(settings, scenes(train=2, val=1))
    norms = {
        layer: stage
        for stage, layers in tuning.network.trunk.stages.items()
        for layer in layers
        if isinstance(layer, keras.layers.BatchNormalization)
    }
    # Random weights have no statistics, and no signal reaches the end: take those of some noise.
    for layer in norms:
        layer.momentum = 0.0
    noise = np.random.default_rng(0).integers(0, 256, (16, 1, 48, 48, 3), np.uint8)
    tuning.network.trunk.model(noise, training=True)
    for layer in norms:
        layer.momentum = 0.9
    before = layer_weights(tuning)
    tuning.train()
    after = layer_weights(tuning)
    assert changed_stages(before, after) == {"head", "block5"}
    for layer, stage in norms.items():
        one, other = before[f"{stage}/{layer.name}"], after[f"{stage}/{layer.name}"]
        same = [np.array_equal(a, b) for a, b in zip(one, other, strict=True)]
        trained = stage == "block5" and not freeze
        assert same == [not trained] * 4, layer.name  # gamma, beta, mean, variance


def test_phases_begin_at_their_epochs_with_their_rates(scripted_run):
    own = {**phase(4, {"block1": 1e-6, "block5": 1e-4}, 1e-5)}
    common = {**phase(2, 1, 1e-3), "backbone_learning_rate": 1e-4}
    record: list = []

    def watch(step: TrainingStep) -> None:
        trained = {
            stage
            for stage, layers in tuning.network.trunk.stages.items()
            if any(layer.trainable for layer in layers)
        }
        record.append((trained, step.base_rates))

    schedule = own, phase(0, 0, 1e-2), common
    tuning = scripted_run([6, 5, 4, 3, 2, 1], *schedule, watch=watch)
    tuning.train()
    assert record == [
        *[(set(), [1e-2])] * 2,
        *[({"block5"}, [1e-3, 1e-4])] * 2,
        *[({"block1", "block5"}, [1e-5, 1e-6, 1e-4])] * 2,
    ]


def test_within_a_phase_the_optimizer_keeps_its_state(scripted_run):
    optimizers: list[keras.Optimizer] = []
    scripted_run(
        [4, 3, 2, 1],
        phase(0, "all"),
        phase(2, "all", 1e-4),
        watch=lambda step: optimizers.append(step.optimizer),
    ).train()
    assert len(optimizers) == 4
    assert optimizers[0] is optimizers[1]
    assert optimizers[1] is not optimizers[2]
    assert optimizers[2] is optimizers[3]


def val_losses(tuning: Trainer) -> list[float]:
    return [float(row["val_loss"]) for row in rows_of(tuning.folder / "finetune_history.csv")]


@pytest.mark.parametrize(
    ("losses", "best"),
    [([3, 2, 1], 2), ([1, 2, 3], 0), ([2, 1, 1], 1), ([2, 1, 3, 0.5, 4], 3)],
    ids=str,
)
def test_the_best_epoch_s_weights_are_saved(scripted_run, losses, best):
    tuning = scripted_run(losses)
    assert tuning.train().loss == pytest.approx(losses[best])
    assert saved_epoch(tuning) == best
    assert val_losses(tuning) == pytest.approx(losses)


def test_patience_ends_a_run_that_gets_no_better(scripted_run, capsys):
    tuning = scripted_run([3, 2, 2.5, 2.2, 1, 0.5], epochs=9, patience=2)
    assert tuning.train().loss == pytest.approx(2)
    assert saved_epoch(tuning) == 1
    assert len(val_losses(tuning)) == 4
    assert "No better validation for 2 epochs" in capsys.readouterr().out


def test_ctrl_c_after_the_first_epoch_keeps_the_best_so_far(scripted_run, capsys):
    tuning = scripted_run([3, 2, 4, KeyboardInterrupt()], epochs=9)
    assert tuning.train().loss == pytest.approx(2)
    assert saved_epoch(tuning) == 1
    assert "the best epoch so far is kept" in capsys.readouterr().out
    assert (tuning.folder / CHECKPOINT).is_dir()  # for --resume
    assert not list(tuning.folder.rglob("*part*"))


def test_ctrl_c_within_the_first_epoch_leaves_the_folder_s_model(scripted_run):
    tuning = scripted_run([1])
    tuning.train()
    before = (tuning.folder / BACKBONE_WEIGHTS).read_bytes()
    again = scripted_run([KeyboardInterrupt()], epochs=9)
    with pytest.raises(KeyboardInterrupt):
        again.train()
    assert (tuning.folder / BACKBONE_WEIGHTS).read_bytes() == before
    assert saved_epoch(tuning) == 0


def test_a_full_memory_ends_in_one_line_and_keeps_the_finished_epochs(scripted_run):
    error = tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor\nmany lines")
    tuning = scripted_run([2, 3, error], epochs=9, batch_size=8, gradient_accumulation_steps=2)
    with pytest.raises(LookbackError) as ended:
        tuning.train()
    said = str(ended.value)
    assert "\n" not in said
    assert said.startswith("out of memory with batches of 8 clips in float32: --batch-size 4 ")
    assert "--set finetune.gradient_accumulation_steps=4" in said
    assert "--set finetune.mixed_precision=mixed_float16" in said
    assert f"the 2 finished epochs is the model in {tuning.folder}; --resume continues" in said
    assert saved_epoch(tuning) == 0  # the better one
    assert read_config(tuning.folder) is not None
    again = scripted_run([1], epochs=3, batch_size=8, gradient_accumulation_steps=2)
    assert again.train(resume=True).loss == pytest.approx(1)


def test_a_full_memory_in_the_first_epoch_leaves_the_folders_model(scripted_run):
    tuning = scripted_run([1])
    tuning.train()
    before = (tuning.folder / BACKBONE_WEIGHTS).read_bytes()
    again = scripted_run([MemoryError("3 GiB")], epochs=9, batch_size=1)
    with pytest.raises(LookbackError, match="no batch is smaller") as ended:
        again.train()
    assert "--resume" not in str(ended.value)
    assert (tuning.folder / BACKBONE_WEIGHTS).read_bytes() == before


def test_another_error_keeps_its_traceback(scripted_run):
    with pytest.raises(ZeroDivisionError):
        scripted_run([ZeroDivisionError("by zero")]).train()


@pytest.mark.parametrize("interrupted", [1, 2])
def test_ctrl_c_while_a_better_epoch_is_saved_keeps_the_one_before(
    scripted_run, monkeypatch, interrupted
):
    tuning = scripted_run([3, 2, 1], epochs=9)
    save, saves = keras.Model.save_weights, []

    def stopped(model: keras.Model, path, **options) -> None:
        saves.append(path)
        if len(saves) == interrupted:
            raise KeyboardInterrupt
        save(model, path, **options)

    monkeypatch.setattr(keras.Model, "save_weights", stopped)
    if interrupted == 1:
        with pytest.raises(KeyboardInterrupt):
            tuning.train()
        assert read_config(tuning.folder) is None
    else:
        assert tuning.train().loss == pytest.approx(3)
        assert saved_epoch(tuning) == 0


@pytest.mark.usefixtures("unvalidated")
def test_training_is_repeatable(quick_settings, scenes):
    hashes = []
    for _ in range(2):
        tuning = Trainer(quick_settings(phase(0, 1), epochs=1), scenes(train=2, val=1))
        tuning.train()
        hashes.append(require_config(tuning.folder).backbone.sha256)
    assert hashes[0] == hashes[1]


def test_validation_takes_the_same_pictures_each_time_and_never_varies_them(
    quick_settings, scenes, monkeypatch
):
    manifest = scenes(train=2, val=2)

    def pictures(batches) -> list[tuple[int, bytes]]:
        return [
            (int(index), clip.tobytes())
            for clips, indices in batches
            for clip, index in zip(clips, indices, strict=True)
        ]

    tuning = Trainer(quick_settings(phase(0, 0), epochs=2, cache={"epochs": 0}), manifest)
    recipe = quick_settings(phase(0, 0), augment=STILL).recipe
    still = ClipDataset(recipe, manifest, resolve_backbone(recipe))
    # Every amount that may vary clips is in STILL, and the run's own do vary them.
    assert STILL.keys() == tuning.chosen.augment.model_dump().keys()
    assert pictures(tuning.clips.train(0)) != pictures(still.train(0))
    wanted = pictures(still.validate())
    assert [index for index, _ in wanted] == [number // 2 for number in range(16)]

    seen, validate = [], tuning.clips.validate

    def watched():
        batches = list(validate())
        seen.append(pictures(batches))
        return iter(batches)

    monkeypatch.setattr(tuning.clips, "validate", watched)
    monkeypatch.setattr(TrainingStep, "__call__", lambda *_: 1.0)  # the network stays as it is
    tuning.train()
    assert seen == [wanted, wanted]
    first, second = rows_of(tuning.folder / "finetune_history.csv")
    for column in ("val_loss", "val_accuracy", "val_clip_accuracy", "val_roc_auc"):
        assert first[column] == second[column]


def test_the_scores_are_those_of_the_probabilities(scripted_run):
    """Two frames a clip; the clip's score takes their mean."""
    truth = np.repeat(np.arange(4), 2)  # scenes' classes are in order: a clip of each
    probabilities = np.full((8, 4), 0.1)
    for number, right in enumerate(truth):
        # Right by 0.6, then wrong by 0.5 to 0.3: half of the frames, and every clip by its mean.
        if number % 2 == 0:
            probabilities[number] = 0.4 / 3
        probabilities[number, right] = 0.3 if number % 2 else 0.6
        if number % 2:
            probabilities[number, (right + 1) % 4] = 0.5
    logits = np.log(probabilities) + 7.0  # the network has no softmax
    tuning = scripted_run([logits], clips_per_video=2)
    assert tuning.clips.validation_classes.tolist() == [0, 1, 2, 3]
    scores = tuning.train()
    assert scores.loss == pytest.approx(-(np.log(0.6) + np.log(0.3)) / 2)
    assert (scores.accuracy, scores.clip_accuracy) == (0.5, 1.0)


@pytest.mark.usefixtures("unvalidated")
@pytest.mark.parametrize(
    ("choice", "rare", "others"), [("auto", 2.5, 10 / 12), ("none", 1, 1)], ids=["auto", "none"]
)
def test_class_weights_reach_the_loss(quick_settings, scenes, monkeypatch, choice, rare, others):
    """One clip of `up` stands beside three of each other class: ten in four classes."""
    manifest = scenes(train=3, val=1)
    kept = [e for e in manifest.entries if e.label != "up" or e.group in ("g000", "g003")]
    settings = quick_settings(phase(0, "all"), class_weights=choice, clips_per_video=1, epochs=1)
    tuning = Trainer(settings, manifest.with_entries(kept))
    seen: list[tuple[int, float]] = []

    def train(model, pictures, targets, weights) -> float:
        seen.extend(zip(targets.argmax(1).tolist(), weights.tolist(), strict=True))
        return 0.0

    monkeypatch.setattr(keras.Model, "train_on_batch", train)
    tuning.train()
    up = tuning.labels.index("up")
    assert [weight for number, weight in seen if number == up] == pytest.approx([rare])
    assert [weight for number, weight in seen if number != up] == pytest.approx([others] * 9)


def test_the_rest_of_a_partly_labelled_video_is_trained_as_background(quick_settings, scenes):
    manifest = scenes(train=2, val=1)
    entries = [
        Entry(e.video, e.label, e.split, e.group, start=0.5, end=1.0) for e in manifest.entries
    ]
    tuning = Trainer(quick_settings(phase(0, 0)), manifest.with_entries(entries))
    assert BACKGROUND in tuning.labels
    kinds = [(segment.label == BACKGROUND) for segment in tuning.clips.training]
    assert kinds.count(True) == 2 * kinds.count(False) == 16
    assert {segment.split for segment in tuning.clips.training} == {"train"}


def test_an_unknown_stage_is_refused_before_anything_is_built(quick_settings, scenes):
    settings = quick_settings(phase(0, 0), phase(5, ["block9"]))
    with pytest.raises(UsageError) as error:
        Trainer(settings, scenes())
    told = str(error.value)
    assert told.startswith("finetune.phases: there is no stage block9")
    assert "block1, block2, block3, block4, block5" in told


def test_phases_that_begin_late_are_refused(quick_settings, scenes):
    with pytest.raises(UsageError, match="first phase must begin at epoch 0"):
        Trainer(quick_settings(phase(1, 0)), scenes()).train()


@pytest.mark.parametrize("split", ["train", "val"])
def test_clips_that_cannot_be_read_are_named_where_none_is_left(
    quick_settings, scenes, tmp_path, split
):
    manifest = scenes(train=2, val=1)
    entries = [
        Entry(
            str(manifest.place(e.video)) if e.split != split else f"gone/{e.video}",
            e.label,
            e.split,
            e.group,
        )
        for e in manifest.entries
    ]
    settings = quick_settings(phase(0, 0), epochs=1)
    tuning = Trainer(settings, Manifest(tmp_path / "manifest.csv", tuple(entries)))
    kind = {"train": "training", "val": "validation"}[split]
    with pytest.raises(LookbackError, match=f"no {kind} clip can be read"):
        tuning.train()
    assert read_config(tuning.folder) is None
    assert not (tuning.folder / BACKBONE_WEIGHTS).exists()


def test_random_weights_alone_let_batch_normalisation_learn_its_statistics(
    quick_settings, scenes, tmp_path
):
    from extract.backbones import build_trunk

    path = tmp_path / "mine.weights.h5"
    build_trunk("tiny", "none", 48).core.save_weights(path)
    frozen = {
        weights: Trainer(
            quick_settings(phase(0, 0), weights=weights), scenes()
        ).network.freezes_batch_norm
        for weights in ("none", str(path))
    }
    assert frozen == {"none": False, str(path): True}


def test_the_default_backbone_is_replaced_where_its_weights_are_out_of_reach(
    small_settings, scenes, monkeypatch, tmp_path, capsys
):
    fallback = reachable.Fallback("tiny", "http://127.0.0.1:9/a.h5")
    monkeypatch.setattr(reachable, "FALLBACKS", {"efficientnet_b0": fallback})
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    tuning = Trainer(small_settings(QUICK, base={}), scenes(train=1, val=1))
    assert tuning.recipe.backbone.name == tuning.backbone.spec.name == "tiny"
    assert "tiny is used instead" in capsys.readouterr().out


@pytest.mark.parametrize("limit", [0, 1, 5, 7, 99])
def test_a_limit_takes_clips_of_every_class_as_evenly_as_there_are(limit):
    segments = [Segment(f"{n}", "a" if n < 16 else "bc"[n % 2], "train", "g") for n in range(20)]
    kept = limited(segments, limit, seed=3)
    assert len(kept) == (min(limit, 20) or 20)
    assert kept == [segment for segment in segments if segment in kept]  # in their order
    counts = {label: sum(segment.label == label for segment in kept) for label in "abc"}
    if limit == 7:
        assert counts == {"a": 3, "b": 2, "c": 2}
    if limit == 5:
        assert sorted(counts.values()) == [1, 2, 2]
    assert kept == limited(segments, limit, seed=3)


def test_one_logit_is_for_two_classes(quick_settings, scenes):
    settings = quick_settings(phase(0, 0), head={"one_logit": True})
    with pytest.raises(UsageError, match=r"finetune\.head\.one_logit: is for two .* has 4"):
        Trainer(settings, scenes())


def test_early_stopping_follows_the_monitor(scripted_run):
    """The loss gets ever better, the area under the curve does not: it is what counts."""
    truth, script = np.arange(4), []
    # So many clips are taken for the next class; the others are ever surer.
    for wrong, loss in ((3, 1.2), (1, 1.0), (2, 0.7), (1, 0.35), (0, 0.2)):
        losses = np.where(truth < wrong, 1.3, loss)
        logits = logits_of(losses, truth, 4)
        logits[np.arange(wrong), truth[:wrong] + 1] += 0.2
        script.append(logits)
    tuning = scripted_run(script, epochs=9, patience=2, monitor="roc_auc")
    best = tuning.train()
    assert saved_epoch(tuning) == 1
    losses = val_losses(tuning)
    assert losses == sorted(losses, reverse=True)
    rows = rows_of(tuning.folder / "finetune_history.csv")
    areas = [float(row["val_roc_auc"]) for row in rows]
    assert len(areas) == 4
    assert areas[0] < areas[2] < areas[1] == areas[3]
    assert best.roc_auc == pytest.approx(areas[1], rel=1e-5)


def test_all_dropout_of_a_network_draws_its_own(quick_settings, scenes):
    """Were two layers seeded alike, they would leave out the very same units; in EfficientNet all
    blocks of an example or none."""
    settings = quick_settings(phase(0, 0), backbone="efficientnet_b0")
    tuning = Trainer(settings, scenes(train=1, val=1))
    layers = [
        layer
        for layer in (*tuning.network.trunk.core.layers, *tuning.network.model.layers)
        if isinstance(layer, keras.layers.Dropout)
    ]
    assert len(layers) == 10

    def states(epoch: int) -> list[tuple[int, int]]:
        seed_dropout(tuning.network.model, 0, epoch)
        return [tuple(np.asarray(layer.seed_generator.state).tolist()) for layer in layers]

    assert states(1) == states(1)
    # Keras counts the second number up from batch to batch.
    drawn = [(a, b + batch) for epoch in range(3) for a, b in states(epoch) for batch in range(100)]
    assert len(set(drawn)) == 3 * 10 * 100
