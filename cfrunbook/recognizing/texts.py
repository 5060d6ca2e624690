"""Texts that are no JSON: captured responses, logs, rules, code, output of tools; and what is none of these.

What is most specific comes first: a transcript with a status line is one, whatever stands around it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from cfrunbook.errors import BadInput
from cfrunbook.evidence import CapturedResponse, CaptureForm, GivenKind
from cfrunbook.recognizing import json_documents, mentions, words
from cfrunbook.recognizing.taken import GIVEN, SAID, Content, Reader, Taken, other
from cfrunbook.text import visible

MAX_TEXT = 1 << 20
"""Characters by which a text is told; what is longer is read whole by the reader of its kind."""
_SAMPLE = 60
"""Lines by which a log without a header is told."""

_LOG_HEADER = re.compile(r"\A\s*(?:#Version:|#Fields:)", re.IGNORECASE)
_LOG_LINE = re.compile(r"\A\s*\d{4}-\d\d-\d\d\t\d\d:\d\d:\d\d\t", re.ASCII)
_PRIVATE_KEY = re.compile(r"-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----")
_CERTIFICATE = re.compile(r"-----BEGIN (?:TRUSTED )?CERTIFICATE-----")
_S_CLIENT = re.compile(r"^(?:CONNECTED\([0-9A-F]{8}\)|depth=\d+ |Certificate chain$|SSL handshake has read )", re.M)
_S_CLIENT_NAME = re.compile(r"(?:-servername|-connect)\s+([A-Za-z0-9.-]+)(?::(\d+))?")
_DIG = re.compile(r"^; <<>> DiG |^;; (?:QUESTION|ANSWER) SECTION:|^;; ->>HEADER<<-", re.M)
_DIG_NAME = re.compile(r"^;([A-Za-z0-9_.-]+)\.\s+IN\s+(?:A|AAAA|CNAME|NS|SOA|ANY|HTTPS)\b", re.M)
_NSLOOKUP = re.compile(r"\AServer:\s+\S+\s+Address:\s+\S+", re.M)
_HINTS = re.compile(r"^\.\s+\d+\s+(?:IN\s+)?NS\s+\S+", re.M | re.I)
_RESOLV = re.compile(r"^nameserver\s+(\S{1,60})\s*$", re.M)
_JAVASCRIPT = re.compile(
    r"^\s*(?:async\s+)?function\s+handler\s*\(|\bexports\.handler\s*=|^\s*export\s+(?:const|async\s+function|function)"
    r"\s+handler\b|from\s+['\"]cloudfront['\"]",
    re.M,
)
_PYTHON = re.compile(r"^def\s+\w*handler\w*\s*\(\s*event\b", re.M)
_FUNCTION_LOG = re.compile(
    r"^.{0,400}?(?:START RequestId: |END RequestId: |REPORT RequestId: |START DistributionID: |END DistributionID: |"
    r"Validation error: |Task timed out after )",
    re.M,
)
_TERRAFORM = re.compile(r"^\s*resource\s+\"aws_|^\s*(?:terraform|provider \"aws\")\s*\{", re.M)
_CURL_FAILED = re.compile(r"curl: \((\d{1,3})\) ([^\r\n]{1,200})")
_OPENSSL_VERSION = re.compile(r"\A\s*\*\s+(?:Trying|Could not resolve|Host )", re.M)


def read(content: Content, text: str) -> list[Taken]:
    """Return what a text is, and what is mentioned in it. Never raises."""
    head = text[:MAX_TEXT]
    for reader in _READERS:
        if (found := reader(content, head)) is not None:
            return found
    return _mixed(content, head)


# --- captured responses -------------------------------------------------------------------------------------------


def response(content: Content) -> list[Taken] | None:
    """Return the responses that a content holds; None where it holds none."""
    from cfrunbook.cloudfront import captured_response

    try:
        found = captured_response.read(content.content, name=str(content.path) if content.path else content.name)
    except BadInput:
        return None
    # Of a sentence that quotes an id, a reader of header fields makes a response: that says nothing.
    if not any(_says_something(one) for one in found):
        return None
    return list(_responses(content, found))


def _says_something(one: CapturedResponse) -> bool:
    """Tell whether a response is more than a page that may be any, a number, or an id that was quoted."""
    if any(one.field(name) for name in ("x-cache", "via", "server")):
        return True
    has_maker = one.page is not None and bool(one.page.made_by)
    if one.form is CaptureForm.TEXT:
        return has_maker
    return has_maker or one.status is not None


def _responses(content: Content, found: tuple[CapturedResponse, ...]) -> Iterator[Taken]:
    failing = [r for r in found if (r.status or 0) >= 500] or list(found)
    statuses = [str(r.status) if r.status else "no status" for r in found]
    several = f"{len(found)} captured responses" if len(found) > 1 else "a captured response"
    shown = ", ".join(dict.fromkeys(statuses[:6]))
    yield Taken(
        kind=GivenKind.RESPONSE,
        what=f"{several} ({_FORMS[found[0].form]}; {shown})",
        input="response",
        value=content.path if content.path is not None else found,
        shown=visible(content.path, 2000) if content.path else visible(content.name, 300),
    )
    if address := next((r.url for r in failing if r.url), ""):
        for taken in words.url(address.partition("?")[0], SAID) or ():
            yield msgspec.structs.replace(taken, what="the URL that the response answers")
    for one in failing:
        request = one.field("x-amz-cf-id") or (one.page.request_id if one.page else "")
        if words.REQUEST_ID.fullmatch(request):
            yield msgspec.structs.replace(words.request_id(request), rank=SAID)
        if words.POP.fullmatch(place := one.field("x-amz-cf-pop")):
            yield msgspec.structs.replace(words.pop(place), rank=SAID)


_FORMS = {
    "curl": "a status line, header fields, as of curl -i", "curl_verbose": "curl -v", "wget": "wget -S",
    "har": "a HAR file", "headers": "header fields", "body": "the page", "text": "the text of a page",
}  # fmt: skip


def _transcript(content: Content, text: str) -> list[Taken] | None:
    """Return the responses of a transcript or page, and what stands around it."""
    found = response(content)
    if found is None:
        return None
    known = {(t.kind, t.identity or t.shown) for t in found}
    # What a server answered is not what a person wrote: of a page or header alone only ids are taken from the text.
    around = [t for t in mentions.read(text) if (t.kind, t.identity or t.shown) not in known]
    has_url = any(t.input == "url" for t in found)
    return [*found, *(t for t in around if not (t.input == "url" and (has_url or not _written(text, t.value))))]


def _written(text: str, address: str) -> bool:
    """Tell whether a URL stands in what a person wrote, outside of header fields and tags."""
    return any(
        not line.lstrip().startswith("<") and not re.match(r"[<>*]? ?[\w-]{2,60}: ", line)
        for line in text.splitlines()
        if address in line
    )


# --- logs ---------------------------------------------------------------------------------------------------------


def _log(content: Content, text: str) -> list[Taken] | None:
    if _LOG_HEADER.match(text):
        from cfrunbook.logs import layout
        from cfrunbook.logs.refusal import Refused

        names = next((n for line in text.splitlines()[:20] if (n := layout.names_of_header(line.encode()))), ())
        try:
            layout.check(names)
        except Refused as error:
            if names:
                return other("a log", f"It {error}")
            return None
        return [json_documents.logs(content, "an access log of CloudFront")]
    if _LOG_LINE.match(text):
        return [json_documents.logs(content, "an access log of CloudFront without its header")]
    return None


def _log_without_header(content: Content, text: str) -> list[Taken] | None:
    """Return a log told from its lines alone: of real-time logs, and of v2 with another delimiter."""
    from cfrunbook.logs import layout
    from cfrunbook.logs.refusal import Refused

    lines = [line.encode("utf-8", "replace") for line in text.splitlines()[:_SAMPLE] if line.strip()]
    if not lines or any(len(line) > 16_384 for line in lines):
        return None
    try:
        found = layout.of_lines(lines)
    except Refused:
        return None
    if found is None:
        return None
    kind = "a real-time log" if found.is_real_time else "an access log"
    return [json_documents.logs(content, f"{kind} of CloudFront without its header")]


def _foreign_log(content: Content, _: str) -> list[Taken] | None:
    from cfrunbook.logs import foreign

    what = foreign.recognize(content.content.lstrip(b"\xef\xbb\xbf \t\r\n")[:4096])
    if not what or "HTML" in what or "not text" in what or "Lambda" in what or "XML" in what:
        return None
    return other(f"something else: it {what}")


def _function_log(_: Content, text: str) -> list[Taken] | None:
    """Return what lines of a function's log say; the rule that they name is found by another command."""
    if not _FUNCTION_LOG.search(text):
        return None
    from cfrunbook.functions import messages

    told = messages.read(text)
    note = "Give what the function returned (--function-result), and its event."
    said = [f"It says: {m.sentence}" for m in told[:3]]
    rules = list(dict.fromkeys(rule for m in told for rule in m.rules))[:3]
    if rules:
        said.append(f"That is the rule {' or '.join(rules)}: cfrunbook function --message @FILE tells more.")
    ids = [t for t in mentions.read(text) if t.kind in (GivenKind.REQUEST_ID, GivenKind.DISTRIBUTION_ID)]
    taken = Taken(kind=GivenKind.FUNCTION_LOG, what="lines of an edge function's log", notes=(*said, note))
    return [taken, *ids]


