"""Scenarios in short: one row for each, where they differ in little but what an origin does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from cfrunbook.findings import Cause
from cfrunbook.lab.authority import Authority
from cfrunbook.lab.scenario import ORIGIN, Difficulty, Expected, Scenario, Setup, web
from cfrunbook.lab.servers import Chain, Tls

if TYPE_CHECKING:
    from cfrunbook.lab.accounts import Account

GUIDE: Final = "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/"

SetUp = Callable[[Authority], Setup]


def fine(authority: Authority) -> Setup:
    """Return a shop in good order."""
    return Setup(web(Tls(Chain((authority.leaf(ORIGIN), authority.intermediate)))))


def fault(code: str, cause: Cause | None = None, status: int = 502, edge: frozenset[int] = frozenset()) -> Expected:
    """Return the answer of a scenario with a fault: its code, and the cause, where the code does not begin with it."""
    return Expected("fault", cause or Cause(code.partition(".")[0]), code, status, edge)


def unknown(code: str, edge: frozenset[int] = frozenset()) -> Expected:
    """Return the answer of a scenario in which a question stays open."""
    return Expected("unknown", Cause(code.partition(".")[0]), code, None, edge)


def row(
    name: str,
    expected: Expected,
    set_up: SetUp,
    *,
    title: str,
    pager: str,
    ticket: str,
    hints: tuple[str, str, str],
    why: str,
    page: str,
    difficulty: Difficulty = Difficulty.MEDIUM,
    on_paper: bool = False,
    is_fickle: bool = False,
    disagreement: str = "",
    needs_s2n: bool = False,
    also: tuple[Cause, ...] = (),
) -> Scenario:
    """Return a scenario."""
    return Scenario(
        name=name,
        title=title,
        story=(pager, f"Ticket: {ticket}"),
        difficulty=difficulty,
        expected=expected,
        hints=hints,
        why_in_real_life=why,
        page=GUIDE + page,
        set_up=set_up,
        on_paper=on_paper,
        is_fickle=is_fickle,
        disagreement=disagreement,
        needs_s2n=needs_s2n,
        also=also,
    )


def account_row(  # noqa: PLR0917 - the rows of a table
    name: str,
    expected: Expected,
    set_up: SetUp,
    account: Account,
    title: str,
    pager: str,
    ticket: str,
    hints: tuple[str, str, str],
    why: str,
    page: str,
    *,
    difficulty: Difficulty = Difficulty.MEDIUM,
    on_paper: bool = False,
) -> Scenario:
    """Return a scenario of which an AWS account knows more."""
    return row(
        name,
        expected,
        lambda authority: replace(set_up(authority), account=account),
        title=title,
        pager=pager,
        ticket=ticket,
        hints=hints,
        why=why,
        page=page,
        difficulty=difficulty,
        on_paper=on_paper,
    )
