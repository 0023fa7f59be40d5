"""Specs of features."""

from extract.feature_store.spec import spec_sha256


def test_the_hash_does_not_depend_on_the_order_of_keys():
    one, other = {"a": 1, "b": {"c": 2, "d": 3}}, {"b": {"d": 3, "c": 2}, "a": 1}
    assert spec_sha256(one) == spec_sha256(other)
    assert spec_sha256({"a": 1}) != spec_sha256({"a": 2})
