"""Why a handler stopped that would not have stopped at CloudFront: what was thrown, read as a reason of this place."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from cfrunbook.probes.handlers.model import Attempt, HandlerError, Kind, Phase, Wanted, WhyNot
from cfrunbook.probes.handlers.source import Source
from cfrunbook.text import visible

_CREDENTIALS = re.compile(
    r"CredentialsProviderError|NoCredentialsError|CredentialRetrievalError|PartialCredentialsError"
    r"|could not load credentials|missing credentials in config|unable to locate credentials|security token included",
    re.IGNORECASE,
)
_NETWORK = frozenset(("ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "ENETUNREACH", "EHOSTUNREACH", "ETIMEDOUT")) | {
    "UND_ERR_CONNECT_TIMEOUT",
    "gaierror",
    "ConnectionRefusedError",
    "EndpointConnectionError",
}
_NO_MODULE = frozenset(
    ("MODULE_NOT_FOUND", "ERR_MODULE_NOT_FOUND", "ModuleNotFoundError", "ERR_PACKAGE_PATH_NOT_EXPORTED")
)
_NO_FILE = frozenset(("ENOENT", "FileNotFoundError"))
_MODULE_NAME = re.compile(r"(?:Cannot find (?:module|package)|No module named) '([^']{1,200})'")
_UNKNOWN_NAME = re.compile(r"(?:name ')?\b([A-Z][A-Z0-9]*_[A-Z0-9_]+)\b(?:')? is not defined")
_PLACEHOLDER = re.compile(
    r"<(?:YOUR|REPLACE|INSERT|CHANGE)[^>\n]{0,60}>|\{\{\s*[\w.-]{1,60}\s*\}\}|<%=?[^%\n]{1,60}%>|%[A-Z][A-Z0-9_]{2,60}%"
    r"|\b__[A-Z][A-Z0-9_]{2,60}__\b|\$\{[A-Z][A-Za-z0-9:]*\}(?=['\"])"
)
_READ = {
    "response": re.compile(r"\bcf\.response\b|\[['\"]response['\"]\]|\bevent\.response\b|[{,]\s*response\s*[,}]"),
    "origin": re.compile(r"\.origin\b|\[['\"]origin['\"]\]|[{,]\s*origin\s*[,}]"),
}
_PARTS = {
    "response": "headers|status|statusCode|statusDescription|body|cookies",
    "origin": "custom|s3|customHeaders|domainName|path",
}
_MISSED = {
    part: re.compile(rf"undefined \((?:reading|setting) '(?:{keys})'|property '(?:{keys})' of undefined|^'{part}'$")
    for part, keys in _PARTS.items()
}
"""What an error says where that part of the event was undefined, or is no key."""
_BROUGHT_BY_LAMBDA = ("@aws-sdk/", "@smithy/", "aws-sdk", "boto3", "botocore")
_PERMISSIONS = {"FileSystemRead": Wanted.FILE_READ, "FileSystemWrite": Wanted.FILE_WRITE, "Net": Wanted.NETWORK}
"""Names of Node.js's permission model; others are of processes, threads and native code."""
_WANTED = {
    Wanted.NETWORK: WhyNot.NETWORK,
    Wanted.KEY_VALUE_STORE: WhyNot.KEY_VALUE_STORE,
    Wanted.HELPER: WhyNot.NOT_IMITATED,
    Wanted.MODULE: WhyNot.NOT_IMITATED,
}
_WORDS = {
    Wanted.NETWORK: "The handler needs the network ({on}), which it does not get here: validate a result that it gave"
    " at the edge.",
    Wanted.KEY_VALUE_STORE: "The function asks a key value store ({on}): give a JSON file with what it holds"
    " (--key-value-store).",
    Wanted.HELPER: "The function uses {on}, which is not imitated here: validate a result from the console's test.",
    Wanted.MODULE: "The handler uses {on}, which needs Node.js: install it, or validate a result.",
    Wanted.FILE_READ: "The handler reads {on}, which is not in its folder: put it there, as in the deployment package.",
    Wanted.FILE_WRITE: "The handler writes {on}, and here it may write no file: validate a result of the edge.",
    Wanted.PROCESS: "The handler starts or ends a process ({on}), and here it may not.",
}


