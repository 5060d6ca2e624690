"""HTML: small static fragments for a notebook, and the incident report as one self-contained page.

No script, nothing fetched. Every value is made harmless twice: `text.visible` takes away control characters and
bidirectional overrides and bounds its length, then the template engine escapes it. jinja2 belongs to the extra
`run` and is imported when the first fragment is drawn.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

import msgspec

from cfrunbook.cloudfront.targets import Target
from cfrunbook.evidence import Observations
from cfrunbook.findings import (
    STAGE_TITLES,
    CauseResult,
    Comparison,
    Contradiction,
    Diagnosis,
    Finding,
    NotExamined,
    StageResult,
)
from cfrunbook.findings import Path as EdgePath
from cfrunbook.text import check_parts, visible
from cfrunbook.views import outline, style, tables, terminal

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

    from cfrunbook.causes.edge_function import Judged
    from cfrunbook.log_summary import LogSummary
    from cfrunbook.views.figures import Picture

MAX_LINE = 2000
"""Characters shown of any one value."""
MAX_NAME = 100
"""Characters shown of a name: of a target, a vantage, a lab scenario."""
_OPTION = re.compile(r"(?<!\S)--?[A-Za-z][\w-]{0,40}")


class Fragment(msgspec.Struct, frozen=True):
    """Something to look at in a notebook: static HTML that carries its own style, and the same as text."""

    html: str
    text: str
    meaning: str = ""
    """In one line; empty where `text` begins with it."""
    is_note: bool = False
    """Whether it says only why there is nothing to show."""

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        return {"text/plain": self.text, "text/html": self.html}, {}


class NotebookLink(msgspec.Struct, frozen=True):
    """An executed notebook or another file beside the report. `href` is a path relative to the report's folder."""

    title: str
    href: str
    summary: str = ""


class FailedNotebook(msgspec.Struct, frozen=True):
    """A notebook that did not finish, and its error; `href` leads to what there is of it, and may be empty."""

    title: str
    error: str
    href: str = ""


def diagnosis(value: Diagnosis) -> Fragment:
    """Show a whole diagnosis: verdict, path, root cause with its remedy, the causes, what was not examined."""
    return _fragment("diagnosis", value, text=terminal.render(value, color=False, width=100))


def verdict(value: Diagnosis) -> Fragment:
    """Show the verdict alone."""
    return _fragment("verdict", value, text=terminal.verdict(value, color=False, width=100))


def path(value: Diagnosis | EdgePath | Sequence[StageResult]) -> Fragment:
    """Show the edge's path, stage by stage, and what happened at the broken stage."""
    stages = tuple(value.stages if isinstance(value, Diagnosis | EdgePath) else value)
    return _fragment("path_with_sentence", stages, text=terminal.path(stages, color=False, width=100))


def finding(value: Finding) -> Fragment:
    """Show one finding: title, meaning, evidence, command, remedy, verification, source."""
    return _fragment("finding", value, text=terminal.finding(value, color=False, width=100))


def findings(values: Sequence[Finding]) -> Fragment:
    """Show several findings, one below the other, in the order given."""
    text = "\n\n".join(terminal.finding(f, color=False, width=100) for f in values) or "No findings."
    return _fragment("findings", tuple(values), text=text)


def causes(value: Diagnosis | Sequence[CauseResult]) -> Fragment:
    """Show the documented causes with what speaks for each, against it, and what is missing."""
    results = tuple(value.causes if isinstance(value, Diagnosis) else value)
    return _fragment("causes", results, text=terminal.causes(results, color=False, width=100))


def contradictions(value: Diagnosis | Sequence[Contradiction]) -> Fragment:
    """Show what does not go together: both sides, why they may differ, and what decides."""
    values = tuple(value.contradictions if isinstance(value, Diagnosis) else value)
    return _fragment("contradictions", values, text=terminal.contradictions(values, width=100))


def not_examined(values: Sequence[NotExamined]) -> Fragment:
    """Show what was not looked at, why, and how to have it looked at."""
    return _fragment("not_examined", tuple(values), text=terminal.not_examined(values, width=100))


def table(value: tables.Table, *, meaning: str = "") -> Fragment:
    """Show one table; `meaning` is what it says in a line, by default how many rows it has."""
    rows = len(value.rows)
    counted = f"{value.title}: {rows} row{'' if rows == 1 else 's'}."
    return msgspec.structs.replace(_fragment("table", value, text=terminal.table(value)), meaning=meaning or counted)


def observations(seen: Observations) -> Fragment:
    """Show everything that was observed, one table per kind."""
    shown = tables.observations(seen)
    return _fragment("tables", shown, text="\n\n".join(terminal.table(t) for t in shown) or "Nothing was observed.")


