"""Checks of the `origin` object of an origin-request function: one origin, and the limits of each of its fields.

https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/lambda-event-structure.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, TypeGuard
from urllib.parse import quote

from cfrunbook import hostname
from cfrunbook.cloudfront import origins as kinds
from cfrunbook.cloudfront.targets import OriginKind
from cfrunbook.functions.lambda_edge import custom_headers
from cfrunbook.functions.lambda_edge import origin_rules as rules
from cfrunbook.functions.lambda_edge.subject import Object, Subject, found, members, new
from cfrunbook.functions.model import DELETE, Edit, EventType, Path, Violation
from cfrunbook.functions.secrets import describe, show_uri
from cfrunbook.text import visible

CUSTOM, S3 = "custom", "s3"
REQUIRED: dict[str, dict[str, Any]] = {
    CUSTOM: {
        "domainName": None, "path": "", "port": 443, "protocol": "https", "sslProtocols": ["TLSv1.2"],
        "readTimeout": 30, "keepaliveTimeout": 5,
    },
    S3: {"domainName": None, "path": "", "authMethod": "none"},
}  # fmt: skip
"""What each kind of origin needs, with what CloudFront takes for a new origin; a domain name only the author knows."""
SSL_PROTOCOLS = ("SSLv3", "TLSv1", "TLSv1.1", "TLSv1.2")
MAX_TIMEOUT = 120
"""Seconds of readTimeout and keepaliveTimeout (60 until 2025)."""
MAX_PATH, MAX_S3_NAME = 255, 128

_REGION = re.compile(r"\.s3[.-](?:dualstack\.)?([a-z]{2}(?:-[a-z]+)+-\d)\.amazonaws\.com")
_NOT_ENCODED = re.compile(r"[^\x21-\x7e]")
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_PORT_TEXT = re.compile(r"[0-9]{1,5}", re.ASCII)


def check(subject: Subject) -> None:
    """Check `origin` of a request, where the event has one."""
    value, before = subject.value, subject.before or {}
    if subject.event_type is EventType.VIEWER_REQUEST:
        if "origin" in value and "origin" not in before:
            edits = [Edit(("origin",), DELETE)]
            subject.add(found(rules.ORIGIN_IN_VIEWER_REQUEST, ("origin",), edits=edits))
        return
    old = before.get("origin")
    if "origin" not in value:
        if old is not None:
            subject.add(found(rules.ORIGIN_DELETED, ("origin",), edits=[Edit(("origin",), old)]))
        return
    origin = value["origin"]
    if not isinstance(origin, dict):
        if old is None or isinstance(old, dict):
            edits = [Edit(("origin",), old)] if old else []
            subject.add(found(rules.ORIGIN_TYPE, ("origin",), describe(origin), edits))
        return
    old = old if isinstance(old, dict) else {}
    there = [kind for kind in (CUSTOM, S3) if kind in origin]
    if len(there) != 1:
        if set(there) != {kind for kind in (CUSTOM, S3) if kind in old}:
            subject.add(_kind_violation(origin, there, old))
        return
    _check_one(subject, there[0], origin[there[0]], old)


def _kind_violation(origin: Object, there: list[str], old: Object) -> Violation:
    """Return what to do about no origin, or two: of two the one goes that came with the event."""
    same = [kind for kind in there if kind in old]
    edits = [Edit(("origin", same[0]), DELETE)] if len(same) == 1 else []
    if not there and old:
        edits = [Edit(("origin",), old)]
    shown = " and ".join(members(origin)) or "nothing"
    return found(rules.ORIGIN_KIND, ("origin",), edits=edits, members=shown)


def _check_one(subject: Subject, kind: str, settings: Any, old: Object) -> None:
    base: Path = ("origin", kind)
    if not isinstance(settings, dict):
        edits = [Edit(("origin",), old)] if old else []
        subject.add(found(rules.ORIGIN_TYPE, base, describe(settings), edits))
        return
    before = old.get(kind) if isinstance(old.get(kind), dict) else None
    for member, example in REQUIRED[kind].items():
        if member not in settings and not (before is not None and member not in before):
            kept = before[member] if before is not None else example
            edits = [Edit((member,), kept)] if kept is not None else []
            shown = example if not isinstance(example, str) and example is not None else f"'{example or ''}'"
            words = {"kind": kind, "member": member, "example": str(shown)}
            subject.add_all([found(rules.ORIGIN_MEMBER_MISSING, (member,), edits=edits, **words)], *base)
    for member, field_check in _CHECKS[kind].items():
        if member in settings:
            given_before = before.get(member) if before else None
            violations = new(_Field(field_check, settings, kind), settings[member], given_before)
            subject.add_all(violations, *base)
    if kind == S3 and settings.get("authMethod") == "origin-access-identity":
        _check_region(subject, settings, before, base)
    if before and before.get("domainName") == settings.get("domainName"):
        _check_timeouts(subject, kind, settings, before)
    if "customHeaders" in settings:
        custom_headers.check(subject, kind, settings["customHeaders"], before)
    _check_host(subject, kind, settings, old)


class _Field:
    """The check of one field, with the settings around it bound."""

    def __init__(self, check: _Check, settings: Object, kind: str) -> None:
        self._check, self._settings, self._kind = check, settings, kind

    def __call__(self, value: Any) -> Iterator[Violation]:
        return self._check(value, self._settings, self._kind)


_Check = Callable[[Any, Object, str], Iterator[Violation]]


def _domain_name(value: Any, _: Object, kind: str) -> Iterator[Violation]:
    rule = rules.ORIGIN_DOMAIN_NAME if kind == CUSTOM else rules.ORIGIN_S3_DOMAIN_NAME
    problem = _domain_problem(value, kind)
    if problem:
        mended = _mended_domain(value)
        edits = [Edit(("domainName",), mended)] if mended and not _domain_problem(mended, kind) else []
        shown = show_uri(value) if isinstance(value, str) else describe(value)
        yield found(rule, ("domainName",), shown, edits, problem=problem)


def _domain_problem(value: Any, kind: str) -> str:
    """Return why a domain name cannot be this origin's (after "it "), or an empty string."""
    if not isinstance(value, str):
        return "is not a string"
    problem = hostname.NameProblem.TOO_LONG if len(value) > 4 * hostname.MAX_NAME else hostname.problem(value)
    if problem:
        return problem.value
    if not value.isascii():
        return "is not written in ASCII (xn--)"
    if kind == CUSTOM:
        return ""
    if value != value.lower():
        return "has capital letters"
    if len(value) > MAX_S3_NAME:
        return f"is longer than {MAX_S3_NAME} characters"
    if kinds.is_path_style_s3(value):
        return "names no bucket"
    if kinds.is_accelerate_s3(value):
        return "is a Transfer Acceleration endpoint"
    return "" if kinds.kind_of_name(value) is OriginKind.S3 else "is not the REST endpoint of a bucket"


