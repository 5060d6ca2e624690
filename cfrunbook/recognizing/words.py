"""Single words: a URL, an id, a name, a request id, an address, a time. Pure; nothing here looks at files."""

from __future__ import annotations

import datetime as dt
import re

from cfrunbook import hostname
from cfrunbook.cloudfront import viewer_url
from cfrunbook.errors import BadInput
from cfrunbook.evidence import GivenKind
from cfrunbook.recognizing.taken import GIVEN, Taken, other
from cfrunbook.text import visible

MAX_WORD = 8192
"""Characters of a word: as many as a URL that CloudFront takes."""

ID = re.compile(r"E[A-Z0-9]{5,31}")
ARN = re.compile(r"arn:aws(?:-cn)?:cloudfront::\d{12}:distribution/(E[A-Z0-9]{5,31})", re.ASCII)
_OTHER_ARN = re.compile(r"arn:aws[a-z-]*:([a-z0-9-]+):", re.ASCII)
OWN_NAME = re.compile(r"d[a-z0-9]{6,20}\.cloudfront\.net", re.IGNORECASE | re.ASCII)
REQUEST_ID = re.compile(r"[A-Za-z0-9_-]{54}==", re.ASCII)
"""x-edge-request-id: https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/standard-logs-reference.html"""
POP = re.compile(r"[A-Z]{3}\d{1,3}-[A-Z]\d{1,3}", re.ASCII)
TIME = re.compile(
    r"20\d\d-[01]\d-[0-3]\d[T ][0-2]\d:[0-5]\d(?::[0-6]\d(?:[.,]\d{1,9})?)?(?: ?(?:Z|UTC|[+-]\d\d:?\d\d))?", re.ASCII
)
_CONNECT_TO = re.compile(r"[^:\s/]*:\d*:(?:\[[0-9A-Fa-f:.]+\]|[^:\s/]*):\d*", re.ASCII)
_NAME_AND_PORT = re.compile(r"([^\s:/@]{1,1000})(?::(\d{1,5}))?")
_LABEL = re.compile(r"[a-z0-9-]{2,63}")
FILE_ENDINGS = frozenset({
    "bin", "bz2", "cap", "conf", "crt", "csv", "der", "gz", "har", "htm", "html", "ini", "ipynb", "js", "json", "jsonl",
    "key", "log", "md", "mjs", "ndjson", "nft", "parquet", "pcap", "pdf", "pem", "png", "py", "rules", "save", "tar",
    "tf", "ts", "txt", "xml", "yaml", "yml", "zip", "zst",
})  # fmt: skip
"""What a word that is no file ends in where a file was meant; some are top-level domains too, which no origin has."""


def read(word: str) -> list[Taken] | None:
    """Return what one word is; None where it is nothing that is known. Never raises."""
    if not word or len(word) > MAX_WORD:
        return None
    if match := ARN.fullmatch(word):
        return [distribution_id(match[1], "the ARN of a distribution")]
    if match := _OTHER_ARN.match(word):
        return other(
            f"an ARN of {match[1]}, not of a distribution",
            "Give the id or ARN of the CloudFront distribution: aws cloudfront list-distributions.",
        )
    if ID.fullmatch(word):
        return [distribution_id(word, "the id of a distribution")]
    if REQUEST_ID.fullmatch(word):
        return [request_id(word)]
    if POP.fullmatch(word):
        return [pop(word)]
    if (moment := time_of(word)) is not None:
        return [time(moment)]
    if hostname.is_address(word):
        return _address(word)
    if word.count(":") >= 3 and _CONNECT_TO.fullmatch(word):
        return [
            Taken(
                kind=GivenKind.RELOCATION,
                what="where to go instead, in curl's --connect-to syntax",
                input="connect_to",
                value=word,
                shown=visible(word, 300),
            )
        ]
    if "://" in word[:20] or OWN_NAME.match(word) or (re.match(r"[\w.-]+/", word) and "." in word.partition("/")[0]):
        return url(word)
    return name(word)


