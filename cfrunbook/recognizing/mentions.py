"""What stands in a text among other words: a pager's message, a ticket, a chat. Pure and bounded.

Only what has a form of its own is picked out: URLs, ids, the distribution's own name, request ids, edge locations,
times. Host names in prose are not: a text is full of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import islice

from cfrunbook import hostname
from cfrunbook.evidence import GivenKind
from cfrunbook.recognizing import words
from cfrunbook.recognizing.taken import MENTIONED, Taken

MAX_TEXT = 1 << 20
"""Characters that are looked at."""
MAX_MATCHES = 2000
"""URLs that are looked at to find those."""
MAX_EACH = 20
"""Different things of one kind that are picked out."""

_URL = re.compile(r"\bhttps?://[^\s<>\"'`|\\^{}\x00-\x1f\x7f]{1,8192}", re.IGNORECASE)
_TRAILING = ".,;:!?)]}*_"
_ID = re.compile(r"(?<![A-Za-z0-9_=/-])E(?=[A-Z0-9]{0,14}[0-9])[A-Z0-9]{10,14}(?![A-Za-z0-9_=-])", re.ASCII)
"""As AWS makes them, and as its guides write examples. https://docs.aws.amazon.com/cloudfront/latest/APIReference/"""
_NAMED_ID = re.compile(
    r"distribution[ _-]?(?:id)?[\"']?(?:\s{0,3}[:=#(/]\s{0,3}|\s{1,3}(?:is\s)?)[\"'`(]{0,2}(E[A-Z0-9]{5,31})\b",
    re.IGNORECASE | re.ASCII,
)
_NO_DISTRIBUTION = re.compile(
    r"(?:etag|if-match|origin-?access[\w /:-]{0,40}|oac|oai)[\"']?\s{0,3}[:=/ ]?\s{0,3}[\"']?$",
    re.IGNORECASE | re.ASCII,
)
_ARN = re.compile(words.ARN.pattern, re.ASCII)
_OWN_NAME = re.compile(rf"(?<![\w./@-]){words.OWN_NAME.pattern}(?![\w-]|\.\w)", re.IGNORECASE | re.ASCII)
_REQUEST_ID = re.compile(rf"(?<![A-Za-z0-9_=-]){words.REQUEST_ID.pattern}(?![A-Za-z0-9_=-])", re.ASCII)
_POP = re.compile(rf"(?<![\w-]){words.POP.pattern}(?![\w-])", re.ASCII)
_TIME = re.compile(rf"(?<![\d-]){words.TIME.pattern}", re.ASCII)
_TELLING = re.compile(r"\b(?:curl|wget|GET|HEAD|POST|5\d\d|fail\w*|error)\b", re.IGNORECASE)
_ABOUT = (
    "aws.amazon.com", "amazonaws.com", "amazon.com", "atlassian.net", "awsapps.com", "datadoghq.com", "datadoghq.eu",
    "github.com", "gitlab.com", "google.com", "grafana.net", "grafana.com", "newrelic.com", "opsgenie.com",
    "pagerduty.com", "pingdom.com", "sentry.io", "service-now.com", "slack.com", "statuscake.com",
    "teams.microsoft.com", "uptimerobot.com", "victorops.com", "w3.org", "xmlsoap.org", "zendesk.com", "zoom.us",
)  # fmt: skip
"""Hosts that messages link to and that are not what failed: consoles, pagers, chats, documentation."""


def read(text: str) -> list[Taken]:
    """Return what is mentioned in `text`, each once, the most telling first. Never raises."""
    head = text[:MAX_TEXT]
    return [*_urls(head), *_distributions(head), *_others(head)]


def commands_url(line: str) -> str:
    """Return the URL of a command line of curl or wget; empty where it is none."""
    if not re.match(r"\s*(?:\$\s+|#\s+)?(?:curl|wget|https?)\s", line):
        return ""
    return next(_addresses(line), "")


def _addresses(text: str) -> Iterator[str]:
    for match in _URL.finditer(text):
        found = match[0]
        while found and found[-1] in _TRAILING and not (found[-1] == ")" and "(" in found):
            found = found[:-1]
        yield found


def _urls(text: str) -> list[Taken]:
    """Return the URLs of hosts that may have failed, those beside a telling word first."""
    found: dict[str, tuple[int, Taken]] = {}
    looked_at: set[str] = set()
    for match in islice(_URL.finditer(text), MAX_MATCHES):
        address = next(_addresses(match[0]), "")
        if address in looked_at:
            continue
        looked_at.add(address)
        read = words.url(address, MENTIONED)
        if not read or _is_about(read[0].identity) or hostname.is_address(read[0].identity):
            continue
        start = text.rfind("\n", max(0, match.start() - 300), match.start()) + 1
        line = text[max(start, match.start() - 300) : match.end() + 200].partition("\n")[0]
        if read[0].value not in found:
            found[read[0].value] = (0 if _TELLING.search(line) else 1, read[0])
        if len(found) >= MAX_EACH:
            break
    ranked = sorted(found.values(), key=lambda pair: pair[0])
    if not ranked:
        for match in _OWN_NAME.finditer(text):
            return words.url(match[0].lower(), MENTIONED) or []
    return [taken for _, taken in ranked]


def _is_about(host: str) -> bool:
    return any(host == name or host.endswith(f".{name}") for name in _ABOUT)


def _distributions(text: str) -> list[Taken]:
    arns = (match[1] for match in _ARN.finditer(text))
    named = (match[1] for match in _NAMED_ID.finditer(text) if match[1] == match[1].upper())
    plain = (
        match[0]
        for match in _ID.finditer(text)
        if not _NO_DISTRIBUTION.search(text[max(0, match.start() - 60) : match.start()])
    )
    return [
        words.distribution_id(identity, "the id of a distribution", MENTIONED)
        for identity in _first((*_bounded(arns), *_bounded(named), *_bounded(plain)))
    ]


def _others(text: str) -> list[Taken]:
    ids = [words.request_id(i) for i in _first(m[0] for m in _REQUEST_ID.finditer(text))]
    pops = [words.pop(p) for p in _first(m[0] for m in _POP.finditer(text))]
    moments = [moment for t in _first(m[0] for m in _TIME.finditer(text)) if (moment := words.time_of(t)) is not None]
    times = [words.time(moment, judged=False) for moment in dict.fromkeys(moments)]
    known = {t.shown: t for t in (*ids, *pops, *times)}
    return [t for t in known.values() if t.kind is not GivenKind.UNKNOWN]


def _first(found: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(_bounded(found)))[:MAX_EACH]


def _bounded(found: Iterable[str]) -> Iterator[str]:
    for number, one in enumerate(found):
        if number >= 10 * MAX_EACH:
            return
        yield one
