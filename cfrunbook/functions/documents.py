"""The result of a function as it was given: read strictly and in bounds, and with what a lenient reader would hide."""

from __future__ import annotations

import binascii
import json
import math
import re
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from cfrunbook.findings import Json
from cfrunbook.functions.model import Path
from cfrunbook.text import visible

MAX_BYTES = 8 * 1024 * 1024
"""More than Lambda hands over (6 MB) and six times what CloudFront takes. Larger ones are not parsed at all.

https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
"""
MAX_DEPTH = 64
"""Levels of nesting; the deepest valid result has six."""
MAX_FLAWS = 20
_SURROGATE = re.compile("[\ud800-\udfff]")
_TO_PLAIN = str.maketrans("-_", "+/")
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")


class FlawKind(StrEnum):
    """What is wrong with a document before any rule about results is asked."""

    EMPTY = "empty"
    """Nothing, or white space only: what a function without a result leaves."""
    UNDEFINED = "undefined"
    """The word `undefined`, which JavaScript prints for no result."""
    NOT_UTF8 = "not_utf8"
    NOT_JSON = "not_json"
    NOT_FINITE = "not_finite"
    """NaN or Infinity: Python's json module writes them, JSON does not have them."""
    DUPLICATE_KEY = "duplicate_key"
    """A key twice in one object: the last one counts here; what CloudFront does is not documented."""
    LONE_SURROGATE = "lone_surrogate"
    """Half of a character above U+FFFF: cannot be written as UTF-8."""
    TOO_DEEP = "too_deep"
    TOO_LARGE = "too_large"


UNREADABLE = frozenset(FlawKind) - {FlawKind.DUPLICATE_KEY, FlawKind.LONE_SURROGATE, FlawKind.NOT_FINITE}
"""With one of these there is no value to be judged."""


@dataclass(frozen=True, slots=True)
class Flaw:
    """One flaw of a document: what, where (line and column, a key, a path), in words."""

    kind: FlawKind
    detail: str = ""
    path: Path | None = None
    """Where in the value, if there is one."""


class Base64(StrEnum):
    """Whether a text is base64 (RFC 4648, section 4); the value reads after "it is base64 "."""

    STRICT = "as it should be"
    WHITE_SPACE = "with white space"
    URL_SAFE = "of the URL-safe alphabet"
    UNPADDED = "without its padding"
    NOT = "not at all"


