"""Addresses in a recipe, such as `s3://bucket/set`: they become folders of mirrors.

The commands see local paths only. `storage` copies what they need down, and what they changed up.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from recipes.loader import Settings
from storage.mirror import is_url, local_path, with_urls
from video.errors import LookbackError


def with_local_places(settings: Settings) -> Settings:
    """Return settings whose addresses are local paths; data and model folders are copied down.

    Features are copied down when they are needed.

    Raises:
        LookbackError: The storage cannot be read.
    """
    recipe = settings.recipe
    data, model = recipe.data, recipe.model
    named = [model.folder, data.folder, data.manifest, data.features, data.lists, data.corrections]
    urls = [each for each in named if each and is_url(each)]
    if not urls:
        return settings
    from storage import roles

    def place(text: str | None, opened: Callable[[str], Path]) -> str | None:
        return str(opened(text)) if text and is_url(text) else text

    others = [each for each in (model.folder, data.features) if each]
    model = model.model_copy(update={"folder": place(model.folder, roles.model_folder)})

    def of_data(url: str) -> Path:
        return roles.data_folder(url, others)

    def of_manifest(url: str) -> Path:
        folder, _, name = url.rpartition("/")
        return of_data(folder) / name

    data = data.model_copy(
        update={
            "folder": place(data.folder, of_data),
            "manifest": place(data.manifest, of_manifest),
            "features": place(data.features, local_path),
            "lists": place(data.lists, roles.file_or_folder),
            "corrections": place(data.corrections, roles.file_or_folder),
        }
    )
    return replace(settings, recipe=recipe.model_copy(update={"data": data, "model": model}))


@contextmanager
def copied_up() -> Iterator[None]:
    """Write what the block changed in mirrors to the storage, also after an error of the user.

    The next block copies down what has changed on the storage since.

    Raises:
        LookbackError: The storage cannot be written.
    """
    from storage import trees

    try:
        yield
    except (LookbackError, KeyboardInterrupt) as error:
        if isinstance(error, LookbackError):
            error.args = (with_urls(str(error)),)
        trees.copy_up_if_possible()
        raise
    else:
        trees.copy_up()
    finally:
        trees.close()
