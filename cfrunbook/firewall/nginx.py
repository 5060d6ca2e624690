"""nginx's allow and deny: the first that matches counts, in the innermost block that has any.

A configuration file or, better, `nginx -T`. In http a denied client gets 403, in stream its connection is closed.
https://nginx.org/en/docs/http/ngx_http_access_module.html
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from cfrunbook.errors import BadInput
from cfrunbook.firewall import intervals
from cfrunbook.firewall.intervals import Intervals
from cfrunbook.firewall.model import (
    Action,
    Chain,
    Companions,
    Layer,
    Match,
    Place,
    Question,
    Rule,
    Ruleset,
    Verdict,
    exactly,
    perhaps,
    shorten,
    undecidable,
    yes,
)
from cfrunbook.text import visible

MAX_DEPTH = 20
FILE_MARK = re.compile(r"^# configuration file (.+):$", re.MULTILINE)
_TOKEN = re.compile(
    r"(?P<space>[ \t\r]+)|(?P<line>\n)|(?P<comment>\#[^\n]*)|(?P<mark>[;{}])"
    r"|(?P<quoted>\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*')"
    r"|(?P<word>(?:\$\{[^}\s]*\}|\\.|[^\s;{}\\\"'])(?:\$\{[^}\s]*\}|\\.|[^\s;{}\\])*|\\)",
    re.DOTALL,
)
_HARMLESS_INCLUDES = ("mime.types", "fastcgi_params", "fastcgi.conf", "uwsgi_params", "scgi_params", "proxy_params")
_ADDRESS_VARIABLES = ("$remote_addr", "$binary_remote_addr", "$realip_remote_addr")
FORBIDDEN = 403


@dataclass(slots=True)
class Directive:
    """One directive, with what is in its block."""

    words: list[str]
    line: int
    file: str
    block: list[Directive] | None = None
    end: int = 0
    """Line of the brace that closes the block."""

    @property
    def name(self) -> str:
        """The directive's name, its first word."""
        return self.words[0]


@dataclass(frozen=True, slots=True)
class _Scope:
    """A block that answers requests, and what it has of its own or from outside."""

    name: str
    access: list[Directive]
    real_ip: list[Directive]
    header: bool
    """real_ip_header names a header that a client can send (not proxy_protocol)."""
    checks: list[Directive]
    satisfy_any: bool


def read(text: str, file: str, question: Question, companions: Companions) -> Ruleset:
    """Return what the servers on the question's port let in; where their locations differ, any counts."""
    del companions
    tree = parse(text, file)
    notes, if_allowed = _assumed(text, tree, file, question)
    if _is_snippet(tree):
        tree = [Directive(["server"], 0, file, [Directive(["listen", str(question.port)], 0, file), *tree])]
    about = _address_variables(tree)
    layers: list[Layer] = []
    for kind in ("http", "stream"):
        outer = [d for d in tree if d.name == kind]
        roots = outer or ([] if kind == "stream" else [Directive([kind], 0, file, tree)])
        for root in roots:
            layers += _servers(root, kind, file, question, about)
    if not layers:
        place = Place(file, "", f"no server in it listens on port {question.port}")
        return Ruleset(
            (undecidable("nginx", place, "give the output of nginx -T, which has all of the configuration"),)
        )
    if len(layers) == 1:
        return Ruleset(tuple(layers), notes, if_allowed)
    why = (
        "allow and deny differ between the servers or locations that may answer: look at the one that serves the"
        " failing URL"
    )
    return Ruleset(tuple(replace(layer, group=f"nginx {file}", group_why=why) for layer in layers), notes, if_allowed)


def _is_snippet(tree: list[Directive]) -> bool:
    """Tell whether this is what a server includes: allow and deny, or locations, with no server around them."""
    names = {d.name for d in tree}
    return bool(names & {"allow", "deny", "location"}) and not names & {"http", "server", "stream", "events"}


