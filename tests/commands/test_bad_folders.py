"""Model folders, features and outputs that do not belong together, are damaged or out of reach."""

import json
import shutil

import numpy as np
import pytest

from extract.feature_store.reader import FeatureStore
from extract.feature_store.writer import FeatureWriter
from model_folder.config import read_config, write_config


@pytest.fixture
def try_all(copied, end_of, a_video, tmp_path):
    """Return a function that gives the endings of evaluate.py and run.py on the copied project."""

    def run(*flags):
        evaluated = end_of("evaluate.py", *copied.arguments, *flags, "--out", tmp_path / "report")
        live = end_of("run.py", "--weights", copied.weights, "--video", a_video, "--no-window")
        return evaluated, live

    return run


def test_the_copied_project_is_good(try_all):
    for ending in try_all():
        assert (ending.code, ending.errors) == (0, [])


def test_a_folder_without_model_yaml_says_what_makes_one(copied, try_all, end_of):
    (copied.weights / "model.yaml").unlink()
    for ending in (*try_all(), end_of("train_lstm.py", *copied.arguments)):
        ending.is_refusal(copied.weights, "model.yaml is missing", "python extract.py")


def test_a_folder_that_is_not_there_is_named(copied, end_of, a_video, tmp_path):
    ending = end_of("run.py", "--weights", tmp_path / "none", "--video", a_video, "--no-window")
    ending.is_refusal(tmp_path / "none", "--weights")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ["its content", "train again"]),
        ("[1", ["not YAML"]),
        ("format: lookback-model\n", ["seed", "required"]),
        ("\x00\x01", ["not YAML"]),
    ],
)
def test_a_model_yaml_that_is_none_is_named(text, words, copied, try_all):
    (copied.weights / "model.yaml").write_text(text)
    for ending in try_all():
        ending.is_refusal(copied.weights / "model.yaml", *words)


def test_a_folder_without_its_sequence_weights_says_what_writes_them(copied, try_all):
    (copied.weights / "sequence.weights.h5").unlink()
    for ending in try_all():
        ending.is_refusal(copied.weights / "sequence.weights.h5", "python train_lstm.py")


def test_a_folder_whose_sequence_model_was_never_trained_says_so(copied, try_all):
    config = read_config(copied.weights)
    # A backbone that was fine-tuned has a classifier of its own, which would answer.
    backbone = config.backbone.model_copy(update={"network": None, "fine_tuned": False})
    write_config(copied.weights, config.model_copy(update={"sequence": None, "backbone": backbone}))
    for ending in try_all():
        ending.is_refusal(copied.weights, "no sequence model yet", "python train_lstm.py")


@pytest.mark.parametrize("other", ["backbone.weights.h5", "mean.weights.h5"])
def test_sequence_weights_of_another_network_are_refused(other, copied, try_all):
    path = copied.weights / "sequence.weights.h5"
    shutil.copy(copied.weights / other, path)
    for ending in try_all():
        ending.is_refusal(path, "not weights of the lstm", "model.yaml")


def test_backbone_weights_of_another_network_are_refused(copied, end_of, a_video):
    path = copied.weights / "backbone.weights.h5"
    shutil.copy(copied.weights / "sequence.weights.h5", path)
    live = end_of("run.py", "--weights", copied.weights, "--video", a_video, "--no-window")
    live.is_refusal(path, "not weights of tiny")
    end_of("extract.py", *copied.arguments).is_refusal(path, "not weights of tiny")


@pytest.mark.parametrize("kind", ["cut", "text", "empty", "missing"])
def test_damaged_weights_are_named(kind, copied, try_all):
    path = copied.weights / "sequence.weights.h5"
    content = {"cut": path.read_bytes()[:3000], "text": b"weights", "empty": b""}.get(kind)
    path.unlink() if content is None else path.write_bytes(content)
    for ending in try_all():
        ending.is_refusal(path)


def test_damaged_baselines_are_named(copied, end_of, tmp_path):
    path = copied.weights / "baselines.npz"
    path.write_bytes(path.read_bytes()[:1000])
    ending = end_of("evaluate.py", *copied.arguments, "--out", tmp_path / "report")
    ending.is_refusal(path, "python train_lstm.py")


