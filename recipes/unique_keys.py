"""YAML whose keys are unique: a row that is there twice is an error, and not silently dropped."""

from collections.abc import Hashable
from typing import Any

import yaml


class RepeatedKeyError(yaml.MarkedYAMLError):
    """A key is there twice; `problem_mark` is the place of the second one."""


class _Loader(yaml.SafeLoader):
    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        if isinstance(node, yaml.MappingNode):
            seen = set()
            for key, _ in node.value:
                name = (key.tag, key.value) if isinstance(key, yaml.ScalarNode) else None
                if name in seen:
                    # The key is not repeated: an address in place of a name would be shown.
                    raise RepeatedKeyError(None, None, "a key is there twice", key.start_mark)
                seen.add(name or id(key))
        return super().construct_mapping(node, deep)


def load_unique(text: str) -> Any:
    """Return the content of a YAML text.

    >>> load_unique("door: 0")
    {'door': 0}

    Raises:
        RepeatedKeyError: A mapping has a key twice.
        yaml.YAMLError: The text is not YAML.
    """
    return yaml.load(text, Loader=_Loader)