def _mended_domain(value: Any) -> str | None:
    """Return the host name inside of a URL or host:port, in lower case and ASCII, or None."""
    if not isinstance(value, str) or len(value) > MAX_PATH + 4 * hostname.MAX_NAME:
        return None
    rest = _SCHEME.sub("", value.strip(), count=1).partition("/")[0].rpartition("@")[2]
    name, _, port = rest.partition(":")
    return hostname.canonical(name) if not port or _PORT_TEXT.fullmatch(port) else None


def _path(value: Any, _: Object, kind: str) -> Iterator[Violation]:
    path = ("path",)
    if not isinstance(value, str):
        edits = [Edit(path, "")] if value is None else []
        yield found(rules.ORIGIN_PATH, path, describe(value), edits, problem="is not a string", kind=kind)
        return
    problem = ""
    if value and not value.startswith("/"):
        problem = "does not begin with /"
    elif value.endswith("/"):
        problem = "ends with /"
    elif kind == CUSTOM and len(value) > MAX_PATH:
        problem = f"is longer than {MAX_PATH} characters"
    elif kind == CUSTOM and _NOT_ENCODED.search(value):
        problem = "is not percent-encoded"
    if problem:
        stripped = value.strip("/")
        mended = quote(f"/{stripped}", safe="/%:@!$&'()*+,;=~", errors="replace") if stripped else ""
        edits = [Edit(path, mended)] if len(mended) <= MAX_PATH or kind == S3 else []
        yield found(rules.ORIGIN_PATH, path, f"“{show_uri(value)}”", edits, problem=problem, kind=kind)


def _port(value: Any, _: Object, __: str) -> Iterator[Violation]:
    if not (_is_number(value) and value == int(value) and kinds.port_allowed(int(value))):
        is_text = isinstance(value, str) and _PORT_TEXT.fullmatch(value) and kinds.port_allowed(int(value))
        edits = [Edit(("port",), int(value))] if is_text else []
        yield found(rules.ORIGIN_PORT, ("port",), _shown(value), edits)


def _protocol(value: Any, _: Object, __: str) -> Iterator[Violation]:
    if value not in ("http", "https"):
        plain = value.lower().removesuffix("-only").removesuffix("://") if isinstance(value, str) else ""
        edits = [Edit(("protocol",), plain)] if plain in ("http", "https") else []
        yield found(rules.ORIGIN_PROTOCOL, ("protocol",), _shown(value), edits)


def _ssl_protocols(value: Any, _: Object, __: str) -> Iterator[Violation]:
    known = [one for one in value if one in SSL_PROTOCOLS] if isinstance(value, list) else []
    edits = [Edit(("sslProtocols",), known or ["TLSv1.2"])]
    if not isinstance(value, list):
        yield found(rules.ORIGIN_SSL_PROTOCOLS, ("sslProtocols",), _shown(value), edits, problem="is not an array")
    elif not value:
        yield found(rules.ORIGIN_SSL_PROTOCOLS, ("sslProtocols",), describe(value), edits, problem="is empty")
    elif len(known) != len(value):
        other = next(one for one in value if one not in SSL_PROTOCOLS)
        problem = f"has {_shown(other)}"
        yield found(rules.ORIGIN_SSL_PROTOCOLS, ("sslProtocols",), describe(value), edits, problem=problem)