def test_weights_to_start_from_that_are_of_another_network_are_refused(copied, end_of, tmp_path):
    other = copied.weights / "sequence.weights.h5"
    ending = end_of(
        *("extract.py", "--data", copied.data, "--weights", tmp_path / "new"),
        *("--features", tmp_path / "new.h5", "--backbone", "tiny", "--backbone-weights", other),
    )
    ending.is_refusal(other, "not weights of tiny")


def refeatured(copied, **changes):
    """Let the feature file tell of other settings than it was made with."""
    path = copied.data / "features"
    with FeatureStore(path) as store:
        spec = {**store.spec, **changes}
    shutil.rmtree(path)
    with FeatureWriter(path, spec) as writer:
        writer.begin("a.mp4", {})
        writer.append("a.mp4", np.zeros((1, spec["feature_size"])), np.zeros(1))
        writer.finish("a.mp4")
    return path


def test_features_of_another_backbone_than_the_folders_are_refused(copied, end_of, tmp_path):
    path = refeatured(copied, backbone="vgg16", weights_sha256="ab" * 32)
    for script in ("train_lstm.py", "evaluate.py"):
        ending = end_of(script, *copied.arguments)
        ending.is_refusal(path, "vgg16", copied.weights, "tiny", "python extract.py")


def test_features_under_other_settings_than_the_sequence_models_are_refused(copied, end_of):
    refeatured(copied, dtype="float16")
    ending = end_of("evaluate.py", *copied.arguments)
    ending.is_refusal(copied.weights, "other features", "python train_lstm.py")


def test_live_refuses_a_sequence_model_of_other_features(copied, end_of, a_video):
    path = copied.weights / "model.yaml"
    text = path.read_text()
    changed = text.replace("dtype: float32", "dtype: float16")
    assert changed != text
    path.write_text(changed)
    ending = end_of("run.py", "--weights", copied.weights, "--video", a_video, "--no-window")
    ending.is_refusal(copied.weights, "other features", "python train_lstm.py")


@pytest.mark.parametrize("kind", ["missing", "empty", "text"])
def test_features_that_are_none_are_named(kind, copied, end_of):
    path = copied.data / "features"
    for part in path.glob("part-*.h5"):
        part.unlink()
    if kind != "missing":
        (path / "part-000001.h5").write_text("" if kind == "empty" else "features " * 1000)
    for script in ("train_lstm.py", "evaluate.py"):
        end_of(script, *copied.arguments).is_refusal(path, "python extract.py")


def test_a_model_of_other_classes_than_the_manifests_is_refused(copied, end_of):
    path = copied.data / "manifest.csv"
    path.write_text(path.read_text().replace(",raise,", ",wave,"))
    ending = end_of("evaluate.py", *copied.arguments)
    ending.is_refusal(copied.weights, "raise", "wave", "python train_lstm.py")


def test_folds_over_a_fine_tuned_backbone_are_refused(copied, end_of):
    ending = end_of("evaluate.py", *copied.arguments, "--folds", "2")
    ending.is_refusal("--folds", copied.weights, "fine-tuned", code=2)


def test_a_report_folder_that_cannot_be_made_is_named(copied, end_of, a_file):
    ending = end_of("evaluate.py", *copied.arguments, "--out", a_file / "report")
    ending.is_refusal(a_file / "report", "cannot be written", "--out")


@pytest.mark.parametrize("flag", ["--csv", "--save"])
def test_an_output_of_run_that_cannot_be_made_is_named(flag, project, end_of, a_video, a_file):
    path = a_file / "below" / "out.mp4"
    places = ["--weights", project.weights, "--video", a_video, "--no-window"]
    end_of("run.py", *places, flag, path).is_refusal(path, "cannot be written")


def test_an_output_of_run_that_is_a_folder_is_named(project, end_of, a_video, tmp_path):
    (tmp_path / "out.mp4").mkdir()
    places = ["--weights", project.weights, "--video", a_video, "--no-window"]
    for flag in ("--csv", "--save"):
        ending = end_of("run.py", *places, flag, tmp_path / "out.mp4")
        ending.is_refusal(tmp_path / "out.mp4", "cannot be written")


