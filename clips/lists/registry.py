"""All formats of lists. A new one is one module here and one line in `DATASETS`."""

import re

from clips.lists import hmdb51, kinetics, plain, rwf2000, something_something, ucf101, ucf_sports
from clips.lists.base import DatasetLists
from video.errors import UsageError, hint

DATASETS = (
    plain.LISTS,
    ucf101.LISTS,
    hmdb51.LISTS,
    ucf_sports.LISTS,
    rwf2000.LISTS,
    kinetics.LISTS,
    something_something.LISTS,
)


def dataset_lists(name: str) -> DatasetLists:
    """Return the format of a name; case, blanks, - and _ do not matter.

    Raises:
        UsageError: There is no such format.

    >>> dataset_lists("UCF-101").name
    'ucf101'
    """
    by_name = {_plain(each.name): each for each in DATASETS}
    if _plain(name) not in by_name:
        known = [each.name for each in DATASETS]
        raise UsageError(f"--dataset {name}: no such format of lists; {hint(name, known)}")
    return by_name[_plain(name)]


def _plain(name: str) -> str:
    return re.sub(r"[\s_-]", "", name.casefold())
