"""A function's result or event without its secrets, so that it can be recorded: judged, it breaks the same rules.

What is known to be harmless stays: names, read-only headers, statuses, paths, settings of an origin. Any other text
keeps its length in bytes, its control characters and whether it is ASCII, and loses everything else. A body of more
than `MAX_BODY` bytes of a Lambda@Edge function can be taken out; its size stays, in `Document.left_out`.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from cfrunbook.findings import Json
from cfrunbook.functions.documents import Document, Flaw, LeftOut, measure, utf8_size
from cfrunbook.functions.model import Kind, Path
from cfrunbook.functions.secrets import HARMLESS, URLS

MAX_BODY = 2048
"""Bytes of a body that are kept, masked; a longer one is left out."""
MAX_KEPT_ITEMS = 64
"""Items kept of an array that is none of what a result has."""

MAX_SETTING, MAX_SETTING_DEPTH = 300, 8
"""Characters of a setting of an origin helper, and levels of them, that are kept."""

PROMISE = "[object Promise]"

_HELPER_SETTINGS = frozenset({
    "allowedCertificateNames", "connectionAttempts", "connectionTimeout", "customOriginConfig", "enabled",
    "failoverCriteria", "ipAddressType", "keepAliveTimeout", "mTLSConfig", "originAccessControlConfig", "originId",
    "originIds", "originOverrides", "originShield", "originType", "port", "protocol", "readTimeout", "region",
    "responseCompletionTimeout", "selectionCriteria", "signingBehavior", "signingProtocol", "sslProtocols",
    "statusCodes", "timeouts",
})  # fmt: skip
_PHRASES = frozenset({
    "", "Accepted", "Bad Gateway", "Bad Request", "Created", "Forbidden", "Found", "Gateway Timeout", "Gone",
    "Internal Server Error", "Method Not Allowed", "Moved Permanently", "No Content", "Not Found", "Not Modified", "OK",
    "Payload Too Large", "Permanent Redirect", "See Other", "Service Unavailable", "Temporary Redirect",
    "Too Many Requests", "Unauthorized",
})  # fmt: skip
_WORDS = frozenset({
    "base64", "binary", "gzip", "http", "http-only", "https", "https-only", "latin1", "match-viewer", "none",
    "origin-access-control", "origin-access-identity", "overwrite", "read-only", "replace", "text", "utf-8", "utf8",
    "sslv3", "tlsv1", "tlsv1.1", "tlsv1.2", "tlsv1.3",
})  # fmt: skip
"""Values of members that choose between a few words, and what is mistaken for one; in lower case."""
_STATUS = re.compile(r"[0-9]{1,3}(?: [A-Za-z ]{1,40})?", re.ASCII)
_METHOD = re.compile(r"[A-Za-z]{1,16}")
_ADDRESS = re.compile(r"[0-9A-Fa-f.:]{2,45}")
_REGION = re.compile(r"[a-z]{2}(-[a-z]{2,12}){1,3}-[0-9]|")
_PLAIN_NAME = re.compile(r"[A-Za-z0-9_.\[\]-]{1,40}")
_USER = re.compile(r"(?<=//)[^/?#]*(?=@)")
_PARAMETER = re.compile(r"(?<=;)[^/?#]*")
_ATTRIBUTE = re.compile(
    r"\s*(?:secure|httponly|partitioned|path=[^;,]{0,80}|domain=[^;,]{0,80}|max-age=[0-9-]{1,12}"
    r"|samesite=(?:lax|strict|none)|expires=[A-Za-z]{3}, [A-Za-z0-9 :-]{8,30})\s*",
    re.IGNORECASE,
)
_NOT_ASCII = re.compile(r"[^\x00-\x7f]")
_SURROGATES = re.compile("[\ud800-\udfff]")
_HIDDEN = {code: "x" for code in range(0x21, 0x7F) if chr(code) not in ",;="}
_HIDDEN_BODY = {
    **{code: "!" for code in range(0x21, 0x7F) if chr(code) != "="},
    **{ord(one): "x" for one in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"},
    ord("-"): "-",
    ord("_"): "-",
}
"""What becomes of a body's characters: one that is base64 stays so."""