def distribution_id(identity: str, what: str, rank: int = GIVEN) -> Taken:
    """Return a distribution's id: what it stands for is fetched from AWS."""
    return Taken(
        kind=GivenKind.DISTRIBUTION_ID,
        what=what,
        input="distribution",
        value=identity,
        shown=identity,
        rank=rank,
        identity=identity,
    )


def request_id(text: str) -> Taken:
    """Return CloudFront's id of a request."""
    return Taken(
        kind=GivenKind.REQUEST_ID,
        what="CloudFront's id of a request (X-Amz-Cf-Id)",
        shown=text,
        notes=("It finds the request in logs, and AWS Support asks for it; alone it shows no cause.",),
    )


def pop(text: str) -> Taken:
    """Return an edge location."""
    from cfrunbook.cloudfront.edge_locations import locate

    return Taken(kind=GivenKind.POP, what="an edge location (X-Amz-Cf-Pop)", shown=text, notes=(locate(text).sentence,))


def time_of(text: str) -> dt.datetime | None:
    """Return the aware moment that a word is; without a zone it is UTC."""
    if not TIME.fullmatch(text):
        return None
    plain = text.replace(",", ".").replace(" UTC", "Z").replace("UTC", "Z")
    plain = re.sub(r"(\.\d{6})\d+", r"\1", plain)
    try:
        moment = dt.datetime.fromisoformat(plain[:10] + "T" + plain[11:].replace(" ", ""))
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)


def time(moment: dt.datetime, what: str = "a time", *, judged: bool = True) -> Taken:
    """Return a moment; where it is not `judged`, it says when and changes nothing."""
    shown = moment.astimezone(dt.UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    return Taken(
        kind=GivenKind.TIME,
        what=what,
        input="at" if judged else "",
        value=shown if judged else None,
        shown=shown,
        identity=shown,
        notes=("Certificates and logs are looked at as of then.",) if judged else (),
    )


def url(text: str, rank: int = GIVEN) -> list[Taken] | None:
    """Return a URL that viewers ask for; None where it is none."""
    try:
        read_url = viewer_url.parse(text)
    except BadInput:
        return None
    own = OWN_NAME.fullmatch(read_url.host) is not None
    is_name_alone = "/" not in text
    what = "the distribution's own name, as a URL that viewers ask for" if own and is_name_alone else (
        "a URL that viewers ask for"
    )  # fmt: skip
    value = f"https://{text}" if "://" not in text and not text.startswith("//") else text
    shown = viewer_url.parse(value).text
    return [
        Taken(kind=GivenKind.URL, what=what, input="url", value=value, shown=shown, rank=rank, identity=read_url.host)
    ]


def name(word: str) -> list[Taken] | None:
    """Return a host name, perhaps with a port; None where it is none, or rather a file that is not there."""
    match = _NAME_AND_PORT.fullmatch(word)
    if match is None or "." not in match[1].strip("."):
        return None
    ending = match[1].rstrip(".").rpartition(".")[2].lower()
    if ending in FILE_ENDINGS or not (_LABEL.fullmatch(ending) or not ending.isascii()) or ending.isdigit():
        return None
    if hostname.problem(match[1]) or (match[2] and not 1 <= int(match[2]) <= 65535):
        return None
    canonical = hostname.to_ascii(match[1])
    return [
        Taken(
            kind=GivenKind.NAME,
            what="the origin's name",
            input="origin",
            value=f"{canonical}:{match[2]}" if match[2] else canonical,
            shown=f"{canonical}:{match[2]}" if match[2] else canonical,
            identity=canonical,
        )
    ]


def _address(word: str) -> list[Taken]:
    return other(
        "an IP address, which may be an origin's, a viewer's or a resolver's",
        f"An origin of CloudFront is a name: give that, and --connect-to NAME:443:{visible(word, 60)}:443 to go to this"
        " address; a resolver is given with --resolver.",
        kind=GivenKind.ADDRESS,
    )
