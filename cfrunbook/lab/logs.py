"""Access logs of a scenario: an hour of standard log lines in which what CloudFront logs of its story is to be seen.

The same seed gives the same requests; only their time moves, so that the log always ends where the incident is looked
at. What is in a log follows from the answer of the scenario (`story_of`), or is told by hand (`Setup.logs`).
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/standard-logs-reference.html
"""

from __future__ import annotations

import datetime as dt
import gzip
import itertools
import random
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from cfrunbook.cloudfront.log_fields import COLUMN_SETS
from cfrunbook.findings import Cause
from cfrunbook.lab.scenario import DISTRIBUTION_ID, DOMAIN_NAME, VIEWER_HOST, Expected, LogStory, Setup

MINUTES = 60
"""How much time a log holds."""
PER_MINUTE = 9
REPEATS_S = 10
"""How long CloudFront repeats an error from its cache:
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/custom-error-pages-expiration.html"""

_POPS = ("FRA56-P1", "FRA56-P4", "LHR50-C1", "IAD89-P2", "DFW57-P3", "NRT57-P2", "SYD62-C2")
_STATIC = ("/static/app.js", "/static/site.css", "/images/logo.png", "/images/hero.jpg")
_DYNAMIC = ("/cart", "/cart", "/cart", "/search", "/account", "/product/1001", "/product/1002")
_CACHED_SHARE = 0.35
"""Of the requests, those that CloudFront answers from its cache, whatever is wrong with the origin."""
_ID = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

_SHORT, _RESOLVING, _ORIGINS_OWN, _TIMED_OUT = (0.004, 0.18), (0.05, 0.4), (0.02, 0.3), (30.0, 30.09)
"""Seconds that a request takes: refused or a failed handshake, name servers, the origin's own answer, a timeout."""

_BY_CODE: Mapping[str, LogStory] = {
    "dns.private_address": LogStory("OriginCommError", 504, _TIMED_OUT),
    "origin_response.origin_status": LogStory("OriginError", 502, _ORIGINS_OWN),
    "origin_response.empty": LogStory("OriginReadError", 502, _ORIGINS_OWN),
    "origin_response.cut_off": LogStory("OriginReadError", 502, _ORIGINS_OWN),
    "origin_response.too_slow": LogStory("OriginCommError", 504, _TIMED_OUT),
    "origin_response.http2": LogStory("OriginInvalidResponseError", 502, _ORIGINS_OWN),
    "origin_response.not_http": LogStory("OriginInvalidResponseError", 502, _ORIGINS_OWN),
    "origin_response.malformed": LogStory("OriginInvalidResponseError", 502, _ORIGINS_OWN),
    "origin_response.header_too_large": LogStory("OriginHeaderTooBigError", 502, _ORIGINS_OWN),
}
_CONNECT = LogStory("OriginConnectError", 502, _SHORT)
_BY_CAUSE: Mapping[Cause | None, LogStory] = {
    Cause.DNS: LogStory("OriginDnsError", 502, _RESOLVING),
    Cause.PORT: _CONNECT,
    Cause.TLS_NAME: _CONNECT,
    Cause.TLS_PROTOCOL: _CONNECT,
    Cause.CERTIFICATE: _CONNECT,
}


def story_of(setup: Setup, expected: Expected) -> LogStory:
    """Return what CloudFront logs where this is the answer: told by hand, else by its code and its cause."""
    if setup.logs is not None:
        return setup.logs
    answers = expected.edge_answers
    status = max(answers)
    if status < 500:
        return LogStory()
    returned = setup.function_result
    if returned is not None and returned.status is not None:
        return LogStory(returned.x_cache, returned.status, (0.002, 0.06))
    usual = LogStory("OriginCommError", 504, _TIMED_OUT) if status == 504 else _BY_CAUSE.get(expected.cause, _CONNECT)
    known = _BY_CODE.get(expected.code or "", usual)
    return replace(known, status=status, share=1.0 if len(answers) == 1 else 0.5)


def write(folder: Path, story: LogStory, *, seed: str, until: dt.datetime) -> None:
    """Write the log files of the hour before `until` into `folder`: one for each hour of the clock, as S3 has them."""
    folder.mkdir(parents=True, exist_ok=True)
    hours: dict[str, list[str]] = {}
    end = until - dt.timedelta(minutes=story.earlier)
    for at, line in lines(story, seed=seed, until=end):
        hours.setdefault(at.strftime("%Y-%m-%d-%H"), []).append(line)
    if story.is_empty:
        hours = {end.strftime("%Y-%m-%d-%H"): []}
    head = f"#Version: 1.0\n#Fields: {' '.join(_names(story.columns))}\n"
    dice = random.Random(seed)  # noqa: S311 - nothing secret is made of it
    for own, _ in zip(itertools.cycle(hours.values()), range(story.unreadable), strict=False):
        own.append("the line was cut\n")
    for hour, own in hours.items():
        dice.shuffle(own)  # the lines of a file are in no order
        name = f"{DISTRIBUTION_ID}.{hour}.{dice.getrandbits(32):08x}.gz"
        (folder / name).write_bytes(gzip.compress((head + "".join(own)).encode(), 1, mtime=0))