def mask(document: Document, kind: Kind, *, leave_out: bool = False) -> Document:
    """Return `document` without secrets, as something that `msgspec.json.encode` can write. Never raises.

    `leave_out` takes long bodies out. Only for who records `Document.left_out` too: without it their size is lost.

    Validated, it breaks the same rules at the same places; its texts say less. Both the result and the event it is
    compared with have to be masked, or neither. `kind` is whose document it is; one that is shaped for the other
    service is masked all the same.
    """
    masker = _Masker(kind, leave_out=leave_out)
    value = masker.top(document.value)
    flaws = tuple(_of_flaw(flaw) for flaw in document.flaws)
    left_out = (*document.left_out, *masker.left_out)
    return Document(_clean(value), document.size, flaws, left_out)


def hide(text: str, keep: str = "") -> str:
    """Return a text in which only length in bytes, control characters, spaces and `,;=` are as they were."""
    table = _table(keep)
    if PROMISE in text:  # what JavaScript writes for a promise; rules look for it
        return PROMISE.join(hide(part, keep) for part in text.split(PROMISE))
    return _NOT_ASCII.sub(_same_size, text).translate(table)


@lru_cache(maxsize=16)
def _table(keep: str) -> Mapping[int, str]:
    return {code: shown for code, shown in _HIDDEN.items() if chr(code) not in keep}


def _same_size(match: re.Match[str]) -> str:
    """Return a character that takes as many bytes of UTF-8."""
    point = ord(match[0])
    return "é" if point < 0x800 else "中" if point < 0x10000 else "\U00010000"


def mask_setting(value: Json) -> Any:
    """Return an argument of an origin helper of CloudFront Functions without what an origin may trust.

    Settings stay, custom headers lose their values, and texts under names that the helpers do not have are hidden.

    https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/helper-functions-origin-modification.html
    """
    return _clean(_argument(value))


def _argument(value: Any, depth: int = 0) -> Any:
    if depth > MAX_SETTING_DEPTH:
        return _shape(value)
    if isinstance(value, list):
        return [_argument(item, depth + 1) for item in value]
    if not isinstance(value, dict):
        return value if not isinstance(value, str) or len(value) <= MAX_SETTING else _shape(value)
    masked: dict[str, Any] = {}
    for name, item in value.items():
        if name == "customHeaders" and isinstance(item, dict):
            masked[name] = {header: _entry(header, entry, kept=False) for header, entry in item.items()}
        elif name in ("domainName", "hostHeader", "sni"):
            masked[name] = _domain_name(item)
        elif name == "originPath":
            masked[name] = _url(item)
        else:
            masked[name] = _argument(item, depth + 1) if name in _HELPER_SETTINGS else _shape(item)
    return masked


class _Masker:
    """Walks one document and notes what was left out of it."""

    def __init__(self, kind: Kind, *, leave_out: bool) -> None:
        # Bodies of CloudFront Functions are small: all their memory is 2 MB.
        self.leaves_out = leave_out and kind is Kind.LAMBDA_EDGE
        self.left_out: list[LeftOut] = []
        self._members: dict[str, Callable[[Any], Any]] = {
            "status": _status, "statusCode": _status, "statusDescription": _phrase, "bodyEncoding": _word,
            "headers": _headers, "multiValueHeaders": _headers, "cookies": _cookies, "uri": _url,
            "querystring": _query, "method": _matching(_METHOD), "clientIp": _matching(_ADDRESS), "origin": _origin,
            "request": self._subject, "response": self._subject, "cf": self._subject, "Records": self._records,
            "config": _config, "context": _config, "version": _matching(re.compile(r"[0-9.]{1,8}")), "viewer": _viewer,
            "isBase64Encoded": _shape,
        }  # fmt: skip

    def top(self, value: Json) -> Any:
        """Return the masked document."""
        if isinstance(value, list):
            return [self._subject(item) for item in value[:MAX_KEPT_ITEMS]]
        return self._subject(value, top=True)

    def _subject(self, value: Any, *, top: bool = False) -> Any:
        """Return a masked request or response, or what holds them."""
        if not isinstance(value, dict):
            return _shape(value)
        masked = {}
        for name, item in value.items():
            if name == "body":
                masked[name] = self._body(item, ("body",) if top else None)
            else:
                masked[name] = self._members.get(name, _shape)(item)
        return masked

    def _records(self, value: Any) -> Any:
        if not isinstance(value, list):
            return _shape(value)
        return [self._subject(item) for item in value[:MAX_KEPT_ITEMS]]

    def _body(self, value: Any, path: Path | None) -> Any:
        """Return a body, or the object that describes one; `path` where its size counts."""
        if isinstance(value, str):
            return self._text(value, path)
        if not isinstance(value, dict):
            return _shape(value)
        masked = {}
        for name, item in value.items():
            if name == "data" and isinstance(item, str):
                masked[name] = self._text(item, (*path, name) if path else None)
            else:
                masked[name] = _word(item) if name in ("action", "encoding") else _shape(item)
        return masked

    def _text(self, text: str, path: Path | None) -> str:
        size = utf8_size(text)
        if size <= MAX_BODY or not self.leaves_out:
            return _NOT_ASCII.sub(_same_size, text).translate(_HIDDEN_BODY)
        if path:
            self.left_out.append(LeftOut(path, measure(text)))
        return f"[{size:,} bytes left out]"