def results(judged: Sequence[Judged]) -> Fragment:
    """Show what edge functions returned: each result as a tree, with what CloudFront refuses at its place."""
    from cfrunbook.views import function

    shown = function.results(judged)
    if not judged:
        text = meaning = "No edge function's result was given, and no handler was run."
    else:
        text, first = function.plain(judged), min(shown.results, key=lambda one: one.status != "fault")
        meaning = f"{first.title}. {first.sentence}"
    return msgspec.structs.replace(_fragment("results", shown, text=text), meaning=meaning, is_note=not judged)


def comparison(value: Comparison) -> Fragment:
    """Show what changed between two configurations or recordings."""
    from cfrunbook.views import comparison as words

    return _fragment("comparison", value, text=words.render(value, color=False, width=100))


def access_logs(summary: LogSummary, figures: Sequence[Picture]) -> Fragment:
    """Show what access logs say: in sentences, figures and tables."""
    from cfrunbook.views import log_table

    shown = log_table.section(summary)
    drawn = [f"{picture.title}\n{picture.alt}" for picture in figures]
    tables_shown = [terminal.table(table) for table in shown.tables]
    text = "\n\n".join([" ".join([shown.headline, *shown.notes]), *drawn, *tables_shown])
    return _fragment("access_logs", {"logs": shown, "figures": _drawn(figures)}, text=text)


def _drawn(figures: Sequence[Picture]) -> list[dict[str, Any]]:
    from markupsafe import Markup

    return [{"title": p.title, "markup": Markup(p.svg)} for p in figures]  # noqa: S704 (drawn by us)


def targets(wanted: Sequence[Target]) -> Fragment:
    """Show what CloudFront would connect to, and why."""
    return table(tables.targets(wanted))


def report_page(
    diagnosis: Diagnosis,
    observations: Observations | None = None,
    *,
    targets: Sequence[Target] = (),
    figures: Sequence[Picture] = (),
    log_figures: Sequence[Picture] = (),
    judged: Sequence[Judged] = (),
    notebooks: Sequence[NotebookLink] = (),
    failed: Sequence[FailedNotebook] = (),
    files: Sequence[NotebookLink] = (),
    title: str = "CloudFront 502 incident report",
    generated_at: dt.datetime,
    shown_as: Callable[[str], str] | None = None,
) -> str:
    """Return the incident report: one HTML file without script that fetches nothing, for screen, phone and print.

    Links in the page are anchors, public sources, and relative paths of the `notebooks` and `files` beside it. A
    finding has the anchor `finding-<code>--<target>`; `finding-<code>` leads to the first of that code. `judged` are
    results of edge functions. `shown_as` is what becomes of each text that is taken from the observations and targets:
    the redacted edition gives pseudonyms there (its diagnosis and figures have them already). `generated_at` must be
    aware.
    """
    from markupsafe import Markup

    from cfrunbook.views import function, page_parts

    say = shown_as or str
    kinds = [kind for kind in tables.KINDS if not kind.startswith("log_") and kind != "account"]
    shown = tables.observations(observations, wanted=targets, kinds=kinds) if observations else ()
    of_account = tables.observations(observations, kinds=["account"]) if observations else ()
    wanted: tuple[tables.Table, ...] = (tables.targets(targets),) if targets else ()
    if shown_as is not None:
        shown, of_account, wanted = (
            tuple(tables.with_cells(t, shown_as) for t in group) for group in (shown, of_account, wanted)
        )
    seen_from = observations.vantage if observations else outline.given(diagnosis.inputs, "vantage")
    lab = (observations.inputs.lab if observations else "") or outline.lab_of(diagnosis)
    main_target = diagnosis.verdict.target
    anchored = zip(diagnosis.findings, outline.anchors(diagnosis.findings), strict=True)
    first = outline.root(diagnosis)
    return (
        environment()
        .get_template("report.html.j2")
        .render(
            d=diagnosis,
            title=title,
            page_title=page_parts.page_title(diagnosis, title),
            css=Markup(style.page_css()),  # noqa: S704 (our own constants)
            generated_at=outline.moment(generated_at),
            seen_from=say(seen_from),
            seen_at=outline.moment(observations.recorded_at) if observations else "",
            lab=lab,
            first=first,
            first_anchor=next((anchor.own for finding, anchor in anchored if finding is first), ""),
            glance=page_parts.glance(diagnosis, observations, say),
            causes=page_parts.causes(diagnosis),
            ids=frozenset(i for t in shown for i in t.ids),
            targets=wanted[0] if wanted else None,
            more_paths=[p for p in outline.paths(diagnosis) if p.target != main_target],
            figures=_drawn(figures),
            functions=function.results(judged) if judged else None,
            account=of_account[0] if of_account else None,
            access_logs=_logged(observations, log_figures, say),
            commands=page_parts.commands(diagnosis),
            observations=shown,
            notebooks=tuple(notebooks),
            failed=tuple(failed),
            files=tuple(files),
            inputs=_json(diagnosis.inputs),
            versions=page_parts.versions(diagnosis),
        )
    )