# --- rules, code, certificates ------------------------------------------------------------------------------------


def _rules(content: Content, text: str) -> list[Taken] | None:
    from cfrunbook.firewall import kinds

    try:
        kind = kinds.of_text(text, content.label)
    except BadInput as error:
        said = str(error).removeprefix(f"Firewall: {content.label} is ")
        if "leaves out too much" in said and "XML" not in said and "Terraform" not in said:
            return other(said.partition(", which")[0], f"It {said.partition(', which ')[2]}")
        return None
    if kind == "nginx" and not re.search(r"[{};]\s*$", text, re.M):
        return None
    return json_documents.rules(content, kind)


def _code(content: Content, text: str) -> list[Taken] | None:
    language = "JavaScript" if _JAVASCRIPT.search(text) else "Python" if _PYTHON.search(text) else ""
    if not language:
        return None
    where = "the file and --run-handler" if content.path else "its file and --run-handler"
    return [
        Taken(
            kind=GivenKind.FUNCTION_CODE,
            what=f"the code of an edge function ({language})",
            input="handler" if content.path else "",
            value=content.path,
            shown=visible(content.path, 2000) if content.path else "",
            notes=(f"It is only run where that is asked for, with {where}.",),
        )
    ]


def _pem(_: Content, text: str) -> list[Taken] | None:
    if _PRIVATE_KEY.search(text):
        return other(
            "a private key", "Nothing here needs it; whoever has seen it can pretend to be the server: keep it away."
        )
    if not _CERTIFICATE.search(text[:65_536]):
        return None
    number = len(_CERTIFICATE.findall(text))
    if _S_CLIENT.search(text):
        return None
    what = "a certificate in PEM" if number == 1 else f"{number} certificates in PEM"
    return other(
        what,
        "What the origin sends is fetched from it: give the origin. Roots to trust in place of Mozilla's change every"
        " answer, so they are only used where that is said: --trust-store FILE.",
        kind=GivenKind.CERTIFICATES,
    )


