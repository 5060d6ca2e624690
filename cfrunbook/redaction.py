"""Secrets taken out of what is observed, before it is kept: a recording that never held one cannot leak one.

What is known to be harmless is kept; everything else loses its value and keeps its name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from typing import Any, TypeVar
from urllib.parse import quote

import msgspec

REDACTED = "[redacted]"
MAX_NAME, MAX_VALUE = 256, 1024
"""Characters kept of a header field's name and value."""

_KEPT = frozenset({
    "accept-ranges", "age", "allow", "alt-svc", "cache-control", "connection", "content-encoding", "content-length",
    "content-type", "date", "expires", "keep-alive", "last-modified", "retry-after", "server",
    "strict-transport-security", "transfer-encoding", "upgrade", "vary", "via", "x-amz-apigw-id", "x-amz-cf-id",
    "x-amz-cf-pop", "x-amz-id-2", "x-amz-request-id", "x-amzn-errortype", "x-amzn-requestid", "x-amzn-trace-id",
    "x-cache", "x-powered-by",
})  # fmt: skip
"""What tells servers, caches and requests apart. None of it lets anyone in."""
SHORTEST = 8
"""Characters of a secret that is looked for in free text."""
SHORTEST_BEGINNING = 4
"""Characters of a secret's beginning that is looked for where a text may have been cut."""
_MAY_BE_CUT = 60
"""Characters from which on a text may have been cut, by whoever kept it, within a secret."""
T = TypeVar("T")
# The patterns that take longest to compile are so, by `re` itself, when first used.
_HARMLESS = (
    r"https?://"
    r"|\.?(?:[\w-]{1,63}\.)+[A-Za-z]{2,24}\.?(?::\d+)?$"  # a host; a token of several parts ends in no such word
    r"|[\d.]{1,15}(?::\d+)?$"  # an IPv4 address, a number, a date
    r"|\[?(?=(?:[^:]*:){2})[0-9A-Fa-f:.]{1,45}(?:\]|$)"  # an IPv6 address
)
_SAID_BY_MANY = re.compile(r"[A-Za-z_-]*|.*[\s,;=].*", re.DOTALL)
"""Words and lists of words, as in `Vary` and `Cache-Control`: the same in another field tells nothing."""
_COOKIE_ATTRIBUTES = frozenset({"comment", "domain", "expires", "max-age", "path", "priority", "samesite", "version"})
_URLS = frozenset({"location", "content-location"})
_USER = re.compile(r"(?:([A-Za-z][A-Za-z0-9+.-]*:)?([/\\]+))?[^/\\]*@")
_PLAIN_NAME = re.compile(r"[A-Za-z0-9_.%\[\]-]{1,40}")
_PATH_PARAMETER = re.compile(r";[^/;?]*")
_REFRESH = r"(?i)([0-9.]{1,10})\s*(?:[;,]\s*(?:url\s*=\s*)?[\"']?([^\"']*)[\"']?)?"
_ASSIGNED = (
    r"(?i)(\b(?:[a-z0-9]+[_-])*(?:pass(?:word|wd|phrase)?|pwd|secret|token|api[_-]?key|credentials?|bearer|authorization)"
    r"\s*(?:[:=]\s*|\s))[^\s\"',;]+"
)
_OPAQUE = re.compile(r"[A-Za-z0-9+/_=-]{32,}")
_KEYS = re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b")
_LINK_TARGET = re.compile(r"<([^<>]*)>")


