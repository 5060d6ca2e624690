"""`cfrunbook function`: would CloudFront use what an edge function returned, or answer 502, by which rule, where?"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cfrunbook.errors import BadInput
from cfrunbook.files import read_bounded, write_whole

if TYPE_CHECKING:
    import datetime as dt

    from cfrunbook.causes.edge_function import Judged
    from cfrunbook.cloudfront.distribution import Distribution, FunctionAssociation
    from cfrunbook.evidence import FunctionRun, Observations
    from cfrunbook.findings import Diagnosis
    from cfrunbook.functions.inputs import GivenResult
    from cfrunbook.functions.model import Kind
    from cfrunbook.incident import Incident

EXAMPLE = "cfrunbook function --kind lambda-edge --result result.json --event event.json"
DESCRIPTION = (
    "Say whether CloudFront would use what an edge function returned, or answer 502: which rule, where, and the fix."
)
MAX_MESSAGE_BYTES = 1024 * 1024
_ANY_ACCOUNT = "000000000000"
"""A function's logs are named after its name alone."""
_EXIT = {"ok": 0, "fault": 1, "unknown": 3}


def options(parser: argparse.ArgumentParser) -> None:
    """Add the command's options to `parser`."""
    what = parser.add_argument_group("what is judged (one of these)")
    what.add_argument(
        *("--result", "--function-result"),
        dest="result",
        nargs="+",
        action="extend",
        metavar="FILE",
        help="what the function returned, as JSON; .jsonl: one result a line; - for standard input",
    )
    what.add_argument(
        "--handler", metavar="FILE", help="its code: index.js, index.mjs, lambda_function.py; needs --run-handler"
    )
    what.add_argument(
        "--message",
        metavar="TEXT",
        help="a line of CloudFront's log in CloudWatch, a sentence of its error page, or a value of X-Cache: which rule"
        " is meant (a file's name with @ before it, or - for standard input)",
    )
    what.add_argument("--print-event", action="store_true", help="print the event that CloudFront would make")
    what.add_argument(
        "--print-logs", action="store_true", help="print where the function's logs are, and queries for them"
    )
    how = parser.add_argument_group("how")
    how.add_argument(
        "--run-handler", action="store_true", help="run the code here, in a process of its own with limits"
    )
    how.add_argument(
        "--key-value-store", metavar="FILE", help="what the function's key value store holds, as JSON, for a run"
    )
    how.add_argument(
        *("--kind", "--function-kind"),
        dest="kind",
        default="",
        metavar="KIND",
        help="lambda-edge or cloudfront-function",
    )
    how.add_argument(
        "--event-type",
        default="",
        metavar="TYPE",
        help="viewer-request, origin-request, origin-response, viewer-response",
    )
    how.add_argument(
        *("--event", "--function-event"),
        dest="event",
        metavar="FILE",
        help="what the function was invoked with (default: one is made)",
    )
    how.add_argument("--distribution", metavar="FILE", help="the distribution, as JSON: for the event, and the logs")
    how.add_argument("--policies", nargs="+", action="extend", metavar="FILE", help="its policies, as JSON")
    how.add_argument("--url", metavar="URL", help="the viewer's URL, for the event")
    how.add_argument("--deadline", type=float, metavar="SECONDS", help="most seconds that a run may take (default: 5)")
    how.add_argument("--function-name", default="", metavar="NAME", help="the function's name, for its logs")
    how.add_argument("--request-id", default="", metavar="ID", help="X-Amz-Cf-Id of the failing request, for the logs")
    how.add_argument("--pop", default="", metavar="POP", help="X-Amz-Cf-Pop of the failing response, for the logs")
    how.add_argument("--at", default="", metavar="TIME", help="when it failed, for the logs (default: the last hour)")
    how.add_argument("--lab", metavar="FILE", help="a running lab: judge its function (set by `cfrunbook lab run`)")
    out = parser.add_argument_group("what is kept")
    out.add_argument("--corrected", metavar="FILE", help="write the result as CloudFront would accept it, unmasked")
    out.add_argument("--save-evidence", metavar="FILE", help="record what was given and seen to FILE")


def call(given: argparse.Namespace, *, color: bool, width: int) -> int:
    """Run the command and return its exit status: 0 accepted, 1 refused, 2 bad input, 3 could not tell."""
    asked = [
        name
        for name, value in (
            ("--result", given.result), ("--handler", given.handler), ("--message", given.message),
            ("--print-event", given.print_event), ("--print-logs", given.print_logs),
        )
        if value
    ]  # fmt: skip
    if not asked and given.lab:
        return _judge(given, color=color, width=width)
    if len(asked) != 1:
        found = " and ".join(asked) if asked else "none of them"
        raise BadInput(
            f"function: give one of --result, --handler, --message, --print-event, --print-logs; there is {found}."
        )
    match asked[0]:
        case "--message":
            return _message(given, color=color, width=width)
        case "--print-event":
            return _event(given)
        case "--print-logs":
            return _logs(given, color=color, width=width)
        case _:
            return _judge(given, color=color, width=width)


