"""What proves a cause, and what mends it, in the words that people and their tools use.

A text that says something of everything proves nothing: whoever lists all that can be wrong has seen none of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Final

from cfrunbook.findings import Cause, Status
from cfrunbook.lab.scenario import Scenario
from cfrunbook.lab.training import fixes
from cfrunbook.lab.training.naming import codes, rules

MOST_CODES: Final = 3
"""Findings that a text may name beside the right one: incidents have side effects."""
_MOST_WORDS: Final = 100
"""Words of findings in a text: what a tool prints has half of that, a handbook all of them."""
_MOST_SAID: Final = 16
"""Codes of which a text has what tools print; a handshake that openssl shows in full has half of that."""

_SAID: Final[Mapping[str, str]] = {
    "certificate.expired": r"notafter|expired|num=10\b|code:? 10\b|valid (un)?til|end date|out of date|past"
    r"|\bended\b|days? ago",
    "certificate.not_yet_valid": r"notbefore|not yet valid|num=9\b|code:? 9\b|start date|future",
    "certificate.self_signed": r"num=18\b|code:? 18\b|self.?signed|issuer.{0,20}subject",
    "certificate.untrusted_root": r"num=19\b|code:? 19\b|unknown (ca|authority|issuer)|not trusted|untrusted|private",
    "certificate.private_ca": r"num=2[01]\b|unable to (get|verify)|unknown (ca|authority|issuer)|not trusted|private",
    "certificate.missing_intermediate": r"num=2[01]\b|code:? 2[01]\b|unable to (get|verify)|intermediate"
    r"|only (one|the leaf)",
    "certificate.wrong_order": r"\border|not first|leaf (is )?(second|last)|0 s:.*1 s:",
    "tls_name.mismatch": r"num=62\b|code:? 62\b|mismatch|subject.?alt|\bsans?\b|dns:|(n't| not) (match|carry|cover)"
    r"|(another|other|wrong|different) (host|name|domain|site)|subject",
    "tls_name.sni_refused": r"alert|unrecognized.name|\b112\b|sni",
    "port.refused": r"refused|\brst\b|nothing (listens|is listening)|errno 111",
    "port.dropped": r"time[sd]* ?-?out|no answer|drop",
    "port.silent": r"time[sd]* ?-?out|no answer|silen|hangs|never answers|no bytes",
    "port.closes": r"clos|eof|empty reply|hangs up|reset",
    "port.http_on_tls_port": r"wrong version number|plain http|http/1|400|packet length too long|http://.{0,40}\b(200|works|answers)",
    "port.wrong_service": r"wrong version number|ssh|smtp|banner|packet length too long",
    "dns.nxdomain": r"nxdomain|does(n't| not) exist|no such name",
    "dns.nodata": r"nodata|no (a|address) records?|answer: 0|empty answer",
    "dns.servfail": r"servfail",
    "dns.all_servers_refuse": r"refused",
    "port.firewall_blocks_all": r"den(y|ies)|drop|reject|no rule|prefix list|/\d\d\b",
    "port.firewall_blocks_some": r"den(y|ies)|drop|reject|prefix list|/\d\d\b",
    "port.firewall_stale_list": r"prefix list|old list|/\d\d\b",
    "origin_response.origin_status": r"origin.{0,80}\b5\d\d\b|\b5\d\d\b.{0,80}(origin|itself|directly)|server: ?\w",
    "origin_response.relayed": r"upstream|server: ?\w|via: ",
    "origin_response.cut_off": r"curl: \((18|56)\)|transfer closed|outstanding|content-length|\bcut|incomplete|eof",
    "origin_response.empty": r"curl: \(52\)|empty reply|no bytes",
    "origin_response.malformed": r"curl: \((1|8|43|56)\)|http/0\.9|invalid|malformed|unsupported http|colon",
    "origin_response.not_http": r"curl: \((1|8|56)\)|http/0\.9|not http|no status line|unsupported http",
    "origin_response.header_too_large": r"header.{0,40}(large|big|long|bytes|kb)|curl: \(100\)|set-cookie|cookies",
    "origin_response.http2": r"http/2|preface|\bpri \*|\bh2\b",
    "origin_response.only_interim": r"100 continue|\b1\d\d\b|interim",
    "origin_response.too_slow": r"time[sd]* ?-?out|slow|seconds|curl: \(28\)",
    "dns.all_servers_dead": r"time[sd]* ?-?out|no (answer|servers could be reached)|refused|dead|silent|unreachable",
}
"""By code: what tools print, and what people call it."""
_SAID_OF: Final[Mapping[Cause, str]] = {
    Cause.TLS_PROTOCOL: r"alert|no (shared|common|protocols)|unsupported|wrong ssl|ssl3|too low|errno 104|eof",
    Cause.CERTIFICATE: r"num=\d+|verify (error|return code: [1-9])|code: [1-9]\d*\b",
    Cause.PORT: r"refused|time[sd]* ?-?out|curl: \((7|28|35|52|56)\)|errno \d+",
    Cause.DNS: r"nxdomain|servfail|status: refused|answer: 0|no servers could be reached|timed out",
    Cause.EDGE_FUNCTION: r"(function|lambda)\w*(validation|execution|throttled|limit)\w*error",
}
"""By cause, for all other codes."""
_LOGGED: Final = r"\b(origin|lambda|function|ssl|client|aborted)\w+error\b|\baborted\w+"
"""What the access log's x-edge-detailed-result-type says."""

