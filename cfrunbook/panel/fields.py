"""The fields of the form: one for every parameter of a runbook, in the words of the person who fills them in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from cfrunbook.runbook.guides import PARAMETERS, SEVERAL

Kind = Literal["text", "lines", "choice", "suggestions", "flag"]
Group = Literal["first", "files", "function", "firewall", "how"]

GROUPS: Mapping[Group, str] = {
    "first": "What fails",
    "files": "What you have of it",
    "function": "Edge function",
    "firewall": "Firewall before the origin",
    "how": "How to look",
}
"""Groups of fields, in order; the first is always shown."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field."""

    name: str
    """The parameter."""
    label: str
    help: str = ""
    group: Group = "how"
    kind: Kind = "text"
    choices: tuple[str, ...] = ()


_EVENTS = ("viewer-request", "origin-request", "origin-response", "viewer-response")
_FIELDS = (
    Field("anything", "What you have", "files, folders, URLs, ids, one per line: each is recognised", "first", "lines"),
    Field("distribution", "Distribution", "file with aws cloudfront get-distribution output, or an ID", "first"),
    Field("url", "Failing URL", "https://www.example.com/cart", "first", "suggestions"),
    Field("origin", "Origin", "NAME or NAME:PORT; with a distribution: only this one", "first", "suggestions"),
    Field("host", "Host header", "the Host that CloudFront forwards to the origin", "first", "suggestions"),
    Field("response", "Responses", "files with curl -i or -v output, or a HAR file", "files", "lines"),
    Field("logs", "Access logs", "files or folders, of any version, also compressed", "files", "lines"),
    Field("evidence", "Evidence", "an evidence.json: it is judged, nothing is probed", "files"),
    Field("policies", "Policies", "files with get-origin-request-policy or get-cache-policy output", "files", "lines"),
    Field("function_result", "Results", "files with what the function returned", "function", "lines"),
    Field("function_event", "Event", "file with what it was invoked with", "function"),
    Field("event_type", "Runs at", "when the function runs", "function", "choice", _EVENTS),
    Field("function_kind", "Kind", "", "function", "choice", ("lambda-edge", "cloudfront-function")),
    Field("handler", "Code", "file with the function's code", "function"),
    Field("run_handler", "Run the code here", "this executes it, with limits", "function", "flag"),
    Field("firewall", "Rules", "files: iptables-save, describe-security-groups …", "firewall", "lines"),
    Field("interface", "Interface", "by which the internet's packets come in", "firewall"),
    Field("destination", "Own address", "of the firewall's machine", "firewall"),
    Field("address_ranges", "Address ranges", "a newer ip-ranges.json, or: live", "firewall"),
    Field("connect_to", "Connect to", "HOST:PORT:ADDRESS:PORT, as curl has it", "how", "lines"),
    Field("resolver", "Resolvers", "addresses to ask instead of the system's", "how", "lines"),
    Field("deadline", "Deadline", "seconds that one probe may take; 5", "how"),
    Field("pace", "Pace", "", "how", "choice", ("polite", "fast")),
    Field("vantage", "Vantage", "name of the place this runs at", "how"),
    Field("at", "Judge at", "2026-11-22T18:00:00Z; now", "how"),
    Field("expiry_days", "Expiry", "warn so many days before; 14", "how"),
    Field("trust_store", "Trust store", "PEM file instead of Mozilla's roots", "how"),
    Field("root_hints", "Root hints", "file with another root of DNS", "how"),
    Field("lab", "Lab", "a scenario to break and examine here", "how", "suggestions"),
    Field("keep_alive", "Watch idle connections", "takes some seconds more", "how", "flag"),
)


def fields() -> tuple[Field, ...]:
    """Return a field for every parameter: those that are described, and plain ones for any other."""
    known = {field.name: field for field in _FIELDS}
    described = [field for field in _FIELDS if field.name in PARAMETERS]
    others = [
        Field(name, name.replace("_", " ").capitalize(), kind="lines" if name in SEVERAL else "text", group="files")
        for name in PARAMETERS
        if name not in known
    ]
    return (*described, *others)