def _judge(given: argparse.Namespace, *, color: bool, width: int) -> int:
    import asyncio

    from cfrunbook.causes import edge_function
    from cfrunbook.diagnosis import judge
    from cfrunbook.views import function as views

    results = _results(given)
    incident = _incident(given, results)
    seen, run = asyncio.run(_seen(incident))
    if given.save_evidence:
        seen.save(Path(given.save_evidence))
    diagnosis = judge(incident, seen)
    origins = incident.known_origins
    judged = edge_function.judged(seen.inputs.functions, seen.function_runs, origins=origins)
    if given.json:
        sys.stdout.write(_json(diagnosis, judged))
    else:
        print(views.render(judged, diagnosis, color=color, width=width))
    if given.corrected:
        as_they_are = [one.unmasked() for one in results or ()] or seen.inputs.functions
        _write_corrected(Path(given.corrected), edge_function.judged(as_they_are, run, origins=origins))
    return _EXIT[diagnosis.verdict.status]


def _results(given: argparse.Namespace) -> tuple[GivenResult, ...] | None:
    """Return the results that were given; each file is read once, since it may be a pipe. Raises BadInput."""
    from cfrunbook.functions import inputs

    if not given.result:
        return None
    if given.result.count("-") > 1:
        raise BadInput("function: standard input (-) can be given once.")
    sources = [_standard_input() if source == "-" else source for source in given.result]
    return inputs.read(sources, event=given.event, event_type=given.event_type, kind=given.kind)


def _standard_input() -> bytes:
    from cfrunbook.files import MAX_FILE_BYTES

    content = sys.stdin.buffer.read(MAX_FILE_BYTES + 1)
    if len(content) > MAX_FILE_BYTES:
        raise BadInput(f"function: standard input is larger than {MAX_FILE_BYTES // (1024 * 1024)} MiB; refused.")
    return content


def _incident(given: argparse.Namespace, results: Sequence[GivenResult] | None) -> Incident:
    """Return the incident without origins: this command judges the function, and looks at nothing else."""
    import msgspec

    from cfrunbook.cloudfront import plan
    from cfrunbook.incident import Incident

    incident = Incident.load(
        lab=None if results or given.handler else given.lab,
        function_result=tuple(one.recorded() for one in results) if results is not None else None,
        function_event=given.event,
        event_type=given.event_type,
        function_kind=given.kind,
        handler=given.handler,
        run_handler=given.run_handler,
        key_value_store=given.key_value_store,
        deadline=given.deadline,
        distribution=given.distribution,
        policies=given.policies,
        url=given.url,
    )
    if not incident.inputs.functions and incident.handler is None:
        raise BadInput("function: the lab's scenario is not about a function's result; use `cfrunbook diagnose`.")
    alone = plan.of_functions("this command judges the function alone", "Use cfrunbook diagnose, which looks at both.")
    alone = msgspec.structs.replace(alone, routes=incident.plan.routes)  # they say which origin is the function's
    return msgspec.structs.replace(incident, plan=alone, findings=())


async def _seen(incident: Incident) -> tuple[Observations, tuple[FunctionRun, ...]]:
    """Run the handler, if there is one; return what is recorded, and the run with its real values."""
    import msgspec

    from cfrunbook import function_runs
    from cfrunbook.observation import observe

    seen = await observe(msgspec.structs.replace(incident, handler=None))
    if incident.handler is None:
        return seen, ()
    run, as_it_is = await function_runs.run_both(incident.handler, deadline=incident.deadline)
    run = msgspec.structs.replace(run, id="function-run-1")
    return msgspec.structs.replace(seen, function_runs=(run,)), (as_it_is,)


def _write_corrected(path: Path, judged: Sequence[Judged]) -> None:
    """Write the results, mended where they need it: one as a document, several as JSON Lines in their order.

    What only the author can mend is `null` among several, and is not written alone; a sentence on stderr says so.
    """
    import msgspec

    mended = [_mended(one) for one in judged]
    lost = mended.count(None)
    if len(mended) > 1:
        write_whole(path, b"".join(msgspec.json.encode(value) + b"\n" for value in mended))
    elif not lost:
        write_whole(path, msgspec.json.format(msgspec.json.encode(mended[0]), indent=2) + b"\n")
    if lost:
        which = f"{lost:,} of {len(mended):,} results are null" if len(mended) > 1 else "nothing was written"
        print(f"cfrunbook: --corrected: {which}: what is wrong there only its author can mend.", file=sys.stderr)


def _mended(one: Judged) -> Any:
    """Return the result as CloudFront would accept it; None where that cannot be made of it."""
    if one.validation is None or one.document is None:
        return None
    if one.corrected is not None:
        return one.corrected
    return None if one.validation.is_refused else one.document.value


