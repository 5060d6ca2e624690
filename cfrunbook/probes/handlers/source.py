"""What is to be run: which file, in which language, which function of it, on which event. Reads files, runs nothing."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cfrunbook.errors import BadInput
from cfrunbook.files import read_bounded
from cfrunbook.probes.handlers.model import Kind, WhyNot
from cfrunbook.text import visible

MAX_CODE_BYTES = 16 * 1024 * 1024
"""Of the file with the handler; a whole package has 50 MB, compressed."""
MAX_FUNCTION_BYTES = 1024 * 1024
"""A CloudFront function has 10 KB; what is larger is still run, within reason."""
_JAVASCRIPT = (".js", ".mjs", ".cjs")
_TYPESCRIPT = (".ts", ".tsx", ".mts", ".cts")
_ARCHIVES = (".zip", ".tar", ".gz", ".tgz", ".jar")


class CannotRun(Exception):
    """A handler cannot be run; `reason` says why, and the text is one sentence that says what to do."""

    def __init__(self, reason: WhyNot, why: str) -> None:
        super().__init__(why)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Source:
    """A handler found."""

    path: Path
    """The file, without symbolic links."""
    root: Path
    """The folder that stands for the deployment package: modules are looked for there."""
    module: str
    """The file from `root`, without its suffix, as in the name of a handler."""
    export: str
    """The function's name."""
    language: str
    """`javascript` or `python`."""
    code: bytes

    @property
    def text(self) -> str:
        """The code as text, for a look at it."""
        return self.code.decode("utf-8", "replace")


def find(code: Path, kind: Kind, name: str | None) -> Source:
    """Return the handler `name` (`index.handler`, as Lambda has it) in a file or in the folder of a package.

    Raises CannotRun where it is nothing that can be run, and BadInput where it cannot be read.
    """
    path, module, export = _place(Path(os.path.realpath(code)), name)
    suffix = path.suffix.lower()
    if suffix in _TYPESCRIPT:
        why = (
            f"{visible(path.name)} is TypeScript, which Lambda does not run either: give the JavaScript it compiles to."
        )
        raise CannotRun(WhyNot.TYPESCRIPT, why)
    if suffix in _ARCHIVES:
        why = f"{visible(path.name)} is an archive: unpack it (unzip -d package) and give the folder."
        raise CannotRun(WhyNot.ARCHIVE, why)
    language = "javascript" if suffix in _JAVASCRIPT else "python" if suffix == ".py" else ""
    if not language or (kind == "cloudfront-function" and language != "javascript"):
        wanted = ".js" if kind == "cloudfront-function" else ".js, .mjs, .cjs or .py"
        raise CannotRun(
            WhyNot.NO_CODE, f"{visible(path.name)} is no handler that can be run here: give a {wanted} file."
        )
    content = read_bounded(path, "The handler", MAX_CODE_BYTES)
    if kind == "cloudfront-function":
        if len(content) > MAX_FUNCTION_BYTES:
            why = f"{visible(path.name)} has {len(content)} bytes, and a CloudFront function has 10 KB at most."
            raise CannotRun(WhyNot.NO_CODE, why)
        export = "handler"  # the only name there is
    elif not export:
        export = "handler" if language == "javascript" else _python_default(content)
    root = path.parent
    for _ in range(module.count("/")):
        root = root.parent
    return Source(path, root, module, export, language, content)


def _place(code: Path, name: str | None) -> tuple[Path, str, str]:
    """Return the file, its name as a module, and the function's name (empty: the default)."""
    module, _, export = (name or "").rpartition("/")[2].partition(".")
    folder = (name or "").rpartition("/")[0]
    module = f"{folder}/{module}" if folder else module
    if name and not (module and export):
        raise BadInput(f"The handler's name is FILE.FUNCTION, as in index.handler; {visible(name)} is not.")
    if not code.is_dir():
        return code, _within(code, module), export
    wanted = [module] if module else ["index", "lambda_function", "handler", "main", "app"]
    for stem in wanted:
        for suffix in (*_JAVASCRIPT, ".py", *_TYPESCRIPT):
            path = code / (stem + suffix)
            if path.is_file() and path.resolve().is_relative_to(code):
                return path.resolve(), stem, export
    names = ", ".join(f"{stem}.js or {stem}.py" for stem in wanted[:2])
    why = f"There is no {visible(names)} in {visible(code)}: give the file itself, or the bundle that is deployed."
    raise CannotRun(WhyNot.NO_CODE, why)


def _within(path: Path, module: str) -> str:
    """Return `module` where the file's place agrees (`src/index` for …/src/index.js), else the file's own name."""
    return module if path.with_suffix("").as_posix().endswith("/" + module) and module else path.stem


def _python_default(content: bytes) -> str:
    """Return the name that this code defines: Lambda's console calls it lambda_handler, many people handler."""
    names = re.findall(rb"^(?:async\s+)?def\s+(lambda_handler|handler)\b", content, re.MULTILINE)
    return "handler" if b"handler" in names and b"lambda_handler" not in names else "lambda_handler"


