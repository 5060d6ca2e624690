"""Which runbooks there are, what each is about, and the parameters that all of them take."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from typing import Any

import msgspec

from cfrunbook.errors import BadInput
from cfrunbook.findings import Cause
from cfrunbook.text import visible

PARAMETERS = (
    *("anything", "distribution", "aws_profile", "policies", "before", "url", "origin", "host", "connect_to"),
    *("resolver", "root_hints", "trust_store"),
    *("evidence", "lab", "vantage", "at", "deadline", "pace", "expiry_days", "keep_alive"),
    *("firewall", "interface", "destination", "address_ranges"),
    *("function_result", "function_event", "event_type", "function_kind", "handler", "run_handler", "key_value_store"),
    *("response", "logs"),
)
"""Names of a runbook's parameters: the command line's options, with `_` for `-`."""
SEVERAL = frozenset({
    "anything", "policies", "connect_to", "resolver", "firewall", "function_result", "response", "logs",
})  # fmt: skip
"""Parameters that take several values."""
HOW = frozenset(
    {
        *("aws_profile", "vantage", "at", "deadline", "pace", "expiry_days", "resolver", "root_hints", "keep_alive"),
    }
)
"""Parameters that say how to look; all others say at what."""


class Guide(msgspec.Struct, frozen=True):
    """One runbook: its notebook, the causes it is about, and what it shows."""

    name: str
    causes: tuple[Cause, ...]
    """Empty: all."""
    scenario: str
    """The lab scenario that it examines when it is given nothing."""
    tables: tuple[str, ...]
    """The kinds of observations that it shows where it looks; others have a step of their own."""
    about: str = ""
    """What it shows, in a few words, where it is not about one cause."""


FIRST = "00_start_here"
"""The runbook to begin with."""

GUIDES: Mapping[str, Guide] = {
    guide.name: guide
    for guide in (
        Guide(
            name="00_start_here",
            causes=(),
            scenario="certificate-missing-intermediate",
            tables=("resolutions", "connections", "handshakes"),
            about="the verdict, and every cause",
        ),
        Guide(
            name="01_tls_name",
            causes=(Cause.TLS_NAME,),
            scenario="tls-name-mismatch",
            tables=("handshakes", "leaves", "certificates"),
        ),
        Guide(
            name="02_tls_protocol",
            causes=(Cause.TLS_PROTOCOL,),
            scenario="tls-protocol-chacha20-only",
            tables=("handshakes", "capabilities", "second_opinions"),
        ),
        Guide(
            name="03_certificate",
            causes=(Cause.CERTIFICATE,),
            scenario="certificate-missing-intermediate",
            tables=("handshakes", "leaves", "certificates"),
        ),
        Guide(
            name="04_port",
            causes=(Cause.PORT,),
            scenario="port-refused",
            tables=("resolutions", "connections", "exchanges"),
        ),
        Guide(
            name="05_dns",
            causes=(Cause.DNS,),
            scenario="dns-stale-server-denies",
            tables=(),
        ),
        Guide(
            name="06_edge_function",
            causes=(Cause.EDGE_FUNCTION,),
            scenario="lambda-edge-header-read-only-deleted",
            tables=("function_runs",),
        ),
        Guide(
            name="07_origin_response",
            causes=(Cause.ORIGIN_RESPONSE,),
            scenario="response-alb-502",
            tables=("exchanges",),
        ),
        Guide(
            name="99_incident_report",
            causes=(),
            scenario="certificate-missing-intermediate",
            tables=(
                *("resolutions", "name_servers", "alias_chain", "connections", "exchanges", "handshakes"),
                *("capabilities", "second_opinions", "leaves", "certificates", "account"),
            ),
            about="everything that was seen, and what it means",
        ),
    )
}


def guide_named(name: str) -> Guide:
    """Return the guide of a notebook's name or of a cause. Raises BadInput."""
    for guide in GUIDES.values():
        if name == guide.name or name in guide.causes:
            return guide
    raise BadInput(f"There is no runbook '{visible(name, 60)}'; there are {', '.join(GUIDES)}.")


def alone_about(cause: Cause | None) -> str:
    """Return the name of the runbook that is about `cause` alone; empty where there is none."""
    return next((g.name for g in GUIDES.values() if cause is not None and g.causes == (cause,)), "")


def given(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters among `values` that are not empty; a single value stands for a list of one."""
    kept: dict[str, Any] = {}
    for name in PARAMETERS:
        value = values.get(name)
        if value is None or value in ("", 0) or (isinstance(value, list | tuple | dict) and not value):
            continue
        kept[name] = [value] if name in SEVERAL and isinstance(value, str) else value
    return kept


def from_environment() -> dict[str, Any]:
    """Return the parameters that CFRUNBOOK_<PARAMETER> gives; several values are split as a shell would."""
    values: dict[str, Any] = {name: os.environ.get(f"CFRUNBOOK_{name.upper()}", "") for name in PARAMETERS}
    try:
        return given({n: shlex.split(v) if n in SEVERAL else v for n, v in values.items()})
    except ValueError as error:
        raise BadInput(f"Environment: CFRUNBOOK_ options are quoted as for a shell: {visible(error, 120)}.") from None