def _shape(value: Any) -> Any:
    """Return something of the same kind that says nothing: a hidden text, 0, an array or object that is as empty."""
    match value:
        case bool() | None:
            return value
        case str():
            return hide(value[:MAX_BODY])
        case int():
            return 0
        case float():
            return 0.5
        case list():
            return [_shape(item) for item in value[:MAX_KEPT_ITEMS] if not isinstance(item, list | dict)]
        case dict():
            return {"x": 0} if value else {}
    return None


def _matching(pattern: re.Pattern[str]) -> Callable[[Any], Any]:
    """Return a mask that keeps a text that matches as a whole."""
    return lambda value: value if isinstance(value, str) and pattern.fullmatch(value) else _shape(value)


def _status(value: Any) -> Any:
    if isinstance(value, int | float):
        return value
    return value if isinstance(value, str) and _STATUS.fullmatch(value) else _shape(value)


def _phrase(value: Any) -> Any:
    return value if isinstance(value, str) and value in _PHRASES else _shape(value)


def _word(value: Any) -> Any:
    return value if isinstance(value, str) and value.lower() in _WORDS else _shape(value)


def _config(value: Any) -> Any:
    """Return what CloudFront says of the distribution and the request: names and ids."""
    if not isinstance(value, dict):
        return _shape(value)
    return {name: item if isinstance(item, str) and len(item) <= 120 else _shape(item) for name, item in value.items()}


def _viewer(value: Any) -> Any:
    if not isinstance(value, dict):
        return _shape(value)
    return {name: _matching(_ADDRESS)(item) for name, item in value.items()}


def _headers(value: Any) -> Any:
    if isinstance(value, list):
        return [_item("", item) for item in value[:MAX_KEPT_ITEMS]]
    if not isinstance(value, dict):
        return _shape(value)
    return {name: _entry(name, entry) for name, entry in value.items()}


def _custom_headers(value: Any) -> Any:
    """Return custom headers: what an origin trusts, so nothing of a value is kept, whatever its name."""
    if not isinstance(value, dict):
        return _headers(value)
    return {name: _entry(name, entry, kept=False) for name, entry in value.items()}


def _entry(name: str, entry: Any, *, kept: bool = True) -> Any:
    if isinstance(entry, list):
        return [_item(name, item, kept=kept) for item in entry]
    return _item(name, entry, kept=kept)


def _item(name: str, item: Any, *, kept: bool = True) -> Any:
    """Return one entry of a header: an object with `value`, or what stands in its place."""
    if not isinstance(item, dict):
        return _value(name, item, kept=kept)
    masked: dict[str, Any] = {}
    given = item.get("key")
    own = name or (given if isinstance(given, str) else "")
    for member, inner in item.items():
        match member:
            case "key":
                masked[member] = inner if isinstance(inner, str) and _is_name(inner, name) else _shape(inner)
            case "value" if isinstance(inner, list):
                masked[member] = [_value(own, one, kept=kept) for one in inner]
            case "value":
                masked[member] = _value(own, inner, kept=kept)
            case "multiValue" if isinstance(inner, list):
                masked[member] = [_item(own, one, kept=kept) for one in inner]
            case "attributes" if isinstance(inner, str):
                masked[member] = _attributes(inner)
            case _:
                masked[member] = _shape(inner)
    return masked