def _assumed(
    text: str, tree: list[Directive], file: str, question: Question
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return what is taken for granted of a part of a configuration, and what so matters only where it lets in."""
    if _is_snippet(tree):
        where = f"a server (http) that answers at port {question.port}"
        return (f"{file} is judged as if it stood in {where}; nginx -T says where it stands.",), ()
    if FILE_MARK.search(text) or any(d.name in ("http", "stream") for d in tree):
        return (), ()
    why = "what stands around its servers (allow, deny, includes) is in nginx -T alone"
    return (), (f"{file} is judged as if it were the whole of http; {why}.",)


# --- the configuration as a tree ----------------------------------------------------------------------------------


def parse(text: str, file: str) -> list[Directive]:
    """Return the directives of a configuration, with those of an `nginx -T` dump where they are included.

    Raises BadInput where braces or quotes do not close: the dump is cut off.
    """
    found = parts(text, file)
    main = next(iter(found))
    return _included(found[main], found, posixpath.dirname(main), 0) if main else found[main]


def parts(text: str, file: str) -> dict[str, list[Directive]]:
    """Return the directives of each file of an `nginx -T` dump, the main one first; under `` of a file by itself."""
    marks = list(FILE_MARK.finditer(text))
    if not marks:
        return {"": _directives(text, 0, file)}
    found: dict[str, list[Directive]] = {}
    for mark, after in zip(marks, [*marks[1:], None], strict=True):
        body = text[mark.end() : after.start() if after else len(text)]
        found.setdefault(mark[1], _directives(body, text.count("\n", 0, mark.end()), file))
    return found


def _directives(text: str, lines_before: int, file: str) -> list[Directive]:
    stack: list[list[Directive]] = [[]]
    opened: list[Directive] = []
    words: list[str] = []
    line, begins, at = lines_before + 1, 0, 0
    while at < len(text):
        token = _TOKEN.match(text, at)
        if token is None:
            raise BadInput(
                f"Firewall: {file}, line {line}: a quote does not close; give the whole configuration (nginx -T)."
            )
        at = token.end()
        match token.lastgroup:
            case "line":
                line += 1
            case "word" | "quoted":
                begins = begins if words else line
                words.append(token[0][1:-1] if token.lastgroup == "quoted" else token[0])
                line += token[0].count("\n")
            case "mark" if token[0] == "}":
                if len(stack) == 1:
                    raise BadInput(
                        f"Firewall: {file}, line {line}: a }} too many; give the whole configuration (nginx -T)."
                    )
                stack.pop()
                opened.pop().end = line
                words = []
            case "mark":
                if words:
                    made = Directive(words, begins, file, [] if token[0] == "{" else None)
                    stack[-1].append(made)
                    if made.block is not None:
                        stack.append(made.block)
                        opened.append(made)
                elif token[0] == "{":
                    raise BadInput(
                        f"Firewall: {file}, line {line}: a block without a name; give the output of nginx -T."
                    )
                words = []
        if len(stack) > MAX_DEPTH:
            raise BadInput(f"Firewall: {file}, line {line}: blocks within blocks, {MAX_DEPTH} deep; refused.")
    if len(stack) > 1 or words:
        raise BadInput(
            f"Firewall: {file} ends within a block or directive: it is cut off; give the output of nginx -T."
        )
    return stack[0]


def _included(tree: list[Directive], parts: Mapping[str, list[Directive]], folder: str, depth: int) -> list[Directive]:
    """Return `tree` with the files of the dump in the places where they are included."""
    found: list[Directive] = []
    for one in tree:
        if one.name == "include" and len(one.words) == 2 and depth < MAX_DEPTH:
            pattern = posixpath.join(folder, one.words[1])
            names = sorted(n for n in parts if fnmatchcase(n, pattern))
            for name in names:
                found += _included(parts[name], parts, folder, depth + 1)
            if names or "*" in pattern:
                continue
        if one.block is not None:
            inner = _included(one.block, parts, folder, depth + 1)
            one = Directive(one.words, one.line, one.file, inner, one.end)  # noqa: PLW2901
        found.append(one)
    return found


# --- which rules hold where ---------------------------------------------------------------------------------------


def _servers(root: Directive, kind: str, file: str, question: Question, about: frozenset[str]) -> Iterator[Layer]:
    outer = _scope(root, None, kind, about)
    seen: set[tuple[tuple[int, str], ...]] = set()
    for server in (d for d in root.block or () if d.name == "server" and d.block is not None):
        if not _listens(server, question, kind):
            continue
        names = next((d.words[1:] for d in server.block or () if d.name == "server_name"), [])
        here = _scope(server, outer, f"server {' '.join(names)}".strip(), about)
        inner = list(_locations(server, here, about, 0))
        # Requests that no location matches end in the server itself, unless there is one for everything.
        scopes = inner if any(s.name.endswith((" location /", " location ^~ /")) for s in inner) else [here, *inner]
        for scope in scopes:
            key = tuple((d.line, d.name) for d in (*scope.access, *scope.checks, *scope.real_ip))
            if key not in seen:
                seen.add(key)
                yield _layer(scope, kind, file, question)


def _scope(block: Directive, outer: _Scope | None, name: str, about: frozenset[str]) -> _Scope:
    inside = block.block or []
    access = [d for d in inside if d.name in ("allow", "deny") or _may_hide_access(d)]
    own = any(d.name in ("allow", "deny") for d in access)
    real_ip = [d for d in inside if d.name == "set_real_ip_from"]
    headers = [d.words[1:2] for d in inside if d.name == "real_ip_header"]
    satisfy = [d.words[1:2] for d in inside if d.name == "satisfy"]
    checks = [d for d in inside if d.name == "if" and about & set(re.findall(r"\$\w+", " ".join(d.words)))]
    return _Scope(
        name=name,
        access=access if own or outer is None else [*access, *outer.access],
        real_ip=real_ip or (outer.real_ip if outer else []),
        header=headers[-1] != ["proxy_protocol"] if headers else outer.header if outer else True,
        checks=[*(outer.checks if outer else []), *checks],
        satisfy_any=satisfy[-1] == ["any"] if satisfy else outer.satisfy_any if outer else False,
    )


def _may_hide_access(directive: Directive) -> bool:
    if directive.name == "limit_except":
        return any(d.name in ("allow", "deny") for d in directive.block or ())
    if directive.name != "include" or len(directive.words) != 2:
        return False
    path = directive.words[1]
    return not path.endswith(_HARMLESS_INCLUDES) and "/modules" not in path


def _locations(block: Directive, outer: _Scope, about: frozenset[str], depth: int) -> Iterator[_Scope]:
    for inner in block.block or ():
        if inner.name == "location" and inner.block is not None and depth < MAX_DEPTH:
            here = _scope(inner, outer, f"{outer.name} location {' '.join(inner.words[1:])}", about)
            yield here
            yield from _locations(inner, here, about, depth + 1)


def _listens(server: Directive, question: Question, kind: str) -> bool:
    given = [d.words[1] for d in server.block or () if d.name == "listen" and len(d.words) > 1]
    if not given:
        return kind == "http" and question.port == 80
    for where in given:
        _, _, last = where.rpartition("]:") if "]" in where else where.rpartition(":")
        port = "" if where.endswith("]") else last
        if port.isdecimal():
            if int(port) == question.port:
                return True
        elif not where.startswith("unix:") and question.port == 80:
            return True
    return False


def _address_variables(tree: list[Directive]) -> frozenset[str]:
    """Return the variables whose value depends on the client's address: nginx's own, and those of geo and map."""
    found = set(_ADDRESS_VARIABLES)
    for one in _all(tree, 0):
        if one.block is None or len(one.words) < 2:
            continue
        if one.name == "geo" or (one.name == "map" and set(re.findall(r"\$\w+", one.words[1])) & found):
            found.add(one.words[-1])
    return frozenset(found)


def _all(tree: list[Directive], depth: int) -> Iterator[Directive]:
    for one in tree:
        yield one
        if one.block and depth < MAX_DEPTH:
            yield from _all(one.block, depth + 1)


def _layer(scope: _Scope, kind: str, file: str, question: Question) -> Layer:
    family = question.family
    trusted = Intervals()
    if kind == "http" and scope.header:
        for directive in scope.real_ip:
            trusted = trusted | _networks(directive.words[1:2], question, file, directive.line)
    rules = [_check(d, file, question) for d in scope.checks]
    for directive in scope.access:
        place = _place(file, directive)
        if directive.name == "limit_except":
            why = "it depends on the request's method, GET or another"
            rules.append(Rule(place, Action.UNKNOWN, perhaps(family, why)))
            continue
        if directive.name == "include":
            what = visible(" ".join(directive.words[1:]), 60)
            why = f"what {what} holds is not in the dump: give the output of nginx -T"
            rules.append(Rule(place, Action.UNKNOWN, perhaps(family, why)))
            continue
        match = _source(directive, question, file)
        if trusted:
            why = (
                "set_real_ip_from puts the address in a header of the request in place of CloudFront's, so the rule is"
                " about viewers"
            )
            may = match.may | trusted
            match = Match(match.must - trusted, may, why)
        if scope.satisfy_any and directive.name == "deny":
            match = Match(Intervals(), match.may, "satisfy any: who signs in may come in all the same")
        if match.may:
            rules.append(Rule(place, Action.ACCEPT if directive.name == "allow" else Action.REJECT, match))
    return Layer(
        name=f"nginx {visible(scope.name, 120)}",
        entry="access",
        chains={"access": Chain(tuple(rules))},
        policy=Verdict.ALLOWED,
        policy_place=Place(file, "", shorten(f"no allow or deny of {scope.name} matches, so nginx lets it in")),
        status=FORBIDDEN if kind == "http" else 0,
    )


def _check(directive: Directive, file: str, question: Question) -> Rule:
    return Rule(
        _place(file, directive),
        Action.UNKNOWN,
        perhaps(question.family, "a condition on the client's address is not evaluated"),
    )


def _place(file: str, directive: Directive) -> Place:
    return Place(file, f"line {directive.line}", shorten(" ".join(directive.words)))


def _source(directive: Directive, question: Question, file: str) -> Match:
    word = directive.words[1] if len(directive.words) == 2 else ""
    if word == "all":
        return yes(question.family)
    if word == "unix:":
        return exactly(Intervals())
    if not word:
        raise BadInput(f"Firewall: {file}, line {directive.line}: {directive.name} takes one address, network or all.")
    return exactly(_networks([word], question, file, directive.line))


def _networks(given: list[str], question: Question, file: str, line: int) -> Intervals:
    try:
        return intervals.of_networks([w for w in given if w != "unix:"], question.family)
    except ValueError:
        raise BadInput(
            f"Firewall: {file}, line {line}: '{visible(' '.join(given), 60)}' is no address or network."
        ) from None
