"""Starts commands in a process that cannot import a framework: `start_without.py FOLDER ...`.

    python -m tests.live.start_without DATA WEIGHTS OUT VIDEO

It runs run.py with both heads, extract.py and `lookback.load`, and prints the slow packages that
were loaded all the same.
"""

import importlib.abc
import sys
from pathlib import Path

FRAMEWORKS = ("keras", "tensorflow", "jax", "torch")
SLOW = ("sklearn", "scipy", "matplotlib", "pandas", "tf2onnx")


class Refusing(importlib.abc.MetaPathFinder):
    """Lets the import of a framework fail."""

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in FRAMEWORKS:
            raise RuntimeError(f"{name} is imported")


def main(data: Path, weights: Path, out: Path, video: Path) -> None:
    from tests.running import run_script
    from video.console import console

    model = ["--weights", weights]
    with console():
        for head in ("lstm", "own"):
            outputs = ["--no-window", "--csv", out / f"{head}.csv"]
            run_script("run.py", [*model, "--video", video, "--head", head, *outputs])
        import lookback

        print(lookback.load(weights).predict(video).label)
        run_script("extract.py", [*model, "--data", data, "--features", out / "features"])
    loaded = {name.partition(".")[0] for name in sys.modules}
    print("loaded:", *sorted(loaded & {*FRAMEWORKS, *SLOW}))


if __name__ == "__main__":
    sys.meta_path.insert(0, Refusing())
    main(*map(Path, sys.argv[1:]))