def test_a_disk_that_fills_up_is_named_and_ends_the_run(project, end_of, a_video, tmp_path):
    path = tmp_path / "out.csv"
    path.symlink_to("/dev/full")
    places = ["--weights", project.weights, "--video", a_video, "--no-window"]
    end_of("run.py", *places, "--csv", path).is_refusal(path, "No space left")


def test_a_feature_file_that_cannot_be_written_is_named(copied, end_of, a_file):
    path = a_file / "features.h5"
    ending = end_of("extract.py", *copied.arguments, "--features", path)
    ending.is_refusal(path, "cannot be written")


@pytest.mark.parametrize("script", ["finetune.py", "extract.py"])
def test_a_model_folder_that_cannot_be_written_is_named(script, copied, end_of, a_file):
    small = ["--backbone", "tiny", "--backbone-weights", "none"]
    small += ["--set", "preprocessing.input_size=48"]
    ending = end_of(script, "--data", copied.data, "--weights", a_file / "weights", *small)
    ending.is_refusal(a_file)


def test_no_screen_is_one_line_that_names_the_flag(project, end_of, a_video, monkeypatch):
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("sys.platform", "linux")
    ending = end_of("run.py", "--weights", project.weights, "--video", a_video)
    ending.is_refusal("no screen", "--no-window")


def test_ctrl_c_in_training_leaves_the_model_before_it(copied, end_of, try_all, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as during:
        during.setattr("keras.Model.train_on_batch", interrupted)
        ending = end_of("train_lstm.py", *copied.arguments, "--look-back", "3")
    assert ending.code == 130
    assert ending.errors == ["stopped; files written so far can be used"]
    for ending in try_all():
        assert (ending.code, ending.errors) == (0, [])


@pytest.mark.parametrize("during", ["save_baselines", "made_with"])
def test_an_end_while_a_model_is_saved_never_leaves_a_mixture(
    during, copied, end_of, try_all, monkeypatch, tmp_path
):
    def interrupted(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(f"sequence.trainer.{during}", interrupted)
        train = [*copied.arguments, "--look-back", "3", "--epochs", "1", "--head", "mean"]
        assert end_of("train_lstm.py", *train).code == 130
    # The weights may be the new ones, so the old config (look-back 6) may not speak for them: the
    # network's own head answers.
    assert read_config(copied.weights).sequence is None
    for ending in try_all():
        assert (ending.code, ending.errors) == (0, [])
    report = json.loads((tmp_path / "report" / "metrics.json").read_text())
    assert (report["head"], report["look_back"], list(report["baselines"])) == (
        "own",
        1,
        ["majority"],
    )


def test_resuming_where_nothing_was_left_unfinished_says_so(copied, end_of):
    before = (copied.weights / "backbone.weights.h5").read_bytes()
    ending = end_of("finetune.py", *copied.arguments, "--resume")
    ending.is_refusal(copied.weights / "checkpoint", "leave out --resume")
    assert (copied.weights / "backbone.weights.h5").read_bytes() == before


def test_the_own_head_of_a_network_that_was_not_fine_tuned_is_refused(copied, end_of, a_video):
    config = read_config(copied.weights)
    backbone = config.backbone.model_copy(update={"network": None, "fine_tuned": False})
    write_config(copied.weights, config.model_copy(update={"backbone": backbone}))
    live = ["--weights", copied.weights, "--video", a_video, "--no-window"]
    for script, arguments in (("evaluate.py", copied.arguments), ("run.py", live)):
        ending = end_of(script, *arguments, "--head", "own")
        ending.is_refusal(copied.weights, "python finetune.py")


def test_the_own_head_cannot_be_trained_as_a_second_stage(copied, end_of):
    ending = end_of("train_lstm.py", *copied.arguments, "--head", "own")
    ending.is_refusal("sequence.head own", "evaluate.py --head own", code=2)


@pytest.mark.parametrize("script", ["evaluate.py", "run.py"])
def test_a_second_stage_that_the_folder_does_not_hold_is_refused(
    script, copied, end_of, a_video, tmp_path
):
    """Asking for gru where an lstm was trained may not give the lstm's answers."""
    places = {
        "evaluate.py": [*copied.arguments, "--out", tmp_path / "report"],
        "run.py": ["--weights", copied.weights, "--video", a_video, "--no-window"],
    }
    end_of(script, *places[script], "--head", "gru").is_refusal("gru", "lstm", code=2)
