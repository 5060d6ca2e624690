"""`cfrunbook report`: look, run the runbooks, write the incident folder, and tell the pager however that ends."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

from cfrunbook.errors import BadInput
from cfrunbook.text import visible

if TYPE_CHECKING:
    from cfrunbook.evidence import Observations
    from cfrunbook.findings import Diagnosis
    from cfrunbook.incident import Incident
    from cfrunbook.report import Kernels, Report
    from cfrunbook.report.formats import Format

EXAMPLE = "cfrunbook report --distribution dist.json --url https://www.example.com/cart --output incident"
DESCRIPTION = (
    "Diagnose, run the runbooks with papermill, and write an incident folder with one self-contained HTML report."
)
_ENDING = ("SIGTERM", "SIGHUP")
"""A stop by systemd, Kubernetes, a CI's time limit; a terminal that was closed."""


class Progress(Protocol):
    """Shows a line of progress; `always`: also where nobody sits at a terminal."""

    def __call__(self, line: str, *, always: bool = ...) -> None:
        """Show it."""


def options(parser: argparse.ArgumentParser) -> None:
    """Add the command's own options to `parser`."""
    parser.add_argument(
        "--output",
        default="incident",
        metavar="DIR",
        help="folder for incident folders (default: incident), or an address papermill writes to, e.g. s3://BUCKET/PREFIX",
    )
    parser.add_argument(
        "--format",
        nargs="+",
        action="extend",
        metavar="FORMAT",
        help="what to write: html, markdown, json (these by default), pdf where there is a Chromium, or all",
    )
    parser.add_argument(
        "--redacted",
        nargs="?",
        const="yes",
        metavar="yes",
        help="also write an edition to share outside, with pseudonyms; the key to them stays beside it",
    )
    parser.add_argument(
        "--notify-file", metavar="FILE", help="write what a pager or chat is to be told, as JSON; nothing is sent"
    )
    parser.add_argument(
        "--kernels",
        choices=("forked", "ordinary"),
        default="forked",
        help="fork the notebooks' kernels from one process, which is faster (default), or start each anew",
    )


def call(
    given: argparse.Namespace,
    *,
    load: Callable[[], Incident],
    look: Callable[[Incident], tuple[Observations, Diagnosis]],
    progress: Progress,
) -> Literal["ok", "fault", "unknown"]:
    """Write the report, print where it is, and return the verdict's status.

    Raises BadInput where something could not be written, and KeyboardInterrupt when it was stopped; either says what
    was kept, and the pager is told all the same. Whoever reads what is printed may go away: the report is written.
    """
    import threading

    from cfrunbook.report import Kernels, elsewhere, formats, keep_recording, pictures_apart

    asked = formats.parse(given.format)
    away = elsewhere.is_elsewhere(given.output)
    if formats.Format.PDF in asked and away:
        elsewhere.check_bytes(given.output)
    with (
        _ended_like_interrupted(),
        Kernels(forked=given.kernels == "forked") as kernels,  # what they need is imported while we look and wait
    ):
        pictures_apart.prepare(kernels)
        incident = load()
        begun = "Judging what was recorded …" if incident.observations is not None else "Looking at the origin …"
        progress(begun, always=not given.json)
        observations, diagnosis = look(incident)
        lost: list[str] = []
        output: Path | None = None
        try:
            if not given.json:
                _say(f"Verdict: {visible(diagnosis.verdict.sentence, 2000)}")
            # Beside the start of the kernels; not beside the look, whose imports could meet these in a circle.
            threading.Thread(target=_import_ahead, kwargs={"clouds": away}, daemon=True).start()
            lost += _attempted(lambda: _save(given, observations))
            output = Path(_temporary() if away else given.output)
            seen = incident, observations, diagnosis
            report, place = _written(given, *seen, output=output, formats=asked, kernels=kernels, progress=progress)
        except (Exception, KeyboardInterrupt) as error:
            if incident.observations is None and not _tells_what_is_left(error):  # before anything was written
                kept = keep_recording(observations).removeprefix("; ")
                if isinstance(error, KeyboardInterrupt):
                    error = KeyboardInterrupt(kept)
                elif kept:
                    error.add_note(kept)
            said = _sentence(error)
            lost += _attempted(lambda: _notify(given, diagnosis, observations, "", [said, *lost]))
            if away and output is not None:
                with suppress(OSError):  # nothing was kept in it
                    output.rmdir()
            raise _with(error, lost) from error
        progress("")
        problems = [f"Runbook {run.name}: {run.error}." for run in report.runs if run.failed]
        problems += report.notes
        lost += _attempted(lambda: _notify(given, diagnosis, observations, place, [*problems, *lost]))
    _tell(given, report, place)
    if lost:
        raise BadInput(" ".join(lost))
    return diagnosis.verdict.status