_FINE: Final = re.compile(
    r"\b(200|ok|fine|well|good|healthy|valid|verif\w*|resolves?|accept\w*|works?|no fault|connect\w*|agree\w*"
    r"|match\w*)\b"
)
_LOOKED_AT: Final = re.compile(
    r"\b(200|curl|openssl|dig|nc|edge|origins?|certificates?|chain|ports?|dns|names?|tls|handshake|zones?|servers?|logs?"
    r"|responses?|answers?|functions?|results?|return code|cfrunbook|address\w*|firewall)\b"
)


def _stem(word: str) -> str:
    short = re.sub(r"(ing|ed|es|s)$", "", word) if len(word) > 5 else word.removesuffix("s")
    return short.removesuffix("e") if len(short) > 4 else short


_FILLING: Final = (
    "a an and any are as at be been before but by can did do does each for from get gets had has have how if "
    "in into is it its itself more no none not nothing of off on one only or other out own said same say see "
    "sees some such than that the their them then there these they this to too under up was were what when "
    "where which who whom whose why will with without you your also all so here two must should "
)
"""Words that say nothing."""
_USUAL: Final = (
    "cloudfront cloudfronts origin origins send sends sent request requests error errors answer answers server "
    "servers broken wrong problem fails fail failed fault cause distribution edge 502 503 504 status shop "
    "example www com aws correct change set use var make let take put give new javascript node python"
)
"""Words that are in every answer."""
_OF_CAUSE: Final[Mapping[Cause, str]] = {
    Cause.TLS_NAME: "certificate tls name",
    Cause.TLS_PROTOCOL: "tls protocol",
    Cause.CERTIFICATE: "certificate",
    Cause.PORT: "port",
    Cause.DNS: "dns name",
    Cause.EDGE_FUNCTION: "function response",
    Cause.ORIGIN_RESPONSE: "response",
}
"""Words that say no more than the cause itself."""
_SAME: Final[Mapping[str, str]] = {
    _stem(word): _stem(row.split()[0])
    for row in (
        "correct fix repair mend adjust amend",
        "change edit modify alter",
        "replace swap substitute exchange",
        "renew rotate",
        "install issue reissue obtain order",
        "open allow permit allowlist whitelist unblock",
        "remove delete drop strip",
        "start restart run boot",
        "update upgrade patch",
        "back revert rollback roll undo restore",
        "release deployment deploy deploys version",
        "fullchain bundle chain",
        "configure set setup setting",
        "enable activate support",
        "refuse reject deny",
        "application app backend upstream",
    )
    for word in row.split()
}
"""Words that mean the same to whoever mends something."""
_SILENT: Final = frozenset(_FILLING.split())
_WORD: Final = re.compile(r"\d+(?:\.\d+)+|[a-z0-9]+")


def words(*texts: str) -> set[str]:
    """Return the words of texts that say something, without what stands for a value, and without their endings."""
    plain = " ".join(re.sub(r"\{[a-z_]+(![a-z])?\}", " ", text) for text in texts).lower()
    found = {word for word in _WORD.findall(plain) if len(word) > 2 and word not in _SILENT}
    return {_SAME.get(stem, stem) for stem in map(_stem, found)}


def _telling(known: set[str], scenario: Scenario) -> set[str]:
    """Return the words that say more than that something is wrong, and where."""
    cause = scenario.expected.cause
    return known - words(_USUAL, _OF_CAUSE.get(cause, "") if cause else "")


def is_list(text: str, right: str = "") -> bool:
    """Tell whether a text names more findings than an incident has, or has something to say of everything."""
    return len(_faults(text) - {right}) > MOST_CODES or len(words(text) & _vocabulary()) > _MOST_WORDS