def _names(columns: int) -> tuple[str, ...]:
    """Return the fields of a standard log with this many, of which there were fewer before 2019."""
    whole = next(s.names for s in COLUMN_SETS if len(s.names) == 33)
    return whole[:columns]


def lines(story: LogStory, *, seed: str, until: dt.datetime) -> Iterator[tuple[dt.datetime, str]]:
    """Yield each request of the hour before `until`: its time, and its line."""
    dice = random.Random(seed)  # noqa: S311 - nothing secret is made of it
    end = until.astimezone(dt.UTC).replace(microsecond=0)
    failed: dict[tuple[str, str], int] = {}
    number = 0 if story.is_empty else MINUTES * PER_MINUTE
    moments = sorted(dice.uniform(0, MINUTES * 60) for _ in range(number))
    for moment in moments:
        at = end - dt.timedelta(seconds=MINUTES * 60 - int(moment))
        ago = (MINUTES * 60 - moment) / 60
        pop, method = dice.choice(_POPS), "POST" if dice.random() < 0.15 else "GET"
        is_cached = method == "GET" and dice.random() < _CACHED_SHARE
        path = dice.choice(_STATIC if is_cached else _DYNAMIC)
        row = _request(dice, at, (pop, method, path), "Hit" if is_cached else "Miss")
        draw = dice.random()
        host = story.hosts[int(moment) % len(story.hosts)]
        row["x-host-header"] = host
        told = next((s for s in (story, story.beside) if s and _is_of(s, row) and s.hits(ago, pop, method, draw)), None)
        if not is_cached and told:
            is_repeat = method == "GET" and int(moment) - failed.get((pop, path), -REPEATS_S) < REPEATS_S
            if not is_repeat:
                failed[pop, path] = int(moment)
            row |= _error(dice, told, is_repeat=is_repeat or told.are_repeats)
        yield at, _line(row, story)
    for second in range(0, MINUTES * 60, story.every) if story.every else ():
        at = end - dt.timedelta(seconds=MINUTES * 60 - second)
        row = _request(dice, at, (_POPS[0], "GET", f"/report/{second}"), "Miss")
        yield at, _line(row | _error(dice, story, is_repeat=False), story)


def _is_of(story: LogStory, row: Mapping[str, str]) -> bool:
    """Tell whether it is such a request that the story is about."""
    return row["x-host-header"] == story.hosts[-1] and (not story.paths or row["cs-uri-stem"] in story.paths)


def _line(row: Mapping[str, str], story: LogStory) -> str:
    return "\t".join(row.get(name, "-") for name in _names(story.columns)) + "\n"


def _request(dice: random.Random, at: dt.datetime, asked: tuple[str, str, str], result: str) -> dict[str, str]:
    pop, method, path = asked
    took = f"{dice.uniform(0.001, 0.004) if result == 'Hit' else dice.uniform(0.03, 0.25):.3f}"
    return {
        "date": at.strftime("%Y-%m-%d"),
        "time": at.strftime("%H:%M:%S"),
        "x-edge-location": pop,
        "sc-bytes": str(dice.randrange(400, 60_000)),
        "c-ip": f"203.0.113.{dice.randrange(1, 255)}",
        "cs-method": method,
        "cs(Host)": DOMAIN_NAME,
        "cs-uri-stem": path,
        "sc-status": "200",
        "cs(User-Agent)": "Mozilla/5.0%20(X11;%20Linux%20x86_64)",
        "x-edge-result-type": result,
        "x-edge-request-id": "".join(dice.choices(_ID, k=54)) + "==",
        "x-host-header": VIEWER_HOST,
        "cs-protocol": "https",
        "cs-bytes": str(dice.randrange(60, 900)),
        "time-taken": took,
        "ssl-protocol": "TLSv1.3",
        "ssl-cipher": "TLS_AES_128_GCM_SHA256",
        "x-edge-response-result-type": result,
        "cs-protocol-version": "HTTP/2.0",
        "c-port": str(dice.randrange(1024, 65_536)),
        "time-to-first-byte": took,
        "x-edge-detailed-result-type": result,
        "sc-content-type": "text/html",
    }


def _error(dice: random.Random, story: LogStory, *, is_repeat: bool) -> dict[str, str]:
    took = f"{0.001 if is_repeat else dice.uniform(*story.took):.3f}"
    # Of an edge function both columns say the same; else the plain one only says Error.
    plain = story.type if story.type.startswith(("Lambda", "Function")) else "Error"
    return {
        "sc-status": str(story.status),
        "sc-bytes": "507",
        "x-edge-result-type": plain,
        "x-edge-response-result-type": plain,
        "x-edge-detailed-result-type": "Error" if is_repeat else story.type,
        "time-taken": took,
        "time-to-first-byte": took,
    }