@dataclass(frozen=True, slots=True)
class TextSize:
    """How large a text is: in UTF-8, and as what base64 decodes to."""

    size: int
    """Bytes of UTF-8."""
    base64: Base64 = Base64.NOT
    decoded: int = 0
    """Bytes that base64 decodes to; 0 where it is none."""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A long text that was taken out of a document, and what it takes to judge it all the same."""

    path: Path
    measure: TextSize


@dataclass(frozen=True, slots=True)
class Document:
    """A result or an event: its value, how many bytes of JSON it was, and what is wrong with the JSON itself.

    It can be written with `msgspec.json.encode` and read again, unless it has half characters; a masked one has none.
    """

    value: Json
    size: int
    flaws: tuple[Flaw, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    """What stands in `value` at these paths only says that something was there."""

    @property
    def is_readable(self) -> bool:
        """True where there is a value to be judged."""
        return not any(flaw.kind in UNREADABLE for flaw in self.flaws)

    def measure(self, path: Path, text: str, *, as_base64: bool = True) -> TextSize:
        """Return how large the text at `path` is, or was before it was left out; see the function `measure`."""
        left = next((left.measure for left in self.left_out if left.path == path), None)
        return left or measure(text, as_base64=as_base64)


def read(content: bytes | str) -> Document:
    """Return what a JSON text holds. Never raises: what cannot be read is a flaw, and then the value is None."""
    raw = content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content
    size = len(raw)
    raw = raw.removeprefix(_BYTE_ORDER_MARK)
    if size > MAX_BYTES:
        return too_large(size)
    try:
        if raw.startswith(_UTF16_MARKS):  # not the function's doing: PowerShell's > writes files so
            text = raw.decode("utf-16")
            size = len(text.encode("utf-8", "surrogatepass"))
        else:
            text = raw.decode("utf-8", "surrogatepass" if isinstance(content, str) else "strict")
    except UnicodeDecodeError as error:
        return _unreadable(size, FlawKind.NOT_UTF8, f"byte {error.start} cannot be UTF-8")
    stripped = text.strip()
    if not stripped:
        return _unreadable(size, FlawKind.EMPTY)
    if stripped == "undefined":
        return _unreadable(size, FlawKind.UNDEFINED)
    flaws: list[Flaw] = []
    try:
        value = json.loads(text, object_pairs_hook=_Keys(flaws))
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}: {visible(error.msg, 80)}"
        return _unreadable(size, FlawKind.NOT_JSON, where)
    except RecursionError:
        return _unreadable(size, FlawKind.TOO_DEEP, f"more than {MAX_DEPTH} levels")
    except ValueError:  # an integer of thousands of digits
        return _unreadable(size, FlawKind.NOT_JSON, "a number with thousands of digits")
    return _checked(value, size, flaws)


def too_large(size: int) -> Document:
    """Return the document of so many bytes that none of them are read."""
    return _unreadable(size, FlawKind.TOO_LARGE, f"{size:,} bytes; at most {MAX_BYTES:,} are read")


def measure(text: str, *, as_base64: bool = True) -> TextSize:
    """Return how large a text is; without `as_base64` it is not looked at whether it is some, which takes longer."""
    if not as_base64 or not text.isascii():
        return TextSize(utf8_size(text))
    form, decoded = _decode(text)
    return TextSize(len(text), form, decoded)


def utf8_size(text: str) -> int:
    """Return how many bytes of UTF-8 a text is; half a character counts as three."""
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def plain_base64(text: str) -> str:
    """Return a text of some form of base64 in its plain form: no white space, + and /, padded."""
    joined = "".join(text.split()).translate(_TO_PLAIN).rstrip("=")
    return joined + "=" * (-len(joined) % 4)


def _decode(text: str) -> tuple[Base64, int]:
    """Return which form of base64 an ASCII text is, and how many bytes it decodes to."""
    size = _strictly_decoded(text)
    if size is not None:
        return Base64.STRICT, size
    size = _strictly_decoded(plain_base64(text))
    joined = "".join(text.split())
    if size is None or "=" in joined.rstrip("=") or joined.endswith("==="):
        return Base64.NOT, 0
    if any(character in text for character in " \t\r\n\v\f"):
        return Base64.WHITE_SPACE, size
    return (Base64.URL_SAFE if "-" in text or "_" in text else Base64.UNPADDED), size


def _strictly_decoded(text: str) -> int | None:
    try:
        return len(binascii.a2b_base64(text.encode(), strict_mode=True))
    except ValueError:
        return None


def of_value(value: Any) -> Document:
    """Return the document of a value made in Python, as its JSON would be read. Raises TypeError where it has none."""
    return read(json.dumps(value, ensure_ascii=True))


def _checked(value: Json, size: int, flaws: list[Flaw]) -> Document:
    """Walk the value for depth and for what cannot be written as JSON again."""
    if not _walk([value], [], flaws):
        return _unreadable(size, FlawKind.TOO_DEEP, f"more than {MAX_DEPTH} levels")
    # the list around the value is the first step of every path
    return Document(value, size, tuple(replace(flaw, path=flaw.path[1:]) if flaw.path else flaw for flaw in flaws))


def _walk(here: list[Any] | dict[str, Any], path: list[str | int], flaws: list[Flaw]) -> bool:
    """Note flaws of what is in `here`, which is at `path`; return False where it is nested too deeply."""
    if len(path) > MAX_DEPTH and here:
        return False
    for key, item in here.items() if isinstance(here, dict) else enumerate(here):
        if isinstance(key, str) and not key.isascii() and _has_lone_surrogate(key):
            _note(flaws, Flaw(FlawKind.LONE_SURROGATE, "in a key", path=tuple(path)))
        if isinstance(item, str):
            if not item.isascii() and _has_lone_surrogate(item):
                _note(flaws, Flaw(FlawKind.LONE_SURROGATE, path=(*path, key)))
        elif isinstance(item, float):
            if not math.isfinite(item):
                _note(flaws, Flaw(FlawKind.NOT_FINITE, json.dumps(item), path=(*path, key)))
        elif isinstance(item, list | dict) and item:
            path.append(key)
            fits = _walk(item, path, flaws)
            path.pop()
            if not fits:
                return False
    return True


def _has_lone_surrogate(text: str) -> bool:
    return _SURROGATE.search(text) is not None


def _note(flaws: list[Flaw], flaw: Flaw) -> None:
    if len(flaws) < MAX_FLAWS:
        flaws.append(flaw)


def _unreadable(size: int, kind: FlawKind, detail: str = "") -> Document:
    return Document(None, size, (Flaw(kind, detail),))


class _Keys:
    """Builds objects and notes keys that come twice."""

    def __init__(self, flaws: list[Flaw]) -> None:
        self._flaws = flaws

    def __call__(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(pairs)
        if len(made) != len(pairs):
            seen: set[str] = set()
            for key, _ in pairs:
                if key in seen:
                    _note(self._flaws, Flaw(FlawKind.DUPLICATE_KEY, visible(key, 80)))
                seen.add(key)
        return made
