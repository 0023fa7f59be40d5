"""Names of the classes that published weights tell apart.

`kinetics400.txt`: the 400 action classes of Kay et al. 2017, The Kinetics Human Action Video
Dataset (arXiv:1705.06950), in alphabetical order, as the classifiers of torchvision, PyTorchVideo,
I3D and the Hugging Face models have them.
"""

from pathlib import Path


def kinetics400() -> tuple[str, ...]:
    """Return the 400 names, in the order of the classifiers' outputs."""
    path = Path(__file__).with_name("kinetics400.txt")
    return tuple(path.read_text(encoding="utf-8").splitlines())
