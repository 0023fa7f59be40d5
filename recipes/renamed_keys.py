"""Old names of recipe keys and flags; the error message gives the new name."""

from collections.abc import Iterator

from video.errors import UsageError

# Dotted old key -> new name of its last part. The sections before it have their new names.
RENAMED_KEYS = {
    "sampling.hop": "stride",
    "finetune.network": "head",
    "finetune.frames_per_clip": "clips_per_video",
    "finetune.draws_per_clip": "clips_per_video",
    "finetune.accumulate": "gradient_accumulation_steps",
    "finetune.clip_norm": "gradient_clip_norm",
    "finetune.ema": "ema_momentum",
    "finetune.precision": "mixed_precision",
    "finetune.schedule": "phases",
    "finetune.decay": "learning_rate_schedule",
    "finetune.learning_rate_schedule.minimum": "min_learning_rate",
    "finetune.learning_rate_schedule.epochs": "cosine_epochs",
    "finetune.learning_rate_schedule.every": "step_epochs",
    "finetune.cache.draws": "epochs",
    "sequence.windows_per_clip": "windows_per_video",
}
RENAMED_FLAGS = {"--draws-per-clip": "--clips-per-video", "--cache": "--cache-epochs"}


def refuse_renamed_keys(tree: dict, source: str) -> None:
    """Raise `UsageError` if a recipe's tree contains old names; the message lists them all.

    Args:
        tree: The nested keys of a recipe.
        source: The recipe file, or `the command line`.
    """
    renamed = list(_renamed(tree))
    if renamed:
        raise UsageError(f"{source}: {'; '.join(renamed)}")


def _renamed(tree: dict, given: str = "", present: str = "") -> Iterator[str]:
    """Yield `old is now new` for every old name below the sections `given`, now `present`."""
    for name, value in tree.items():
        now = RENAMED_KEYS.get(f"{present}{name}", name)
        if now != name:
            yield f"{given}{name} is now {present}{now}"
        if isinstance(value, dict):
            yield from _renamed(value, f"{given}{name}.", f"{present}{now}.")
