"""A small synthetic data set whose classes differ only in motion: python -m clips.synthetic.

Every scene is a group: a background with a figure, and one clip of each class. The figure's arm is
`raise`d, `lower`ed, held `up` or held `down`. `raise` and `lower` consist of the same frames in
reverse order, so no single frame and no average distinguishes them. Every scene has all four
classes, so the background does not help.
"""

import argparse
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from video.console import console, progress_bar
from video.writer import Mp4Writer

CLASSES = ("down", "lower", "raise", "up")
FPS = 10
SECONDS = 2.0

_SHOW_SCENE = 1_000_000  # not the number of a training scene
_SHOW_FPS, _SHOW_SECONDS = 30, 14.0
# (second, height of the arm)
_SHOW_MOVES = ((0, 0), (2.5, 0), (3.3, 1), (6.0, 1), (6.8, 0), (9.5, 0), (10.2, 1), (14.0, 1))


@dataclass(frozen=True)
class Scene:
    """The properties that all clips of a group share.

    Attributes:
        background: uint8 RGB (size, size, 3).
        figure_color: RGB of the figure.
        shoulder: (x, y) of the shoulder, as fractions of the frame size.
        arm_length: Length of the arm, as a fraction of the frame size.
        side: 1 for an arm to the right, -1 for an arm to the left.
        noise: Standard deviation of the pixel noise.
    """

    background: np.ndarray
    figure_color: tuple[int, int, int]
    shoulder: tuple[float, float]
    arm_length: float
    side: int
    noise: float


def sample_scene(random: np.random.Generator, size: int) -> Scene:
    """Return a random scene: a shaded background with clutter, and a figure."""
    low, high = random.integers(40, 200, (2, 3))
    ramp = np.linspace(0, 1, size)[:, None, None]
    background = np.broadcast_to(low + (high - low) * ramp, (size, size, 3)).astype(np.uint8).copy()
    for _ in range(random.integers(2, 6)):
        corner = random.integers(0, size, 2)
        extent = random.integers(size // 12, size // 3, 2)
        color = _color(random.integers(30, 220, 3))
        cv2.rectangle(background, corner.tolist(), (corner + extent).tolist(), color, -1)
    # A dark figure on a light background, or the reverse.
    dark = background.mean() > 120
    figure = random.integers(0, 40, 3) if dark else random.integers(215, 255, 3)
    return Scene(
        background=background,
        figure_color=_color(figure),
        shoulder=(random.uniform(0.35, 0.65), random.uniform(0.38, 0.5)),
        arm_length=random.uniform(0.2, 0.3),
        side=int(random.choice([-1, 1])),
        noise=random.uniform(2, 8),
    )


def _color(levels: np.ndarray) -> tuple[int, int, int]:
    red, green, blue = (int(level) for level in levels)
    return red, green, blue


def arm_heights(label: str, random: np.random.Generator) -> np.ndarray:
    """Return the height of the arm in every frame, 0 (down) to 1 (up), with jitter: (frames,)."""
    seconds = np.arange(round(SECONDS * FPS)) / FPS
    begin, duration = random.uniform(0.2, 0.8), random.uniform(0.5, 1.0)
    heights = {
        "raise": np.clip((seconds - begin) / duration, 0, 1),
        # The reverse of a raise with other random values: the same frames in reverse order.
        "lower": np.clip((seconds[::-1] - begin) / duration, 0, 1),
        "up": np.ones_like(seconds),
        "down": np.zeros_like(seconds),
    }[label]
    return heights + random.normal(0, 0.03, len(seconds))


def render_frame(scene: Scene, height: float, size: int, random: np.random.Generator) -> np.ndarray:
    """Return one frame, uint8 RGB (size, size, 3), with the arm at `height`."""
    frame = scene.background.copy()
    jitter = random.normal(0, 0.006, 2)
    shoulder = np.array(scene.shoulder) + jitter
    thick = max(2, round(0.05 * size))

    def pixel(point: np.ndarray) -> tuple[int, int]:
        x, y = (round(float(v) * size) for v in point)
        return x, y

    def limb(start: np.ndarray, end: np.ndarray) -> None:
        cv2.line(frame, pixel(start), pixel(end), scene.figure_color, thick, cv2.LINE_AA)

    body = 1.6 * scene.arm_length
    hip = shoulder + (0, body)
    limb(shoulder, hip)
    limb(hip, hip + (-0.06, 0.5 * body))
    limb(hip, hip + (0.06, 0.5 * body))
    head = shoulder - (0, 0.35 * scene.arm_length)
    cv2.circle(frame, pixel(head), round(0.055 * size), scene.figure_color, -1, cv2.LINE_AA)
    # From 20 degrees (0 is straight down) to 160, so that the arm never covers the body.
    angle = np.radians(20 + 140 * height)
    hand = shoulder + scene.arm_length * np.array([scene.side * np.sin(angle), np.cos(angle)])
    limb(shoulder, hand)
    noisy = frame + random.normal(0, scene.noise, frame.shape)
    return np.clip(noisy, 0, 255).astype(np.uint8)


def render(folder: Path, scenes: int, size: int = 96, seed: int = 0) -> None:
    """Write four clips per scene to `folder`/clips/<class>/, with names as in UCF101."""
    for number in progress_bar(range(scenes), "render", unit="scene"):
        random = np.random.default_rng([seed, number])
        scene = sample_scene(random, size)
        for label in CLASSES:
            path = folder / "clips" / label / f"v_{label}_g{number:03}_c01.mp4"
            with Mp4Writer(path, (size, size), FPS) as writer:
                for index, height in enumerate(arm_heights(label, random)):
                    writer.write(render_frame(scene, height, size, random), index / FPS)


def render_show(path: Path, size: int = 480, seed: int = 0) -> None:
    """Write a longer video of another scene, in which the arm is raised and lowered twice."""
    random = np.random.default_rng([seed, _SHOW_SCENE])
    scene = sample_scene(random, size)
    times = np.arange(round(_SHOW_SECONDS * _SHOW_FPS)) / _SHOW_FPS
    seconds, arm = zip(*_SHOW_MOVES, strict=True)
    heights = np.interp(times, seconds, arm)
    with Mp4Writer(path, (size, size), _SHOW_FPS) as writer:
        for time, height in zip(times, heights, strict=True):
            writer.write(render_frame(scene, height, size, random), time)


def main() -> None:
    parser = argparse.ArgumentParser(description="Render the synthetic data set of the demo.")
    parser.add_argument("--data", type=Path, default=Path("data/demo"), help="(%(default)s)")
    parser.add_argument(
        "--scenes", type=int, default=172, help="scenes of four clips each (%(default)s)"
    )
    parser.add_argument("--size", type=int, default=96, help="width and height (%(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="(%(default)s)")
    chosen = parser.parse_args()
    with console():
        render(chosen.data, chosen.scenes, chosen.size, chosen.seed)
    show = chosen.data / "show.mp4"
    render_show(show, seed=chosen.seed)
    print(f"{4 * chosen.scenes} clips in {chosen.data / 'clips'}\nA video of another scene: {show}")


if __name__ == "__main__":
    main()
