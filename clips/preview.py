"""Show what each augmentation does to a clip: write a picture with a row for each."""

import argparse
from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np

from clips.loading.augmentation import augment_clip, retimed, sample_placement
from clips.manifest import Manifest
from clips.preparation import load_manifest
from recipes.command_line import DATA_FLAG, Flag, parser, run_command, settings
from recipes.schema import Augment
from video.atomic_write import atomic_write
from video.errors import LookbackError
from video.image_folder import image_folder
from video.sources import open_video

# Amounts that can be seen, for the keys that a recipe leaves at 0.
SHOWN = {
    "flip": True,
    "rotation_degrees": 15.0,
    "shift": 0.15,
    "zoom": 0.25,
    "brightness": 0.3,
    "contrast": 0.5,
    "saturation": 0.8,
    "hue": 0.25,
    "elastic": 0.08,
    "clahe": 1.0,
    "blur": 0.015,
    "pixel_dropout": 0.15,
    "erasing": 1.0,
    "time_reversal": 1.0,
    "speed": 0.5,
    "frame_drop": 0.5,
    "mixup": 1.0,
    "cutmix": 1.0,
}
_COLUMNS = 6
_WIDTH, _LABEL_WIDTH, _GAP = 160, 190, 2
_PAPER, _INK = 255, (20, 20, 20)
# A draw near 0 would show nothing: of so many, the row has the one that changes most.
_DRAWS = 8
_CROP = 0.8  # side of a crop, as a share of the frame: 224 of 280 pixels


def rows_of(
    clip: np.ndarray, other: np.ndarray, amounts: Augment, seed: int
) -> Iterable[tuple[str, np.ndarray]]:
    """Yield the name and the frames of each row, uint8 (T, H, W, 3).

    Args:
        clip: The clip, uint8 RGB (T, H, W, 3).
        other: A clip of the same shape to mix it with.
        amounts: Amounts of the recipe; keys that are 0 show the amount in `SHOWN`.
        seed: Random seed.
    """
    yield "original", clip
    yield "random_crop", _cropped(clip, amounts.model_copy(update={"random_crop": True}), seed)
    none = amounts.model_copy(update={**dict.fromkeys(SHOWN, 0.0), "flip": False, **_NO_CROP})
    for key, shown in SHOWN.items():
        amount = getattr(amounts, key) or shown
        alone = none.model_copy(update={key: amount})
        name = key if amount is True else f"{key} {amount:g}"
        mixed = key in ("mixup", "cutmix")
        if mixed:
            draws = _mixed(clip, other, alone, seed)
        else:
            draws = [_varied(clip, alone, seed + n) for n in range(_DRAWS)]
        yield name, _half_changed(clip, other, draws) if mixed else _most_changed(clip, draws)
    own = amounts.model_copy(update={"mixup": 0.0, "cutmix": 0.0})
    for number in range(3):
        yield f"recipe, draw {number + 1}", _varied(clip, own, seed + number)


_NO_CROP = {"random_crop": False, "short_side": None}


def _varied(clip: np.ndarray, amounts: Augment, seed: int) -> np.ndarray:
    random = np.random.default_rng(seed)
    places = retimed(np.arange(len(clip)), 0, amounts, random)
    return augment_clip(clip[places], amounts, random)


def _cropped(clip: np.ndarray, amounts: Augment, seed: int) -> np.ndarray:
    place = sample_placement(amounts, np.random.default_rng(seed))
    height, width = clip.shape[1:3]
    tall, wide = round(_CROP * height), round(_CROP * width)
    top, left = round(place.down * (height - tall)), round(place.across * (width - wide))
    pieces = clip[:, top : top + tall, left : left + wide]
    return np.stack([cv2.resize(piece, (width, height)) for piece in pieces])


def _mixed(clip: np.ndarray, other: np.ndarray, amounts: Augment, seed: int) -> list[np.ndarray]:
    from clips.loading.mixing import BatchMixer  # Keras: only for these two rows

    batch, labels = np.stack([clip, other]), np.array([0, 1])
    mixer = BatchMixer(amounts, 2, (seed,))
    return [mixer(batch, labels)[0][0] for _ in range(_DRAWS)]


