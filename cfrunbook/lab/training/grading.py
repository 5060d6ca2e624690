"""Grading a written diagnosis: the right cause, evidence that proves it, a fix, and nobody accused who is innocent.

Pure. What counts as evidence is a finding's code, or words that only somebody has who saw it: those of the finding,
and what openssl, curl and dig say in such a case.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Final

from cfrunbook.causes import registry
from cfrunbook.findings import Cause, Rule, Struct
from cfrunbook.lab.scenario import Scenario
from cfrunbook.lab.training import fixes

CAUSE_POINTS, EVIDENCE_POINTS, FIX_POINTS = 40, 40, 20
WHOLE: Final = CAUSE_POINTS + EVIDENCE_POINTS + FIX_POINTS
HINT_COSTS: Final = 10
FALSE_COSTS: Final = 20
"""For each cause that is accused and innocent."""
NONE, UNKNOWN = "none", "unknown"
LONGEST: Final = 20_000
"""Characters of an answer that are read."""


class Answer(Struct, frozen=True, kw_only=True):
    """A written diagnosis."""

    cause: str = ""
    """One of `Cause`, `none` where nothing is broken, `unknown` where what there is does not tell; several with `,`."""
    evidence: str = ""
    """A finding's code, or what was seen and with what: output of openssl, curl or dig, a log line."""
    fix: str = ""
    hints: int = 0
    """How many were opened."""
    seconds: float = 0.0
    """How long it took."""


class Part(Struct, frozen=True, kw_only=True):
    """One part of a grade."""

    name: str
    points: int
    of: int
    why: str


class Grade(Struct, frozen=True, kw_only=True):
    """What a written diagnosis is worth, and why."""

    points: int
    of: int = WHOLE
    parts: tuple[Part, ...]
    explanation: tuple[str, ...]
    """What it really was, how that shows, what mends it, how people get there, and where AWS says so."""


def grade(scenario: Scenario, answer: Answer) -> Grade:
    """Return the grade of an answer to a scenario."""
    accused = _causes(answer.cause)
    right = _right(scenario)
    wrong = sorted(accused - right - {c.value for c in scenario.also})
    found = bool(accused & right)
    parts = [_of_cause(scenario, accused, right, found=found), _of_evidence(scenario, answer, found=found)]
    parts.append(_of_fix(scenario, answer, found=found))
    if wrong and found:
        innocent = f"{' and '.join(wrong)} {'is' if len(wrong) == 1 else 'are'} not at fault here."
        parts.append(Part(name="False accusations", points=-FALSE_COSTS * len(wrong), of=0, why=innocent))
    if answer.hints > 0:
        opened = f"{answer.hints} hint{'s' * (answer.hints > 1)} opened."
        parts.append(Part(name="Hints", points=-HINT_COSTS * min(answer.hints, len(scenario.hints)), of=0, why=opened))
    points = max(0, sum(part.points for part in parts))
    return Grade(points=points, parts=tuple(parts), explanation=explanation(scenario))


def explanation(scenario: Scenario) -> tuple[str, ...]:
    """Return what a scenario really was."""
    expected = scenario.expected
    what = {
        "fault": f"The cause is {expected.cause}; the finding is {expected.code}.",
        "ok": "Nothing is broken.",
        "unknown": f"What there is does not tell; the open question is {expected.code or 'what to examine'}.",
    }[expected.status]
    answers = f"CloudFront answers {expected.cloudfront_status}." if expected.cloudfront_status else ""
    return tuple(
        line
        for line in (
            f"{scenario.title}.",
            f"{what} {answers}".rstrip(),
            f"How it shows: {scenario.hints[-1]}",
            f"The fix: {fixes.fix_of(scenario)}",
            f"In real life: {scenario.why_in_real_life}",
            f"AWS: {scenario.page}",
        )
        if line
    )


# --- the cause ----------------------------------------------------------------------------------------------------

