"""Recipes: defaults, the file, the flags; mistakes are named by their key."""

from pathlib import Path

import pytest

from recipes.loader import DEFAULT, Settings, default_value, load, recipe_file
from video.errors import UsageError


def read(tmp_path: Path, text: str, flags: dict | None = None) -> Settings:
    path = tmp_path / "mine.yaml"
    path.write_text(text, encoding="utf-8")
    return load(path, flags)


def test_without_a_recipe_the_defaults_hold():
    settings = load()
    assert settings.recipe.sequence.epochs == default_value("sequence.epochs") == 30
    assert settings.recipe.sequence.look_back is None  # as the backbone has it
    assert settings.given == frozenset()
    assert settings.source == "default.yaml"


def test_a_flag_beats_the_recipe_and_the_recipe_beats_the_default(tmp_path):
    settings = read(
        tmp_path,
        "sequence: {look_back: 5, epochs: 7}\n",
        {"sequence.epochs": 9, "sequence.units": [8]},
    )
    sequence = settings.recipe.sequence
    assert (sequence.look_back, sequence.epochs, sequence.units) == (5, 9, (8,))
    assert sequence.batch_size == default_value("sequence.batch_size")


def test_given_holds_the_keys_of_the_recipe_and_of_the_flags_alone(tmp_path):
    settings = read(
        tmp_path,
        "seed: 0\ndata: {split: 8/1/1}\nfinetune: {augment: {flip: false}, phases: "
        "[{epoch: 0, stages: all, learning_rate: 0.1}]}\n",
        {"sampling.fps": "source", "data.folder": "x"},
    )
    assert settings.given == {
        "seed",
        "data.split",
        "data.folder",
        "sampling.fps",
        "finetune.augment.flip",
        "finetune.phases",
    }
    assert settings.source == "mine.yaml"


def test_a_list_replaces_the_list_below_it_whole(tmp_path):
    text = "finetune:\n  phases:\n    - {epoch: 2, stages: [block5], learning_rate: 0.5}\n"
    phases = read(tmp_path, text).recipe.finetune.phases
    assert [(phase.epoch, phase.stages, phase.learning_rate) for phase in phases] == [
        (2, ("block5",), 0.5)
    ]


def test_an_empty_recipe_is_the_default_one(tmp_path):
    assert read(tmp_path, "# nothing yet\n").recipe == load().recipe


@pytest.mark.parametrize("text", ["1e-4", "1.0e-4", "0.0001", '"1e-4"'])
def test_a_rate_may_be_written_with_an_exponent(tmp_path, text):
    recipe = read(tmp_path, f"sequence: {{learning_rate: {text}}}").recipe
    assert recipe.sequence.learning_rate == 1e-4


