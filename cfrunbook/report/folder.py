"""Write the incident folder: everything or nothing, and every part from the same recording."""

from __future__ import annotations

import datetime as dt
import errno
import os
import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import msgspec

from cfrunbook.errors import BadInput
from cfrunbook.files import write_aside
from cfrunbook.report import formats as forms
from cfrunbook.report import pictures_apart
from cfrunbook.report.formats import Format
from cfrunbook.report.kernels import Kernels
from cfrunbook.report.runbooks import runbook_files
from cfrunbook.report.runner import SECONDS, Job, Run, run_notebooks
from cfrunbook.text import visible

if TYPE_CHECKING:
    from cfrunbook.evidence import Observations
    from cfrunbook.findings import Diagnosis, Verdict
    from cfrunbook.incident import Incident
    from cfrunbook.report.pictures_apart import Pictures


@dataclass(frozen=True, slots=True)
class Report:
    """A written incident folder."""

    path: Path
    """The folder: report.html, summary.md, diagnosis.json, evidence.json, notebooks/."""
    verdict: Verdict
    runs: tuple[Run, ...]
    """How each runbook ended."""
    page: str = "report.html"
    """The file in it to be read first."""
    redacted: Path | None = None
    """The folder within it that may be shared outside; None: none was asked for."""
    notes: tuple[str, ...] = ()
    """What was asked for and could not be made, a sentence each."""

    @property
    def failed(self) -> tuple[str, ...]:
        """Names of the runbooks that failed; each is kept with its error."""
        return tuple(run.name for run in self.runs if run.failed)


def write_report(
    incident: Incident,
    observations: Observations,
    diagnosis: Diagnosis,
    *,
    output: Path,
    notebooks: Sequence[Path] | None = None,
    now: dt.datetime | None = None,
    seconds: float = SECONDS,
    kernels: Kernels | None = None,
    formats: frozenset[Format] = forms.DEFAULT,
    redacted: bool = False,
) -> Report:
    """Write `<output>/<UTC time>-<name>/` and return it; nothing half-written is ever seen under that name.

    The runbooks (`notebooks`; default: all) are run on the very recording that the page is drawn from, so that they
    never disagree and the origin is not probed again. One that fails, or takes more than `seconds`, is kept with
    its error and named in the page. `now` (aware) is the moment in the folder's name. `kernels` is where their kernels
    come from (default: made here). `formats` says which of report.html, report.pdf, summary.md and diagnosis.json are
    written; the recording and the runbooks always are. A PDF that cannot be made is a note of the report.
    `redacted` also writes an edition to share outside, in the folder `redacted` of it, and its key beside that.

    Raises BadInput if `output` cannot be written. When that, or Ctrl+C, comes while the runbooks run, what was
    gathered until then is kept in `<the name>-incomplete`, and the exception says so. Where not even that can be, the
    recording is kept in the folder for temporary files, unless it was read from a file.
    """
    written_at = now or dt.datetime.now(dt.UTC)
    sources = runbook_files() if notebooks is None else tuple(notebooks)
    recording = _recording_of(incident, observations)
    building = _Building.of(incident, output, written_at)
    notes: list[str] = []
    try:
        with _built_aside(building), Kernels() if kernels is None and sources else nullcontext(kernels) as ours:
            _write_gathered(building.part, incident, recording, diagnosis, formats)
            building.gathered = True
            parameters = _parameters(incident)
            pictures = (
                pictures_apart.begin(
                    ours,
                    building.part / "evidence.json",
                    parameters.get("at", ""),
                    str((building.part / "before.json").absolute()) if "before" in parameters else "",
                )
                if ours
                else None
            )
            runs = run_notebooks(
                [Job(source, building.part / "notebooks" / source.name, parameters) for source in sources],
                seconds=seconds,
                kernels=ours,
            )
            _write_page(
                building.part,
                incident=incident,
                observations=recording,
                diagnosis=diagnosis,
                runs=runs,
                written_at=written_at,
                pictures=pictures() if pictures else None,
                formats=formats,
            )
            notes += _print(building.part, formats)
            if redacted:
                notes += _write_redacted(
                    building.part, incident, recording, diagnosis, formats=formats, written_at=written_at
                )
        edition = building.place / REDACTED
        return Report(
            path=building.place,
            verdict=diagnosis.verdict,
            runs=runs,
            page=next((name for name in _FIRST if (building.place / name).is_file()), "evidence.json"),
            redacted=edition if edition.is_dir() else None,
            notes=tuple(notes),
        )
    except (OSError, BadInput) as error:
        reason = error if isinstance(error, OSError) else error.__cause__
        if not isinstance(reason, OSError):
            raise
        kept = building.kept or ("" if incident.observations is not None else keep_recording(recording))
        why = f"Cannot write the report to {visible(output)}: {reason.strerror or reason}"
        raise BadInput(f"{why}{kept}.") from error
    except KeyboardInterrupt:
        raise KeyboardInterrupt(building.kept.removeprefix("; ")) from None
    except Exception as error:  # a defect: whoever tells of it also tells what is left
        if building.kept:
            error.add_note(building.kept.removeprefix("; "))
        raise