_CALLED: Final[Mapping[str, str]] = {
    **{cause.value: cause.value for cause in Cause},
    **dict.fromkeys(("name", "certificate_name", "sni", "hostname"), Cause.TLS_NAME.value),
    **dict.fromkeys(("protocol", "tls", "ssl", "cipher", "ciphers", "handshake"), Cause.TLS_PROTOCOL.value),
    **dict.fromkeys(("cert", "chain"), Cause.CERTIFICATE.value),
    **dict.fromkeys(("ports", "firewall", "tcp"), Cause.PORT.value),
    **dict.fromkeys(("name_resolution", "name_server", "name_servers"), Cause.DNS.value),
    **dict.fromkeys(("function", "lambda", "lambda_edge", "lambda@edge", "cloudfront_function"), "edge_function"),
    **dict.fromkeys(("response", "origin", "http", "application"), Cause.ORIGIN_RESPONSE.value),
    **dict.fromkeys(("configuration", "config"), Cause.DISTRIBUTION.value),
    **dict.fromkeys((NONE, "nothing", "healthy", "ok", "fine", "no_fault"), NONE),
    **dict.fromkeys((UNKNOWN, "cannot_tell", "open"), UNKNOWN),
}


def _causes(text: str) -> set[str]:
    """Return the causes that are named; what is no cause stays as it is, and is wrong."""
    named = re.split(r"[,;/+&\n]|\band\b", text[:LONGEST].lower())
    words = (re.sub(r"[\s-]+", "_", word.strip(" .")) for word in named)
    return {_CALLED.get(word, word) for word in words if word}


def _right(scenario: Scenario) -> set[str]:
    expected = scenario.expected
    if expected.status == "ok":
        return {NONE}
    found = {expected.cause.value if expected.cause else UNKNOWN, (expected.code or "").partition(".")[0]} - {""}
    return found | {UNKNOWN} if expected.status == "unknown" else found


def _of_cause(scenario: Scenario, accused: set[str], right: set[str], *, found: bool) -> Part:
    if found:
        return Part(name="Cause", points=CAUSE_POINTS, of=CAUSE_POINTS, why="Right.")
    was = "nothing is broken" if scenario.expected.status == "ok" else f"it is {' or '.join(sorted(right))}"
    if not accused:
        why = f"None was named; {was}."
    elif scenario.expected.status == "ok":
        why = f"A false accusation: {was}, and {' and '.join(sorted(accused))} works."
    else:
        why = f"{' and '.join(sorted(accused))} works here, or is not what breaks it first; {was}."
    return Part(name="Cause", points=0, of=CAUSE_POINTS, why=why)


# --- the evidence -------------------------------------------------------------------------------------------------

_SAID: Final[Mapping[str, str]] = {
    "certificate.expired": r"notafter|expired|num=10\b|code:? 10\b|valid (un)?til|end date",
    "certificate.not_yet_valid": r"notbefore|not yet valid|num=9\b|code:? 9\b|start date",
    "certificate.self_signed": r"num=18\b|code:? 18\b|self.?signed|issuer.{0,20}subject",
    "certificate.untrusted_root": r"num=19\b|code:? 19\b|unknown (ca|authority|issuer)|not trusted|untrusted|private",
    "certificate.private_ca": r"num=2[01]\b|unable to (get|verify)|unknown (ca|authority|issuer)|not trusted|private",
    "certificate.missing_intermediate": r"num=2[01]\b|code:? 2[01]\b|unable to (get|verify)|intermediate",
    "certificate.wrong_order": r"\border|not first|leaf (is )?(second|last)|0 s:.*1 s:",
    "tls_name.mismatch": r"num=62\b|code:? 62\b|mismatch|subject.?alt|\bsans?\b|dns:|does not (match|carry)",
    "tls_name.sni_refused": r"alert|unrecognized.name|\b112\b|sni",
    "port.refused": r"refused|\brst\b|nothing listens|errno 111",
    "port.dropped": r"time[d ]*.?out|no answer|drop",
    "port.silent": r"time[d ]*.?out|no answer|silen|hangs|never answers",
    "port.closes": r"clos|eof|empty reply|hangs up|reset",
    "port.http_on_tls_port": r"wrong version number|plain http|http/1|400",
    "port.wrong_service": r"wrong version number|ssh|smtp|banner",
}
"""By code: what tools print, and what people call it."""
_FINE: Final = re.compile(
    r"\b(200|ok|fine|well|healthy|valid|verif\w*|resolves?|accept\w*|answers?|works?|no fault|connect\w*|agree\w*)\b",
    re.I,
)
_STOP: Final = frozenset(
    word
    for words in (
        "a an and any are as at be been before but by can cloudfront cloudfronts did do does each for from",
        "get gets had has have how if in into is it its itself more no none not nothing of off on one only or",
        "origin origins other out own said same says see sends sent some such than that the their them then",
        "there these they this to too under up was were what when where which who whom whose why will with",
        "without you your request requests error errors answer answers server servers broken wrong problem",
        "issue fails fail failed fault cause certificate dns port tls protocol name function response",
        "distribution edge 502 503 504 status shop example www com aws",
    )
    for word in words.split()
)
"""Words that prove nothing."""
_WORD: Final = re.compile(r"[a-z0-9][a-z0-9._-]+")


