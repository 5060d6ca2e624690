"""JSON documents as AWS tools and people write them, made into plain, bounded values.

Files come from `aws cloudfront ... > file`: in UTF-8, with a byte order mark, or in UTF-16 (Windows PowerShell);
values come from boto3, with dates in them. Nothing in a document is trusted.
"""

from __future__ import annotations

import codecs
import datetime as dt
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from cfrunbook.errors import BadInput
from cfrunbook.files import read_bounded
from cfrunbook.text import visible

MAX_BYTES = 16 * 1024 * 1024
MAX_DEPTH = 64
MAX_ITEMS = 1000
"""Members of one list that are read; CloudFront's own quotas are far below."""
MAX_REPORTED = 100
"""Malformed places and unknown fields that are kept for one document; a hostile one has any number."""

Source = Path | str | bytes | Mapping[str, Any] | list[Any]

_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def read(source: Source, what: str) -> Any:
    """Return the JSON value of a file, of bytes, of JSON text or of a Python value.

    `what` starts the sentence of the BadInput that is raised for a missing file, one that is too large, too deeply
    nested or not JSON. NaN and infinities become null, dates ISO 8601 text, lone surrogates escapes, so that the
    value can always be written as JSON again.
    """
    if isinstance(source, Mapping | list):
        return _plain(source, what, "it")
    if isinstance(source, str) and source.lstrip()[:1] in ("{", "["):
        source = source.encode("utf-8", "surrogatepass")
    if isinstance(source, bytes):
        return decode(source, what, "it")
    if isinstance(source, str | os.PathLike):
        if not os.fspath(source):
            raise BadInput(f"{what}: '' is not a file name.")
        return decode(read_bounded(Path(source), what, MAX_BYTES), what, visible(source))
    raise BadInput(f"{what}: give a file, JSON text or a dictionary, not a value of type {type(source).__name__}.")


def decode(content: bytes, what: str, name: str) -> Any:
    """Return the JSON value in `content`; raises BadInput with one sentence that names `what` and `name`."""
    import json

    if len(content) > MAX_BYTES:
        raise BadInput(f"{what}: {name} is larger than {MAX_BYTES // (1024 * 1024)} MiB; refused.")
    try:
        text = content.decode(_encoding(content))
    except UnicodeDecodeError:
        raise BadInput(f"{what}: {name} is neither UTF-8 nor UTF-16 text.") from None
    if not text.strip():
        raise BadInput(f"{what}: {name} is empty.")
    try:
        value = json.loads(text, parse_constant=lambda _: None)
    except json.JSONDecodeError as error:
        hint = _other_syntax(text)
        raise BadInput(
            f"{what}: {name} is not JSON (line {error.lineno}, column {error.colno}: {visible(error.msg, 80)}){hint}."
        ) from None
    except RecursionError:
        raise BadInput(f"{what}: {name} is nested deeper than {MAX_DEPTH} levels; refused.") from None
    except ValueError:
        raise BadInput(f"{what}: {name} holds a number with thousands of digits; refused.") from None
    return _plain(value, what, name)


def _encoding(content: bytes) -> str:
    for mark, encoding in _BYTE_ORDER_MARKS:
        if content.startswith(mark):
            return encoding
    if content[:1] in (b"{", b"[") and content[1:2] == b"\0":
        return "utf-16-le"
    return "utf-16-be" if content[:1] == b"\0" else "utf-8"


def _other_syntax(text: str) -> str:
    """Return what the text is instead of JSON, where its beginning tells."""
    if "aws_cloudfront_distribution" in text:
        return "; it is Terraform: run `aws cloudfront get-distribution --id ...` and give what that prints"
    if "AWS::CloudFront::Distribution" in text:
        return "; it is CloudFormation: run `aws cloudfront get-distribution --id ...` and give what that prints"
    return ""


def _plain(value: Any, what: str, name: str, depth: int = 0) -> Any:
    """Return a copy of `value` made of JSON values only."""
    if depth > MAX_DEPTH:
        raise BadInput(f"{what}: {name} is nested deeper than {MAX_DEPTH} levels; refused.")
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-8", "backslashreplace").decode("utf-8")
    if isinstance(value, int):
        return int(value) if -(2**63) <= value < 2**63 else None
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {_plain(str(k), what, name): _plain(v, what, name, depth + 1) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v, what, name, depth + 1) for v in value]
    return value.isoformat() if isinstance(value, dt.datetime | dt.date) else visible(value)


class Malformed(msgspec.Struct, frozen=True):
    """A place in a document that is not of the documented type."""

    where: str
    """JSON path, e.g. `Origins.Items[0].DomainName`."""
    says: str
    """What is wrong there; reads after the path: `is a number, not text`."""


