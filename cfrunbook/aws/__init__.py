"""The same inputs, fetched live from an AWS account with boto3 (extra `aws`): read-only, least privilege, in tiers.

>>> import cfrunbook as cf
>>> fetched = cf.fetch("E123EXAMPLE", url="https://www.example.com/cart")
>>> incident = cf.Incident.load(**fetched.inputs, url="https://www.example.com/cart")

boto3 is imported when something is fetched, and not before.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cfrunbook.aws.actions import ACTIONS as ACTIONS
    from cfrunbook.aws.actions import Action as Action
    from cfrunbook.aws.actions import Tier as Tier
    from cfrunbook.aws.actions import policy as policy
    from cfrunbook.aws.fetching import Fetched as Fetched
    from cfrunbook.aws.fetching import fetch as fetch
    from cfrunbook.aws.logs import FetchedLogs as FetchedLogs
    from cfrunbook.aws.logs import fetch_logs as fetch_logs

_HOME = {
    "ACTIONS": "actions",
    "Action": "actions",
    "Fetched": "fetching",
    "FetchedLogs": "logs",
    "Tier": "actions",
    "fetch": "fetching",
    "fetch_logs": "logs",
    "policy": "actions",
}

__all__ = [*_HOME]  # noqa: PLE0604 - all are strings


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(f"cfrunbook.aws.{_HOME[name]}"), name)
    raise AttributeError(f"module 'cfrunbook.aws' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
