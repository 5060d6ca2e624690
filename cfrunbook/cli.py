"""The door: arguments in, one call below, terminal out.

Exit status: 0 no fault found, 1 fault found, 2 bad input (one sentence on stderr), 3 could not tell,
70 a defect of cfrunbook itself, 130 stopped (Ctrl-C).
"""

from __future__ import annotations

import argparse
import errno
import io
import os
import re
import shlex
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from cfrunbook import __version__, garbage
from cfrunbook.errors import BadInput
from cfrunbook.text import visible

if TYPE_CHECKING:
    import asyncio
    import datetime as dt

    from cfrunbook.evidence import AddressRanges, Observations
    from cfrunbook.findings import Diagnosis
    from cfrunbook.incident import Incident

EXIT = {"ok": 0, "fault": 1, "unknown": 3}
EXIT_BAD_INPUT = 2
EXIT_INTERNAL = 70
"""A defect of cfrunbook itself (`EX_SOFTWARE` of sysexits.h): nothing was concluded, so none of the above fits."""
EXIT_INTERRUPTED = 130

_EPILOG = (
    "Every input of diagnose and report can also come from the environment as CFRUNBOOK_<OPTION>,\n"
    "e.g. CFRUNBOOK_DISTRIBUTION.\n"
    "Exit status: 0 no fault found, 1 fault found, 2 bad input, 3 could not tell; 70 a defect, 130 stopped."
)