def _logged(seen: Observations | None, figures: Sequence[Picture], say: Callable[[str], str]) -> dict[str, Any] | None:
    """Return what is shown of the access logs; None where none were given."""
    if seen is None or seen.inputs.logs is None:
        return None
    from cfrunbook.views import log_table

    shown = log_table.section(seen.inputs.logs)
    said = log_table.Section(
        say(shown.headline),
        tuple(map(say, shown.notes)),
        tuple(tables.with_cells(table, say) for table in shown.tables),
    )
    return {"logs": said, "figures": _drawn(figures)}


def _json(value: Mapping[str, Any]) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False, default=str)


def _fragment(macro: str, value: object, *, text: str) -> Fragment:
    body = getattr(_parts(), macro)(value)
    return Fragment(html=f'<div class="cfr"><style>{style.fragment_css()}</style>{body}</div>', text=text)


def prepare() -> None:
    """Do what a page needs and what is in it does not change, while there is time."""
    environment().get_template("report.html.j2")


@lru_cache(maxsize=1)
def environment() -> Environment:
    """Return what draws the templates of all views: values are escaped, bounded and on one line."""
    from pathlib import Path

    import jinja2

    from cfrunbook.views import comparison as changed
    from cfrunbook.views import compiled

    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=_one_line,
        bytecode_cache=compiled.templates(),
    )
    made.globals.update(
        look=style.look,
        symbol=style.symbol,
        word=style.word,
        stage_titles=STAGE_TITLES,
        cause_titles=outline.CAUSE_TITLES,
        wanted_for=outline.wanted_for,
        verdict_labels=outline.VERDICT_LABELS,
        confidence=outline.CONFIDENCE,
        root=outline.root,
        below_label=outline.below_label,
        check_parts=check_parts,
        whence=outline.whence,
        page_beside=outline.page_beside,
        dated=outline.dated,
        others=outline.others,
        broken=outline.broken,
        changed=changed,
    )
    made.filters.update(
        multiline=_multiline,
        prose=_prose,
        short=lambda value: visible(value, MAX_NAME),
        slug=outline.slug,
        linkable=linkable,
        source_title=source_title,
        relative=relative,
    )
    return made


@lru_cache(maxsize=1)
def _parts() -> Any:
    return environment().get_template("parts.html.j2").module


def _one_line(value: object) -> object:
    """Make any value that a template shows one bounded, printable line; markup of our own passes."""
    return value if hasattr(value, "__html__") else visible(value, MAX_LINE)


def _multiline(value: object, limit: int = 6000) -> object:
    """Return `value` line by line, for a `pre`."""
    return _keep_options(outline.multiline(value, limit))


def _prose(value: object) -> object:
    """Return `value` as one line of prose that may name command line options, or hold a command."""
    from markupsafe import Markup

    said, command = check_parts(visible(value, MAX_LINE))
    parts = re.split(r"`([^`]+)`", said)
    code = Markup("<code>{}</code>")
    shown = [code.format(part) if i % 2 else _keep_options(part) for i, part in enumerate(parts)]
    if command:
        shown += [Markup(" "), code.format(command)]
    return Markup("").join(shown)


def _keep_options(text: str) -> Markup:
    """Escape `text`, and keep `--option` together where a line is broken: a browser breaks after its hyphens."""
    from markupsafe import Markup, escape

    marked = _OPTION.sub(r'<span class="cfr-option">\g<0></span>', str(escape(text)))
    return Markup(marked)  # noqa: S704 (escaped above)


def linkable(url: str) -> bool:
    """Return whether `url` may become a link: https, a host, and nothing that is not plain ASCII."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme == "https" and bool(parts.hostname) and url.isascii() and url.isprintable() and len(url) < 500


def source_title(url: str) -> str:
    """Return a short text for a link to a public source: host, last part of the path, anchor."""
    parts = urlsplit(url)
    page = parts.path.rstrip("/").rpartition("/")[2].removesuffix(".html")
    if page.isdigit():  # of an issue: whose
        page = parts.path.strip("/").removesuffix(".html")
    return " › ".join(part for part in (parts.hostname or "", page, parts.fragment) if part)


def relative(href: str) -> str:
    """Return `href` as a relative link whatever it holds: no scheme, no other host, no absolute path."""
    return quote(href.lstrip("/\\")[:500], safe="/")
