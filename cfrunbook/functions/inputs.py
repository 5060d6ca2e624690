"""What a person gives of an edge function: results as files, text or values, the event, the kind of function."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from cfrunbook.cloudfront import behaviors
from cfrunbook.errors import BadInput
from cfrunbook.evidence import FunctionDocument, FunctionResult
from cfrunbook.files import read_bounded
from cfrunbook.functions import documents, recording
from cfrunbook.functions.cloudfront_function import tested
from cfrunbook.functions.cloudfront_function.calls import OriginCall, Run
from cfrunbook.functions.cloudfront_function.facts import Runtime
from cfrunbook.functions.documents import Document
from cfrunbook.functions.events import cloudfront_function_event, lambda_edge_event, read_event
from cfrunbook.functions.model import EVENT_TYPES, EventType, Kind
from cfrunbook.text import visible

if TYPE_CHECKING:
    from cfrunbook.cloudfront.distribution import Distribution
    from cfrunbook.cloudfront.policies import Policies
    from cfrunbook.cloudfront.viewer_url import ViewerUrl

MAX_RESULTS = 10_000
"""Results in one call; a longer list is cut by hand."""
_LINES = (".jsonl", ".ndjson")
"""Endings of files with one JSON document per line."""

ResultSource = Path | str | bytes | Mapping[str, Any] | None
"""A file, JSON text (it begins with `{`, `[` or a quote), or the value itself. One JSON document, or one a line."""


def load(
    results: ResultSource | Sequence[ResultSource],
    *,
    event: ResultSource = None,
    event_type: str = "",
    kind: str = "",
) -> tuple[FunctionResult, ...]:
    """Return the results, masked: `read` says of what, and what is raised."""
    return tuple(one.recorded() for one in read(results, event=event, event_type=event_type, kind=kind))


def read(
    results: ResultSource | Sequence[ResultSource],
    *,
    event: ResultSource = None,
    event_type: str = "",
    kind: str = "",
) -> tuple[GivenResult, ...]:
    """Return the results as they are. `event_type` and `kind` may be left out where the event or the result tells them.

    Raises BadInput, in one sentence, for files that cannot be read, an event that is none, a kind that is not known.
    A result that is no JSON is no bad input: CloudFront would refuse it, and a finding says so.
    """
    sources = results if isinstance(results, list | tuple) else (results,)
    told_type, told_kind = of_event_type(event_type), of_kind(kind)
    given = given_event(event, told_type) if event is not None else None
    found: list[GivenResult] = []
    for name, document in (item for source in sources for item in _documents(source)):
        if len(found) >= MAX_RESULTS:
            raise BadInput(f"Function result: more than {MAX_RESULTS:,} results; give them in several calls.")
        its_kind = told_kind or (given.kind if given else None) or _kind(document, told_type)
        if its_kind is None:
            raise BadInput(
                f"Function result: {visible(name or 'it', 120)} does not show which kind of function returned it;"
                " say --function-kind lambda-edge or --function-kind cloudfront-function."
            )
        its_type = told_type or (given.event_type if given else None)
        _check(its_kind, its_type, given)
        found.append(GivenResult(name, its_kind, its_type, *_with_run(document, its_kind), given))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class GivenResult:
    """A result as it was given, with whatever secrets are in it."""

    name: str
    """Its file, and its line there; empty: it was no file."""
    kind: Kind
    event_type: EventType | None
    result: Document = field(repr=False)
    calls: tuple[OriginCall, ...] = field(repr=False)
    run: Run = field(repr=False)
    event: GivenEvent | None

    def recorded(self) -> FunctionResult:
        """Return what a recording keeps and people are shown: secrets masked."""
        return self._as(lambda document: recording.to_record(document, self.kind))

    def unmasked(self) -> FunctionResult:
        """Return it with its real values, from which a corrected result is made for its author; nothing else is."""
        return self._as(recording.unmasked)

    def _as(self, kept: Callable[[Document], FunctionDocument]) -> FunctionResult:
        return FunctionResult(
            name=self.name,
            kind=self.kind.value,
            event_type=self.event_type.value if self.event_type else "",
            result=kept(self.result),
            event=kept(self.event.document) if self.event else None,
            event_name=self.event.name if self.event else "",
            facts=recording.to_facts(self.calls, self.run),
        )


@dataclass(frozen=True, slots=True)
class GivenEvent:
    """An event that was read or made: what it is an event of, and the file it came from."""

    kind: Kind
    event_type: EventType
    value: dict[str, Any] = field(repr=False)
    """The event as a function is handed it."""
    name: str = ""
    """Its file as it was given; empty: it was no file."""

    @property
    def document(self) -> Document:
        """The event as a document."""
        return documents.of_value(self.value)


@dataclass(frozen=True, slots=True)
class Handler:
    """A handler that is to be run on this machine, because that was asked for, and the event for it."""

    path: Path
    event: GivenEvent
    key_value_store: Path | None = None
    """For a CloudFront Function: a JSON file with what its key value store holds."""


def given_event(source: ResultSource, event_type: EventType | None = None) -> GivenEvent:
    """Return the event in a file, in JSON text or as a value; of several, the one of `event_type`.

    Raises BadInput where there is none.
    """
    if source is None:
        raise BadInput("Function event: give a file, JSON text or an object.")
    is_file = isinstance(source, os.PathLike) or (isinstance(source, str) and source.lstrip()[:1] not in ("{", "["))
    read = read_event(source, event_type=event_type or "")
    return GivenEvent(read.kind, read.event_type, read.document, visible(source, 4096) if is_file else "")


def handler(
    path: Path | str,
    *,
    event: ResultSource = None,
    event_type: str = "",
    kind: str = "",
    distribution: Distribution | None = None,
    url: ViewerUrl | None = None,
    policies: Policies | None = None,
    key_value_store: Path | str | None = None,
) -> Handler:
    """Return a handler's file and the event to run it with, which is made where none is given.

    Made for `url` and `distribution`, as far as those are known. Raises BadInput where kind or event type is not
    known and the distribution does not tell.
    """
    if not isinstance(path, str | os.PathLike) or not os.fspath(path):
        raise BadInput(f"Handler: give a file, not a value of type {type(path).__name__}.")
    code = Path(path)
    if not code.is_file():
        raise BadInput(f"Handler: no such file: {visible(code)}.")
    told_type, told_kind = of_event_type(event_type), of_kind(kind)
    store = Path(key_value_store) if key_value_store else None
    if event is not None:
        read = given_event(event, told_type)
        _check(told_kind or read.kind, told_type, read)
        return Handler(code, read, store)
    if told_kind is None:
        origin_side = told_type is not None and not told_type.is_viewer
        told_kind = Kind.LAMBDA_EDGE if origin_side or code.suffix == ".py" else None
    met = _associations(distribution, url, told_kind, told_type)
    if len(met) == 1:
        told_kind, told_type = met.pop()
    if told_kind is None or told_type is None:
        kinds, types = " or ".join(Kind), " or ".join(EVENT_TYPES[told_kind or Kind.LAMBDA_EDGE])
        missing = f"--function-kind {kinds}" if told_kind is None else f"--event-type {types}"
        raise BadInput(f"Handler: to make an event for it, say {missing}; or give the event: --function-event.")
    _check(told_kind, told_type, None)
    request = url if url is not None else _EXAMPLE_URL
    made = (
        lambda_edge_event(told_type, request, distribution=distribution, policies=policies)
        if told_kind is Kind.LAMBDA_EDGE
        else cloudfront_function_event(told_type, request, distribution=distribution, policies=policies)
    )
    return Handler(code, GivenEvent(told_kind, told_type, made), store)


_EXAMPLE_URL = "https://www.example.com/"


def _associations(
    distribution: Distribution | None, url: ViewerUrl | None, kind: Kind | None, event_type: EventType | None
) -> set[tuple[Kind, EventType]]:
    """Return kinds and event types of the functions that the URL meets, as far as they fit what was said."""
    if distribution is None or url is None:
        return set()
    found = {(Kind(f.kind), EventType(f.event)) for f in behaviors.route(distribution, url).functions}
    return {(k, e) for k, e in found if kind in (None, k) and event_type in (None, e)}


def of_event_type(value: str) -> EventType | None:
    """Return the event type named, None for nothing. Raises BadInput."""
    if not value:
        return None
    try:
        return EventType(value.strip().lower().replace("_", "-"))
    except (ValueError, AttributeError):
        raise BadInput(f"Event type: '{visible(value, 40)}' is none of {', '.join(EventType)}.") from None


def of_kind(value: str) -> Kind | None:
    """Return the kind of function named, None for nothing. Raises BadInput."""
    if not value:
        return None
    try:
        return Kind(value.strip().lower().replace("_", "-"))
    except (ValueError, AttributeError):
        raise BadInput(f"Function kind: '{visible(value, 40)}' is none of {', '.join(Kind)}.") from None


def _with_run(document: Document, kind: Kind) -> tuple[Document, tuple[OriginCall, ...], Run]:
    """Return the result alone and what the file says of the run beside it.

    A file may be what `aws cloudfront test-function` printed, or a run as `write_run` writes one.
    """
    if kind is Kind.LAMBDA_EDGE:
        return document, (), Run()
    if isinstance(document.value, dict) and document.value.get("kind") == _RUN_KIND:
        return _run(document.value)
    test = tested.unpack(document)
    return (test[0], (), test[1]) if test else (document, (), Run())


_RUN_KIND = "cfrunbook.function-run"


class _RunFile(msgspec.Struct, forbid_unknown_fields=True):
    kind: Literal["cfrunbook.function-run"]
    schema: Literal[1] = 1
    result: str = ""
    """JSON text; empty: it threw."""
    calls: list[tuple[str, list[Any] | None]] = []
    threw: str = ""
    code: str | None = None
    runtime: Runtime | None = None
    compute_utilization: int | None = None


def write_run(result: str, calls: Sequence[OriginCall], run: Run) -> bytes:
    """Return a run of a CloudFront Function as a file: its result as JSON text, and what else is known of it."""
    file = _RunFile(
        kind="cfrunbook.function-run",
        result=result,
        calls=[(c.helper, None if c.arguments is None else list(c.arguments)) for c in calls],
        threw=run.threw,
        code=run.code,
        runtime=run.runtime,
        compute_utilization=run.compute_utilization,
    )
    return msgspec.json.format(msgspec.json.encode(file), indent=1) + b"\n"


def _run(value: dict[str, Any]) -> tuple[Document, tuple[OriginCall, ...], Run]:
    try:
        file = msgspec.convert(value, _RunFile)
    except msgspec.ValidationError as error:
        raise BadInput(f"Function result: it is no run as cfrunbook writes one ({visible(error, 120)}).") from None
    calls = tuple(OriginCall(name, None if given is None else tuple(given)) for name, given in file.calls)
    run = Run(threw=file.threw, code=file.code, runtime=file.runtime, compute_utilization=file.compute_utilization)
    return documents.read(file.result), calls, run


def _check(kind: Kind, event_type: EventType | None, event: GivenEvent | None) -> None:
    """Refuse what cannot go together. Raises BadInput."""
    if event_type and event_type not in EVENT_TYPES[kind]:
        raise BadInput(f"Event type: a CloudFront Function never runs at {event_type}; that is a Lambda@Edge event.")
    if event and event.kind is not kind:
        raise BadInput(f"Function event: it is an event of {event.kind}, and the function was said to be {kind}.")
    if event and event_type and event.event_type is not event_type:
        raise BadInput(f"Function event: it is a {event.event_type} event, and {event_type} was asked for.")


def _kind(document: Document, event_type: EventType | None) -> Kind | None:
    """Return the kind of function that can have returned this; None where it does not tell."""
    if event_type and not event_type.is_viewer:
        return Kind.LAMBDA_EDGE
    value = document.value
    if not isinstance(value, dict):
        return None
    if value.get("kind") == _RUN_KIND or tested.unpack(document) is not None:
        return Kind.CLOUDFRONT_FUNCTION
    headers = value.get("headers")
    entries = list(headers.values()) if isinstance(headers, dict) else []
    if any(isinstance(entry, list) for entry in entries) or "clientIp" in value or "origin" in value:
        return Kind.LAMBDA_EDGE
    if any(isinstance(entry, dict) for entry in entries) or "cookies" in value:
        return Kind.CLOUDFRONT_FUNCTION
    if isinstance(value.get("status"), str):
        return Kind.LAMBDA_EDGE
    return None


def _documents(source: ResultSource) -> Iterator[tuple[str, Document]]:
    """Yield the documents of one source: of JSON Lines, whatever the file is called, one for each line."""
    if isinstance(source, Mapping):
        try:
            yield "", documents.of_value(dict(source))
        except (TypeError, ValueError, RecursionError):
            raise BadInput("Function result: what was given has no JSON form.") from None
        return
    name, content, size = _content(source)
    if name.lower().endswith(_LINES):
        for number, line in enumerate(content.splitlines(), 1):
            if line.strip():
                yield f"{name}:{number}", documents.read(line)
    elif size > documents.MAX_BYTES:
        yield name, documents.too_large(size)
    elif lines := _lines(content):
        yield from ((f"{name or '-'}:{number}", document) for number, document in lines)
    else:
        yield name, documents.read(content)


def _content(source: ResultSource) -> tuple[str, bytes, int]:
    """Return the name of a file, its content as far as it is read, and its size; text has no name."""
    if isinstance(source, bytes):
        return "", source, len(source)
    if isinstance(source, str) and source.lstrip()[:1] in ("{", "[", '"'):
        text = source.encode("utf-8", "surrogatepass")
        return "", text, len(text)
    if not isinstance(source, str | os.PathLike) or not os.fspath(source):
        found = "an empty name" if isinstance(source, str) else visible(type(source).__name__)
        raise BadInput(f"Function result: give a file, JSON text or an object, not {found}.")
    path, name = Path(source), visible(source, 4096)
    if name.lower().endswith(_LINES):
        content = read_bounded(path, "Function result")
        return name, content, len(content)
    try:
        size = path.stat().st_size if path.is_file() else 0
    except (OSError, ValueError):
        size = 0  # what is wrong with it is said where it is read
    if size > documents.MAX_BYTES:
        return name, b"", size
    content = read_bounded(path, "Function result", documents.MAX_BYTES)
    return name, content, len(content)


def _lines(content: bytes) -> list[tuple[int, Document]]:
    """Return the documents of JSON Lines with their line numbers; empty where that is not what it is."""
    lines = [(number, line) for number, line in enumerate(content.splitlines(), 1) if line.strip()]
    if len(lines) < 2 or not all(line.strip()[:1] == b"{" and line.strip()[-1:] == b"}" for _, line in lines):
        return []
    return [(number, documents.read(line)) for number, line in lines]
