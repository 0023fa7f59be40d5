"""Earlier names of keys and flags are refused with the present name."""

from pathlib import Path

import pytest

from recipes.command_line import parser, settings
from recipes.loader import default_value, load
from recipes.renamed_keys import RENAMED_FLAGS, RENAMED_KEYS
from tests.running import load_script
from video.errors import UsageError

# Earlier key -> present key, as a user's recipe of an earlier version has them.
RENAMED = {
    "sampling.hop": "sampling.stride",
    "finetune.network": "finetune.head",
    "finetune.network.dropout": "finetune.head.dropout",
    "finetune.frames_per_clip": "finetune.clips_per_video",
    "finetune.draws_per_clip": "finetune.clips_per_video",
    "finetune.accumulate": "finetune.gradient_accumulation_steps",
    "finetune.clip_norm": "finetune.gradient_clip_norm",
    "finetune.ema": "finetune.ema_momentum",
    "finetune.precision": "finetune.mixed_precision",
    "finetune.schedule": "finetune.phases",
    "finetune.decay": "finetune.learning_rate_schedule",
    "finetune.decay.kind": "finetune.learning_rate_schedule.kind",
    "finetune.decay.minimum": "finetune.learning_rate_schedule.min_learning_rate",
    "finetune.decay.epochs": "finetune.learning_rate_schedule.cosine_epochs",
    "finetune.decay.every": "finetune.learning_rate_schedule.step_epochs",
    "finetune.cache.draws": "finetune.cache.epochs",
    "sequence.windows_per_clip": "sequence.windows_per_video",
}


def section(key: str) -> str:
    """Return the renamed part of a key: the section where that has the earlier name."""
    return next(
        (
            ".".join(key.split(".")[: n + 1])
            for n, (part, now) in enumerate(
                zip(key.split("."), RENAMED[key].split("."), strict=True)
            )
            if part != now
        )
    )


def refusal_of(path: Path | None = None, flags: dict | None = None) -> str:
    with pytest.raises(UsageError) as refused:
        load(path, flags)
    assert "\n" not in str(refused.value)
    return str(refused.value)


def yaml_of(key: str, value: str) -> str:
    """Return a recipe that sets one dotted key."""
    parts = key.split(".")
    return "".join(f"{'  ' * n}{part}:\n" for n, part in enumerate(parts))[:-1] + f" {value}\n"


@pytest.mark.parametrize("key", RENAMED)
def test_a_recipe_with_an_earlier_key_is_refused_with_the_present_one(key, tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text(yaml_of(key, "1"))
    first = section(key)
    assert refusal_of(path).startswith(f"{path}: {first} is now {RENAMED[first]}")
    default_value(RENAMED[key])  # the present key exists


@pytest.mark.parametrize("key", RENAMED)
def test_set_with_an_earlier_key_is_refused_with_the_present_one(key):
    arguments = parser("finetune", "For a test.", ()).parse_args(["--set", f"{key}=1"])
    with pytest.raises(UsageError) as refused:
        settings(arguments)
    first = section(key)
    assert str(refused.value).startswith(f"the command line: {first} is now {RENAMED[first]}")


def test_every_renamed_key_is_tested():
    assert {now.rpartition(".")[2] for now in RENAMED.values()} >= set(RENAMED_KEYS.values())
    assert {key.rpartition(".")[2] for key in RENAMED} >= {
        key.rpartition(".")[2] for key in RENAMED_KEYS
    }


def test_all_earlier_keys_of_a_recipe_are_listed_in_one_line(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("finetune:\n  accumulate: 2\n  decay: {kind: cosine, minimum: 0.1}\n")
    assert refusal_of(path) == (
        f"{path}: finetune.accumulate is now finetune.gradient_accumulation_steps; "
        "finetune.decay is now finetune.learning_rate_schedule; finetune.decay.minimum is now "
        "finetune.learning_rate_schedule.min_learning_rate"
    )


def test_an_earlier_key_in_a_renamed_section_is_refused_too():
    key = "finetune.learning_rate_schedule.every"
    now = "finetune.learning_rate_schedule.step_epochs"
    assert refusal_of(flags={key: 1}) == f"the command line: {key} is now {now}"


def test_a_present_key_with_an_earlier_name_elsewhere_is_accepted():
    """`epochs`, `patience` and `precision` are keys of other sections."""
    flags = {"finetune.epochs": 3, "finetune.cache.epochs": 2, "extract.precision": "bf16"}
    assert load(flags=flags).recipe.finetune.cache.epochs == 2


@pytest.mark.parametrize("flag", RENAMED_FLAGS)
@pytest.mark.parametrize("form", ["{} 3", "{}=3"])
def test_an_earlier_flag_is_refused_with_the_present_one(flag, form):
    flags = load_script("finetune.py").FLAGS
    with pytest.raises(UsageError) as refused:
        parser("finetune", "For a test.", flags).parse_args(form.format(flag).split())
    assert f"; {flag} is now {RENAMED_FLAGS[flag]} (" in str(refused.value)
    chosen = parser("finetune", "For a test.", flags).parse_args([RENAMED_FLAGS[flag], "3"])
    assert "3" in vars(chosen).values()


def test_a_flag_is_not_named_to_a_command_that_lacks_it():
    with pytest.raises(UsageError) as refused:
        parser("train", "For a test.", ()).parse_args(["--cache", "3"])
    assert "is now" not in str(refused.value)