def stopped(
    error: HandlerError,
    codes: Sequence[str],
    attempts: Sequence[Attempt],
    *,
    kind: Kind,
    source: Source,
    event: Any,
) -> tuple[WhyNot, str] | None:
    """Return why `error` says nothing about CloudFront, and a sentence; None where the handler threw by itself.

    `codes` are the codes, or types, of the error and of what caused it, each followed by its subject (a path).
    """
    if error.phase is Phase.RESULT:
        return None
    names, subjects = codes[::2], codes[1::2]
    if attempts:  # it did not get something, and whether it would have thrown with it is not known
        return _refused(attempts[-1].what, attempts[-1].on)
    for name, subject in zip(names, subjects, strict=False):
        if name.startswith("ERR_ACCESS_DENIED"):
            return _refused(_PERMISSIONS.get(name.partition(":")[2], Wanted.PROCESS), subject or error.message)
    if kind == "lambda-edge" and (found := _missing(error, names, subjects, source)):
        return found
    if _CREDENTIALS.search(f"{error.type} {error.message} {' '.join(names)}"):
        why = "The handler wants AWS credentials, which it never gets here: validate a result that it gave at the edge."
        return WhyNot.CREDENTIALS, why
    return _misread(error, source) or _other_event(error, kind, source, event)


def _refused(what: Wanted, on: str) -> tuple[WhyNot, str]:
    words = _WORDS[what] if on else _WORDS[what].replace(" ({on})", "").replace("{on}", "what is not here")
    return _WANTED.get(what, WhyNot.CONTAINED), words.format(on=visible(on, 120))


def _missing(
    error: HandlerError, names: Sequence[str], subjects: Sequence[str], source: Source
) -> tuple[WhyNot, str] | None:
    """Name a module, a file or a peer that is not there."""
    for name, subject in zip(names, subjects, strict=False):
        if name in _NO_MODULE:
            match = _MODULE_NAME.search(error.message)
            module = match[1] if match else subject or "one"
            install = "pip install --target ." if source.language == "python" else "npm install"
            hint = " Lambda brings it along;" if module.startswith(_BROUGHT_BY_LAMBDA) else ""
            why = f"The module {visible(module, 120)} is not here:{hint} {install} beside it, or give the bundle."
            return WhyNot.MISSING_MODULE, why
        if name in _NETWORK:
            return _refused(Wanted.NETWORK, subject or error.message)
        if name in _NO_FILE:
            why = f"The handler reads {visible(subject, 120)}, which is not here: give the deployment package."
            return WhyNot.MISSING_FILE, why
    return None


def _misread(error: HandlerError, source: Source) -> tuple[WhyNot, str] | None:
    """Tell code that is not finished, or not in the language that its name says."""
    match = _UNKNOWN_NAME.search(error.message)
    if match and error.type in ("ReferenceError", "NameError"):
        why = f"{visible(match[1], 60)} is defined nowhere and looks like a placeholder: fill it in as you deploy it."
        return WhyNot.PLACEHOLDER, why
    in_syntax = error.type in ("SyntaxError", "IndentationError", "TabError")
    if error.phase is not Phase.LOAD or not (in_syntax or "ES module scope" in error.message):
        return None
    if match := _PLACEHOLDER.search(source.text[:1_000_000]):
        why = f"The code has a placeholder, {visible(match[0], 60)}: fill it in as your deployment does."
        return WhyNot.PLACEHOLDER, why
    what = visible(error.message, 160)
    if "ES module scope" in error.message:
        what += "; package.json or .mjs makes it an ES module, and it is written as CommonJS (name it .cjs)"
    elif re.search(r"\b(?:import|export)\b", error.message):
        what += "; it is an ES module (name it .mjs)"
    return WhyNot.SYNTAX, f"{visible(source.path.name)} cannot be loaded: {what}; at the edge that is a 503 too."


def _other_event(error: HandlerError, kind: Kind, source: Source, event: Any) -> tuple[WhyNot, str] | None:
    """Tell a handler that looks for what events of this type do not have."""
    if error.type not in ("TypeError", "KeyError", "AttributeError") or error.phase is not Phase.RUN:
        return None
    cf = event["Records"][0]["cf"] if kind == "lambda-edge" else event
    config = cf.get("config" if kind == "lambda-edge" else "context")
    given = config.get("eventType", "") if isinstance(config, dict) else ""
    for part, types, there in (
        ("response", "an origin-response or viewer-response", "response" in cf),
        ("origin", "an origin-request or origin-response", kind != "lambda-edge" or "origin" in cf["request"]),
    ):
        if not there and _READ[part].search(source.text[:1_000_000]) and _MISSED[part].search(error.message):
            events = f"{visible(given, 40) or 'these'} events"
            why = f"The handler reads the {part} of the event, and {events} have none: give {types} event"
            why += f"; if it is associated with {events}, CloudFront answers 503."
            return WhyNot.WRONG_EVENT, why
    return None