def _of_evidence(scenario: Scenario, answer: Answer, *, found: bool) -> Part:
    def part(points: int, why: str) -> Part:
        return Part(name="Evidence", points=points, of=EVIDENCE_POINTS, why=why)

    given = answer.evidence[:LONGEST].lower()
    if not given.strip():
        return part(0, "None was given: say what you saw, and with what.")
    if not found:
        return part(0, "Evidence for something else.")
    code = scenario.expected.code or ""
    if scenario.expected.status == "ok":
        if _FINE.search(given):
            return part(EVIDENCE_POINTS, "It says what was looked at and found in order.")
        return part(0, "It does not say what was looked at and found in order.")
    if code and code in given:
        return part(EVIDENCE_POINTS, f"The finding {code}.")
    if code in _SAID and (seen := re.search(_SAID[code], given)):
        return part(EVIDENCE_POINTS, f"“{seen[0]}” proves it.")
    known = _tokens([scenario.title, scenario.hints[-1], *_of_rule(code)])
    common = sorted(known & _tokens([given]))
    if len(common) >= 2 or not code:
        return part(EVIDENCE_POINTS, f"It names what proves it: {', '.join(common[:4]) or 'what is missing'}.")
    if common:
        return part(EVIDENCE_POINTS // 2, f"It names {common[0]}, and not yet what proves it: {scenario.hints[-1]}")
    return part(0, f"It does not prove the cause. {scenario.hints[-1]}")


def _of_fix(scenario: Scenario, answer: Answer, *, found: bool) -> Part:
    def part(points: int, why: str) -> Part:
        return Part(name="Fix", points=points, of=FIX_POINTS, why=why)

    wanted = fixes.fix_of(scenario)
    if not found:
        return part(0, f"A fix for something else. {wanted}")
    given = answer.fix[:LONGEST]
    if scenario.expected.status == "ok":
        leaves = not given.strip() or re.search(r"\b(nothing|none|no change|leave|not needed|no fix)\b", given, re.I)
        return part(FIX_POINTS, "Right: nothing.") if leaves else part(0, fixes.NOTHING)
    if not given.strip():
        return part(0, f"None was given. {wanted}")
    rule = _rules().get(scenario.expected.code or "")
    steps = [step.text for step in rule.remedy.steps] + [rule.next_check] if rule else []
    known = _tokens([wanted, *steps])
    common = known & _tokens([given])
    settles = scenario.expected.status == "unknown" and len(_tokens([given])) >= 2
    if len(common) >= 2 or settles or scenario.expected.code is None:
        return part(FIX_POINTS, "Right.")
    return part(FIX_POINTS // 2 if common else 0, wanted)


@lru_cache(maxsize=1)
def _rules() -> Mapping[str, Rule]:
    return registry.rules()


def _of_rule(code: str) -> tuple[str, ...]:
    rule = _rules().get(code)
    return (rule.title, rule.meaning, code) if rule else (code,)


def _tokens(texts: Iterable[str]) -> set[str]:
    """Return the words that say something, without what stands for a value, and without their endings."""
    plain = " ".join(re.sub(r"\{[^}]*\}", " ", text) for text in texts).lower().replace("_", " ")
    words = {word.strip(".-_") for word in _WORD.findall(plain)}
    return {_stem(word) for word in words if len(word) > 2 and word not in _STOP}


def _stem(word: str) -> str:
    return re.sub(r"(ing|ed|es|s)$", "", word) if len(word) > 5 else word