def entry(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status; one sentence on stderr for bad input, never a traceback."""
    if argv is None:  # the process ends with this
        garbage.seldom()
    arguments = list(sys.argv[1:] if argv is None else argv)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a terminal that lacks ✕ or “ shows an escape, not a traceback
            stream.reconfigure(errors="backslashreplace")
    try:
        status = _run(arguments)
        sys.stdout.flush()
        return status
    except BadInput as error:
        print(f"cfrunbook: {error}", file=sys.stderr)
        return EXIT_BAD_INPUT
    except KeyboardInterrupt as stopped:
        with suppress(OSError):  # the terminal may be what went away
            print(f"cfrunbook: interrupted{f'; {stopped}' if str(stopped) else ''}.", file=sys.stderr)
        return EXIT_INTERRUPTED
    except BrokenPipeError:  # the reader (head, less) went away; let the interpreter's own flush at exit succeed
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_INTERRUPTED
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EIO):
            return _defect(error)
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        print(f"cfrunbook: the output could not be written: {error.strerror}.", file=sys.stderr)
        return EXIT_BAD_INPUT
    except Exception as error:  # noqa: BLE001 - the door: nothing may leave as a traceback
        return _defect(error)


def _defect(error: Exception) -> int:
    """Say in one sentence that cfrunbook itself failed; with CFRUNBOOK_DEBUG, show the traceback."""
    if os.environ.get("CFRUNBOOK_DEBUG"):
        raise error
    first: BaseException = error
    while isinstance(first, BaseExceptionGroup):
        first = first.exceptions[0]
    what = visible(f"{type(first).__name__}: {first}", 200)
    kept = "; ".join(getattr(error, "__notes__", ())) or "nothing was concluded"
    with suppress(OSError):  # nobody reads it any more
        print(
            f"cfrunbook: a defect of cfrunbook itself, {kept} ({what}); "
            "run it again with CFRUNBOOK_DEBUG=1 and report what it prints.",
            file=sys.stderr,
        )
    return EXIT_INTERNAL


def _run(argv: list[str]) -> int:
    command: list[str] = []
    if "--" in argv:  # everything behind it belongs to the COMMAND of `lab run` and `lab shell`
        split = argv.index("--")
        argv, command = argv[:split], argv[split + 1 :]
    parser = _parser(argv[0] if argv else "")
    options, rest = parser.parse_known_args(_with_environment(_of_known_command(argv)))
    _take_anything(parser, options, rest)
    options.command = command
    if not hasattr(options, "call"):
        parser.print_help()
        return 0
    call: Callable[[argparse.Namespace], int] = options.call
    return call(options)


def _of_known_command(argv: list[str]) -> list[str]:
    """Refuse a first word that is no command, and say what was probably meant. Raises BadInput."""
    if not argv or argv[0].startswith("-") or argv[0] in _COMMANDS:
        return argv
    import difflib

    shown = visible(argv[0], 120)
    if close := difflib.get_close_matches(argv[0], _COMMANDS, 1, 0.7):
        meant = f"cfrunbook {close[0]}"
    elif "." in argv[0] or "/" in argv[0] or Path(argv[0]).exists() or re.fullmatch(r"E[A-Z0-9]{5,31}", argv[0]):
        meant = f"cfrunbook diagnose {shlex.join(visible(word, 300) for word in argv)}"
    else:
        raise BadInput(f"{shown!r} is no command; there are {', '.join(_COMMANDS)} (see cfrunbook --help).")
    raise BadInput(f"{shown!r} is no command; did you mean: {meant}")


def _take_anything(parser: argparse.ArgumentParser, options: argparse.Namespace, rest: list[str]) -> None:
    """Put the words that are no option where `diagnose` and `report` want them, wherever on the line they stand.

    Without any, they come from CFRUNBOOK_ANYTHING, split as a shell would. Raises BadInput for others.
    """
    unknown = [word for word in rest if not hasattr(options, "anything") or (word.startswith("-") and word != "-")]
    if unknown:
        parser.error(f"unrecognized arguments: {' '.join(unknown)}")
    if hasattr(options, "anything"):
        words = [*options.anything, *rest]
        options.anything = words or _words("anything", os.environ.get("CFRUNBOOK_ANYTHING", ""))


# --- commands -----------------------------------------------------------------------------------------------------


def _diagnose(options: argparse.Namespace) -> int:
    incident = _incident(options)
    _outputs(options)
    observations, diagnosis = _observe_and_judge(incident, *(() if options.json else ("cfrunbook.views.terminal",)))
    if options.save_evidence:
        observations.save(Path(options.save_evidence))
    if options.json:
        sys.stdout.write(diagnosis.to_json().decode())
    else:
        from cfrunbook.views.terminal import render

        print(render(diagnosis, color=_color(), width=_width()))
    return EXIT[diagnosis.verdict.status]


def _watch(options: argparse.Namespace) -> int:
    from cfrunbook.commands import past, watch

    _outputs(options)
    options.anything = [_kept(word) for word in options.anything]
    before = past.Past()

    def diagnose() -> Diagnosis:
        incident = _incident(options)  # anew: files may have been edited meanwhile
        observations, diagnosis = _observe_and_judge(incident)
        if options.save_evidence:
            observations.save(Path(options.save_evidence))
        return before.settle(incident, observations, diagnosis)

    return watch.watch(
        diagnose,
        lambda line: print(line, flush=True),
        every=options.every,
        until=options.until,
        count=options.count,
        as_json=options.json,
        note=lambda: before.note,
    )


def _kept(word: str) -> str | tuple[str, bytes]:
    """Return what standard input holds for `-`, which can be read once; any other word as it is."""
    from cfrunbook.recognizing.contents import MAX_BYTES

    return ("standard input", sys.stdin.buffer.read(MAX_BYTES + 1)) if word == "-" else word


def _report(options: argparse.Namespace) -> int:
    _needs("ipykernel", "jinja2", "matplotlib", "nbclient", "papermill", extra="run", what="A report runs notebooks")
    from cfrunbook.commands import report

    def load() -> Incident:
        incident = _incident(options)
        _outputs(options)
        return incident

    look = partial(_observe_and_judge, keeps=True)
    return EXIT[report.call(options, load=load, look=look, progress=_progress)]


def _firewall(options: argparse.Namespace) -> int:
    import datetime as dt

    from cfrunbook.causes import port_firewall
    from cfrunbook.firewall import answer, dumps
    from cfrunbook.views import firewall as views

    at = dt.datetime.now(dt.UTC)

    given = tuple(dumps.load(file) for file in options.files)
    if not answer.decides(given):
        raise BadInput("firewall: what was given only goes with rules, and has none itself; give the rules too.")
    dumps.check(given)
    ranges, note = _address_ranges(options, at)
    told = port_firewall.ask_each(
        given,
        ranges,
        options.port,
        options.ip_address_type,
        interface=options.interface,
        destination=options.destination,
    )
    if options.json:
        sys.stdout.write(views.to_json(told, ranges, at, note=note).decode())
    else:
        print(views.render(told, ranges, at, note=note, color=_color(), width=_width()))
    return EXIT[views.status(told)]


def _address_ranges(options: argparse.Namespace, at: dt.datetime) -> tuple[AddressRanges, str]:
    """Return the list that counts, and a sentence where the one asked for could not be fetched."""
    from cfrunbook import live_ranges
    from cfrunbook.firewall import address_ranges, published

    url = live_ranges.url_of(options.address_ranges)
    if not url:
        if not options.address_ranges:
            return published.LATEST, ""
        return address_ranges.newest(address_ranges.read(options.address_ranges)), ""
    import asyncio

    from cfrunbook.x509 import roots

    store = roots.load(Path(options.trust_store)) if options.trust_store else roots.mozilla()
    found = asyncio.run(live_ranges.fetch(url, roots=store, deadline=live_ranges.DEADLINE, at=at))
    if not isinstance(found, str):
        return found, ""
    lacking = live_ranges.not_fetched(url, found, None, at)
    return published.LATEST, f"Not fetched: {lacking.what}: {lacking.why}. {lacking.next_check}"


def _function(options: argparse.Namespace) -> int:
    from cfrunbook.commands import function

    _outputs(options)
    return function.call(options, color=_color(), width=_width())


def _compare(options: argparse.Namespace) -> int:
    from cfrunbook.commands import compare

    return compare.call(options, color=_color(), width=_width())


def _logs(options: argparse.Namespace) -> int:
    import datetime as dt

    from cfrunbook.logs import reading, words
    from cfrunbook.views import logs as views

    if options.since is not None and options.until is not None and options.since >= options.until:
        raise BadInput("logs: --since is not before --until.")
    asked = reading.Options(
        status=options.status, since=options.since, until=options.until, fields=tuple(options.fields or ())
    )
    summary = reading.read(options.paths, asked, progress=_read_so_far if sys.stderr.isatty() else None)
    _progress("")
    if options.json:
        sys.stdout.write(views.to_json(summary).decode())
    else:
        print(views.render(summary, dt.datetime.now(dt.UTC), color=_color(), width=_width()))
    return EXIT[words.status(summary)]


def _notebooks(options: argparse.Namespace) -> int:
    from cfrunbook.report import open_notebooks

    return open_notebooks(
        Path(options.folder) if options.folder else None,
        incident=Path(options.incident) if options.incident else None,
        app=options.app,
        browser=not options.no_browser,
        copy_only=options.copy_only,
    )


# --- parts --------------------------------------------------------------------------------------------------------


def _incident(options: argparse.Namespace) -> Incident:
    from cfrunbook.aws.inputs import with_fetched
    from cfrunbook.incident import Incident

    given = with_fetched(
        profile=options.aws_profile or "",
        progress=_progress,
        anything=options.anything,
        distribution=options.distribution,
        policies=options.policies,
        before=options.before,
        url=options.url,
        origin=options.origin,
        host=options.host,
        connect_to=options.connect_to,
        trust_store=options.trust_store,
        evidence=options.evidence,
        lab=options.lab,
        vantage=options.vantage,
        at=options.at,
        deadline=options.deadline,
        pace=options.pace,
        resolver=options.resolver,
        root_hints=options.root_hints,
        name=options.name,
        expiry_days=options.expiry_days,
        keep_alive=options.keep_alive,
        firewall=options.firewall,
        interface=options.interface,
        destination=options.destination,
        address_ranges=options.address_ranges,
        function_result=options.function_result,
        function_event=options.function_event,
        event_type=options.event_type,
        function_kind=options.function_kind,
        handler=options.handler,
        run_handler=options.run_handler,
        key_value_store=options.key_value_store,
        response=options.response,
        logs=options.logs,
    )
    incident = Incident.load(**given, progress=_read_so_far if sys.stderr.isatty() else None)
    _progress("")
    return incident


def _observe_and_judge(incident: Incident, *afterwards: str, keeps: bool = False) -> tuple[Observations, Diagnosis]:
    """Look and judge; modules that are wanted `afterwards` are imported while the look waits for others.

    Where it `keeps`, Ctrl-C ends the look alone, and what was seen until then is judged; one that comes then says where
    the recording is.
    """
    import asyncio

    from cfrunbook.observation import observe

    async def look() -> Observations:
        stop = asyncio.Event() if keeps else None
        with _stopped_by_interrupt(stop) if stop else nullcontext():
            return await observe(
                incident, progress=_progress, afterwards=("cfrunbook.diagnosis", *afterwards), stop=stop
            )

    observations = asyncio.run(look())
    _progress("")
    from cfrunbook.diagnosis import judge

    try:
        return observations, judge(incident, observations)
    except KeyboardInterrupt:
        if not keeps or incident.observations is not None:
            raise
        from cfrunbook.report import keep_recording

        raise KeyboardInterrupt(keep_recording(observations).removeprefix("; ")) from None


@contextmanager
def _stopped_by_interrupt(stop: asyncio.Event) -> Iterator[None]:
    """Set `stop` at the first Ctrl-C, and be interrupted by the next, in the event loop of the main thread."""
    import asyncio
    import signal

    loop = asyncio.get_running_loop()

    def stopped() -> None:
        loop.remove_signal_handler(signal.SIGINT)
        stop.set()

    with suppress(ValueError, RuntimeError, NotImplementedError):  # not the main thread; no Unix
        loop.add_signal_handler(signal.SIGINT, stopped)
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGINT)


def _progress(line: str, *, always: bool = False) -> None:
    """Show one line of progress on stderr, on a terminal only (or as a plain line where `always`)."""
    if sys.stderr.isatty():
        sys.stderr.write("\r\x1b[2K" + visible(line, _width() - 1))
        sys.stderr.flush()
    elif always:
        print(line, file=sys.stderr)


def _read_so_far(done: int, total: int) -> None:
    _progress(f"Reading access logs: {100 * done // max(1, total)} % of {total / 1e6:,.0f} MB")


def _color() -> bool:
    return sys.stdout.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"


def _width() -> int:
    import shutil

    return max(60, min(120, shutil.get_terminal_size((100, 24)).columns))


def _outputs(options: argparse.Namespace) -> None:
    """Refuse outputs that cannot be written before any work is done. Raises BadInput."""
    if options.save_evidence:
        path = Path(options.save_evidence)
        if path.is_dir():
            raise BadInput(f"--save-evidence: {visible(path)} is a folder; give a file name.")
        _writable("--save-evidence", path.parent)
    if corrected := getattr(options, "corrected", None):
        if Path(corrected).is_dir():
            raise BadInput(f"--corrected: {visible(corrected)} is a folder; give a file name.")
        _writable("--corrected", Path(corrected).parent)
    if notify := getattr(options, "notify_file", None):
        if Path(notify).is_dir():
            raise BadInput(f"--notify-file: {visible(notify)} is a folder; give a file name.")
        _writable("--notify-file", Path(notify).parent)
    output = getattr(options, "output", None)
    if output and "://" in output:
        from cfrunbook.report import elsewhere

        elsewhere.check(output)
    elif output:
        folder = Path(output).absolute()
        if folder.exists() and not folder.is_dir():
            raise BadInput(f"--output: {visible(folder)} is a file; give a folder.")
        _writable("--output", next(p for p in (folder, *folder.parents) if p.exists()))


def _writable(option: str, folder: Path) -> None:
    """Refuse a folder in which no file can be made. Raises BadInput."""
    import tempfile

    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise BadInput(f"{option}: cannot write in the folder {visible(folder)}: {error.strerror or error}.") from None


def _needs(*modules: str, extra: str, what: str) -> None:
    from importlib.util import find_spec

    def is_missing(module: str) -> bool:
        try:
            return find_spec(module) is None
        except ValueError:  # it is imported and has no specification, as one that was taken out of sys.modules
            return True

    missing = [m for m in modules if is_missing(m)]
    if missing:
        raise BadInput(f'{what}; {", ".join(missing)} is not installed: pip install "cfrunbook[{extra}]".')


_INPUTS = (
    *("distribution", "aws-profile", "policies", "before", "url", "origin", "host", "evidence", "save-evidence"),
    *("connect-to", "vantage", "at", "deadline", "pace", "trust-store", "resolver", "root-hints", "lab", "name"),
    *("expiry-days", "keep-alive", "firewall", "interface", "destination", "address-ranges", "function-result"),
    *("function-event", "event-type", "function-kind", "handler", "run-handler", "key-value-store", "response", "logs"),
    *("output", "format", "notify-file", "redacted"),
)
_OF_REPORTS = frozenset({"output", "format", "notify-file", "redacted"})
_SEVERAL = frozenset({
    "policies", "connect-to", "resolver", "firewall", "function-result", "response", "logs", "format",
})  # fmt: skip


def _with_environment(argv: list[str]) -> list[str]:
    """Return `argv` with options from CFRUNBOOK_<OPTION> put in where the command line does not give them.

    Values of options that take several are split as a shell would.
    """
    if not argv or argv[0] not in ("diagnose", "watch", "report", "function"):
        return argv
    added: list[str] = []
    for name in _INPUTS if argv[0] != "function" else ("lab",):
        value = os.environ.get(f"CFRUNBOOK_{name.replace('-', '_').upper()}", "")
        given = any(a == f"--{name}" or a.startswith(f"--{name}=") for a in argv)
        if not value or given or (name in _OF_REPORTS and argv[0] != "report"):
            continue
        added += [f"--{name}", *_words(name, value)] if name in _SEVERAL else [f"--{name}={value}"]
    return [argv[0], *added, *argv[1:]]


def _words(name: str, value: str) -> list[str]:
    try:
        return shlex.split(value)
    except ValueError as error:
        variable = f"CFRUNBOOK_{name.replace('-', '_').upper()}"
        raise BadInput(f"{variable}: '{visible(value, 120)}' is not a list of words for a shell ({error}).") from None


class _Parser(argparse.ArgumentParser):
    """argparse with one clear sentence instead of a usage dump, and no guessing of abbreviated options."""

    def __init__(self, **options: Any) -> None:
        super().__init__(allow_abbrev=False, **options)

    def error(self, message: str) -> NoReturn:
        where = self.prog.removeprefix("cfrunbook").strip() or "command line"
        raise BadInput(f"{where}: {visible(message)} (see {self.prog} --help).")


def _parser(asked: str = "") -> argparse.ArgumentParser:
    """Return the parser of the command line: of the command `asked` alone, or of all where it is none of them."""
    parser = _Parser(
        prog="cfrunbook",
        description="When CloudFront answers 502: look at the origin the way CloudFront does, and say what is wrong.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"cfrunbook {__version__}")
    group = parser.add_subparsers(title="commands", metavar="COMMAND", parser_class=_Parser)
    for name, add in _COMMANDS.items():
        if asked == name or asked not in _COMMANDS:
            add(group, name)
    return parser


def _add_diagnose(group: Any, name: str) -> None:
    diagnose = _command(
        group,
        name,
        "Look, judge, and print the verdict with its evidence, a command that reproduces it, a remedy and a check.",
        "cfrunbook diagnose --distribution dist.json --url https://www.example.com/cart",
        _diagnose,
    )
    _inputs(diagnose)


def _add_watch(group: Any, name: str) -> None:
    from cfrunbook.commands import watch

    watching = _command(group, name, watch.DESCRIPTION, watch.EXAMPLE, _watch)
    _inputs(watching)
    watch.options(watching)


def _add_report(group: Any, name: str) -> None:
    from cfrunbook.commands import report

    reporting = _command(group, name, report.DESCRIPTION, report.EXAMPLE, _report)
    _inputs(reporting)
    report.options(reporting)


def _add_firewall(group: Any, name: str) -> None:
    firewall = _command(
        group,
        name,
        "Say which of CloudFront's addresses the rules let in at a port, by which rule, and what is missing.",
        "cfrunbook firewall --port 443 security-groups.json iptables-save.txt",
        _firewall,
    )
    _firewall_options(firewall)


def _add_function(group: Any, name: str) -> None:
    from cfrunbook.commands import function

    function.options(_command(group, name, function.DESCRIPTION, function.EXAMPLE, _function))


def _add_compare(group: Any, name: str) -> None:
    from cfrunbook.commands import compare

    compare.options(_command(group, name, compare.DESCRIPTION, compare.EXAMPLE, _compare))


def _add_logs(group: Any, name: str) -> None:
    logs = _command(
        group,
        name,
        "Count the 502s in CloudFront's access logs: when, where, how often, what CloudFront says of them, what next.",
        "cfrunbook logs --since 2026-11-20T14:00Z logs/",
        _logs,
    )
    _logs_options(logs)


def _add_lab(group: Any, name: str) -> None:
    from cfrunbook.commands import lab

    actions = _command(group, name, lab.DESCRIPTION, lab.EXAMPLE, None).add_subparsers(
        title="lab commands", metavar="ACTION", required=True, parser_class=_Parser
    )
    lab.options(partial(_command, actions))


def _add_aws(group: Any, name: str) -> None:
    from cfrunbook.aws import commands as aws

    parser = _command(group, name, "What cfrunbook may read of an AWS account.", "cfrunbook aws policy", None)
    actions = parser.add_subparsers(title="aws commands", metavar="ACTION", required=True, parser_class=_Parser)
    policy = _command(
        actions,
        "policy",
        "Print the read-only IAM policy that fetching needs, by tiers.",
        "cfrunbook aws policy --tier 0 3",
        aws.print_policy,
    )
    aws.policy_options(policy)
    logs = _command(
        actions,
        "logs",
        "Download a distribution's access logs of the last hours, within bounds.",
        "cfrunbook aws logs E123EXAMPLE --folder logs",
        lambda options: aws.download_logs(options, _progress),
    )
    aws.logs_options(logs)


def _add_notebooks(group: Any, name: str) -> None:
    notebooks = _command(
        group,
        name,
        "Copy the runbooks to a working folder and open them in JupyterLab, or as an app in Voilà.",
        "cfrunbook notebooks\n  cfrunbook notebooks --incident incident/20261123T021300Z-www.example.com",
        _notebooks,
    )
    notebooks.add_argument(
        "--folder",
        metavar="DIR",
        help="working copy (default: cfrunbook-notebooks; with --incident a folder in there of the incident's name)",
    )
    notebooks.add_argument(
        "--incident",
        metavar="DIR|FILE",
        help="open what was recorded: a folder that cfrunbook report wrote, or an evidence.json; nothing is probed",
    )
    notebooks.add_argument(
        "--app", action="store_true", help="for the team: pages with the panel and without code, in Voilà"
    )
    notebooks.add_argument("--no-browser", action="store_true", help="print the address instead of opening a browser")
    notebooks.add_argument(
        "--copy-only", action="store_true", help="open nothing: for VS Code, or another editor of notebooks"
    )


_COMMANDS: dict[str, Callable[[Any, str], None]] = {
    "diagnose": _add_diagnose,
    "watch": _add_watch,
    "report": _add_report,
    "firewall": _add_firewall,
    "function": _add_function,
    "compare": _add_compare,
    "logs": _add_logs,
    "lab": _add_lab,
    "aws": _add_aws,
    "notebooks": _add_notebooks,
}


def _command(
    group: Any, name: str, description: str, example: str, call: Callable[[argparse.Namespace], int] | None
) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = group.add_parser(
        name,
        help=description,
        description=description,
        epilog=f"Example:\n  {example}\n\n{_EPILOG}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    if call is not None:
        parser.set_defaults(call=call)
        parser.add_argument("--json", action="store_true", help="print JSON for machines")
    return parser


def _inputs(parser: argparse.ArgumentParser) -> None:
    """Add the inputs that `diagnose` and `report` share; each may be left out."""
    parser.add_argument(
        "anything",
        nargs="*",
        default=[],
        metavar="ANYTHING",
        help="whatever you have: files, folders, a URL, an id, a name; told from its content; - is stdin",
    )
    what = parser.add_argument_group("what is known (any subset)")

    def add(name: str, text: str, *, several: bool = False, convert: Callable[[str], Any] = str, **more: Any) -> None:
        if several:
            more |= {"nargs": "+", "action": "extend"}
        what.add_argument(name, help=text, type=convert, **more)

    add(
        "--distribution",
        "get-distribution, get-distribution-config, bare config or list item, as JSON; an id or ARN is fetched live",
        metavar="FILE|ID",
    )
    add("--aws-profile", "profile to fetch with, where --distribution is an id (default: as boto3)", metavar="NAME")
    add(
        "--policies",
        "get-origin-request-policy, get-cache-policy, get-vpc-origin, get-continuous-deployment-policy output",
        several=True,
        metavar="FILE",
    )
    add(
        "--before",
        "the configuration as it was when it worked, or a recording of then: what changed is said",
        metavar="FILE",
    )
    add("--url", "the failing URL: it selects behavior, origin, functions and viewer Host", metavar="URL")
    add("--origin", "no distribution at hand: examine this origin; with one: only this origin", metavar="NAME[:PORT]")
    add("--host", "the Host header that CloudFront forwards", metavar="NAME")
    add("--evidence", "judge this recording instead of probing", metavar="FILE")
    add("--save-evidence", "record everything seen to FILE", metavar="FILE")
    add(
        "--connect-to",
        "go there instead, curl's syntax (name resolution is then not examined)",
        several=True,
        metavar="HOST:PORT:ADDR:PORT",
    )
    add("--vantage", "name of the place this runs at, for the report (default: this machine)", metavar="NAME")
    add("--at", "judge at this moment, ISO 8601 (default: now, or when the evidence was recorded)", metavar="TIME")
    add("--deadline", "most seconds that one probe may take (default: 5)", convert=_seconds, metavar="SECONDS")
    add("--pace", "polite (default) or fast", choices=("polite", "fast"))
    add(
        "--expiry-days",
        "warn of certificates that expire within so many days (default: 14)",
        convert=_days,
        metavar="DAYS",
    )
    what.add_argument(
        "--keep-alive",
        help="watch how long the origin keeps an idle connection open (some seconds more)",
        metavar="yes",
        nargs="?",
        const="yes",
    )
    add("--trust-store", "PEM roots to use instead of Mozilla's", metavar="FILE")
    add("--resolver", "ask each of these resolvers instead of the system's", several=True, metavar="ADDR")
    add("--root-hints", "begin the walk to the name servers here (default: the internet's root)", metavar="FILE")
    add("--firewall", "rules of what stands before the origin, as a tool printed them", several=True, metavar="FILE")
    add("--interface", "with --firewall: the interface that the internet's packets come in by there", metavar="NAME")
    add(
        "--destination",
        "with --firewall: the address by which they reach that machine, behind NAT not the public one",
        metavar="ADDRESS",
    )
    add(
        "--address-ranges",
        "AWS's ip-ranges.json, newer than the copy that comes with us; `live` or an https URL: fetch it now",
        metavar="FILE|live|URL",
    )
    add("--function-result", "what an edge function returned, as JSON", several=True, metavar="FILE")
    add("--function-event", "what the function was invoked with, as JSON", metavar="FILE")
    add(
        "--event-type", "when it runs: viewer-request, origin-request, origin-response, viewer-response", metavar="TYPE"
    )
    add("--function-kind", "lambda-edge or cloudfront-function", metavar="KIND")
    add("--handler", "an edge function's code, to be run here; needs --run-handler", metavar="FILE")
    what.add_argument(
        "--run-handler",
        help="run the handler here, in a process of its own with limits",
        metavar="yes",
        nargs="?",
        const="yes",
    )
    add("--key-value-store", "what the function's key value store holds, as JSON, for a run", metavar="FILE")
    add(
        "--response",
        "what viewers get: output of curl -i or -v, wget -S, a HAR file, header fields, the page",
        several=True,
        metavar="FILE",
    )
    add(
        "--logs",
        "access logs, files and folders: standard of any age, v2, JSON, Parquet, real-time, packed or not",
        several=True,
        metavar="PATH",
    )
    add("--lab", "a running lab's file: its relocations and defaults", metavar="FILE")
    add("--name", "name of the incident folder (default: from the URL or origin)", metavar="NAME")


def _firewall_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", nargs="+", metavar="FILE", help="rules as a tool printed them; what is meant is told")
    parser.add_argument("--port", type=_port, required=True, metavar="PORT", help="the origin's port")
    parser.add_argument(
        "--ip-address-type",
        choices=("ipv4", "ipv6", "dualstack"),
        default="ipv4",
        help="IpAddressType of the origin (default: ipv4)",
    )
    parser.add_argument(
        "--address-ranges",
        metavar="FILE|live|URL",
        help="AWS's ip-ranges.json, newer than our own copy; `live` or an https URL: fetch it now",
    )
    parser.add_argument(
        "--trust-store", metavar="FILE", help="PEM roots to trust beside Mozilla's for that, e.g. of a mirror"
    )
    parser.add_argument("--interface", default="", metavar="NAME", help="the interface that the internet comes in by")
    parser.add_argument(
        "--destination", default="", metavar="ADDRESS", help="the host's own address, behind NAT not the public one"
    )


def _logs_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "paths",
        nargs="+",
        metavar="PATH",
        help="files and folders: standard logs of any age, v2, JSON, Parquet, real-time, packed or not; - is stdin",
    )
    parser.add_argument("--since", type=_second, metavar="TIME", help="leave out what was before, ISO 8601 (UTC)")
    parser.add_argument("--until", type=_second, metavar="TIME", help="leave out what was from then on")
    parser.add_argument("--status", type=_status, default=502, metavar="CODE", help="count this status (default: 502)")
    parser.add_argument(
        "--fields",
        type=_names,
        metavar="NAMES",
        help="names of the columns in their order, for logs without a header (real-time logs)",
    )


def _second(text: str) -> int:
    import datetime as dt

    try:
        moment = dt.datetime.fromisoformat(text.strip())
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a time like 2026-11-22T18:00:00Z") from None
    second = int((moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)).timestamp())
    if second < 0:
        raise argparse.ArgumentTypeError(f"{text!r} is before 1970")
    return second


def _status(text: str) -> int:
    if not re.fullmatch(r"[0-9]{3}", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not an HTTP status such as 502")
    return int(text)


def _names(text: str) -> list[str]:
    names = re.findall(r"[A-Za-z][\w()-]*", text)
    if "sc-status" not in names:
        raise argparse.ArgumentTypeError("sc-status is not among the names")
    return names


def _port(text: str) -> int:
    if not re.fullmatch(r"\d{1,5}", text) or not 1 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port from 1 to 65535")
    return int(text)


def _seconds(text: str) -> float:
    if not re.fullmatch(r"\d+(\.\d+)?", text) or not 0.05 <= float(text) <= 600:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds between 0.05 and 600")
    return float(text)


def _days(text: str) -> int:
    if not re.fullmatch(r"\d{1,4}", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of days")
    return int(text)