def keep_gathered(
    incident: Incident,
    observations: Observations,
    diagnosis: Diagnosis,
    *,
    output: Path,
    now: dt.datetime | None = None,
    formats: frozenset[Format] = forms.DEFAULT,
) -> Path:
    """Write what was gathered by a look that was stopped to `<output>/<UTC time>-<name>-incomplete`, and return that.

    Raises BadInput if it cannot be written; the recording is then kept in the folder for temporary files.
    """
    recording = _recording_of(incident, observations)
    building = _Building.of(incident, output, now or dt.datetime.now(dt.UTC))
    building.place = building.incomplete
    try:
        with _built_aside(building):
            _write_gathered(building.part, incident, recording, diagnosis, formats)
    except (OSError, BadInput) as error:
        reason = error if isinstance(error, OSError) else error.__cause__
        why = f"Cannot write to {visible(output)}: {getattr(reason, 'strerror', '') or error}"
        raise BadInput(f"{why}{keep_recording(recording)}.") from error
    return building.place


def _recording_of(incident: Incident, observations: Observations) -> Observations:
    """Return the report's copy: the incident may know more than was recorded (--trust-store, --host …)."""
    return msgspec.structs.replace(observations, inputs=incident.inputs)


def keep_recording(recording: Observations) -> str:
    """Write a recording where temporary files go; return where it is as the end of a sentence, empty if nowhere."""
    path = write_aside("evidence.json", recording.to_json())
    return f"; what was seen is in {visible(path)}" if path else ""


def _write_gathered(
    folder: Path, incident: Incident, recording: Observations, diagnosis: Diagnosis, formats: frozenset[Format]
) -> None:
    """Write what is known before any runbook runs."""
    from cfrunbook.views import markdown

    recording.save(folder / "evidence.json")
    if incident.before is not None and incident.before.observations is not None:
        incident.before.observations.save(folder / "before.json")
    if Format.JSON in formats:
        (folder / "diagnosis.json").write_bytes(diagnosis.to_json())
    if Format.MARKDOWN in formats:
        (folder / "summary.md").write_text(markdown.summary(diagnosis, recording), encoding="utf-8")
    (folder / "notebooks").mkdir()


def _parameters(incident: Incident) -> dict[str, Any]:
    """Return what each runbook is given: the recording beside it, by a path that holds wherever the folder goes."""
    parameters: dict[str, Any] = {"evidence": "../evidence.json"}
    if incident.before is not None:
        parameters["before"] = "../before.json"
    if incident.at is not None:
        parameters["at"] = incident.at.isoformat()
    return parameters


def _write_page(
    folder: Path,
    *,
    incident: Incident,
    observations: Observations,
    diagnosis: Diagnosis,
    runs: Sequence[Run],
    written_at: dt.datetime,
    pictures: Pictures | None,
    formats: frozenset[Format],
) -> None:
    if formats.isdisjoint({Format.HTML, Format.PDF}):
        return
    from cfrunbook.causes import edge_function
    from cfrunbook.views import html

    if pictures is None:
        pictures = pictures_apart.drawn(incident, observations, diagnosis)
    page = html.report_page(
        diagnosis,
        observations,
        targets=incident.targets,
        figures=pictures[0],
        log_figures=pictures[1],
        judged=edge_function.judged(
            observations.inputs.functions, observations.function_runs, origins=incident.known_origins
        ),
        notebooks=[
            html.NotebookLink(title=run.name, href=_href(run), summary=_summary(run, diagnosis))
            for run in runs
            if not run.failed
        ],
        failed=[html.FailedNotebook(title=run.name, error=run.error, href=_href(run)) for run in runs if run.failed],
        files=[html.NotebookLink(name, name, about) for name, about in _BESIDE.items() if (folder / name).is_file()],
        generated_at=written_at,
    )
    (folder / "report.html").write_text(page, encoding="utf-8")