def _written(
    given: argparse.Namespace,
    incident: Incident,
    observations: Observations,
    diagnosis: Diagnosis,
    *,
    output: Path,
    formats: frozenset[Format],
    kernels: Kernels,
    progress: Progress,
) -> tuple[Report, str]:
    """Write the incident folder, and put it away where that is asked for; return it and where it is."""
    from cfrunbook.report import elsewhere, keep_gathered, write_report

    if incident.observations is None and observations.stopped_after is not None:
        kept = keep_gathered(incident, observations, diagnosis, output=output, formats=formats)
        raise KeyboardInterrupt(f"what was seen until then is in {visible(kept)}")
    progress("Running the runbooks …", always=not given.json)
    report = write_report(
        incident,
        observations,
        diagnosis,
        output=output,
        kernels=kernels,
        formats=formats,
        redacted=given.redacted is not None,
    )
    if not elsewhere.is_elsewhere(given.output):
        return report, str(report.path)
    progress("Writing it there …", always=not given.json)
    try:
        return report, elsewhere.put_away(report.path, given.output)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(f"the report is in {visible(report.path)}") from None


def _save(given: argparse.Namespace, observations: Observations) -> None:
    if given.save_evidence:
        observations.save(Path(given.save_evidence))


def _import_ahead(*, clouds: bool) -> None:
    """Import what runs notebooks; why that cannot be is told where it is needed, unless we have ended by then."""
    from cfrunbook.report.runner import import_tools

    with suppress(Exception):
        import_tools(clouds=clouds)


def _temporary() -> str:
    """Return a new folder where temporary files go. Raises BadInput."""
    import tempfile

    try:
        return tempfile.mkdtemp(prefix="cfrunbook-report-")
    except OSError as error:
        raise BadInput(f"Cannot write where temporary files go: {error.strerror or error}.") from error


def _tells_what_is_left(error: Exception | KeyboardInterrupt) -> bool:
    if isinstance(error, KeyboardInterrupt):
        return bool(str(error))
    return isinstance(error, BadInput) or bool(getattr(error, "__notes__", ()))


def _with(error: Exception | KeyboardInterrupt, lost: list[str]) -> Exception | KeyboardInterrupt:
    """Return what ended the report, telling also what else could not be written."""
    if isinstance(error, BadInput):
        return BadInput(" ".join([str(error), *lost]))
    if isinstance(error, KeyboardInterrupt):
        return KeyboardInterrupt(". ".join(filter(None, [str(error), *lost])).removesuffix("."))
    with suppress(OSError):  # nobody reads it any more
        for sentence in lost:
            print(f"cfrunbook: {sentence}", file=sys.stderr)
    return error


def _say(text: str) -> None:
    """Print; where whoever reads it has gone away, go on without."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _attempted(write: Callable[[], None]) -> list[str]:
    """Write something beside the report; return why that was not possible, which must not cost the report."""
    try:
        write()
    except BadInput as error:
        return [str(error)]
    return []


def _sentence(error: BaseException) -> str:
    if isinstance(error, KeyboardInterrupt):
        return f"Stopped{f'; {error}' if str(error) else ''}."
    if isinstance(error, BadInput):
        return str(error)
    kept = "".join(f"; {note}" for note in getattr(error, "__notes__", ()))
    return f"A defect of cfrunbook: {type(error).__name__}: {error}{kept}."


def _notify(
    given: argparse.Namespace, diagnosis: Diagnosis, observations: Observations, place: str, problems: list[str]
) -> None:
    """Write what a pager is to be told; `place` is where the report is, empty where it could not be written."""
    if given.notify_file:
        from cfrunbook.files import write_whole
        from cfrunbook.views import notification

        told = notification.of(diagnosis, observations, report=place, problems=problems)
        write_whole(Path(given.notify_file), told.to_json())


def _tell(given: argparse.Namespace, report: Report, place: str) -> None:
    """Print where the report is, and what is not in it."""
    place = visible(place, 4096)  # a folder's name need not be text
    if given.json:
        import msgspec

        result = {
            "path": place,
            "verdict": msgspec.to_builtins(report.verdict),
            "failed": list(report.failed),
            "notes": list(report.notes),
            "redacted": f"{place}/{report.redacted.name}" if report.redacted else None,
        }
        _say(msgspec.json.format(msgspec.json.encode(result), indent=2).decode())
        return
    lines = [f"Report:  {place}/{report.page}"]
    if report.redacted:
        shared = f"{place}/{report.redacted.name}"
        lines.append(f"To share: {shared}: read it through first, free text may still tell who you are")
    lines += [f"Note:    {visible(note, 400)}" for note in report.notes]
    lines += [f"Failed:  runbook {visible(name)}; the report names what went wrong." for name in report.failed]
    _say("\n".join(lines))


@contextmanager
def _ended_like_interrupted() -> Iterator[None]:
    """Take a request to end as Ctrl-C, which keeps what was gathered and leaves nothing running.

    One that is ignored stays so (nohup). Only the main thread can; elsewhere nothing changes.
    """
    import signal
    import threading

    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(*_: object) -> None:
        if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # in the background of a shell: Ctrl-C is not for us
            raise KeyboardInterrupt
        signal.raise_signal(signal.SIGINT)

    numbers = [number for name in _ENDING if (number := getattr(signal, name, None)) is not None]
    taken = [number for number in numbers if signal.getsignal(number) is signal.SIG_DFL]
    for number in taken:
        signal.signal(number, interrupt)
    try:
        yield
    finally:
        for number in taken:
            signal.signal(number, signal.SIG_DFL)
