"""Pseudonyms for what identifies an incident: the same thing gets the same name everywhere, and its kind stays visible.

`Pseudonyms.text` replaces what was made known with `add_…`, wherever it stands as a word of its own, and besides what
is told by its form alone: addresses, ARNs, account ids, ids of AWS resources, fingerprints, mail addresses, paths of a
person's files. Names become `origin-1.site-1.example`, so that who is below whom can still be seen; addresses come from
the ranges for documentation (RFC 5737, RFC 3849) and for benchmarks (RFC 2544).
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Iterator

PUBLIC_SUFFIXES = frozenset({
    "amazonaws.com", "amazonaws.com.cn", "cloudfront.net", "amazon.com", "on.aws", "awsglobalaccelerator.com",
    "elasticbeanstalk.com", "lambda-url", "co.uk", "org.uk", "com.au", "co.jp", "com.br", "co.in", "co.nz", "com.cn",
})  # fmt: skip
"""What names of many owners end in, beside top-level domains: it says nothing about whose a name is."""
PUBLIC_HOSTS = frozenset({"docs.aws.amazon.com", "ip-ranges.amazonaws.com", "www.rfc-editor.org", "www.iana.org"})
"""Hosts of public sources."""
ORDINARY = frozenset({
    "", "-", "/", "/*", "*", "default", "default (*)", "/index.html", "/favicon.ico", "this machine", "standard input",
    "origin", "server", "certificate", "cloudfront", "amazon", "aws", "root", "host", "name", "test", "none", "ok",
    "fault", "unknown", "warning", "info", "http", "https", "dns", "tls", "tcp", "udp", "get", "head", "post", "put",
    "patch", "delete", "options", "true", "false", "error", "function", "handler", "port", "status", "system", "us",
    "path", "query", "local", "localhost", "example", "local_machine", "authoritative", "connect-to",
})  # fmt: skip
"""Words that identify nobody, in lower case: as a name of something they are left as they are."""
SHORTEST = 3
"""Characters of the shortest word that is replaced."""
_LABEL = r"[^\W_](?:[\w-]*[^\W_])?"
_HEX = re.compile(r"[0-9a-f]{8,}")
_CHARACTER = r"[\w*./:@+=-]"
_FORMS = rf"""
    (?P<comment> (?<![\w-]) (?:--)? comment [ ]+ (?: "[^"]*" | '[^']*' ) )
  | (?P<arn>  \b arn:aws [\w-]* : [^\s"'<>\]),;`…]+ )
  | (?P<file> (?<![\w.]) /(?:home|Users|root|tmp|var/folders|private)/ [^\s"'<>,;`…]+ )
  | (?P<mail> (?<![\w.+-]) [\w.+-]+ @ {_LABEL} (?: \.{_LABEL} )+ )
  | (?P<uuid> \b [0-9a-fA-F]{{8}}- (?:[0-9a-fA-F]{{4}}-){{3}} [0-9a-fA-F]{{12}} \b )
  | (?P<hex>  \b (?: [0-9a-fA-F]{{32,}} | (?:[0-9a-fA-F]{{2}}:){{15,}}[0-9a-fA-F]{{2}} ) \b )
  | (?P<ip6>  (?<![\w:.]) (?:[0-9A-Fa-f]{{0,4}}:){{2,7}} (?: (?:\d+\.){{3}}\d+ | [0-9A-Fa-f]{{1,4}} )?
              (?! [\w:] | \.\d ) )
  | (?P<ip4>  (?<![\w.]) (?:\d{{1,3}}\.){{3}} \d{{1,3}} (?! \w | \.\d ) )
  | (?P<resource> \b (?:sg|i|vpc|subnet|eni|acl|rtb|nat|igw|pl|vpce|vo|eipalloc) - [0-9a-f]{{8,17}} \b )
  | (?P<request> (?<![\w-]) [\w-]{{54}} == )
  | (?P<id>   (?<![\w-]) [EZ] (?=[A-Z0-9]*\d) [A-Z0-9]{{9,31}} (?![\w-]) )
  | (?P<account> (?<![\w.-]) \d{{12}} (?! [\w-] | \.\w ) )
  | (?P<cut>  {_CHARACTER}{{4,}} … )
  | (?P<host> (?<![\w.-]) (?:\*\.)? (?:_?{_LABEL}\.)+ [^\W\d_](?:[\w-]*[^\W_])? (?![\w-]) )
  | (?P<short> \b (?=[0-9a-f]*\d) [0-9a-f]{{8,31}} \b )
"""
_PLAIN = re.compile(r"/?[^\W\d_]{1,11}")
_KEPT_ADDRESSES = frozenset({"0.0.0.0", "::", "::1", "255.255.255.255"})  # noqa: S104 (shown, not bound)


class Pseudonyms:
    """What stands for what, in one edition."""

    def __init__(self) -> None:
        self._words: dict[str, str] = {}
        """Pseudonyms of words and sentences, which are known as they are written."""
        self._hosts: dict[str, str] = {}
        """Of host names, in lower case."""
        self._roles: dict[str, str] = {}
        self._sites: dict[str, str] = {}
        self._formed: dict[str, str] = {}
        """Of what was told by its form."""
        self._counts: dict[str, int] = {}
        self._addresses: set[str] = set()
        """Addresses that are to be replaced: none of them may stand for another."""
        self._given: set[str] = set()
        self._pattern: re.Pattern[str] | None = None
        self._pools: dict[int, Iterator[str]] = {4: _addresses_v4(), 6: _addresses_v6()}

    def add_word(self, value: str, kind: str, *, keep_suffix: bool = False) -> None:
        """Make a word, a sentence or a path known, to be replaced by `<kind>-<number>` (and its file name's suffix)."""
        text = value.strip()
        if len(text) < SHORTEST or text.lower() in ORDINARY or text in self._words or text.isdigit():
            return
        if self._is_host(text):
            self.add_host(text, kind)
            return
        suffix = re.search(r"\.[A-Za-z0-9]{1,8}$", text) if keep_suffix else None
        slash = "/" if text.startswith("/") and kind == "path" else ""
        self._words[text] = slash + self._next(kind) + (suffix[0] if suffix else "")
        self._pattern = None

    def add_host(self, name: str, role: str = "host") -> None:
        """Make a host name known; `role` is the first part of its pseudonym."""
        lower = name.strip().rstrip(".").removeprefix("*.").lower()
        if lower in PUBLIC_HOSTS or lower in PUBLIC_SUFFIXES or _address(lower) or lower in ORDINARY:
            return
        if "." not in lower:
            self.add_word(lower, role)
        else:
            self._roles[lower] = role if self._roles.get(lower, "host") == "host" else self._roles[lower]

    def add_address(self, text: str) -> None:
        """Make an address known, so that none that stands for another is the same."""
        self._addresses.add(text)

    def add_addresses_in(self, text: str) -> None:
        """Make every address known that stands in a text."""
        for found in re.finditer(r"(?:\d{1,3}\.){3}\d{1,3}|[0-9A-Fa-f:]*::?[0-9A-Fa-f:.]+", text):
            self.add_address(found[0])

    def add_hosts_in(self, text: str) -> None:
        """Make every host name known that stands in what was observed, as far as one can be told from other words."""
        for found in _HOSTS.finditer(text):
            if found[0].rpartition(".")[2] not in _NO_TOP_LEVEL and found[0] == found[0].lower():
                self.add_host(found[0])

    def add_digits(self, value: str) -> None:
        """Make a fingerprint, key identifier or serial number known, in hex; beginnings of it are replaced too."""
        plain = value.replace(":", "").lower()
        if _HEX.fullmatch(plain):
            self._digits(plain)

    def text(self, value: str) -> str:
        """Return `value` with every known thing replaced; pseudonyms in it stay as they are."""
        return self._compiled.sub(self._replaced, value)

    def remaining(self, value: str) -> tuple[str, ...]:
        """Return what `text` would replace in `value`: nothing where it is an edition's.

        Plain words, which anybody's sentence may have (`Shop`, `logs`), do not count here.
        """
        matches = (m for m in self._compiled.finditer(value) if m.lastgroup != "word" or not _PLAIN.fullmatch(m[0]))
        return tuple(sorted({m[0] for m in matches if self._replaced(m) != m[0]}))

    def key(self) -> dict[str, str]:
        """Return what each pseudonym stands for."""
        known = {**self._words, **self._hosts, **self._formed}
        return dict(sorted((pseudonym, original) for original, pseudonym in known.items()))

    @property
    def _compiled(self) -> re.Pattern[str]:
        if self._pattern is None:
            literal = _alternation(self._words)
            known = rf"(?P<word> {literal} ) |" if literal else ""
            self._pattern = re.compile(known + _FORMS, re.VERBOSE)
        return self._pattern

    def _replaced(self, found: re.Match[str]) -> str:
        text, kind = found[0], str(found.lastgroup)
        if text in self._given:
            return text
        match kind:
            case "word":
                return self._words[text]
            case "host":
                return self._host(text) or text
            case "ip4" | "ip6":
                return self._address(text)
            case "hex":
                return self._digits(text.replace(":", "").lower())
            case "short":
                return (
                    self._digits(text) if any(k.startswith(text) for k in self._formed if _HEX.fullmatch(k)) else text
                )
            case "cut":
                return self._cut(text)
            case "comment":
                return f"{text.split(' ')[0]} [redacted]"
            case "file":
                return self._form(text, "file", re.search(r"\.[A-Za-z0-9]{1,8}$", text))
            case "mail":
                return self._mail(text)
        return self._form(text, {"arn": "arn", "uuid": "id", "account": "account"}.get(kind, kind), None)

    def _form(self, text: str, kind: str, suffix: re.Match[str] | None) -> str:
        if text not in self._formed:
            self._formed[text] = self._next(kind) + (suffix[0] if suffix else "")
        return self._formed[text]

    def _mail(self, text: str) -> str:
        if text not in self._formed:
            self._formed[text] = f"{self._next('person')}@mail.example"
            self._given.add(self._formed[text])
        return self._formed[text]

    def _digits(self, plain: str) -> str:
        whole = next((k for k in self._formed if _HEX.fullmatch(k) and k.startswith(plain)), plain)
        return self._form(whole, "fingerprint", None)

    def _cut(self, text: str) -> str:
        """Return what stands for a text that was cut: for the beginning of anything known, the pseudonym of that."""
        begun = re.split(r"[=@\s]", text[:-1])[-1]
        known = {**{name: self._host(name) for name in self._roles}, **self._words, **self._formed}
        if len(begun) >= SHORTEST:
            for original, pseudonym in known.items():
                if pseudonym and original.lower().startswith(begun.lower()):
                    return f"{text[: -1 - len(begun)]}{pseudonym}…"
        whole = self.text(text[:-1])  # without the mark it is no cut text, so this ends
        return f"{whole}…"

    def _is_host(self, text: str) -> bool:
        return bool(_HOSTS.fullmatch(text)) and not _address(text)

    def _host(self, name: str) -> str:
        """Return the pseudonym of a host name; empty where it is nobody's that is known."""
        star = "*." if name.startswith("*.") else ""
        lower = name.removeprefix("*.").lower()
        if lower in PUBLIC_HOSTS or lower in PUBLIC_SUFFIXES:
            return ""
        is_ours = any(above in self._roles for above in _upwards(lower))
        is_ours = is_ours or any(_site(lower) == _site(known) != "" for known in self._roles)
        return star + self._named(lower) if is_ours else ""

    def _named(self, lower: str) -> str:
        if lower not in self._hosts:
            site = _site(lower)
            role = self._roles.get(lower, "host")
            if lower == site:
                made = f"{self._next('site')}.example"
            else:
                above = next((name for name in list(_upwards(lower))[1:] if name in self._roles or name == site), "")
                made = f"{self._next(role)}.{self._named(above) if above else 'aws.example'}"
            self._hosts[lower] = made
        return self._hosts[lower]

    def _address(self, text: str) -> str:
        address = _address(text)
        if address is None or address.is_loopback or str(address) in _KEPT_ADDRESSES:
            return text
        if text not in self._formed:
            pool = self._pools[address.version]
            candidate = next((c for c in pool if c not in self._addresses), "")
            self._formed[text] = candidate or self._next("address")
            self._given.add(self._formed[text])
        return self._formed[text]

    def _next(self, kind: str) -> str:
        while True:
            self._counts[kind] = self._counts.get(kind, 0) + 1
            made = f"{kind}-{self._counts[kind]}"
            if made not in self._words:
                self._given.add(made)
                return made


_HOSTS = re.compile(rf"(?<![\w.@/-])(?:\*\.)?(?:_?{_LABEL}\.)+[^\W\d_](?:[\w-]*[^\W_])(?![\w-])")
_NO_TOP_LEVEL = frozenset({
    "html", "json", "conf", "pem", "ipynb", "py", "js", "mjs", "txt", "log", "gz", "crt", "key", "md", "csv", "sh",
    "cnf", "service", "cert", "parquet", "har", "yaml", "yml", "xml", "zip", "tar", "tgz", "cfg", "ini", "rules",
    "uri", "headers", "querystring", "cookies", "request", "response", "method", "status", "body", "value", "origin",
})  # fmt: skip
"""What names of files and of parts of a JSON document end in: these are no host names."""


def _alternation(literals: Iterable[str]) -> str:
    """Return a pattern of texts as whole words, the longest first, grouped by how they begin so that it stays fast."""
    groups: dict[str, list[str]] = {}
    for literal in sorted(literals, key=len, reverse=True):
        groups.setdefault(literal[:SHORTEST], []).append(literal)
    return "|".join(
        (r"(?<![\w.-])" if head[0].isalnum() else "") + f"(?:{'|'.join(map(_escaped, group))})" + r"(?![\w-]|\.\w)"
        for head, group in groups.items()
    )


def _escaped(text: str) -> str:
    return re.escape(text).replace('"', r"\"")


def _upwards(name: str) -> Iterator[str]:
    """Yield a name and the names above it, without the top-level domain."""
    labels = name.split(".")
    for first in range(len(labels) - 1):
        yield ".".join(labels[first:])


def _site(name: str) -> str:
    """Return the name below a public suffix that all names of one owner end in; empty for a public suffix of AWS."""
    labels = name.split(".")
    for first in range(len(labels) - 1):
        above = ".".join(labels[first + 1 :])
        if above in PUBLIC_SUFFIXES:
            return "" if _is_aws(above) else ".".join(labels[first:])
    return ".".join(labels[-2:])


def _is_aws(suffix: str) -> bool:
    return suffix.startswith(("amazon", "cloudfront", "on.aws", "awsglobal", "elasticbeanstalk"))


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def _addresses_v4() -> Iterator[str]:
    for network in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "198.18.0.0/15"):
        yield from map(str, ipaddress.ip_network(network).hosts())


def _addresses_v6() -> Iterator[str]:
    yield from (f"2001:db8::{number:x}" for number in range(1, 1 << 16))
