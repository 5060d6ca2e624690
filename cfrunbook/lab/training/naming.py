"""Which causes somebody names, in whatever words: a cause's name, a finding's code, or a sentence."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Final

from cfrunbook.causes import registry
from cfrunbook.findings import Cause, Rule

NONE, UNKNOWN = "none", "unknown"
NAMES: Final = (*(cause.value for cause in Cause), NONE, UNKNOWN)
"""What can be named."""

_EXACT: Final[Mapping[str, str]] = {
    **{name: name for name in NAMES},
    **dict.fromkeys(("name", "certificate_name", "sni", "hostname"), Cause.TLS_NAME.value),
    **dict.fromkeys(("protocol", "tls", "ssl", "cipher", "ciphers", "handshake"), Cause.TLS_PROTOCOL.value),
    **dict.fromkeys(("cert", "chain"), Cause.CERTIFICATE.value),
    **dict.fromkeys(("ports", "firewall", "tcp"), Cause.PORT.value),
    **dict.fromkeys(("function", "lambda", "lambda_edge", "lambda@edge"), Cause.EDGE_FUNCTION.value),
    **dict.fromkeys(("response", "origin", "http", "application"), Cause.ORIGIN_RESPONSE.value),
    **dict.fromkeys(("configuration", "config"), Cause.DISTRIBUTION.value),
    **dict.fromkeys(("nothing", "healthy", "ok", "fine", "no_fault", "no_cause"), NONE),
    **dict.fromkeys(("cannot_tell", "open", "not_known"), UNKNOWN),
}
"""Words that are a name by themselves, with `_` for what is between two words."""

_SAID: Final[tuple[tuple[str, str], ...]] = (
    (r"^(there is |there's )?(nothing|no (fault|problem|cause|error|issue))\b|\bfalse alarm\b|\bnothing is\b", NONE),
    (r"^(all|everything|it) ((is|looks) )?(well|fine|good|ok|okay|healthy|in order|works)\b", NONE),
    (r"unknown (ca|authority|issuer)|(self.?signed|expired|missing) cert|wrong intermediate", "certificate"),
    (r"can('?t| ?not) (be )?(tell|told|say|said|know)|do(n'?t| not) know|\bunknown$|\bunclear\b|undecid", UNKNOWN),
    (r"not enough|inconclusive|more evidence", UNKNOWN),
    (r"lambda|\bfunctions?\b|viewer.(request|response)|\bhandler\b", "edge_function"),
    (r"(certificate|cert|chain|san|sni|tls|ssl)\b.{0,40}\bnames?\b|\bsni\b|\bsans?\b|subject.?alt", "tls_name"),
    (r"names?\b.{0,30}(mismatch|match|not in|not on|covered|carried)|\bhost ?names?\b", "tls_name"),
    (r"\bnames? (of|in|on) the (cert|san)", "tls_name"),
    (r"(wrong|other|another) (host|host ?name|site|name)|wrong certificate name", "tls_name"),
    (r"certificate.{0,20}(wrong|another|other|different) (host|dom|site)", "tls_name"),
    (r"\bdns(sec)?\b|nxdomain|servfail|nameserver|\bzones?\b|delegat|resol[uv]|\bglue\b|\bcname\b|alias", "dns"),
    (r"\bregistr|\bdomain\b|\b(ns|a|aaaa) record", "dns"),
    (r"expired|not yet valid|self.?signed|intermediate|untrusted|not trusted|\bchain\b|private ca", "certificate"),
    (r"client certificate|\bmtls\b|mutual tls", "tls_protocol"),
    (r"(response|read|origin) time|slow", "origin_response"),
    (r"\bports?\b|firewall|security group|\bacl\b|refus|listen|tim(ed?|es) ?-?out|unreachable|\bdrop", "port"),
    (r"protocol policy|plain http\b|wrong version number|connection closed|not running|wrong service", "port"),
    (r"certificate|\bcerts?\b|x\.?509", "certificate"),
    (r"protocol|handshake|cipher|suite|version|curve|\btls\b|\bssl\b|\balpn\b|hello", "tls_protocol"),
    (r"response|header|\bbody\b|malformed|\bhttp\b|application|\bapp\b|backend|gateway|\borigin\b", "origin_response"),
    (r"distribution|config|setting|origin group", "distribution"),
    (r"cloudfront|quota|\blimit|throttl|edge location", "cloudfront"),
)
"""What people say, and the cause that they mean; the first that fits counts, so what is narrower comes first."""

_BETWEEN: Final = re.compile(r"[,;/+&\n]|[.!?](?:\s|$)|\b(?:and|or|but)\b")
_INNOCENT: Final = re.compile(
    r"^(it'?s |it is )?(not|neither|nor|never)\b(?! (trusted|yet|delegated|enough|known|running|listening))"
    r"|\b(is|are|looks?) (fine|ok|okay|healthy|innocent|in order|not (at fault|the (cause|problem)))$|\bworks( fine)?$"
)
"""A cause that is named so is not accused."""
_CODE: Final = re.compile(r"(?<![a-z_])[a-z_]+(?:\.[a-z0-9_]+)+")
"""A result code; it begins with a word, else a long word would be read once for each of its letters."""


@lru_cache(maxsize=1)
def rules() -> Mapping[str, Rule]:
    """Return every result code, with its rule."""
    return registry.rules()


def codes(text: str) -> set[str]:
    """Return the result codes that a text names."""
    return {code for code in _CODE.findall(text.lower()) if code in rules()}


def causes(text: str) -> set[str]:
    """Return what is accused, as names of `NAMES`; nothing where no cause is recognised."""
    named = codes(text)
    plain = _CODE.sub(lambda code: "" if code[0] in named else code[0], text.lower())
    plain = re.sub(r"\bname[ -]?servers?\b", "nameserver", plain).replace("name resolution", "resolution")
    found = {cause for clause in _BETWEEN.split(plain) if (cause := _meant(clause.strip(" .:'\"`*()")))}
    return found | {rules()[code].cause.value for code in named}


def _meant(clause: str) -> str:
    """Return the cause that a clause accuses; empty where it accuses none."""
    if (name := _EXACT.get(re.sub(r"[\s-]+", "_", clause))) or not clause:
        return name or ""
    return next(_fitting(clause), "")


def _fitting(clause: str) -> Iterator[str]:
    said = clause.replace("_", " ")
    for pattern, cause in _SAID:
        if (cause == NONE or not _INNOCENT.search(said)) and re.search(pattern, said):
            yield cause


def nearest(text: str) -> str:
    """Return the name that was probably meant; empty where none is near."""
    close = difflib.get_close_matches(re.sub(r"[\s-]+", "_", text.strip().lower()), NAMES, n=1, cutoff=0.6)
    return close[0] if close else ""