# --- output of tools ----------------------------------------------------------------------------------------------


def _tools(content: Content, text: str) -> list[Taken] | None:
    if _S_CLIENT.search(text):
        return _tool("the output of openssl s_client", text, _S_CLIENT_NAME)
    if _DIG.search(text):
        return _tool("the output of dig", text, _DIG_NAME)
    if _NSLOOKUP.match(text):
        return _tool("the output of nslookup", text, re.compile(r"^Name:\s+(\S+)()", re.M))
    if _HINTS.search(text) and content.path is not None and "NS" in text:
        return [
            Taken(
                kind=GivenKind.ROOT_HINTS,
                what="a root hints file",
                input="root_hints",
                value=content.path,
                shown=visible(content.path, 2000),
            )
        ]
    servers = _RESOLV.findall(text)
    if servers and text.count("\n") < 60:
        from cfrunbook import hostname

        return [
            Taken(kind=GivenKind.RESOLVER, what="a resolver of a resolv.conf", input="resolver", value=s, shown=s)
            for s in dict.fromkeys(servers)
            if hostname.is_address(s)
        ] or None
    if _TERRAFORM.search(text):
        return other("Terraform", "Give what `aws cloudfront get-distribution --id ...` prints.")
    return None


def _failed_curl(_: Content, text: str) -> list[Taken] | None:
    """Return that curl got no response at all."""
    if (failed := _CURL_FAILED.search(text)) or _OPENSSL_VERSION.search(text):
        said = f"curl ended with {failed[1]}: {visible(failed[2], 160)}." if failed else "It shows no response."
        note = "A 502 is a response: capture it with curl -sSi URL."
        return [*other("the output of curl, without a response", said, note), *mentions.read(text)]
    return None