def readable(source: Source) -> list[Path]:
    """Return what the handler may read: its package, and the node_modules above it.

    Where the package is a home, a root or a temporary folder, only what is certainly the handler's: the rest is not.
    """
    too_much = {Path.home().resolve(), Path("/"), Path("/tmp"), Path("/var"), Path("/root"), Path("/home")}  # noqa: S108
    own = [source.path] if source.root in too_much else [source.root]
    beside = [
        folder / name for folder in (source.root, *source.root.parents) for name in ("node_modules", "package.json")
    ]
    return [*own, *(path.resolve() for path in beside if path.exists())]


_NJS_IMPORT = re.compile(r"^([ \t]*)import[ \t]+([A-Za-z_$][\w$]*)[ \t]+from[ \t]+(['\"])([\w./-]+)\3", re.MULTILINE)


def function_code(source: Source, runtime: str) -> str:
    """Return the code of a CloudFront function for a script: strict, and with `import x from 'y'` as a call of require.

    The lines stay where they are. Raises CannotRun where the runtime does not have its syntax.
    """
    text = source.text.removeprefix("\ufeff")
    if runtime == "cloudfront-js-1.0" and (found := newer_syntax(text)):
        line, word = found
        why = (
            f"`{word}` in line {line}: runtime 1.0 of CloudFront Functions has no const, let, async or await; "
            "choose cloudfront-js-2.0."
        )
        raise CannotRun(WhyNot.RUNTIME_SYNTAX, why)
    declare = "const" if runtime == "cloudfront-js-2.0" else "var"
    return '"use strict";' + _NJS_IMPORT.sub(rf"\1{declare} \2 = require(\3\4\3)", text)


_TOKEN = re.compile(
    r"""(?P<skip>\s+|//[^\n]*|/\*.*?(?:\*/|\Z))
      | (?P<text>'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`)
      | (?P<word>[A-Za-z_$][\w$]*)
      | (?P<number>\d[\w.]*)
      | (?P<other>.)""",
    re.VERBOSE | re.DOTALL,
)
_PATTERN = re.compile(r"/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n\[])+/\w*")
_NEWER = {
    "const": re.compile(r"\s+[A-Za-z_$]|\s*[\[{]"),
    "let": re.compile(r"\s+[A-Za-z_$]|\s*[\[{]"),
    "async": re.compile(r"[ \t]+(?:function\b|[A-Za-z_$][\w$]*\s*=>)|[ \t]*\([^()]*\)\s*=>"),
    "await": re.compile(r"[ \t]+[A-Za-z_$]"),
}
_BEFORE_PATTERN = frozenset("(,=:[!&|?{};+-*%<>~^") | {
    "return",
    "typeof",
    "case",
    "in",
    "of",
    "delete",
    "void",
    "throw",
}


def newer_syntax(code: str) -> tuple[int, str] | None:
    """Return line and word of the first const, let, async or await in JavaScript; None where there is none.

    Runtime 1.0 of CloudFront Functions is ECMAScript 5.1 with named additions, and these are none of them:
    https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/functions-javascript-runtime-10.html
    """
    at, before = 0, ""
    while at < len(code):
        if code[at] == "/" and (before in _BEFORE_PATTERN or not before) and code[at + 1 : at + 2] not in ("/", "*"):
            pattern = _PATTERN.match(code, at)
            if pattern:
                at, before = pattern.end(), "/"
                continue
        token = _TOKEN.match(code, at)
        assert token is not None  # the last alternative takes anything
        at = token.end()
        if token.lastgroup == "skip":
            continue
        word = token[0]
        if token.lastgroup == "word" and before != "." and word in _NEWER and _NEWER[word].match(code, at):
            return code.count("\n", 0, token.start()) + 1, word
        before = word
    return None


def check_event(kind: Kind, event: Any) -> None:
    """Raise CannotRun where an event is of another kind than the function: then what it does says nothing."""
    if kind == "lambda-edge":
        records = event.get("Records") if isinstance(event, dict) else None
        first = records[0] if isinstance(records, list) and records else None
        cf = first.get("cf") if isinstance(first, dict) else None
        if not isinstance(cf, dict) or not isinstance(cf.get("request"), dict):
            why = f"The event is none of Lambda@Edge, which has Records[0].cf.request{_looks_like(event)}."
            raise CannotRun(WhyNot.WRONG_EVENT, why)
    elif not isinstance(event, dict) or not isinstance(event.get("request"), dict):
        why = f"The event is none of CloudFront Functions, which has version, context and request{_looks_like(event)}."
        raise CannotRun(WhyNot.WRONG_EVENT, why)


def _looks_like(event: Any) -> str:
    """Say whose event it is, where that can be told."""
    if not isinstance(event, dict):
        return ""
    records = event.get("Records")
    if isinstance(records, list) and records and isinstance(records[0], dict):
        if "cf" in records[0]:
            return ": this is one of Lambda@Edge"
        sender = records[0].get("eventSource") or records[0].get("EventSource")
        return f": this one comes from {visible(sender, 60)}" if sender else ""
    if "requestContext" in event or "httpMethod" in event:
        return ": this is one of API Gateway, an ALB or a function URL"
    return ": this is one of CloudFront Functions" if "request" in event and "version" in event else ""
