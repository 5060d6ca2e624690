"""Strings from origins, certificates and configurations, made harmless before a person reads them."""

from __future__ import annotations

import re
import shlex
import string
import unicodedata
from collections.abc import Mapping
from typing import Any

_UNSAFE_CATEGORIES = frozenset({"Cc", "Cf", "Co", "Cs", "Zl", "Zp"})  # controls, bidi overrides, surrogates, separators


def visible(value: object, limit: int = 300) -> str:
    r"""Return `value` as one line of printable text of at most `limit` characters.

    Control characters (also ANSI escapes), bidirectional overrides and lone surrogates become `\xNN` or
    `\uNNNN`, so that a hostile certificate subject or banner cannot move a cursor or reorder a sentence.
    """
    text = value if isinstance(value, str) else str(value)
    if len(text) <= limit and text.isprintable():  # none of the categories below; most of what is shown
        return text
    cut = text[: limit + 1]
    shown = "".join(_escape(c) if unicodedata.category(c) in _UNSAFE_CATEGORIES else c for c in cut)
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"


def _escape(character: str) -> str:
    point = ord(character)
    return f"\\x{point:02x}" if point < 0x100 else f"\\u{point:04x}" if point < 0x10000 else f"\\U{point:08x}"


def join_names(names: object, limit: int = 6) -> str:
    """Return `a, b and c` for a list; beyond `limit` entries the rest is counted, not silently dropped."""
    if isinstance(names, str) or not isinstance(names, list | tuple):
        return visible(names)
    shown = [visible(n, 120) for n in names[:limit]]
    if len(names) > limit:
        return ", ".join(shown) + f" and {len(names) - limit} more"
    return shown[0] if len(shown) == 1 else ", ".join(shown[:-1]) + " and " + shown[-1] if shown else "none"


def check_parts(text: str) -> tuple[str, str]:
    """Return in two what is to be checked: what to do, and the command that the text ends with (may be empty)."""
    found = _ENDS_WITH_COMMAND.fullmatch(text)
    return (found["prose"], found["command"]) if found else (text, "")


_ENDS_WITH_COMMAND = re.compile(r"(?P<prose>.+:) (?P<command>(?:aws|cfrunbook|curl|dig|for|openssl) [^`]*[^`.])")


class _Formatter(string.Formatter):
    """`str.format` with `{x}` made visible, `{x!q}` quoted for a POSIX shell and no access to attributes."""

    def get_field(self, field_name: str, args: Any, kwargs: Any) -> tuple[Any, str]:
        if not field_name.isidentifier():
            raise KeyError(f"template field {field_name!r}: only plain names are allowed")
        return kwargs[field_name], field_name

    def convert_field(self, value: Any, conversion: str | None) -> Any:
        if conversion == "q":
            return shlex.quote(visible(value, 1000))
        if conversion:
            return super().convert_field(value, conversion)
        return join_names(value) if isinstance(value, list | tuple) else value

    def format_field(self, value: Any, format_spec: str) -> str:
        return format(value, format_spec) if format_spec else visible(value, 2000)


_FORMATTER = _Formatter()


def fill(template: str, data: Mapping[str, Any]) -> str:
    """Fill `template` from `data`; `{name}` is shown safely, `{name!q}` is quoted for a shell.

    Raises KeyError for a field that `data` lacks: a template and its judge must agree.
    """
    return _FORMATTER.vformat(template, (), data)