_FIRST = ("report.html", "report.pdf", "summary.md", "diagnosis.json")
"""What is to be read first, of what there is."""
_BESIDE = {
    "evidence.json": "everything that was seen: judge it again with cfrunbook report --evidence",
    "before.json": "the recording from before",
    "diagnosis.json": "this diagnosis for machines",
    "summary.md": "this diagnosis for the ticket",
}
"""Files of the folder that the page leads to."""


def _print(folder: Path, formats: frozenset[Format]) -> Iterator[str]:
    """Print the page where a PDF is wanted; yield a sentence where there is none."""
    if Format.PDF not in formats:
        return
    from cfrunbook.report import pdf

    page = folder / "report.html"
    why = pdf.print_page(page, folder / "report.pdf")
    if why:  # then the page is what there is to be read
        yield f"report.pdf was not made: {why}."
    elif Format.HTML not in formats:
        page.unlink()


def _write_redacted(
    folder: Path,
    incident: Incident,
    recording: Observations,
    diagnosis: Diagnosis,
    *,
    formats: frozenset[Format],
    written_at: dt.datetime,
) -> Iterator[str]:
    """Write the edition to share outside, and its key into the owner's folder; yield what could not be made."""
    from cfrunbook.report import redacted

    edition = folder / REDACTED
    edition.mkdir()
    try:
        known = redacted.write(
            edition,
            incident=incident,
            observations=recording,
            diagnosis=diagnosis,
            formats=formats,
            written_at=written_at,
        )
    except BadInput as error:  # the owner's report is whole all the same
        edition.rmdir()
        yield str(error)
        return
    (folder / redacted.KEY).write_bytes(msgspec.json.format(msgspec.json.encode(known.key()), indent=2) + b"\n")
    yield from (f"Of the redacted edition, {note}" for note in _print(edition, formats))


REDACTED = "redacted"
"""The folder, in that of the report, with the edition to share outside."""


def _summary(run: Run, diagnosis: Diagnosis) -> str:
    """Return what a runbook says, in a line: the status of its causes; for one about everything, what it is."""
    from cfrunbook.runbook import GUIDES
    from cfrunbook.views import outline, style

    guide = GUIDES.get(run.name)
    if guide is None:
        return ""
    mine = [result for result in diagnosis.causes if result.cause in guide.causes]
    return "; ".join(f"{outline.CAUSE_TITLES[r.cause]}: {style.word(r.status)}" for r in mine) or guide.about


def _href(run: Run) -> str:
    return f"notebooks/{run.output.name}"


def _slug(name: str) -> str:
    """Return `name` as part of a folder's name: letters, digits, `.`, `_` and `-`, at most 60, never empty."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name)[:60].strip("-.") or "incident"


@dataclass(slots=True)
class _Building:
    """A folder in the making (`part`) and where it is at the end (`place`)."""

    part: Path
    place: Path
    gathered: bool = False
    """Whether what was seen and concluded is in it: worth keeping then, whatever comes."""
    kept: str = ""
    """Where it is kept though it is incomplete, as the end of a sentence."""

    @classmethod
    def of(cls, incident: Incident, output: Path, at: dt.datetime) -> Self:
        """Return the one of an incident's report that is written at this (aware) moment."""
        name = f"{at.astimezone(dt.UTC):%Y%m%dT%H%M%SZ}-{_slug(incident.name)}"
        return cls(part=Path(output) / f".{name}.{os.getpid()}.part", place=Path(output) / name)

    @property
    def incomplete(self) -> Path:
        """Where it is if it does not become whole."""
        return self.place.with_name(f"{self.place.name}-incomplete")

    def settle(self, place: Path) -> Path:
        """Rename it to `place`, or with a number behind that where this is taken; return what it is called now."""
        for candidate in (place, *(place.with_name(f"{place.name}-{number}") for number in range(2, 1000))):
            try:
                return self.part.rename(candidate)
            except OSError:
                if not candidate.exists():
                    raise
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))


@contextmanager
def _built_aside(building: _Building) -> Iterator[None]:
    """Give a hidden folder that gets its name when the block succeeds; else it is kept as incomplete, or removed."""
    building.place.parent.mkdir(parents=True, exist_ok=True)
    building.part.mkdir()
    try:
        yield
        building.place = building.settle(building.place)
    except BaseException:
        if building.gathered:
            with suppress(OSError):
                kept = building.settle(building.incomplete)
                building.kept = f"; what was gathered is in {visible(kept)}"
        raise
    finally:
        shutil.rmtree(building.part, ignore_errors=True)