def _faults(text: str) -> set[str]:
    return {code for code in codes(text) if rules()[code].status is Status.FAULT}


@lru_cache(maxsize=1)
def _vocabulary() -> frozenset[str]:
    """Return the words with which findings are told."""
    told = (text for rule in rules().values() for text in (rule.title, rule.meaning, rule.code))
    return frozenset(words(*told) - words(_USUAL, *_OF_CAUSE.values()))


_REPORT: Final = "\nwhat it means\n"
"""Where somebody pastes all that `cfrunbook diagnose` prints, the verdict is before this."""


def evidence(scenario: Scenario, text: str) -> tuple[float, str]:
    """Return how much of a proof a text is, from 0 to 1, and why."""
    said = text.lower().partition(_REPORT)[0]
    if not said.strip():
        return 0.0, "None was given: say what you saw, and with what."
    code = scenario.expected.code or ""
    if code and code in codes(said) and len(_faults(said) - {code}) <= MOST_CODES:
        return 1.0, f"The finding {code}."
    if scenario.expected.status == "ok":
        if _FINE.search(said) and _LOOKED_AT.search(said) and len(_faults(said)) <= MOST_CODES:
            return 1.0, "It says what was looked at and found in order."
        return 0.0, "It does not say what was looked at and found in order."
    if is_list(said, code) or sum(bool(re.search(seen, said)) for seen in _SAID.values()) >= _MOST_SAID:
        return 0.0, "It is a list of what can be wrong: say which it is, and what shows it."
    pattern = _SAID.get(code) or (_SAID_OF.get(scenario.expected.cause, "") if scenario.expected.cause else "")
    pattern = _LOGGED if ".logged_" in code else pattern
    if pattern and (seen := re.search(pattern, said)):
        return 1.0, f"“{seen[0]}” proves it."
    rule = rules().get(code)
    told = (rule.title, rule.meaning, code) if rule else (code,)
    common = _telling(words(scenario.title, scenario.hints[-1], *told), scenario) & words(said)
    written = ", ".join([word for word in dict.fromkeys(_WORD.findall(said)) if words(word) & common][:4])
    if len(common) >= 2 or (not code and words(said)):
        return 1.0, f"It names what proves it: {written or 'what is missing'}."
    if common:
        return 0.5, f"It says “{written}”, and not yet what proves it."
    return 0.0, "It does not prove the cause."


def fix(scenario: Scenario, text: str) -> float:
    """Return how much of the fix a text has, from 0 to 1."""
    if scenario.expected.status == "ok":
        return float(not text.strip() or (bool(_NO_FIX.search(text.lower())) and not is_list(text)))
    said = words(text)
    if not said or is_list(text, scenario.expected.code or ""):
        return 0.0
    if scenario.expected.status == "unknown" and len(said) >= 2:  # whatever settles it
        return 1.0
    known = words(*_mending(scenario))
    has_code = bool(_CODE.search(text))
    if has_code and scenario.expected.cause is Cause.EDGE_FUNCTION and known & said:
        return 1.0  # the result's own values are in it, which no table has
    telling = _telling(known, scenario) & said
    if not telling:
        return 0.0
    does = has_code or bool((said | _plain(text)) & _ACTIONS - telling)
    return 1.0 if len(known & said) >= 2 or does else 0.5


def _plain(text: str) -> set[str]:
    return set(_WORD.findall(text.lower()))


_NO_FIX: Final = re.compile(r"\b(nothing|none|no (change|fix|action)|leave|not needed|not necessary|n/?a)\b|^-+$")
_CODE: Final = re.compile(r"\w\(|\w = |\w: ['\"\d{\[]|;$")
"""Somebody wrote down the lines that do it."""
_ACTIONS: Final = words(
    "add remove replace change correct set use return open close start stop install configure enable disable renew",
    "send serve put take write deploy delete create raise lower increase reduce publish register sign encode move",
) | {"let", "put", "set", "use", "add"}


def _mending(scenario: Scenario) -> Iterable[str]:
    """Return what is said of how to mend a scenario, commands and code as well."""
    yield from (fixes.fix_of(scenario), scenario.title)
    if rule := rules().get(scenario.expected.code or ""):
        yield from (rule.title, rule.next_check, rule.verify.text)
        if rule.cause is Cause.EDGE_FUNCTION:
            yield from (rule.meaning, rule.code, *scenario.hints[1:])
        for step in rule.remedy.steps:
            yield from (step.text, step.command)