def _most_changed(clip: np.ndarray, draws: list[np.ndarray]) -> np.ndarray:
    return max(draws, key=lambda each: _change(clip, each))


def _half_changed(clip: np.ndarray, other: np.ndarray, draws: list[np.ndarray]) -> np.ndarray:
    """Return the draw that shows most of both clips."""
    half = _change(clip, other) / 2
    return min(draws, key=lambda each: abs(_change(clip, each) - half))


def _change(clip: np.ndarray, changed: np.ndarray) -> float:
    return float(np.abs(changed.astype(int) - clip).mean())


def sheet(rows: Iterable[tuple[str, np.ndarray]]) -> np.ndarray:
    """Return a picture of named rows of frames, uint8 RGB (H, W, 3)."""
    strips = []
    for name, frames in rows:
        height = frames.shape[1]
        label = np.full((height, _LABEL_WIDTH, 3), _PAPER, np.uint8)
        font, place = cv2.FONT_HERSHEY_SIMPLEX, (6, height // 2)
        cv2.putText(label, name, place, font, 0.5, _INK, 1, cv2.LINE_AA)
        pieces = [label]
        for frame in frames:
            pieces += [frame, np.full((height, _GAP, 3), _PAPER, np.uint8)]
        strip = np.concatenate(pieces, axis=1)
        strips += [strip, np.full((_GAP, strip.shape[1], 3), _PAPER, np.uint8)]
    return np.concatenate(strips)


def _frames(path: Path, size: tuple[int, int] | None = None) -> np.ndarray:
    """Return evenly spaced frames of a video, uint8 RGB (T, H, W, 3)."""
    with open_video(path) as source:
        times = [frame.seconds for frame in source]
    places = np.linspace(0, len(times) - 1, _COLUMNS).round().astype(int).tolist()
    with open_video(path) as source:
        width, height = size or (_WIDTH, max(1, round(_WIDTH * source.size[1] / source.size[0])))
        shown = {n: f.resized(width, height) for n, f in enumerate(source) if n in places}
    return np.stack([shown[place] for place in places])


def _training_videos(manifest: Manifest) -> tuple[Path, Path]:
    """Return a training video, and one of another class to mix it with."""
    training = [entry for entry in manifest.entries if entry.split == "train"]
    first = training[0]
    other = next((entry for entry in training if entry.label != first.label), first)
    return manifest.place(first.video), manifest.place(other.video)


def main(arguments: list[str] | None = None) -> int:
    flags = _parser()
    parsed = flags.parse_args(arguments)
    chosen = settings(parsed)
    video: Path | None = parsed.video
    if video and not video.exists() and not image_folder(video):
        raise LookbackError(f"{video}: there is no such file; check --video")
    path, other = (video, video) if video else _training_videos(load_manifest(chosen))
    clip = _frames(path)
    size = (clip.shape[2], clip.shape[1])
    mixed_with = clip[:, :, ::-1] if other == path else _frames(other, size)
    picture = sheet(rows_of(clip, mixed_with, chosen.recipe.finetune.augment, chosen.recipe.seed))
    with atomic_write(parsed.out) as temporary:
        done, data = cv2.imencode(".png", picture[:, :, ::-1])
        if not done:
            raise LookbackError(f"{parsed.out}: the picture cannot be encoded")
        temporary.write_bytes(data.tobytes())
    print(parsed.out)
    return 0


def _parser() -> argparse.ArgumentParser:
    seed = Flag("--seed", "seed", "random seed of the draws", "N")
    flags = parser("preview", __doc__, (), places=(DATA_FLAG, seed))
    flags.add_argument(
        "--video",
        type=Path,
        metavar="FILE",
        help="video to show (default: the first training clip of --data)",
    )
    flags.add_argument(
        "--out",
        type=Path,
        default=Path("augmentation.png"),
        metavar="FILE.png",
        help="picture to write (default: %(default)s)",
    )
    return flags


if __name__ == "__main__":
    run_command(main)
