"""A small generated multi-label set: each class is a shape that moves, and any of them may be there.

    blink   a square that turns on and off     slide   a disc that moves to the side
    spin    a bar that rotates

`python -m tests.several_classes FOLDER` writes one, to walk through the chain by hand.
"""

import argparse
from pathlib import Path

import cv2
import numpy as np

from clips.manifest import Entry, Manifest, write
from clips.synthetic import sample_scene
from metrics.label_sets import joined
from video.writer import Mp4Writer

CLASSES = ("blink", "slide", "spin")
FPS, FRAMES = 10, 20
_SETS = ((), ("blink",), ("slide",), ("spin",), ("blink", "slide"), ("slide", "spin"), CLASSES)
_BRIGHT = 245


def picture(labels: tuple[str, ...], step: int, ground: np.ndarray, size: int) -> np.ndarray:
    """Return one frame of the classes that hold: uint8 RGB (size, size, 3)."""
    frame = ground.copy()
    unit = size // 12
    if "blink" in labels and step % 4 < 2:
        cv2.rectangle(frame, (unit, unit), (4 * unit, 4 * unit), (_BRIGHT, 60, 60), -1)
    if "slide" in labels:
        place = (unit + (step * unit) % (10 * unit), 9 * unit)
        cv2.circle(frame, place, unit + unit // 2, (60, _BRIGHT, 60), -1)
    if "spin" in labels:
        turn = 0.5 * step
        arm = 2.5 * unit * np.array([np.cos(turn), np.sin(turn)])
        middle = np.array([8.5 * unit, 3.5 * unit])
        ends = [tuple((middle + sign * arm).astype(int).tolist()) for sign in (-1, 1)]
        cv2.line(frame, *ends, (80, 80, _BRIGHT), max(2, unit), cv2.LINE_AA)
    return frame


def write_clip(
    path: Path, parts: list[tuple[str, ...]], size: int, scene: int, number: int = 0
) -> None:
    """Write a video that shows the label sets `parts` one after another, 2 s each."""
    path.parent.mkdir(parents=True, exist_ok=True)
    ground = sample_scene(np.random.default_rng(scene), size).background // 3
    random = np.random.default_rng([scene, number])
    first = int(random.integers(20))
    with Mp4Writer(path, (size, size), FPS) as writer:
        for index in range(FRAMES * len(parts)):
            frame = picture(parts[index // FRAMES], first + index, ground, size)
            noisy = frame + random.normal(0, 4, frame.shape)
            writer.write(np.clip(noisy, 0, 255).astype(np.uint8), index / FPS)


def render(folder: Path, scenes: int, size: int = 48) -> Manifest:
    """Write a data folder with a clip of each label set per scene, and its manifest."""
    entries = []
    for scene in range(scenes):
        for number, labels in enumerate(_SETS):
            name = f"videos/scene{scene:02}_{number}.mp4"
            write_clip(folder / name, [labels], size, scene, number)
            entries.append(Entry(name, joined(labels), group=f"scene{scene:02}"))
    manifest = Manifest(folder / "manifest.csv", tuple(entries))
    write(manifest)
    return manifest


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--scenes", type=int, default=12)
    parser.add_argument("--size", type=int, default=96)
    chosen = parser.parse_args()
    render(chosen.folder, chosen.scenes, chosen.size)
    write_clip(chosen.folder / "show.mp4", [(), ("blink",), ("blink", "spin"), CLASSES], 240, 9999)


if __name__ == "__main__":
    main()
