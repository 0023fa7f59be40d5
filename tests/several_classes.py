"""A small generated multi-label set: each class is a moving shape, and any of them may be there.

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


def picture(labels: tuple[str, ...], step: int, ground: np.ndarray, scene: int) -> np.ndarray:
    """Return one frame of the classes that hold: uint8 RGB of the size of `ground`."""
    frame, random = ground.copy(), np.random.default_rng([7, scene])
    unit = len(ground) // 12
    corners = random.permutation([(0, 0), (0, 1), (1, 0), (1, 1)])[:3]
    blink, slide, spin = (6 * corner + random.integers(1, 3, 2) for corner in corners)
    period, speed, turn = random.integers(2, 5), random.uniform(0.5, 1.2), random.uniform(0.3, 0.8)
    color = random.integers(60, 256, (3, 3)).tolist()
    if "blink" in labels and step % (2 * period) < period:
        at = blink * unit
        cv2.rectangle(frame, at.tolist(), (at + 3 * unit).tolist(), color[0], -1)
    if "slide" in labels:
        way = (step * speed) % 4 if random.random() < 0.5 else 4 - (step * speed) % 4
        place = (slide + (way, 2)) * unit
        cv2.circle(frame, place.astype(int).tolist(), unit, color[1], -1)
    if "spin" in labels:
        angle = turn * step
        arm = 2.0 * unit * np.array([np.cos(angle), np.sin(angle)])
        ends = [((spin + 2) * unit + sign * arm).astype(int).tolist() for sign in (-1, 1)]
        cv2.line(frame, *ends, color[2], max(2, unit // 2), cv2.LINE_AA)
    return frame


def write_clip(
    path: Path, parts: list[tuple[str, ...]], size: int, scene: int, number: int = 0
) -> None:
    """Write a video that shows the label sets `parts` one after another, 2 s each."""
    path.parent.mkdir(parents=True, exist_ok=True)
    ground = sample_scene(np.random.default_rng(scene), size).background // 2
    random = np.random.default_rng([scene, number])
    first = int(random.integers(20))
    with Mp4Writer(path, (size, size), FPS) as writer:
        for index in range(FRAMES * len(parts)):
            frame = picture(parts[index // FRAMES], first + index, ground, scene)
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
