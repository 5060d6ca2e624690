"""Access logs: what CloudFront itself logged of failing requests, how often and when, and how far that can be trusted.

Pure. The detailed result type names what failed; a type that leaves it open becomes a question that a look at the
origin answers. Repeats from the cache are no causes. Logs of another distribution are not counted for the incident, and
logs of another time do not outrank what is seen now.
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/standard-logs-reference.html
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from cfrunbook.causes import access_logs_rules as table
from cfrunbook.causes import access_logs_words as said
from cfrunbook.causes.access_logs_rules import AWS_PAGE, RULES
from cfrunbook.cloudfront.distribution import Distribution
from cfrunbook.cloudfront.result_types import is_known, is_repeat, result_type
from cfrunbook.evidence import CapturedResponse
from cfrunbook.findings import Cause, Evidence, Finding, Rule, Status
from cfrunbook.log_summary import LogSummary, TypeCount
from cfrunbook.logs import patterns, words
from cfrunbook.text import join_names

__all__ = ["AWS_PAGE", "CAUSE", "NOTEBOOK", "OBSERVATION", "RULES", "judge"]

CAUSE = Cause.CLOUDFRONT
NOTEBOOK = "00_start_here"
OBSERVATION = "input:logs"
"""What evidence of these findings points to."""

STALE_S = words.LATE_S
"""Seconds: errors that ended longer ago say how things were then, since logs come so late at most."""
MINOR = 0.1
"""A type with less than this share of the most frequent one is worth knowing, and not what the incident is about."""
_FIRST_YEAR, _LAST_YEAR = 1990, 2999
NEIGHBOR_COUNT, NEIGHBOR_RATE = 6, 0.001
"""From so many requests, and so large a share of all, 503 and 504 are an incident and not the usual few."""


def judge(
    summary: LogSummary,
    *,
    distribution: Distribution | None = None,
    host: str = "",
    url: str = "",
    responses: Sequence[CapturedResponse] = (),
    at: dt.datetime | None = None,
    was_probed: bool = False,
) -> tuple[Finding, ...]:
    """Return what access logs show, the worst first.

    `distribution` and `host`, the name in the failing URL, tell whether they are of this incident; `responses` and
    `at`, the moment to judge at, whether they are of its time. Where the origin was probed as well (`was_probed`),
    errors that ended long before are only a warning: what is seen now comes first.
    """
    return tuple(_Judge(summary, distribution, host, url).findings(responses, at, was_probed=was_probed))


class _Judge:
    """One summary on its way to findings."""

    def __init__(self, summary: LogSummary, distribution: Distribution | None, host: str, url: str) -> None:
        self.summary, self.distribution, self.host = summary, distribution, host
        self.common = said.common(summary, distribution, url)

    def findings(
        self, responses: Sequence[CapturedResponse], at: dt.datetime | None, *, was_probed: bool
    ) -> Iterator[Finding]:
        s = self.summary
        if self._is_of_other_hosts():
            yield self._of_other_hosts()
            yield from self._quality()
            return
        last = s.last_error if s.last_error is not None else s.last_request
        is_stale = was_probed and at is not None and last is not None and at.timestamp() - last > STALE_S
        typed = [*self._typed(is_stale=is_stale)]
        yield from typed
        if not s.requests:
            yield self._say(table.WITHOUT_REQUEST, "access logs: no request")
        elif not s.errors and not s.masked:
            yield self._say(table.WITHOUT_ERROR, f"access logs: {words.headline(s)}")
        yield from self._quality()
        yield from self._times(responses, at)
        yield from self._beside({int(f.data["logged_status"]) for f in typed})
        yield from self._patterns()
        if (first := next((f.data for f in typed if f.data["request_ids"]), None)) is not None:
            told = {name: first[name] for name in ("name", "example", "examples", "request_ids")}
            ident = first["request_ids"][0]
            yield self._say(table.FOR_SUPPORT, "access logs: x-edge-request-id", request_id=ident, **told)

    # --- result types ---------------------------------------------------------------------------------------------

    def _typed(self, *, is_stale: bool) -> Iterator[Finding]:
        """Yield what the result types of the failing requests say, the most frequent first."""
        groups = self._groups()
        causes = [g for g in groups if not is_repeat(g[0].name) or not g[0].detailed]
        most = max((_count(g) for g in causes), default=0)
        for types in causes or groups:
            rule = self._rule(types)
            is_minor = _count(types) < MINOR * most
            status = Status.WARNING if is_minor or is_stale else None
            yield self._of_type(rule, types, status)

    def _groups(self) -> list[list[TypeCount]]:
        """Return the types to speak of, by name: of the status asked for; else, if there is none, of its neighbours."""
        s = self.summary
        chosen = [t for t in s.types if t.status == s.status or t.status < 400]
        if not chosen:
            chosen = [
                t
                for t in s.types
                if t.count >= NEIGHBOR_COUNT and t.count >= NEIGHBOR_RATE * s.requests and t.status >= 500
            ]
        found: dict[tuple[str, bool, int], list[TypeCount]] = {}
        for one in chosen:
            of = one.status if one.status >= 500 and one.status != s.status else s.status
            found.setdefault((one.name, one.detailed, of), []).append(one)
        return sorted(found.values(), key=lambda group: -_count(group))

    def _rule(self, types: Sequence[TypeCount]) -> Rule:
        name, status = types[0].name, types[0].status
        if is_repeat(name) or not name:
            return table.ONLY_REPEATS if types[0].detailed and name else table.WITHOUT_TYPE
        rule = table.BY_TYPE.get(name)
        if rule is None:
            return table.WITHOUT_TYPE if not types[0].detailed and is_known(name) else table.VALUE_NOT_KNOWN
        return table.TIMED_OUT if status == 504 and rule is not table.ORIGIN_ERROR else rule

    def _of_type(self, rule: Rule, types: Sequence[TypeCount], status: Status | None) -> Finding:
        s = self.summary
        known = result_type(types[0].name)
        data = said.typed(types, s)
        data["candidates"] = [cause.value for cause in known.causes]
        data["confidence"] = "high" if rule.cause in (Cause.DNS, Cause.EDGE_FUNCTION, Cause.CLOUDFRONT) else "medium"
        data["name_words"] = f"x-edge-result-type says {types[0].name}. " if types[0].name else ""
        answered = next((t.status for t in types if t.status >= 400), None)
        data["logged_status"] = f"{answered or s.status:03}"
        if rule.cause is Cause.EDGE_FUNCTION:
            data |= said.function(types[0].name, s, self.distribution)
        finding = self._say(
            rule, said.evidence(types, s), *self._bursts(), status=status, cloudfront_status=answered, **data
        )
        source = table.FUNCTION_SOURCES.get(str(data.get("kind"))) if rule is table.REFUSED else None
        return msgspec.structs.replace(finding, source=source) if source else finding

    def _bursts(self) -> list[str]:
        return [f"access logs: {words.pattern(burst)}" for burst in patterns.bursts(self.summary)[:3]]

    # --- the logs themselves --------------------------------------------------------------------------------------

    def _is_of_other_hosts(self) -> bool:
        """Tell whether every request was for a name that has nothing to do with this incident, as far as is known."""
        hosts, distribution = self.summary.hosts, self.distribution
        names = [key.key for key in hosts.keys if key.key]
        if not names or hosts.others.requests or not (self.host or distribution):
            return False
        if distribution and (distribution.tenant_only or not distribution.names):
            return False
        if not (distribution and distribution.domain_name) and any(n.endswith(".cloudfront.net") for n in names):
            return False  # it may be the distribution's own name, which is not known here
        return not any(n == self.host or (distribution and distribution.serves(n)) for n in names)

    def _of_other_hosts(self) -> Finding:
        hosts = [key.key for key in self.summary.hosts.keys if key.key]
        expected = said.expected(self.distribution, self.host)
        shown = join_names(hosts, 3)
        return self._say(table.OF_OTHER_HOSTS, f"access logs: hosts {shown}", hosts=shown, expected=expected)

    def _quality(self) -> Iterator[Finding]:
        s = self.summary
        lacking = said.lacking(s)
        if lacking:
            few = not s.files.failed and s.lines.malformed <= 0.01 * s.lines.read
            yield self._say(
                table.NOT_WHOLE,
                f"access logs: {lacking}",
                status=Status.INFO if few else None,
                lacking=lacking,
                problems=said.problems(s),
            )

    def _times(self, responses: Sequence[CapturedResponse], at: dt.datetime | None) -> Iterator[Finding]:
        """Yield that the logs end before the moment that matters, or go on after it."""
        first, last = self.summary.first_request, self.summary.last_request
        if first is None or last is None:
            return
        captured = [m for m in map(_moment, responses) if m is not None]
        moment = max(captured, default=at)
        if moment is None:
            return
        what = f"the captured response, {_clock(moment)}" if captured else f"the moment to judge at, {_clock(moment)}"
        before, after = moment.timestamp() - last, last - moment.timestamp()
        # The last request is known to the minute; quiet hours are no gap where nothing was captured in them.
        if before > (60 if captured else STALE_S):
            yield self._say(
                table.END_EARLIER,
                f"access logs: {words.span(first, last)}",
                how_long=said.duration(before),
                moment=what,
            )
        elif after > words.AHEAD_S and not captured:
            yield self._say(
                table.GO_ON_LATER,
                f"access logs: {words.span(first, last)}",
                how_long=said.duration(after),
                moment=what,
                until=said.moment(int(moment.timestamp())),
            )

    # --- beside the errors ----------------------------------------------------------------------------------------

    def _beside(self, told: set[int]) -> Iterator[Finding]:
        """Yield what is beside the errors: repeats, hidden ones, and other statuses than those that were `told`."""
        s = self.summary
        if 0 < s.repeats < s.errors:
            says = f"access logs: {s.repeats:,} lines with {s.status:03} Error"
            yield self._say(table.REPEATS, says, repeats=s.repeats, explained_words=said.explained(s))
        if s.masked:
            says = f"access logs: {s.masked:,} lines with a status below 400 and the result of a 502"
            yield self._say(table.MASKED, says, masked_count=s.masked)
        counts = {int(code): s.statuses.get(code, 0) for code in s.neighbors if code.isdecimal()}
        counts = {code: n for code, n in sorted(counts.items()) if n and code not in {s.status, *told}}
        if counts:
            others = said.others(counts, s.requests)
            types = said.types_of([t for t in s.types if t.status in counts])
            worst = max(counts, key=lambda code: counts[code])
            yield self._say(
                table.BESIDE, f"access logs: {others}", others=others, types=types, other_status=f"{worst:03}"
            )

    def _patterns(self) -> Iterator[Finding]:
        for found in patterns.find(self.summary):
            sentence = words.pattern(found).removesuffix(".")
            window = {"since": found.start, "until": found.end}
            told: dict[str, Any] = {name: said.moment(second) for name, second in window.items() if second is not None}
            yield self._say(
                table.PATTERNS[found.kind],
                f"access logs: {sentence}",
                pattern=sentence[:1].lower() + sentence[1:] + ".",
                suggests=found.next_check,
                key=found.key,
                pattern_errors=found.errors,
                pattern_requests=found.requests,
                rate=round(found.rate, 6),
                period_s=found.period_s,
                **told,
            )

    def _say(
        self, rule: Rule, *says: str, status: Status | None = None, cloudfront_status: int | None = None, **data: Any
    ) -> Finding:
        evidence = [Evidence(observation=OBSERVATION, says=line) for line in says]
        values = self.common | data
        return rule.apply(values, evidence=evidence, status=status, cloudfront_status=cloudfront_status)


def _count(types: Sequence[TypeCount]) -> int:
    return sum(t.count for t in types)


def _moment(response: CapturedResponse) -> dt.datetime | None:
    """Return when a response was made, as far as its capture tells."""
    from cfrunbook.cloudfront import error_caching

    moment = response.at or error_caching.moment_of(response.field("date"))
    return moment if moment and _FIRST_YEAR <= moment.year <= _LAST_YEAR else None


def _clock(moment: dt.datetime) -> str:
    return words.moment(int(moment.timestamp()), seconds=True)
