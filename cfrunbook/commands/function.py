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

    from cfrunbook.cloudfront.distribution import Distribution, FunctionAssociation
    from cfrunbook.findings import Diagnosis
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
    out = parser.add_argument_group("what is kept")
    out.add_argument("--corrected", metavar="FILE", help="write the result as CloudFront would accept it")
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
    from cfrunbook.incident import Incident
    from cfrunbook.observation import observe
    from cfrunbook.views import function as views

    incident = Incident.load(
        function_result=[sys.stdin.buffer.read() if r == "-" else r for r in given.result] if given.result else None,
        function_event=given.event,
        event_type=given.event_type,
        function_kind=given.kind,
        handler=given.handler,
        run_handler=given.run_handler,
        deadline=given.deadline,
        **_about(given),
    )
    incident = _alone(incident)
    seen = asyncio.run(observe(incident))
    if given.save_evidence:
        seen.save(Path(given.save_evidence))
    diagnosis = judge(incident, seen)
    judged = edge_function.judged(seen.inputs.functions, seen.function_runs)
    corrected = [one.validation.corrected for one in judged if one.validation and one.validation.corrected is not None]
    if given.corrected:
        _write_corrected(Path(given.corrected), corrected, len(judged))
    if given.json:
        sys.stdout.write(_json(diagnosis, judged))
    else:
        print(views.render(judged, diagnosis, color=color, width=width))
    return _EXIT[diagnosis.verdict.status]


def _alone(incident: Incident) -> Incident:
    """Return the incident without origins: this command judges the function, and looks at nothing else."""
    import msgspec

    from cfrunbook.cloudfront import plan

    return msgspec.structs.replace(incident, plan=plan.of_functions(), findings=())


def _about(given: argparse.Namespace) -> dict[str, Any]:
    """Return the distribution and what belongs to it, where a distribution was given."""
    return {"distribution": given.distribution, "policies": given.policies, "url": given.url}


def _write_corrected(path: Path, corrected: Sequence[Any], results: int) -> None:
    import msgspec

    if not corrected:
        raise BadInput("--corrected: there is nothing to write: no result needs a correction that can be made.")
    if results > 1:
        content = b"".join(msgspec.json.encode(one) + b"\n" for one in corrected)
    else:
        content = msgspec.json.format(msgspec.json.encode(corrected[0]), indent=2) + b"\n"
    write_whole(path, content)


def _json(diagnosis: Diagnosis, judged: Sequence[Any]) -> str:
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
