"""Names that a framework leaves ambiguous get a number."""

from __future__ import annotations

from paritygate.validate.engines.names import unique


def test_unique_names_do_not_collide_with_later_ones() -> None:
    assert unique(["a", "a", "a_1", "a"]) == ["a", "a_2", "a_1", "a_3"]


def test_first_number() -> None:
    assert unique(["a", "a", "a"], first=2) == ["a", "a_2", "a_3"]
