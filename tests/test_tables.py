"""A table as one test: every row is asked, and every failure told."""

from __future__ import annotations

import pytest

from tests.tables import table


def test_all_rows_are_asked_and_all_failures_named() -> None:
    asked = []

    @table("number", [1, pytest.param(2, id="two"), 3], ids=lambda n: f"row-{n}")
    def odd(number: int) -> None:
        asked.append(number)
        if number == 3:
            raise ValueError("three")
        assert number % 2

    with pytest.raises(ExceptionGroup, match="2 of 3 rows fail") as raised:
        odd()
    assert asked == [1, 2, 3]
    assert [(type(e), e.__notes__) for e in raised.value.exceptions] == [
        (AssertionError, ["Row: two"]),
        (ValueError, ["Row: row-3"]),
    ]


def test_a_table_without_rows_fails() -> None:
    with pytest.raises(AssertionError, match="without rows"):
        table("a, b", [])(lambda a, b: None)()


@table("first, second", [(1, 2), (3, 4)])
def test_fixtures_come_along(first: int, second: int, tmp_path: object) -> None:
    assert second == first + 1
    assert tmp_path
