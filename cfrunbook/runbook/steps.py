"""The steps of a runbook, each a value that displays itself.

Thin over the public functions: what is seen comes from `observe`, what it means from `judge`.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from cfrunbook.errors import BadInput
from cfrunbook.findings import Diagnosis
from cfrunbook.runbook import example, guides
from cfrunbook.runbook.agenda import AGENDA, PLAIN, RunbookStep
from cfrunbook.runbook.guides import HOW, PARAMETERS, Guide, from_environment, given, guide_named
from cfrunbook.text import join_names, visible

if TYPE_CHECKING:
    from cfrunbook.evidence import Observations
    from cfrunbook.incident import Incident
    from cfrunbook.observation import Progress
    from cfrunbook.panel.panel import Panel
    from cfrunbook.recognizing import Recognition
    from cfrunbook.views import html, steps
    from cfrunbook.views.figures import Picture


Told = Callable[[RunbookStep, Any], None]
"""Called with a step that looked, and what it shows."""
SoFar = Callable[["Observations"], None]
"""Called with what a look that takes long has seen so far."""


def open_runbook(name: str, /, *, namespace: Mapping[str, Any] | None = None, **parameters: Any) -> Runbook:
    """Open the runbook `name`: a notebook's name (`03_certificate`) or a cause (`certificate`).

    Parameters are those of `PARAMETERS`; an empty value is one that was not given. `namespace` is a notebook's
    `globals()`: its variables with a parameter's name are taken. What neither gives comes from the environment
    (`CFRUNBOOK_<PARAMETER>`). With nothing given at all, the runbook's own lab scenario is brought up in this
    process and examined. Raises BadInput, in one sentence, for anything that cannot be used.
    """
    guide = guide_named(name)
    _known(parameters)
    return Runbook(guide, {**from_environment(), **given(namespace or {}), **given(parameters)})


class Runbook:
    """One runbook at work on one incident. Displays what is to be examined, and what CloudFront would do and why.

    Where a person sits before widgets, it displays its panel.
    """

    def __init__(self, guide: Guide, given: Mapping[str, Any]) -> None:
        self.guide = guide
        self._watchers: list[Told] = []
        self._keepers: list[SoFar] = []
        self._open(given)

    def _open(self, given: Mapping[str, Any]) -> None:
        """Load what was given, and forget what was seen. Raises BadInput and leaves everything as it was."""
        from cfrunbook.aws.inputs import with_fetched
        from cfrunbook.incident import Incident

        kept: dict[str, Any] = dict(given)
        is_example = not set(kept) - HOW
        if is_example:
            kept["lab"] = self.guide.scenario
        loaded = dict(kept)
        story: tuple[str, ...] = ()
        recognition: Recognition | None = None
        if "anything" in loaded:
            from cfrunbook import recognizing

            recognition = loaded["anything"] = recognizing.recognize(loaded["anything"])
        scenario = example.scenario_of(loaded)
        if scenario:
            loaded["lab"], story = example.bring_up(scenario)
        profile = loaded.pop("aws_profile", "")
        incident = Incident.load(**with_fetched(profile=profile, **loaded))
        self.given = kept
        """What was given, empty values left out."""
        self.is_example = is_example
        """Whether nothing was given, so that it examines a lab scenario of its own."""
        self._story = story
        self._recognition = recognition
        self.incident: Incident = incident
        self._observations: Observations | None = None
        self._diagnosis: tuple[Observations, Diagnosis] | None = None
        self.second_look: Observations | None = None
        """What `verify` saw."""

    def reopen(self, **parameters: Any) -> Runbook:
        """Examine something else: these parameters instead of those it has. What was seen is forgotten.

        Raises BadInput, in one sentence, for anything that cannot be used; then all is as it was.
        """
        from cfrunbook.runbook.guides import given

        _known(parameters)
        self._open(given(parameters))
        return self

    # --- the steps ------------------------------------------------------------------------------------------------

    @property
    def agenda(self) -> tuple[RunbookStep, ...]:
        """Its steps, in order."""
        return AGENDA.get(self.guide.name, PLAIN)

    async def do(
        self, step: RunbookStep, *, progress: Progress | None = None, stop: asyncio.Event | None = None
    ) -> Any:
        """Do one of its steps and return what it shows; `progress` and `stop` are for those that probe."""
        if step.probes:
            return await getattr(self, step.method)(progress=progress, stop=stop)
        return getattr(self, step.method)(*([step.argument] if step.argument else []))

    async def run(self, *, progress: Progress | None = None, stop: asyncio.Event | None = None) -> tuple[Any, ...]:
        """Do every step, but not `verify`, which is for after a fix; return what each shows."""
        todo = [step for step in self.agenda if step.method != "verify"]
        return tuple([await self.do(step, progress=progress, stop=stop) for step in todo])

    async def look(self, *, progress: Progress | None = None, stop: asyncio.Event | None = None) -> steps.Seen:
        """Look at every origin at once, as CloudFront would. With a recording nothing is probed.

        `progress` is told a line for each thing seen. Once `stop` is set, or where this is interrupted, what was seen
        until then is kept.
        """
        from cfrunbook.runbook import looking
        from cfrunbook.views import outline, steps, tables

        incident = self.incident

        def keep(seen: Observations) -> None:
            if self.incident is incident:  # else it was opened anew meanwhile
                self._observations = seen

        seen = await looking.observed(incident, keep, progress=progress, stop=stop, so_far=self._so_far)
        when = outline.moment(seen.recorded_at)
        where = visible(seen.vantage, 80)
        counted = (
            *((seen.dns_queries, "DNS question"), (seen.connections, "connection"), (seen.handshakes, "TLS hello")),
            (seen.exchanges, "HTTP request"),
            (seen.inputs.functions, "function result"),
            (seen.function_runs, "handler run"),
        )
        always = ("connection", "TLS hello")
        count = join_names([_number(items, noun) for items, noun in counted if items or noun in always])
        cut = f" Stopped after {seen.stopped_after:.1f} s; the rest was not looked at." if seen.stopped_after else ""
        shown = steps.Seen(
            observations=seen,
            sentence=f"Nothing was probed. This is the recording of {when}, seen from {where}: {count}.{cut}"
            if incident.observations is not None
            else f"Seen from {where}, {when}: {count}.{cut}",
            tables=tables.observations(seen, wanted=incident.targets, kinds=self.guide.tables),
        )
        self._tell("look", shown)
        return shown

    def judge(self) -> steps.Judgement:
        """Conclude from what was seen; shows the findings of this runbook's causes."""
        return self._judgement(self.diagnosis)

    def recognized(self) -> steps.Given:
        """Show what was given without saying what it is, and what each thing was taken for."""
        from cfrunbook.runbook import start

        return start.recognized(self.incident, self.given)

    def said(self) -> html.Fragment:
        """Show what CloudFront itself says of the error, in captured responses and logs: who made it, and why."""
        from cfrunbook.runbook import start

        return start.said(self.incident, self.diagnosis)

    def changed(self) -> html.Fragment:
        """Show what changed since the configuration, or the recording, of before; without one, what would show it."""
        from cfrunbook.views import html, steps

        if self.diagnosis.changes is not None:
            return html.comparison(self.diagnosis.changes)
        return steps.note(
            "Not known: neither the configuration nor a recording of when it worked was given (parameter before)."
        )

    def wanted(self) -> steps.Evidence:
        """Show which evidence is missing, what would tell most first, with the commands that get it."""
        from cfrunbook.views import steps

        return steps.Evidence(items=self.diagnosis.wanted)

    def why(self) -> html.Fragment:
        """Show in a paragraph why a browser works where CloudFront does not, from what was seen."""
        from cfrunbook.runbook import pictures
        from cfrunbook.views import steps

        told = pictures.why_browser_works(self.incident, self.observations, self.diagnosis)
        if told:
            return steps.paragraph(told)
        return steps.note("What was seen does not show why a browser would fare better than CloudFront.")

    def figure(
        self,
        kind: Literal[
            "path",
            "delegation",
            "servers",
            "aliases",
            "firewall",
            "suites",
            "ladder",
            "served",
            "chain",
            "validity",
            "exchange",
            "log_rate",
            "log_heat",
            "log_types",
            "log_top",
        ],
    ) -> Picture | html.Fragment:
        """Draw the edge's path, name servers, what a firewall lets in, TLS, certificates, a request's time, or logs.

        Of name servers: the delegation, what each answers (`servers`), or the chain of aliases. Of TLS: the suites
        accepted, or the handshake (`ladder`). Of certificates: which one each hello gets (`served`), the chain, or when
        they are valid. Of access logs: when requests fail (`log_rate`), at which edge location when (`log_heat`), what
        CloudFront says of it (`log_types`), or which paths and hosts (`log_top`). Raises BadInput.
        """
        from cfrunbook.runbook import pictures
        from cfrunbook.views import steps

        if kind not in pictures.KINDS:
            raise BadInput(f"figure: '{visible(kind, 40)}' is none of {', '.join(pictures.KINDS)}.")
        drawn = pictures.draw(kind, self.incident, self.observations, self.diagnosis)
        if drawn is not None:
            return drawn
        lacking = pictures.KINDS[kind]
        sentence = f"{lacking}, so there is nothing to draw. {self.diagnosis.verdict.sentence}"
        return steps.note(sentence, meaning=f"{lacking}.")

    def results(self) -> html.Fragment:
        """Show what edge functions returned: each result as a tree, with what CloudFront refuses at its place."""
        from cfrunbook.causes import edge_function
        from cfrunbook.views import html

        given = self.incident.inputs.functions or self.observations.inputs.functions
        runs, origins = self.observations.function_runs, self.incident.known_origins
        return html.results(edge_function.judged(given, runs, origins=origins))

    def logs(self) -> steps.Onward:
        """Show where the log lines of the functions on the URL's way are, and the commands that find them."""
        from cfrunbook.cloudfront import function_associations
        from cfrunbook.views import function_logs, steps

        incident = self.incident
        met = dict.fromkeys(f for route in incident.plan.routes for f in route.functions)
        window = function_logs.window_of(incident.at, dt.datetime.now(dt.UTC))
        identity = incident.distribution.id if incident.distribution else ""
        found = function_logs.steps(function_associations.in_order(tuple(met)), distribution_id=identity, window=window)
        return steps.Onward(
            sentence="The functions that this request meets, in the order in which they run, and their logs."
            if found
            else "The distribution was not given, or it has no functions there: whose logs to read is not known. In a"
            " shell: cfrunbook function --print-logs --function-name NAME --kind lambda-edge",
            steps=tuple(steps.Link(text=step.text, command=step.command) for step in found),
        )

    def access_logs(self) -> html.Fragment:
        """Show what the access logs say that were given, in sentences, figures and numbers."""
        from cfrunbook.runbook import pictures
        from cfrunbook.views import html, steps

        summary = self.observations.inputs.logs
        if summary is None:
            return steps.note("No access logs were given (parameter logs).")
        return html.access_logs(summary, pictures.of_logs(self.incident, self.observations, self.diagnosis))

    def table(self, kind: str) -> html.Fragment:
        """Show one table of what was seen: `resolutions`, `dns_queries` … (`tables.KINDS`). Raises BadInput."""
        from cfrunbook.views import html, steps, tables

        if kind not in tables.KINDS:
            raise BadInput(f"table: '{visible(kind, 40)}' is none of {', '.join(tables.KINDS)}.")
        found = tables.observations(self.observations, wanted=self.incident.targets, kinds=(kind,))
        if not found:
            return steps.note("Nothing of that kind was seen.")
        return html.table(found[0], meaning=tables.meaning(kind, self.observations))

    def fix(self) -> steps.Fix:
        """Show what to do about the root cause, or which runbook does."""
        from cfrunbook.runbook import mending

        return mending.fix(self.judge(), is_open=self._is_open)

    async def verify(
        self, *, progress: Progress | None = None, stop: asyncio.Event | None = None
    ) -> steps.Verification:
        """Look once more and say in one sentence what changed since the first look; run it again after a fix.

        With a recording nothing is probed, and what to run instead is said. `progress` and `stop` are those of `look`.
        """
        from cfrunbook.diagnosis import judge
        from cfrunbook.runbook import looking, mending, onward

        before, proofs = self.diagnosis, mending.proofs(self.fix())
        if self.recorded:
            again = onward.command_line("cfrunbook diagnose", self.given, leave_out=("evidence", "at"))
            shown = mending.of_a_recording(before, proofs, again)
        else:

            def keep(seen: Observations) -> None:
                self.second_look = seen

            seen = await looking.observed(self.incident, keep, progress=progress, stop=stop, so_far=self._so_far)
            shown = mending.verified(before, judge(self.incident, seen), seen, proofs, self.guide.causes)
        self._tell("verify", shown)
        return shown

    def next(self) -> steps.Onward:
        """Show where to go from here: the root cause's own runbook with these parameters, the report, the recording."""
        from cfrunbook.runbook import onward

        return onward.onward(
            self.judge(), self.guide, self.given, self._recognition, is_open=self._is_open, recorded=self.recorded
        )

    async def report(self, output: str | Path = "incident") -> steps.Onward:
        """Write the incident folder into `output`, from what was seen, and show where it is. Raises BadInput."""
        from cfrunbook.report import write_report
        from cfrunbook.views import steps

        args = (self.incident, self.observations, self.diagnosis)
        written = await asyncio.to_thread(write_report, *args, output=Path(output))
        failed = f" These runbooks did not finish: {join_names(list(written.failed))}." if written.failed else ""
        return steps.Onward(
            sentence=f"Written: {visible(written.path)}.{failed}",
            steps=(steps.Link(text="Needs neither network nor script:", file=str(written.path / "report.html")),),
        )

    def save(self, path: str | Path) -> Path:
        """Write what was seen to `path` (whole or not at all) and return the path. Raises BadInput."""
        self.observations.save(Path(path))
        return Path(path)

    # --- what it knows --------------------------------------------------------------------------------------------

    @property
    def recorded(self) -> bool:
        """Whether a recording is judged and nothing is probed."""
        return self.incident.observations is not None

    @property
    def observations(self) -> Observations:
        """What was seen. Raises BadInput before the first look."""
        if self._observations is None:
            raise BadInput("Nothing has been seen yet: run the cell with `await runbook.look()` first.")
        return self._observations

    @property
    def diagnosis(self) -> Diagnosis:
        """What it means, for all causes. Raises BadInput before the first look."""
        from cfrunbook.diagnosis import judge

        seen = self.observations
        if self._diagnosis is None or self._diagnosis[0] is not seen:
            self._diagnosis = (seen, judge(self.incident, seen))
        return self._diagnosis[1]

    @property
    def has_looked(self) -> bool:
        """Whether there is something to judge."""
        return self._observations is not None

    def watch(self, told: Told, *, so_far: SoFar) -> Callable[[], None]:
        """Have `told` called after every look and `so_far` during it, whoever started it; return what ends that."""
        self._watchers.append(told)
        self._keepers.append(so_far)

        def end() -> None:
            if told in self._watchers:
                self._watchers.remove(told)
                self._keepers.remove(so_far)

        return end

    def _so_far(self, seen: Observations) -> None:
        for keep in tuple(self._keepers):
            keep(seen)

    def _tell(self, method: str, shown: Any) -> None:
        step = next(step for step in self.agenda if step.method == method)
        for told in tuple(self._watchers):
            told(step, shown)

    @property
    def _is_open(self) -> bool:
        """Whether the look was stopped, and nothing that it saw until then decides."""
        return self.observations.stopped_after is not None and self.diagnosis.verdict.status == "unknown"

    def _judgement(self, diagnosis: Diagnosis) -> steps.Judgement:
        from cfrunbook.views import steps

        runbook = guides.alone_about(diagnosis.verdict.cause) or guides.FIRST
        return steps.Judgement(
            diagnosis=diagnosis,
            causes=self.guide.causes,
            runbook="" if runbook == self.guide.name else runbook,
        )

    def panel(self) -> Panel:
        """Return the panel: a form, and the steps with buttons, for a notebook with widgets. Display it to use it."""
        from cfrunbook.panel.panel import Panel

        return Panel(self)

    def _ipython_display_(self) -> None:
        """Display the panel where a person sits before widgets, else what `_repr_mimebundle_` gives."""
        from cfrunbook.panel.frontend import shows_widgets

        if not shows_widgets():
            raise NotImplementedError
        from cfrunbook.panel.panel import panel_of

        panel_of(self).show()

    def _repr_mimebundle_(self, **options: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        from cfrunbook.views import steps

        facts = [(f.label, f.value, f.why) for f in self.incident.describe() if f.label != "Lab scenario"]
        return steps.Opened(
            lab=self.incident.inputs.lab, story=self._story, facts=(*facts, *self._how())
        )._repr_mimebundle_(**options)

    def _how(self) -> Iterator[tuple[str, str, str]]:
        """Yield from where and how this looks, or what recording it judges and how old that is."""
        from cfrunbook.views import outline

        incident = self.incident
        seen = incident.observations
        if seen is not None:
            age = outline.age(dt.datetime.now(dt.UTC) - seen.recorded_at)
            yield "Evidence", f"a recording of {outline.moment(seen.recorded_at)}, {age}", f"seen from {seen.vantage}"
            yield "Probes", "nothing", "the recording is judged"
        else:
            yield "Looks from", incident.vantage, "one place in the network, not a CloudFront edge location"
            yield "Probes", f"each within {incident.deadline:g} s", f"at a {incident.pace} pace"
        if incident.at is not None:
            yield "Judged at", outline.moment(incident.at), "as asked for"


def _known(parameters: Mapping[str, Any]) -> None:
    """Raise BadInput for a parameter that there is not."""
    unknown = [key for key in parameters if key not in PARAMETERS]
    if unknown:
        raise BadInput(f"open_runbook: no parameter '{visible(unknown[0], 60)}'; there are {', '.join(PARAMETERS)}.")


def _number(items: Sequence[object], noun: str) -> str:
    return f"{len(items)} {noun}{'' if len(items) == 1 else 's'}"
