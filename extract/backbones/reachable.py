"""The default backbone on a machine that reaches a package index only: another one with weights."""

import http.client
import os
import threading
import urllib.error
import urllib.request
from dataclasses import dataclass, replace
from pathlib import Path

from recipes.commands import command
from recipes.loader import Settings
from video.console import logger

_LOG = logger(__name__)

_DEADLINE_SECONDS = 10.0


@dataclass(frozen=True)
class Fallback:
    """A backbone that is used where the weights of another one cannot be downloaded.

    Attributes:
        name: Name of the backbone that is used instead.
        address: URL of the weights that cannot be downloaded.
    """

    name: str
    address: str


# Only the default backbone has one: whoever names a backbone gets it or an error.
FALLBACKS = {
    "efficientnet_b0": Fallback(
        "efficientnet_lite0",
        "https://storage.googleapis.com/keras-applications/efficientnetb0_notop.h5",
    )
}


def keras_models() -> Path:
    """Return the folder in which Keras keeps downloaded weights."""
    return Path(os.environ.get("KERAS_HOME", Path.home() / ".keras")) / "models"


def with_reachable_backbone(settings: Settings) -> Settings:
    """Return the settings with a backbone whose weights can be had, and say so if it is another.

    Only the default backbone is replaced: not one that the recipe or a flag names, nor one with
    weights that they name. Nothing is downloaded and nothing is written.
    """
    recipe = settings.recipe
    fallback = FALLBACKS.get(recipe.backbone.name)
    if fallback is None or settings.given & {"backbone.name", "backbone.weights"}:
        return settings
    if (keras_models() / Path(fallback.address).name).is_file():
        return settings
    reason = unreachable(fallback.address)
    if not reason:
        return settings
    name = recipe.backbone.name
    _LOG.warning(
        f"note: the weights of {name}, the default backbone, cannot be downloaded here ({reason}); "
        f"{fallback.name} is used instead, with weights from the package index of pip. "
        f"{command('backbones')} lists the differences. For {name}, download {fallback.address} "
        f"on another computer, copy it into {keras_models()}, and add --backbone {name}."
    )
    backbone = recipe.backbone.model_copy(update={"name": fallback.name})
    return replace(settings, recipe=recipe.model_copy(update={"backbone": backbone}))


def unreachable(address: str, deadline_seconds: float = _DEADLINE_SECONDS) -> str:
    """Return why a file cannot be downloaded; empty if the server has it.

    A firewall that drops packets would hold a download for minutes, one timeout for each address
    of the server. This asks for the headers only, and gives up at the deadline.

    Args:
        address: URL of the file.
        deadline_seconds: Time for the answer in seconds.
    """
    no_answer = f"no answer within {deadline_seconds:g} seconds"
    reasons = [no_answer]

    def ask() -> None:
        try:
            request = urllib.request.Request(address, method="HEAD")
            urllib.request.urlopen(request, timeout=deadline_seconds).close()
            reasons.append("")
        except urllib.error.HTTPError as error:
            reasons.append(f"the server answers {error.code}")
        except (OSError, http.client.HTTPException, ValueError) as error:
            reason = getattr(error, "reason", None) or error
            if isinstance(reason, TimeoutError):  # of the socket, at the same moment as join()'s
                reasons.append(no_answer)
            else:
                reasons.append(getattr(reason, "strerror", None) or str(reason))

    # A daemon: the lookup of a name cannot be interrupted, and must not hold the program's end.
    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(deadline_seconds)
    return reasons[-1]
