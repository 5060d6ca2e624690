"""Checks of the run and of the code: exceptions, and what the runtime does not have. Nothing is executed."""

from __future__ import annotations

import re
from collections.abc import Iterator

from cfrunbook.functions.cloudfront_function import facts
from cfrunbook.functions.cloudfront_function import run_rules as rules
from cfrunbook.functions.cloudfront_function.calls import Run
from cfrunbook.functions.cloudfront_function.facts import Runtime
from cfrunbook.functions.model import EventType, FunctionRule, Violation
from cfrunbook.redaction import redact_words
from cfrunbook.text import visible

_MAX_EXAMINED = 4 * facts.MAX_CODE
"""More cannot be live; so much of it is looked at."""

# Comments and text in quotes, which only look like code. What follows a backslash belongs to the text; what is not
# closed goes to the end, so that hostile code is read once.
_NOT_CODE = re.compile(
    r"//[^\n]*|/\*.*?(?:\*/|\Z)|'(?:\\.|[^'\\\n])*'?|\"(?:\\.|[^\"\\\n])*\"?|`(?:\\.|[^`\\])*`?", re.DOTALL
)
_NEW_IN_2 = (
    (re.compile(r"\basync\s+function\b|\basync\s*\("), "async"),
    (re.compile(r"\bawait\s"), "await"),
    (re.compile(r"^[ \t]*import[ \t]+\w+[ \t]+from\b", re.MULTILINE), "import ... from"),
    (re.compile(r"\bconst\s+[\w{\[$]"), "const"),
    (re.compile(r"\blet\s+[\w{\[$]"), "let"),
)
_AT_ONCE = re.compile(r"\bPromise\s*\.\s*(all|allSettled|any|race)\b")
_MISSING = (
    (re.compile(r"(?<![\w.$])eval\s*\("), "eval()"),
    (re.compile(r"\bnew\s+Function\s*\("), "new Function()"),
    (re.compile(r"(?<![\w.$])(?:setTimeout|setInterval|setImmediate)\s*\("), "timers"),
    (re.compile(r"(?<![\w.$])fetch\s*\("), "fetch()"),
    (re.compile(r"\bXMLHttpRequest\b"), "XMLHttpRequest"),
    (re.compile(r"(?<![\w.$])process\s*\.\s*env\b"), "process.env"),
)


def check(run: Run, event_type: EventType | None) -> Iterator[Violation]:
    """Yield what is known to be wrong with the function or its run, whatever the result."""
    name = "response" if event_type is EventType.VIEWER_RESPONSE else "request"
    if run.threw:
        shown = visible(redact_words(run.threw[:1000]), 200)
        yield Violation(_of_exception(run.threw), (), shown, {"object": name})
    if run.compute_utilization is not None and run.compute_utilization >= facts.LIKELY_THROTTLED:
        yield Violation(rules.THROTTLED, (), str(run.compute_utilization), {})
    if run.code is not None:
        yield from _code(run.code, run.runtime)


def _of_exception(threw: str) -> FunctionRule:
    """Return the rule for what was thrown, by the names that the key value store's errors have."""
    words = threw.lower().replace(" ", "")
    if "keynotfound" in words:
        return rules.KEY_MISSING
    return rules.STORE_MISSING if "kvsnamespacenotfound" in words else rules.THREW


def _code(source: str, runtime: Runtime | None) -> Iterator[Violation]:
    size = len(source.encode("utf-8", "surrogatepass"))
    if size > facts.MAX_CODE:
        yield Violation(rules.CODE_LARGE, (), "", {"size": f"{size:,}", "limit": f"{facts.MAX_CODE:,}"})
    code = _NOT_CODE.sub(" ", source[:_MAX_EXAMINED])
    if runtime is Runtime.JS_1_0:
        used = [name for pattern, name in _NEW_IN_2 if pattern.search(code)]
        if used:
            yield Violation(rules.RUNTIME_1_SYNTAX, (), ", ".join(used), {})
    if found := _AT_ONCE.search(code):
        yield Violation(rules.PROMISES_AT_ONCE, (), f"Promise.{found[1]}", {})
    missing = [name for pattern, name in _MISSING if pattern.search(code)]
    if missing:
        yield Violation(rules.RESTRICTED, (), ", ".join(missing), {})