def _tool(what: str, text: str, pattern: re.Pattern[str]) -> list[Taken]:
    """Return that this is the output of a tool; the name it asked for is told, since the same is looked at here."""
    match = pattern.search(text)
    named = words.name(match[1].lower()) if match else None
    note = "It is not read: cfrunbook asks itself, as CloudFront does."
    if named:
        note += f" It was about {named[0].value}: give that as --origin if it is the origin's name."
    return [Taken(kind=GivenKind.OTHER, what=what, notes=(note,))]


# --- all others ---------------------------------------------------------------------------------------------------


def _markup(_: Content, text: str) -> list[Taken] | None:
    start = text.lstrip("\ufeff \t\r\n")[:600].lower()
    if start.startswith(("<!doctype html", "<html", "<head")):
        return [
            *other(
                "an HTML page that is no error page known here",
                "To see whose it is, its header fields are needed: curl -sSi URL.",
            )
        ]
    if start.startswith("<?xml") or start.startswith(("<error", "<listbucketresult")):
        return other("XML", "Such as S3 sends for an error; nothing here is XML.")
    return None


def _mixed(content: Content, text: str) -> list[Taken]:
    """Return what is mentioned in a text that is of no kind by itself."""
    if (line := text.strip()) and "\n" not in line and (address := mentions.commands_url(line)):
        taken = words.url(address, GIVEN)
        if taken:
            return [msgspec.structs.replace(taken[0], what="the URL that a command asks for")]
    found = _listed(text) or mentions.read(text)
    if found:
        return found
    return [
        Taken(
            kind=GivenKind.UNKNOWN,
            what="nothing that is known here",
            notes=(WANTED,),
        )
    ]


def _listed(text: str) -> list[Taken]:
    """Return the things of a text that has one on each line, and nothing else; empty where it is not that."""
    lines = [line.strip(" \t\r,;'\"") for line in text.splitlines() if line.strip()]
    if not lines or len(lines) > 50:
        return []
    found = [words.read(line) if not re.search(r"\s", line) or words.TIME.fullmatch(line) else None for line in lines]
    return [taken for one in found if one for taken in one] if all(found) else []


WANTED = (
    "Give a failing URL, what curl -sSi prints for it, the page, a distribution's id or its configuration, access logs,"
    " or the origin's name."
)

_READERS: tuple[Reader, ...] = (
    _pem, _log, _function_log, _tools, _transcript, _failed_curl, _code, _rules, _foreign_log, _markup,
    _log_without_header,
)  # fmt: skip
