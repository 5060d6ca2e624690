"""How long it takes to hold results of edge functions of both kinds against all rules: one, one of 1 MB, and 1,000.

The measure is `json.loads` of the same texts, which whoever reads a result has to pay. All take turns in one run: read
the ratios. Results are read from their text, with the event to compare with, as captured ones are.
"""

from __future__ import annotations

import base64
import json
import statistics
import time
from collections.abc import Callable
from typing import Any

from cfrunbook.functions.cloudfront_function import validation as cloudfront_function
from cfrunbook.functions.cloudfront_function.examples import EXAMPLES, Given
from cfrunbook.functions.documents import read
from cfrunbook.functions.lambda_edge import validation
from cfrunbook.functions.lambda_edge.examples import Example, examples, twins
from cfrunbook.functions.lambda_edge.sample_events import generated_response, header, sample_event
from cfrunbook.functions.model import EventType

ROUNDS = 15
MANY = 1000
LONG = 10_000
"""Characters of a result; longer ones have rows of their own."""
AT = EventType.ORIGIN_REQUEST


def one(text: str, event: str | None, event_type: EventType | None) -> int:
    """Read and validate one result; return how many violations it has."""
    given = None if event is None else read(event)
    return len(validation.validate(read(text), event_type, given).violations)


def of_function(given: Given, event: str) -> int:
    """Read and validate one result of a CloudFront Function; return how many violations it has."""
    found = cloudfront_function.validate(read(given.result), given.at, read(event), calls=given.calls, run=given.run)
    return len(found.violations)


def loaded(*texts: str | None) -> int:
    """Read the same texts with the standard library alone."""
    return sum(json.loads(text) is not None for text in texts if text is not None)


def request_with_many_headers() -> str:
    """Return a request with as many headers as CloudFront takes at most, about."""
    request: dict[str, Any] = sample_event(AT)["Records"][0]["cf"]["request"]
    for number in range(100):
        request["headers"] |= header(f"X-Name-{number}", "a value of some length" * 5)
    return json.dumps(request)


def large_page(size: int, *, as_base64: bool) -> str:
    """Return a page with a body of so many bytes."""
    body = "x" * size
    page = generated_response() | {"body": base64.b64encode(body.encode()).decode() if as_base64 else body}
    return json.dumps(page | ({"bodyEncoding": "base64"} if as_base64 else {}))


def captured() -> list[tuple[str, str | None, EventType | None]]:
    """Return 1,000 results as they are captured: most valid, some broken in every way that JSON can be."""
    broken = [example for example in examples().values() if example.raw is None and len(example.text) < 10_000]
    cases: list[Example] = [*twins() * 20, *broken]
    events = [None if case.event is None else json.dumps(case.event) for case in cases]
    turns = [number % len(cases) for number in range(MANY)]
    return [(cases[turn].text, events[turn], cases[turn].event_type) for turn in turns]


def main() -> None:
    event = json.dumps(sample_event(AT))
    passed, many_headers = json.dumps(sample_event(AT)["Records"][0]["cf"]["request"]), request_with_many_headers()
    text, encoded = large_page(1_000_000, as_base64=False), large_page(760_000, as_base64=True)
    results = captured()
    functions = [half for example in EXAMPLES for half in (example.valid, example.broken) if len(half.result) < LONG]
    turns = [(functions[number % len(functions)]) for number in range(MANY)]
    events = [json.dumps(given.event or {}) for given in turns]
    table: dict[str, tuple[Callable[[], int], Callable[[], int]]] = {
        "a request passed on": (lambda: one(passed, event, AT), lambda: loaded(passed, event)),
        "a request of 108 headers": (lambda: one(many_headers, event, AT), lambda: loaded(many_headers, event)),
        "a page of 1 MB": (lambda: one(text, event, AT), lambda: loaded(text, event)),
        "a page of 1 MB in base64": (lambda: one(encoded, event, AT), lambda: loaded(encoded, event)),
        "a CloudFront Function's": (
            lambda: of_function(turns[0], events[0]),
            lambda: loaded(turns[0].result, events[0]),
        ),
        f"{MANY:,} CloudFront Functions'": (
            lambda: sum(map(of_function, turns, events)),
            lambda: sum(loaded(event) for event in events),
        ),
        f"{MANY:,} captured results": (
            lambda: sum(one(*case) for case in results),
            lambda: sum(loaded(result, given) for result, given, _ in results),
        ),
    }
    print(f"Median of {ROUNDS} rounds, reading included:")
    for name, calls in table.items():
        times: tuple[list[float], list[float]] = ([], [])
        for _ in range(ROUNDS):
            for call, took in zip(calls, times, strict=True):
                start = time.perf_counter()
                call()
                took.append(1000 * (time.perf_counter() - start))
        ours, least = (statistics.median(took) for took in times)
        print(f"  {name:26} {ours:9.3f} ms  {ours / least:6.1f} x json.loads")


if __name__ == "__main__":
    main()