def redact_headers(headers: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Return response header fields, bounded; values of fields that are not known to be harmless are replaced.

    A value that one field loses is also taken out of those that are kept.
    """
    fields = tuple(headers)
    lost = lost_values(fields)
    return tuple(
        (name[:MAX_NAME], hidden(_value(name.strip().lower(), value), lost)[:MAX_VALUE]) for name, value in fields
    )


def lost_values(headers: Iterable[tuple[str, str]]) -> frozenset[str]:
    """Return the values `redact_headers` takes out that nobody else says; of cookies and credentials each alone."""
    lost: set[str] = set()
    ids: set[str] = set()
    for name, value in headers:
        lower = name.strip().lower()
        if lower in _KEPT and lower.startswith("x-amz"):  # made by AWS to be told, whoever repeats it
            ids.add(value.strip())
        if lower in _KEPT or _value(lower, value) != REDACTED:
            continue
        if lower in ("set-cookie", "cookie"):
            pairs = [pair.partition("=") for pair in re.split(r"[;,]", value)[:20]]
            lost |= {v.strip().strip('"') for n, _, v in pairs if n.strip().lower() not in _COOKIE_ATTRIBUTES}
        elif lower.endswith("authorization"):
            lost |= set(value.split()[1:3])
        elif not _SAID_BY_MANY.fullmatch(value.strip()):
            lost.add(value.strip())
    return frozenset(lost - ids)


def hidden(text: str, secrets: Iterable[str]) -> str:
    """Return free text without the secrets that are known, wherever they stand in it.

    Names and addresses stay, and what is short: it may be a word of anybody's.
    """
    return _hidden(text, sorted(filter(_is_telling, secrets), key=len, reverse=True))


def _hidden(text: str, known: Sequence[str]) -> str:
    """Return free text without these, which come longest first."""
    for secret in known:
        text = text.replace(secret, REDACTED)
    if len(text) < _MAY_BE_CUT:
        return text
    whole = text.removesuffix("…")
    # Each may bare the end of another one, before which the text was cut.
    longest = max((_beginning_at_end(whole, secret) for secret in known), default=0)
    return f"{whole[:-longest]}{REDACTED}" if longest else text


def _beginning_at_end(text: str, secret: str) -> int:
    """Return how many characters of a secret, at least `SHORTEST_BEGINNING`, a text ends with before it was cut."""
    place = max(0, len(text) - len(secret) + 1) - 1
    while (place := text.find(secret[:SHORTEST_BEGINNING], place + 1)) >= 0:
        if secret.startswith(text[place:]):
            return len(text) - place
    return 0


class Secrets:
    """Values that an input lost, as long as one looks for them elsewhere: never shown, compared or written."""

    __slots__ = ("_forms", "_values")

    def __init__(self, values: Iterable[str] = ()) -> None:
        """Keep what can be told from anybody's words."""
        self._values = frozenset(filter(_is_telling, values))
        forms = {form for value in self._values for form in _forms(value)}
        self._forms = sorted(filter(_is_telling, forms), key=len, reverse=True)

    def __or__(self, other: Secrets) -> Secrets:
        """Return these and those of `other`."""
        return Secrets(self._values | other._values)

    def hidden(self, text: str) -> str:
        """Return free text without them, also as a URL holds them, or bytes that were taken for Latin-1."""
        return _hidden(text, self._forms)

    def out_of(self, value: T) -> T:
        """Return a value of ours or of JSON without them in any of its texts, none of which gets longer by that."""
        return self._out_of(value) if self else value

    def _out_of(self, value: Any) -> Any:
        if isinstance(value, Enum):
            return value
        if isinstance(value, str):
            return self.hidden(value)[: max(len(value), len(REDACTED))]
        if isinstance(value, bytes):
            return self._out_of(value.decode("latin-1")).encode("latin-1")
        if isinstance(value, list | tuple):
            return type(value)(map(self._out_of, value))
        if isinstance(value, Mapping):
            return {self._out_of(key): self._out_of(item) for key, item in value.items()}
        if isinstance(value, msgspec.Struct):
            items = {name: self._out_of(getattr(value, name)) for name in value.__struct_fields__}
            return msgspec.structs.replace(value, **items)
        return value

    def __bool__(self) -> bool:
        return bool(self._values)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secrets)

    def __hash__(self) -> int:
        return hash(Secrets)

    def __repr__(self) -> str:
        return "Secrets(…)"


def _forms(secret: str) -> set[str]:
    """Return how a secret may stand in a text."""
    written = secret.encode("utf-8", "replace")
    return {secret, written.decode("latin-1"), quote(written, safe=""), quote(written)}


def _is_telling(secret: str) -> bool:
    """Whether a value, found elsewhere, is the same secret and not the same word."""
    return (
        len(secret) >= SHORTEST and not re.match(_HARMLESS, secret) and not secret.isalpha() and REDACTED not in secret
    )


def redact_words(text: str) -> str:
    """Return a text for people (a comment, a description) without words that look like a secret.

    One of more than `MAX_VALUE` characters is no comment, and goes as a whole.
    """
    if len(text) > MAX_VALUE:
        return REDACTED
    return _KEYS.sub(REDACTED, _OPAQUE.sub(_opaque, re.sub(_ASSIGNED, rf"\1{REDACTED}", text)))


def redact_path(path: str) -> str:
    """Return a file's path without words that say that they are a secret; long ones stay, names have digits in them."""
    return _KEYS.sub(REDACTED, re.sub(_ASSIGNED, rf"\1{REDACTED}", path))


def _opaque(found: re.Match[str]) -> str:
    """Replace a long word of letters and digits mixed; names made of plain words stay."""
    word = found[0]
    return REDACTED if any(c.isdigit() for c in word) and any(c.isalpha() for c in word) else word


def redact_url(url: str) -> str:
    """Return `url` without user information and fragment, and with every query value replaced; the path is kept.

    Also takes what is no valid URL.
    """
    base, mark, query = url.partition("#")[0].partition("?")
    items = "&".join(_query_item(item) for item in query.split("&") if item)
    return f"{without_user(base)}{mark}{items}" if items else without_user(base)


def without_user(url: str) -> str:
    """Return `url` without its user information, also where it does not parse."""
    return _USER.sub(lambda match: f"{match[1] or ''}{match[2] or ''}", url, count=1) if _USER.match(url) else url


def _query_item(item: str) -> str:
    """Return `name=[redacted]`; a name that may itself be the secret (a bare token, base64) goes too."""
    name, _, value = item.partition("=")
    return f"{name}={REDACTED}" if value.strip("=") and _PLAIN_NAME.fullmatch(name) else REDACTED


def _value(name: str, value: str) -> str:
    if name in _KEPT:
        return value
    if name in _URLS:
        return _answered_url(value)
    if name == "refresh" and (match := re.fullmatch(_REFRESH, value.strip())):
        return f"{match[1]}; url={_answered_url(match[2])}" if match[2] else match[1]
    if name == "link" and (targets := _LINK_TARGET.findall(value)):
        return ", ".join(f"<{_answered_url(target)}>" for target in targets)
    return REDACTED


def _answered_url(url: str) -> str:
    """Redact a URL that a server sent; its path parameters (`;jsessionid=...`) are replaced as well."""
    base, mark, query = redact_url(url.strip()).partition("?")
    return _PATH_PARAMETER.sub(f";{REDACTED}", base) + mark + query
