"""The lab file: how another process finds a running scenario, and what lies beside it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from cfrunbook.files import write_whole
from cfrunbook.findings import Struct
from cfrunbook.lab import response
from cfrunbook.lab.distribution import document
from cfrunbook.lab.scenario import Setup

if TYPE_CHECKING:
    from cfrunbook.aws_facts import AwsFacts

LAB_FILE: Final = "lab.json"
DISTRIBUTION_FILE: Final = "distribution.json"
BEFORE_FILE: Final = "before.json"
LOGS_FOLDER: Final = "logs"
ACCOUNT_FILE: Final = "account.json"
"""What was fetched of the AWS account, where the scenario has one."""
RESPONSE_FILE: Final = "response.txt"
"""What somebody captured, where the scenario has it."""
TRUST_FILE: Final = "trust.pem"
HINTS_FILE: Final = "root.hints"
_RESULT_FILE: Final = "function-result.json"
_EVENT_FILE: Final = "function-event.json"


class LabOptions(Struct, frozen=True, kw_only=True):
    """What an incident is loaded with to examine a scenario; paths are relative to the lab file."""

    distribution: str | msgspec.UnsetType
    url: str
    connect_to: tuple[str, ...]
    trust_store: str
    deadline: float
    keep_alive: bool
    before: str | msgspec.UnsetType = msgspec.UNSET
    """Where the scenario has a configuration of the time when it worked."""
    root_hints: str | msgspec.UnsetType = msgspec.UNSET
    """Where the scenario has a DNS of its own."""
    resolver: tuple[str, ...] | msgspec.UnsetType = msgspec.UNSET
    function_result: str | msgspec.UnsetType = msgspec.UNSET
    """Where the scenario is about an edge function."""
    function_event: str | msgspec.UnsetType = msgspec.UNSET
    event_type: str | msgspec.UnsetType = msgspec.UNSET
    function_kind: str | msgspec.UnsetType = msgspec.UNSET
    logs: str | msgspec.UnsetType = msgspec.UNSET
    """Where there are access logs of the scenario."""
    response: str | msgspec.UnsetType = msgspec.UNSET
    """Where somebody captured a response."""
    firewall: tuple[str, ...] | msgspec.UnsetType = msgspec.UNSET
    policies: tuple[str, ...] | msgspec.UnsetType = msgspec.UNSET
    aws: str | msgspec.UnsetType = msgspec.UNSET
    """What was fetched of the AWS account."""


class LabFile(Struct, frozen=True, kw_only=True):
    """The lab file."""

    kind: str = "cfrunbook.lab"
    schema: int = 1
    scenario: str
    options: LabOptions


def write(
    folder: Path,
    scenario: str,
    setup: Setup,
    *,
    distribution: Mapping[str, Any],
    trust: bytes,
    connect_to: tuple[str, ...],
    resolver: tuple[str, ...],
    deadline: float,
    has_logs: bool,
    account: AwsFacts | None,
    at: dt.datetime,
) -> Path:
    """Write the lab file and what it names into `folder`, each file whole; return the lab file's path.

    `at` is when a response was captured, where one was.
    """
    folder.mkdir(parents=True, exist_ok=True)
    contents = {DISTRIBUTION_FILE: _as_json(distribution), TRUST_FILE: trust}
    if (returned := setup.function_result) and returned.is_captured:
        contents[_RESULT_FILE] = returned.result
        if returned.event is not None:
            contents[_EVENT_FILE] = msgspec.json.encode(returned.event)
    if setup.before:
        contents[BEFORE_FILE] = _as_json(document(setup.before))
    if setup.dns:
        contents[HINTS_FILE] = setup.dns.hints().encode()
    if setup.response:
        contents |= _kept(folder / RESPONSE_FILE) or {RESPONSE_FILE: response.text(setup.response, at=at).encode()}
    if account:
        contents[ACCOUNT_FILE] = _as_json(account)
    contents |= {**setup.firewall} | dict(zip(policy_files(setup), map(_as_json, setup.policies), strict=True))
    lab_file = LabFile(
        scenario=scenario,
        options=LabOptions(
            distribution=DISTRIBUTION_FILE if setup.is_given else msgspec.UNSET,
            url=setup.url,
            connect_to=connect_to,
            trust_store=TRUST_FILE,
            deadline=deadline,
            keep_alive=setup.keep_alive,
            before=BEFORE_FILE if setup.before else msgspec.UNSET,
            root_hints=HINTS_FILE if setup.dns else msgspec.UNSET,
            resolver=resolver or msgspec.UNSET,
            **function_files(setup),
            **function_words(setup),
            logs=LOGS_FOLDER if has_logs else msgspec.UNSET,
            response=RESPONSE_FILE if setup.response else msgspec.UNSET,
            firewall=tuple(setup.firewall) or msgspec.UNSET,
            policies=policy_files(setup) or msgspec.UNSET,
            aws=ACCOUNT_FILE if account else msgspec.UNSET,
        ),
    )
    for name, content in {**contents, LAB_FILE: _as_json(lab_file)}.items():
        write_whole(folder / name, content)  # whoever looks at this moment finds the old or the new
    return folder / LAB_FILE


def _kept(path: Path) -> dict[str, bytes]:
    """Return what was captured before, which no mending changes."""
    return {path.name: path.read_bytes()} if path.is_file() else {}


def policy_files(setup: Setup) -> tuple[str, ...]:
    """Return the names of the files with the scenario's policies."""
    return tuple(f"policy-{number}.json" for number, _ in enumerate(setup.policies, 1))


def function_files(setup: Setup) -> dict[str, str]:
    """Return the options that name files about the scenario's edge function."""
    returned = setup.function_result
    if returned is None or not returned.is_captured:
        return {}
    files = {"function_result": _RESULT_FILE}
    return files if returned.event is None else {**files, "function_event": _EVENT_FILE}


def function_words(setup: Setup) -> dict[str, str]:
    """Return the other options about the scenario's edge function."""
    returned = setup.function_result
    if returned is None or not returned.is_captured:
        return {}
    words = {"function_kind": returned.kind.value}
    return {**words, "event_type": returned.event_type.value} if returned.event_type else words


def _as_json(value: Any) -> bytes:
    return msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n"
