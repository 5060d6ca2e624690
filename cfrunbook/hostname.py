"""Host names as DNS and TLS carry them: lower case, A-labels, no trailing dot."""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from enum import StrEnum

from cfrunbook.errors import BadInput
from cfrunbook.text import visible

MAX_NAME = 253
"""Characters of a name (RFC 1035, section 2.3.4)."""
MAX_LABEL = 63
"""Octets of a label (RFC 1035, section 2.3.4)."""

_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)\Z")
_PARAMETER = re.compile(r"\{\{.*\}\}", re.DOTALL)
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_PORT = re.compile(r".+:[0-9]*\Z", re.DOTALL)
_REFUSED_CATEGORIES = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp", "Zs"})


class NameProblem(StrEnum):
    """Why a string is not a host name; the value reads after "it "."""

    EMPTY = "is empty"
    PARAMETER = "has a {{parameter}} that only a distribution tenant fills in"
    SCHEME = "starts with a scheme"
    PATH = "holds a path"
    IP_ADDRESS = "is an IP address"
    PORT = "holds a port"
    TOO_LONG = f"is longer than {MAX_NAME} characters"
    NOT_A_NAME = "has characters or labels that no host name has"


def problem(name: str) -> NameProblem | None:
    """Return why `name` is not a host name, or None if it is one (an internationalized one included)."""
    if not name.strip():
        return NameProblem.EMPTY
    if _PARAMETER.search(name):
        return NameProblem.PARAMETER
    if _SCHEME.match(name):
        return NameProblem.SCHEME
    if "/" in name:
        return NameProblem.PATH
    if is_address(name):
        return NameProblem.IP_ADDRESS
    if _PORT.match(name):
        return NameProblem.PORT
    if len(name) > 4 * MAX_NAME:
        return NameProblem.TOO_LONG
    converted = _convert(name)
    if converted is None:
        return NameProblem.NOT_A_NAME
    if is_address(converted):
        return NameProblem.IP_ADDRESS
    return NameProblem.TOO_LONG if len(converted) > MAX_NAME else None


def to_ascii(name: str, what: str = "Host name") -> str:
    """Return `name` in lower case, as A-labels, without a trailing dot.

    Labels are mapped as browsers do (compatibility normalization, lower case, then Punycode, RFC 3492).
    Raises BadInput, in one sentence starting with `what`, if `name` is not a host name.
    """
    found = problem(name)
    converted = None if found else _convert(name)
    if found or converted is None:
        why = _detail(name) if found in (None, NameProblem.NOT_A_NAME) else ""
        raise BadInput(
            f"{what}: '{visible(name, 120)}' is not a host name: it {found or NameProblem.NOT_A_NAME}"
            f"{f' ({why})' if why else ''}."
        )
    return converted


def _detail(name: str) -> str:
    """Return which character or label it is that no host name has, for people; empty where that is not clear."""
    mapped = unicodedata.normalize("NFKC", name).lower().replace("\u3002", ".").removesuffix(".")
    labels = mapped.split(".")
    strange = [c for c in mapped if c.isascii() and not (c.isalnum() or c in "._-")]
    strange += [c for c in name if unicodedata.category(c) in _REFUSED_CATEGORIES]
    if strange:
        named = {" ": "a space", "\t": "a tab", "\n": "a line break"}.get(strange[0])
        return named or repr(visible(strange[0], 12))
    if "" in labels:
        return "a label is empty: a dot at the beginning, or two in a row"
    for label in labels:
        octets = len(label if label.isascii() else "xn--" + label.encode("punycode", "replace").decode("ascii"))
        if octets > MAX_LABEL:
            return f"the label '{visible(label, 20)}' has {octets} octets, and {MAX_LABEL} is the most"
        if label.startswith("-") or label.endswith("-"):
            return f"the label '{visible(label, 66)}' begins or ends with a hyphen"
    return "the last label is a number" if labels[-1].isdigit() else ""


def canonical(name: str) -> str | None:
    """Return `name` as `to_ascii` does, or None if it is not a host name."""
    return None if problem(name) else _convert(name)


def is_address(name: str) -> bool:
    """Return whether `name` is an IPv4 or IPv6 address, brackets allowed."""
    try:
        ipaddress.ip_address(name.removeprefix("[").removesuffix("]"))
    except ValueError:
        return False
    return True


def _convert(name: str) -> str | None:
    """Return the A-label form, or None where a label cannot be one."""
    if any(unicodedata.category(c) in _REFUSED_CATEGORIES for c in name):
        return None
    mapped = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).lower()).replace("\u3002", ".")
    labels = [_a_label(label) for label in mapped.removesuffix(".").split(".")]
    if None in labels or ((labels[-1] or "").isdigit() and not is_address(mapped)):
        return None
    return ".".join(label for label in labels if label)


def _a_label(label: str) -> str | None:
    if not label.isascii():
        if not _LABEL.match("".join(c if c.isascii() else "x" for c in label)):
            return None
        label = "xn--" + label.encode("punycode").decode("ascii")
    return label if _LABEL.match(label) else None
