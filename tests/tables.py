"""A table of pure cases as one test, where a test of pytest's own for each row would cost more than what it holds."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Sequence
from functools import wraps
from typing import Any

import pytest

Test = Callable[..., None]


def table(names: str | Sequence[str], rows: Iterable[Any], ids: Callable[[Any], str] = str) -> Callable[[Test], Test]:
    """Let a test hold every row, as `pytest.mark.parametrize` has it, and say of all that fail how.

    `ids` names a row of one value. Fixtures are those of one test: they are made once, not for each row.
    """
    arguments = [name.strip() for name in names.split(",")] if isinstance(names, str) else list(names)
    given: list[tuple[str, tuple[Any, ...]]] = []
    for row in rows:
        if isinstance(row, type(pytest.param())):
            given.append((str(row.id), tuple(row.values)))
        else:
            given.append((ids(row), (row,) if len(arguments) == 1 else tuple(row)))

    def decorate(test: Test) -> Test:
        @wraps(test)
        def of_every_row(**fixtures: Any) -> None:
            assert given, "a table without rows holds nothing"
            failed = []
            for name, values in given:
                try:
                    test(**dict(zip(arguments, values, strict=True)), **fixtures)
                except Exception as error:  # noqa: BLE001 - whatever it is, the other rows are asked, too
                    error.add_note(f"Row: {name}")
                    failed.append(error)
            if failed:
                raise ExceptionGroup(f"{len(failed)} of {len(given)} rows fail", failed)

        signature = inspect.signature(test)
        left = [parameter for name, parameter in signature.parameters.items() if name not in arguments]
        of_every_row.__signature__ = signature.replace(parameters=left)  # type: ignore[attr-defined]
        del of_every_row.__wrapped__  # type: ignore[attr-defined]  # pytest would look for the row's arguments there
        return of_every_row

    return decorate