def _is_name(key: str, name: str) -> bool:
    return key.lower() == name.lower() or _PLAIN_NAME.fullmatch(key) is not None


def _value(name: str, value: Any, *, kept: bool = True) -> Any:
    if not isinstance(value, str):
        return _shape(value)
    lower = name.lower()
    if kept and lower in HARMLESS:
        return value
    if kept and lower in URLS:
        return _url(value)
    if lower == "set-cookie":
        return _set_cookie(value)
    return hide(value)


def _set_cookie(value: str) -> str:
    cookie, mark, attributes = value.partition(";")
    return _pair(cookie) + mark + _attributes(attributes)


def _attributes(text: str) -> str:
    return ";".join(part if _ATTRIBUTE.fullmatch(part) else _pair(part) for part in text.split(";"))


def _pair(text: str) -> str:
    """Return `name=value` without the value; without the name too where that may be the secret."""
    name, mark, value = text.partition("=")
    kept = name if mark and _PLAIN_NAME.fullmatch(name.strip(" ")) else hide(name)
    return kept + mark + hide(value)


def _cookies(value: Any) -> Any:
    if isinstance(value, list):
        return [_set_cookie(item) if isinstance(item, str) else _shape(item) for item in value]
    if not isinstance(value, dict):
        return _shape(value)
    return {name: _item("cookie", item) for name, item in value.items()}


def _query(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _item("cookie", item) for name, item in value.items()}
    if not isinstance(value, str):
        return _shape(value)
    start = "?" if value.startswith("?") else ""
    pieces = value.removeprefix("?").split("&")
    return start + "&".join(_parameter(piece) for piece in pieces)


def _parameter(text: str) -> str:
    name, mark, value = text.partition("=")
    kept = name if mark and _PLAIN_NAME.fullmatch(name) else hide(name, "#")
    return kept + mark + hide(value, "#")


def _url(value: Any) -> Any:
    """Return a URL or path: its user information, path parameters, query values and fragment are hidden."""
    if not isinstance(value, str):
        return _shape(value)
    base, mark, fragment = value.partition("#")
    path, question, query = base.partition("?")
    path = _PARAMETER.sub(lambda found: hide(found[0], "?#"), _USER.sub(lambda found: hide(found[0], ":"), path))
    return path + question + (_query(query) if query else "") + mark + hide(fragment, "#?")


def _origin(value: Any) -> Any:
    if not isinstance(value, dict):
        return _shape(value)
    return {
        kind: {name: _SETTINGS.get(name, _shape)(item) for name, item in settings.items()}
        if isinstance(settings, dict)
        else _shape(settings)
        for kind, settings in value.items()
    }


def _domain_name(value: Any) -> Any:
    if not isinstance(value, str):
        return _shape(value)
    user, mark, name = value.rpartition("@")
    return hide(user, "/:.{}-[]") + mark + name


def _number(value: Any) -> Any:
    return value if isinstance(value, int | float) else _shape(value)


def _protocols(value: Any) -> Any:
    return [_word(item) for item in value] if isinstance(value, list) else _shape(value)


_SETTINGS: Mapping[str, Callable[[Any], Any]] = {
    "domainName": _domain_name,
    "path": _url,
    "customHeaders": _custom_headers,
    "port": _number,
    "readTimeout": _number,
    "keepaliveTimeout": _number,
    "responseCompletionTimeout": _number,
    "protocol": _word,
    "authMethod": _word,
    "sslProtocols": _protocols,
    "region": _matching(_REGION),
}


def _of_flaw(flaw: Flaw) -> Flaw:
    path = None if flaw.path is None else tuple(_whole(step) if isinstance(step, str) else step for step in flaw.path)
    return dataclasses.replace(flaw, detail=_whole(flaw.detail), path=path)


def _clean(value: Any) -> Any:
    """Return a value that can be written as UTF-8: half characters become U+FFFD, which is as long."""
    if isinstance(value, str):
        return _whole(value)
    if isinstance(value, dict):
        return {_whole(name): _clean(item) for name, item in value.items()}
    return [_clean(item) for item in value] if isinstance(value, list) else value


def _whole(text: str) -> str:
    return text if text.isascii() else _SURROGATES.sub("\ufffd", text)
