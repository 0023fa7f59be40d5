"""Class names of Kinetics-400.

`kinetics400.txt` lists the 400 action classes of Kay et al. 2017, The Kinetics Human Action Video
Dataset (arXiv:1705.06950). They are in alphabetical order, which is the order of the classifiers of
torchvision, PyTorchVideo, I3D and the Hugging Face models.
"""

from pathlib import Path


def kinetics400() -> tuple[str, ...]:
    """Return the 400 class names in the order of the classifiers' outputs."""
    path = Path(__file__).with_name("kinetics400.txt")
    return tuple(path.read_text(encoding="utf-8").splitlines())