class Reader(msgspec.Struct):
    """Typed reads from a document that never fail: what is of the wrong type is recorded and left out."""

    malformed: list[Malformed] = msgspec.field(default_factory=list)

    def report(self, where: str, says: str) -> None:
        """Record a malformed place; beyond `MAX_REPORTED` places the rest is dropped."""
        if len(self.malformed) < MAX_REPORTED:
            self.malformed.append(Malformed(where, says))

    def text(self, node: Mapping[str, Any], key: str, where: str, default: str = "") -> str:
        """Return the text at `key`; a missing or null one is `default`."""
        value = node.get(key)
        if value is None:
            return default
        if isinstance(value, str):
            return value
        self.report(_join(where, key), f"is {kind(value)}, not text")
        return default

    def choice(self, node: Mapping[str, Any], key: str, where: str, options: tuple[str, ...], default: str) -> str:
        """Return the text at `key` if it is one of `options`, else `default`."""
        value = self.text(node, key, where, default)
        if value in options:
            return value
        self.report(_join(where, key), f"is '{visible(value, 60)}', not one of {', '.join(options)}")
        return default

    def integer(self, node: Mapping[str, Any], key: str, where: str, default: int) -> int:
        """Return the whole number at `key`; digits in quotes count too."""
        value = node.get(key)
        if value is None:
            return default
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) <= 18:
            return int(value)
        self.report(_join(where, key), f"is {kind(value)}, not a whole number")
        return default

    def flag(self, node: Mapping[str, Any], key: str, where: str, default: bool) -> bool:
        """Return the boolean at `key`."""
        value = node.get(key)
        if value is None:
            return default
        if isinstance(value, bool):
            return value
        self.report(_join(where, key), f"is {kind(value)}, not true or false")
        return default

    def mapping(self, node: Mapping[str, Any], key: str, where: str) -> Mapping[str, Any]:
        """Return the object at `key`; a missing or malformed one is empty."""
        value = node.get(key)
        if isinstance(value, Mapping):
            return value
        if value is not None:
            self.report(_join(where, key), f"is {kind(value)}, not an object")
        return {}

    def items(self, node: Mapping[str, Any], key: str, where: str) -> list[Any]:
        """Return the list at `key`, in the API's `{Quantity, Items}` form or as a plain list.

        `Items` is absent where `Quantity` is 0.
        """
        value = node.get(key)
        path = _join(where, key)
        if value is None:
            return []
        if isinstance(value, list):
            return self._bounded(value, path)
        if not isinstance(value, Mapping):
            self.report(path, f"is {kind(value)}, not a list")
            return []
        items = value.get("Items")
        if items is None:
            items = []
        elif not isinstance(items, list):
            self.report(f"{path}.Items", f"is {kind(items)}, not a list")
            return []
        quantity = value.get("Quantity", len(items))
        if quantity != len(items):
            self.report(f"{path}.Quantity", f"is {visible(quantity, 20)}, but there are {len(items)} Items")
        return self._bounded(items, path)

    def _bounded(self, items: list[Any], path: str) -> list[Any]:
        if len(items) > MAX_ITEMS:
            self.report(path, f"has {len(items)} Items, of which {MAX_ITEMS} are read")
        return items[:MAX_ITEMS]

    def objects(self, node: Mapping[str, Any], key: str, where: str) -> list[tuple[str, Mapping[str, Any]]]:
        """Return the objects of the list at `key`, each with its JSON path."""
        found = []
        for index, item in enumerate(self.items(node, key, where)):
            path = f"{_join(where, key)}.Items[{index}]"
            if isinstance(item, Mapping):
                found.append((path, item))
            else:
                self.report(path, f"is {kind(item)}, not an object")
        return found

    def texts(self, node: Mapping[str, Any], key: str, where: str) -> tuple[str, ...]:
        """Return the strings of the list at `key`."""
        found = []
        for index, item in enumerate(self.items(node, key, where)):
            if isinstance(item, str):
                found.append(item)
            else:
                self.report(f"{_join(where, key)}.Items[{index}]", f"is {kind(item)}, not text")
        return tuple(found)


def kind(value: Any) -> str:
    """Return what a JSON value is, in words."""
    match value:
        case None:
            return "null"
        case bool():
            return "true or false"
        case int() | float():
            return "a number"
        case str():
            return "text"
        case list():
            return "a list"
        case _:
            return "an object"


def _join(where: str, key: str) -> str:
    return f"{where}.{key}" if where else key