def test_sampling_takes_a_rate_or_the_word_source(tmp_path):
    for text, fps in (("source", "source"), ("12", 12.0), ("12.5", 12.5), ('"10"', 10.0)):
        assert read(tmp_path, f"sampling: {{fps: {text}}}").recipe.sampling.fps == fps


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("sequence: {lok_back: 3}", "there is no key sequence.lok_back; did you mean "
         "sequence.look_back?"),
        ("sequnce: {look_back: 3}", "there is no key sequnce; did you mean sequence?"),
        ("finetune: {augment: {rotation_degree: 3}}", "there is no key "
         "finetune.augment.rotation_degree; did you mean finetune.augment.rotation_degrees?"),
        ("finetune: {phases: [{epoch: 0, stages: 1, learnin_rate: 1}]}", "there is no key "
         "finetune.phases.0.learnin_rate; did you mean finetune.phases.0.learning_rate?"),
        ("backbone: {zzz: 1}", "there is no key backbone.zzz; known: name, weights, "
         "input"),
        ("finetune: {phases: [{epoch: 0, stages: 1}]}", "finetune.phases.0.learning_rate is "
         "missing"),
    ],
)  # fmt: skip
def test_an_unknown_key_names_the_nearest(tmp_path, text, problem):
    with pytest.raises(UsageError) as raised:
        read(tmp_path, text)
    assert str(raised.value) == f"{tmp_path / 'mine.yaml'}: {problem}"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("sequence: {look_back: three}", "sequence.look_back is 'three', and should be integer"),
        ("sequence: {look_back: 0}", "sequence.look_back is 0, and should be greater than or"),
        ("sequence: {dropout: 1.5}", "sequence.dropout is 1.5, and should be less than or equal"),
        ("sampling: {fps: fast}", "sampling.fps is 'fast', and should be number or 'source'"),
        ("sampling: {fps: 0}", "sampling.fps is 0, and should be greater than 0 or 'source'"),
        ("sampling: {fps: .inf}", "sampling.fps is inf, and should be a finite number or 'source'"),
        ("sampling: {fps: .nan}", "sampling.fps is nan, and should be"),
        ("finetune: {weight_decay: .inf}", "finetune.weight_decay is inf, and should be a finite"),
        ("seed: 1.5", "seed is 1.5, and should be integer"),
        ("sequence: {units: [64, a]}", "sequence.units.1 is 'a', and should be integer"),
        ("sequence: {units: []}", "sequence.units is []"),
        ("sequence: 3", "sequence is 3, and should be"),
        ("sequence:", "sequence is None, and should be"),
        ("finetune: {augment: {flip: maybe}}", "flip is 'maybe', and should be boolean"),
        ("finetune: {optimizer: sdg}", "'sdg', and should be 'adam', 'adamw', 'rmsprop' or 'sgd'"),
        ("preprocessing: {resize: squash}", "'squash', and should be 'stretch' or 'crop'"),
        ("data: {folder: 3}", "data.folder is 3, and should be string"),
    ],
)
def test_a_value_that_does_not_fit_is_named_with_what_would(tmp_path, text, problem):
    with pytest.raises(UsageError) as raised:
        read(tmp_path, text)
    assert str(raised.value).startswith(f"{tmp_path / 'mine.yaml'}: ")
    assert problem in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_mistake_in_a_flag_is_not_blamed_on_the_recipe(tmp_path):
    with pytest.raises(UsageError, match=r"^the command line: sequence\.epochs is 'x'"):
        read(tmp_path, "seed: 1", {"sequence.epochs": "x"})
    with pytest.raises(UsageError, match=r"mine\.yaml: sequence\.epochs is 'x'"):
        read(tmp_path, "sequence: {epochs: x}", {"sequence.epochs": 3})


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"- a\n- b\n", "a recipe holds keys and values, such as 'seed: 0'"),
        (b"just words", "a recipe holds keys and values"),
        (b"seed: 1\ndata: [\n", "line 3: not a recipe in YAML"),
        (b"\tseed: 1\n", "line 1: not a recipe in YAML"),
        (b"\xff\xfe\x00\x80", "not a recipe in YAML"),
        (b"seed: !!python/object/apply:os.getcwd []\n", "not a recipe in YAML"),
    ],
)
def test_a_file_that_is_no_recipe_says_so(tmp_path, content, problem):
    path = tmp_path / "mine.yaml"
    path.write_bytes(content)
    with pytest.raises(UsageError) as raised:
        load(path)
    assert str(raised.value).startswith(str(path))
    assert problem in str(raised.value)


def test_a_missing_recipe_is_named(tmp_path):
    with pytest.raises(UsageError, match=r"none\.yaml: the recipe cannot be read \(No such file"):
        load(tmp_path / "none.yaml")


def test_a_flag_below_a_plain_value_is_refused(tmp_path):
    with pytest.raises(UsageError, match=r"seed\.x: seed is a value and has no keys"):
        read(tmp_path, "seed: 1", {"seed.x": 2})


def test_a_recipe_cannot_be_changed_once_read():
    with pytest.raises(ValueError, match="frozen"):
        load().recipe.seed = 3


def test_every_default_stands_in_default_yaml():
    assert DEFAULT.name == "default.yaml"
    assert default_value("finetune.augment.flip") is True


@pytest.mark.parametrize("name", ["demo", "demo.yaml", "recipes/demo.yaml", "recipes/demo"])
def test_a_recipe_of_the_project_is_found_from_any_folder(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    settings = load(Path(name))
    assert settings.source == "demo.yaml"
    assert settings.recipe.backbone.name == "tiny"


def test_a_file_of_the_user_goes_before_a_recipe_of_that_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "demo.yaml").write_text("seed: 7")
    assert load(Path("demo.yaml")).recipe.seed == 7
    assert recipe_file(Path("demo")) == DEFAULT.with_name("demo.yaml")


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("dema", "--recipe dema: there is no such file or recipe; did you mean demo?"),
        ("xyz", "known: cricket_vgg16, default, demo"),
        ("mine.yaml", "mine.yaml: the recipe cannot be read"),
        ("elsewhere/demo.yaml", "elsewhere/demo.yaml: the recipe cannot be read"),
        ("demo.txt", "demo.txt: the recipe cannot be read"),
    ],
)
def test_a_recipe_that_is_nowhere_is_one_line(name, problem, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError) as error:
        load(Path(name))
    assert problem in str(error.value)