def _json(diagnosis: Diagnosis, judged: Sequence[Judged]) -> str:
    """Return the diagnosis, and each result's violations with the corrected result."""
    import msgspec

    from cfrunbook.views import function as views

    value = msgspec.json.decode(diagnosis.to_json())
    value["results"] = [views.to_builtins(one) for one in judged]
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode() + "\n"


def _message(given: argparse.Namespace, *, color: bool, width: int) -> int:
    import msgspec

    from cfrunbook.functions import messages
    from cfrunbook.views import function_messages as views

    text = given.message
    if text == "-":
        text = sys.stdin.buffer.read(MAX_MESSAGE_BYTES).decode("utf-8", "replace")
    elif text.startswith("@"):
        text = read_bounded(Path(text[1:]), "--message", MAX_MESSAGE_BYTES).decode("utf-8", "replace")
    told = messages.read(text)
    if given.json:
        print(msgspec.json.format(msgspec.json.encode(views.to_builtins(told)), indent=2).decode())
    else:
        print(views.render(told, color=color, width=width))
    return _EXIT["fault" if views.names_something(told) else "unknown"]


def _event(given: argparse.Namespace) -> int:
    import msgspec

    from cfrunbook.cloudfront import distribution_reader, policies, viewer_url
    from cfrunbook.functions import events, inputs
    from cfrunbook.functions.model import Kind

    event_type = inputs.of_event_type(given.event_type)
    if event_type is None:
        raise BadInput("function: --print-event needs the --event-type.")
    url = viewer_url.parse(given.url or "https://www.example.com/")
    read = distribution_reader.load(given.distribution, url=given.url or "") if given.distribution else None
    known = policies.load(given.policies or ())
    kind: Kind = inputs.of_kind(given.kind) or Kind.LAMBDA_EDGE
    make = events.lambda_edge_event if kind is Kind.LAMBDA_EDGE else events.cloudfront_function_event
    made = make(event_type, url, distribution=read, policies=known)
    print(msgspec.json.format(msgspec.json.encode(made), indent=2).decode())
    return 0


def _logs(given: argparse.Namespace, *, color: bool, width: int) -> int:
    import datetime as dt

    import msgspec

    from cfrunbook.cloudfront import distribution_reader
    from cfrunbook.views import function_logs, terminal

    read = distribution_reader.load(given.distribution, url=given.url or "") if given.distribution else None
    functions = _named(given) if given.function_name else _met(read, given.url)
    if not functions:
        raise BadInput(
            "function: no function is known: give --function-name with --kind, or a --distribution whose behavior for"
            " --url has functions."
        )
    steps = function_logs.steps(
        functions,
        distribution_id=read.id if read else "",
        pop=given.pop,
        request_id=given.request_id,
        window=function_logs.window_of(_moment(given.at), dt.datetime.now(dt.UTC)),
    )
    if given.json:
        print(msgspec.json.format(msgspec.json.encode([msgspec.to_builtins(s) for s in steps]), indent=2).decode())
        return 0
    paper = terminal.Paper(color=color, width=width)
    lines = paper.wrap(function_logs.place_sentence(given.pop)) if given.pop else []
    for step in steps:
        lines += [*([""] if lines else []), *paper.wrap(step.text), *paper.command(step.command)]
    print("\n".join(lines))
    return 0


def _named(given: argparse.Namespace) -> tuple[FunctionAssociation, ...]:
    """Return the function of that name, as if it were associated."""
    from cfrunbook.cloudfront.distribution import EventType, FunctionAssociation
    from cfrunbook.functions import inputs
    from cfrunbook.functions.model import Kind

    kind = inputs.of_kind(given.kind) or Kind.LAMBDA_EDGE
    event = inputs.of_event_type(given.event_type) or EventType.VIEWER_REQUEST
    name = given.function_name
    arn = (
        f"arn:aws:lambda:us-east-1:{_ANY_ACCOUNT}:function:{name}:1"
        if kind is Kind.LAMBDA_EDGE
        else f"arn:aws:cloudfront::{_ANY_ACCOUNT}:function/{name}"
    )
    return (FunctionAssociation(kind.value, arn, event),)


def _met(read: Distribution | None, url: str | None) -> tuple[FunctionAssociation, ...]:
    """Return the functions that the URL meets, or those of all behaviors, in the order in which they run."""
    from cfrunbook.cloudfront import behaviors, function_associations, viewer_url

    if read is None:
        return ()
    if url:
        found = behaviors.route(read, viewer_url.parse(url)).functions
    else:
        found = tuple(dict.fromkeys(f for behavior in read.behaviors for f in behavior.functions))
    return function_associations.in_order(found)


def _moment(text: str) -> dt.datetime | None:
    from cfrunbook.incident import moment

    return moment(text or None)
