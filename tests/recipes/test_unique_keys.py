"""Keys that are there twice."""

import pytest
import yaml

from recipes.unique_keys import RepeatedKeyError, load_unique


@pytest.mark.parametrize("text", ["a: 1\nb: 2\na: 3", "x: {a: 1,\n  a: 2}", "x: [{1: a,\n  1: b}]"])
def test_a_repeated_key_has_its_line(text):
    with pytest.raises(RepeatedKeyError) as caught:
        load_unique(text)
    assert caught.value.problem_mark.line == text.count("\n")


def test_other_texts_are_read_as_yaml():
    text = "base: &base {a: 1, b: 2}\nmore: {<<: *base, b: 3}\nlist: [1, 1]\n1: one\n'1': text"
    assert load_unique(text) == yaml.safe_load(text)
    with pytest.raises(yaml.YAMLError):
        load_unique("a: [")
    with pytest.raises(yaml.YAMLError):
        load_unique("[1, 2]: a\n{b: 1}: c")