def _read_timeout(value: Any, _: Object, kind: str) -> Iterator[Violation]:
    if not (_is_number(value) and 1 <= value <= MAX_TIMEOUT):
        edits = _mended_number("readTimeout", value)
        yield found(rules.ORIGIN_READ_TIMEOUT, ("readTimeout",), _shown(value), edits, kind=kind)


def _keepalive_timeout(value: Any, _: Object, __: str) -> Iterator[Violation]:
    if not (_is_number(value) and 1 <= value <= MAX_TIMEOUT):
        edits = _mended_number("keepaliveTimeout", value)
        yield found(rules.ORIGIN_KEEPALIVE_TIMEOUT, ("keepaliveTimeout",), _shown(value), edits)


def _mended_number(member: str, value: Any) -> list[Edit]:
    number = int(value) if isinstance(value, str) and _PORT_TEXT.fullmatch(value) else value
    if not _is_number(number):
        return []
    return [Edit((member,), min(max(number, 1), MAX_TIMEOUT))]


def _completion_timeout(value: Any, settings: Object, kind: str) -> Iterator[Violation]:
    read = settings.get("readTimeout")
    least = read if _is_number(read) else 1
    if not (_is_number(value) and (value == 0 or value >= least)):
        path = ("responseCompletionTimeout",)
        yield found(rules.ORIGIN_COMPLETION_TIMEOUT, path, _shown(value), [Edit(path, DELETE)], kind=kind)


def _auth_method(value: Any, _: Object, __: str) -> Iterator[Violation]:
    if value not in ("none", "origin-access-identity"):
        yield found(rules.ORIGIN_AUTH_METHOD, ("authMethod",), _shown(value), [Edit(("authMethod",), "none")])


_CHECKS: dict[str, dict[str, _Check]] = {
    CUSTOM: {
        "domainName": _domain_name, "path": _path, "port": _port, "protocol": _protocol,
        "sslProtocols": _ssl_protocols, "readTimeout": _read_timeout, "keepaliveTimeout": _keepalive_timeout,
        "responseCompletionTimeout": _completion_timeout,
    },
    S3: {
        "domainName": _domain_name, "path": _path, "authMethod": _auth_method, "readTimeout": _read_timeout,
        "responseCompletionTimeout": _completion_timeout,
    },
}  # fmt: skip


def _check_region(subject: Subject, settings: Object, before: Object | None, base: Path) -> None:
    region = settings.get("region")
    was_so = before and before.get("authMethod") == settings["authMethod"] and not before.get("region")
    if (isinstance(region, str) and region) or was_so:
        return
    domain = settings.get("domainName")
    match = _REGION.search(domain) if isinstance(domain, str) else None
    edits = [Edit(("region",), match[1])] if match else []
    shown = describe(region) if "region" in settings else "missing"
    subject.add_all([found(rules.ORIGIN_REGION, ("region",), shown, edits)], *base)


def _check_timeouts(subject: Subject, kind: str, settings: Object, before: Object) -> None:
    """Warn of timeouts above those that are configured for the same origin."""
    for member in ("readTimeout", "keepaliveTimeout"):
        value, old = settings.get(member), before.get(member)
        if _is_number(value) and _is_number(old) and old < value <= MAX_TIMEOUT:
            path = ("origin", kind, member)
            words = {"member": member, "kind": kind, "before": old}
            subject.add(found(rules.ORIGIN_TIMEOUT_RAISED, path, _shown(value), [Edit(path, old)], **words))


def _check_host(subject: Subject, kind: str, settings: Object, old: Object) -> None:
    """Warn where another origin was chosen and the Host header still names the former one."""
    domain, before = settings.get("domainName"), next(iter(old.values()), None)
    former = before.get("domainName") if isinstance(before, dict) else None
    host, host_before = _host(subject.value), _host(subject.before)
    if not isinstance(domain, str) or not isinstance(former, str) or not host or domain in (former, host):
        return
    if _domain_problem(domain, kind):
        return
    if host == host_before and (kind == S3 or host == former):
        edits = [Edit(("headers", "host"), [{"key": "Host", "value": domain}])]
        words = {"domain": visible(domain, 120), "host": visible(host, 120)}
        subject.add(found(rules.ORIGIN_HOST_HEADER, ("headers", "host"), edits=edits, **words))


def _host(request: Object | None) -> str:
    headers = request.get("headers") if request else None
    entry = headers.get("host") if isinstance(headers, dict) else None
    first = entry[0] if isinstance(entry, list) and entry else None
    value = first.get("value") if isinstance(first, dict) else None
    return value if isinstance(value, str) else ""


def _is_number(value: Any) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _shown(value: Any) -> str:
    return f"“{visible(value, 60)}”" if isinstance(value, str | int | float) else describe(value)
