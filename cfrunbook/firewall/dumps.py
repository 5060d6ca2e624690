"""Rule dumps as files hold them: read in bounds, told apart, stripped of secrets, and kept with the recording."""

from __future__ import annotations

import codecs
import json
import os
import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec

from cfrunbook import files
from cfrunbook.errors import BadInput
from cfrunbook.evidence import FirewallDump
from cfrunbook.firewall import kinds, nginx, queried
from cfrunbook.redaction import REDACTED, redact_path, redact_words
from cfrunbook.text import visible

MAX_BYTES = 20 * 1024 * 1024
"""Most bytes of one dump, and of all together."""
MAX_YAML_BYTES = 1024 * 1024
"""YAML is read by a parser that takes seconds for a megabyte."""
MAX_DEPTH = 40
MAX_DUMPS = 50
MAX_PATH = 400
"""Characters of a file's path that is kept."""

_AWS = frozenset({"OwnerId", "UserId", "Tags", "SecurityGroupArn", "SecurityGroupRuleArn", "PrefixListArn"})
_DROPPED: Mapping[str, frozenset[str]] = {
    **dict.fromkeys(("security_groups", "security_group_rules", "prefix_lists", "network_acls"), _AWS),
    "network_policies": frozenset({
        "annotations", "creationTimestamp", "labels", "managedFields", "resourceVersion", "selfLink", "status", "uid",
    }),
    "google": frozenset({"creationTimestamp", "id", "logConfig", "selfLink"}),
    "azure": frozenset({"etag", "flowLogs", "id", "networkInterfaces", "resourceGuid", "subnets", "tags"}),
}  # fmt: skip
"""Members that decide nothing, by kind: account numbers, tags, what tools keep for themselves."""
_WHOLE = frozenset({"podSelector", "namespaceSelector"})
"""Members that are compared as they are: any key may be in them."""
_WORDY = frozenset({"Description", "description", "comment", "GroupName"})
_COMMENT = re.compile(r'(--comment )("(?:[^"\\]|\\.)*"|\S+)')
_KEPT_NGINX = frozenset({
    "allow", "deny", "geo", "http", "if", "include", "limit_except", "listen", "location", "real_ip_header",
    "map", "real_ip_recursive", "satisfy", "server", "server_name", "set_real_ip_from", "stream",
})  # fmt: skip


Rules = Path | str | bytes | Mapping[str, Any] | FirewallDump
"""Where rules may come from: a file, its bytes, a JSON document as a value, or a dump that was read already."""


def load(source: Rules) -> FirewallDump:
    """Return the dump of a file or value. Raises BadInput in one sentence."""
    if isinstance(source, FirewallDump):
        return source
    if isinstance(source, str | os.PathLike):
        if not os.fspath(source):
            raise BadInput("Firewall: '' is not a file name.")
        dump = read(files.read_bounded(Path(source), "Firewall", MAX_BYTES), Path(source).name)
        return msgspec.structs.replace(dump, path=_as_given(os.fspath(source)))
    if isinstance(source, Mapping):
        try:
            source = json.dumps(source, default=str).encode("utf-8", "replace")
        except (ValueError, TypeError, RecursionError):
            raise BadInput("Firewall: the value given is no JSON document.") from None
    if isinstance(source, bytes):
        return read(source, "given")
    raise BadInput(f"Firewall: give a file, not a value of type {type(source).__name__}.")


def _as_given(path: str) -> str:
    """Return a path that can be typed again; empty where it is too long, holds a secret or cannot be shown as it is."""
    path = f"./{path}" if path.startswith("-") else path
    return path if redact_path(visible(path, MAX_PATH)) == path else ""


def read(content: bytes, name: str) -> FirewallDump:
    """Return the dump in `content`, of the kind that its content tells, redacted. Raises BadInput in one sentence."""
    file = visible(name, 120)
    if len(content) > MAX_BYTES:
        raise BadInput(f"Firewall: {file} is larger than {MAX_BYTES // (1024 * 1024)} MiB; refused.")
    text = _text(content, file)
    if text.lstrip("\ufeff \t\r\n")[:1] in ("{", "["):
        document = _json(text, file)
        if document is not None:
            kind = kinds.of_document(document, file)
            if isinstance(document, Mapping) and document.get("NextToken"):
                raise BadInput(
                    f"Firewall: {file} is one page of several (it has a NextToken); save it again without --max-items"
                    " and --no-paginate."
                )
            return FirewallDump(name=file, kind=kind, text=_to_json(_stripped(document, kind)))
    kind = kinds.of_text(text, file)
    if kind == "ipset" and not text.endswith(("\n", "\r")):
        raise BadInput(f"Firewall: {file} ends within a line: it is cut off; save it again with ipset save.")
    if kind == "network_policies":
        return FirewallDump(name=file, kind=kind, text=_to_json(_stripped(_yaml(text, file), kind)))
    if kind == "nginx":
        return FirewallDump(name=file, kind=kind, text=_redacted_nginx(text, file))
    return FirewallDump(name=file, kind=kind, text=_redacted_lines(text))


@lru_cache(maxsize=8)
def document(dump: FirewallDump) -> Any:
    """Return the JSON value of a dump that is kept as JSON. Raises BadInput."""
    found = _json(dump.text, dump.name)
    if found is None:
        raise BadInput(f"Firewall: {visible(dump.name, 120)} is not JSON.")
    kinds_found = kinds.of_document(found, visible(dump.name, 120))
    if kinds_found != dump.kind:
        raise BadInput(f"Firewall: {visible(dump.name, 120)} is not of the kind {visible(dump.kind, 40)}.")
    return found


def _text(content: bytes, file: str) -> str:
    if content.startswith(b"\x1f\x8b"):
        raise BadInput(f"Firewall: {file} is compressed; give what gunzip makes of it.")
    encoding = "utf-8-sig"
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encoding = "utf-16"
    elif content[1:2] == b"\0":
        encoding = "utf-16-le"
    elif content[:1] == content[2:3] == b"\0" and content[1:2].isascii():
        encoding = "utf-16-be"
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError:
        if content[:1] in (b"{", b"["):
            raise BadInput(f"Firewall: {file} is neither UTF-8 nor UTF-16 text.") from None
        text = content.decode("utf-8", "replace")  # a comment in some old encoding must not hide the rules
    if "\0" in text:
        raise BadInput(f"Firewall: {file} is not text.")
    return text


def _json(text: str, file: str) -> Any:
    """Return the JSON value in `text`; None where it is none. Unwraps what recording tools put around it."""
    try:
        found = msgspec.json.decode(text.lstrip("\ufeff").encode("utf-8", "replace"))
    except RecursionError:
        raise BadInput(f"Firewall: {file} is nested deeper than {MAX_DEPTH} levels; refused.") from None
    except (msgspec.DecodeError, ValueError):
        return None
    if isinstance(found, dict) and set(found) == {"status_code", "data"}:
        found = found["data"]
    _shallow(found, file, 0)
    return queried.whole(found, file)


def _shallow(value: Any, file: str, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise BadInput(f"Firewall: {file} is nested deeper than {MAX_DEPTH} levels; refused.")
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for one in inner:
        if isinstance(one, dict | list):
            _shallow(one, file, depth + 1)


def _yaml(text: str, file: str) -> Any:
    """Return the policies in YAML as one list document; numbers stay text. Raises BadInput."""
    import importlib

    if len(text) > MAX_YAML_BYTES:
        raise BadInput(f"Firewall: {file} is more than 1 MiB of YAML; give JSON: kubectl get networkpolicy -o json.")
    try:
        yaml = importlib.import_module("yaml")
    except ImportError:
        raise BadInput(
            f"Firewall: {file} is YAML, and PyYAML is not installed; give JSON: kubectl get networkpolicy -o json."
        ) from None
    try:
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, Loader=yaml.BaseLoader)):
            raise BadInput(f"Firewall: {file} has YAML aliases; give JSON: kubectl get networkpolicy -o json.")
        parts = [part for part in yaml.load_all(text, Loader=yaml.BaseLoader) if isinstance(part, dict)]
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise BadInput(f"Firewall: {file} is not YAML that can be read ({visible(error, 80)}).") from None
    items = [one for part in parts for one in (part["items"] if isinstance(part.get("items"), list) else [part])]
    _shallow(items, file, 0)
    found = {"kind": "List", "items": items}
    kinds.of_document(found, file)
    return found


def _to_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _stripped(value: Any, kind: str, key: str = "") -> Any:
    """Return a JSON value without what decides nothing; texts for people lose what looks like a secret."""
    if isinstance(value, dict):
        dropped = _DROPPED.get(kind, frozenset())
        return {k: v if k in _WHOLE else _stripped(v, kind, k) for k, v in value.items() if k not in dropped}
    if isinstance(value, list):
        return [_stripped(v, kind, key) for v in value]
    return redact_words(value) if isinstance(value, str) and key in _WORDY else value


def _redacted_lines(text: str) -> str:
    """Return iptables rules or sets with the same line numbers; comments lose what looks like a secret."""

    def line(one: str) -> str:
        if one.startswith("#"):
            return redact_words(one)
        if "--comment" in one:
            return _COMMENT.sub(lambda found: found[1] + redact_words(found[2]), one)
        return one

    return "\n".join(map(line, text.removesuffix("\n").replace("\r\n", "\n").split("\n"))) + "\n"


def _redacted_nginx(text: str, file: str) -> str:
    """Return the configuration with the same line numbers and only what decides who may come in."""
    kept: dict[int, list[str]] = {}
    headers = {text.count("\n", 0, m.start()) + 1: m[0] for m in nginx.FILE_MARK.finditer(text)}
    parts = nginx.parts(text, file)

    def write(directives: list[nginx.Directive]) -> None:
        for one in directives:
            words = one.words
            inside = one.block
            if one.name not in _KEPT_NGINX and inside is None:
                words = [one.name, REDACTED]
            # `geo $x { 10.0.0.0/8 1; }` and the like: entries are named by addresses
            kept.setdefault(one.line, []).append(" ".join(map(_quoted, words)) + (" {" if inside is not None else ";"))
            if inside is not None:
                write(inside)
                kept.setdefault(one.end, []).append("}")

    for directives in parts.values():
        write(directives)
    last = max([*kept, *headers], default=0)
    return "\n".join(headers.get(n) or " ".join(kept.get(n, ())) for n in range(1, last + 1)) + "\n"


def _quoted(word: str) -> str:
    if re.search(r"[\s;{}#'\"]", word) or not word:
        return '"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return word


def check(dumps: tuple[FirewallDump, ...]) -> None:
    """Raise BadInput, in one sentence, for dumps of a recording that cannot be what `read` returns."""
    if len(dumps) > MAX_DUMPS:
        raise BadInput(f"Firewall: {len(dumps)} dumps; refused, at most {MAX_DUMPS} are read.")
    if sum(len(dump.text) for dump in dumps) > MAX_BYTES:
        raise BadInput(f"Firewall: the dumps together are larger than {MAX_BYTES // (1024 * 1024)} MiB; refused.")
    for dump in dumps:
        if dump.kind not in kinds.KINDS:
            raise BadInput(f"Firewall: the kind '{visible(dump.kind, 40)}' is not known to this version.")
        if dump.kind in kinds.JSON_KINDS:
            document(dump)


def of_kind(dumps: tuple[FirewallDump, ...], *wanted: str) -> list[FirewallDump]:
    """Return the dumps of these kinds."""
    return [dump for dump in dumps if dump.kind in wanted]


def mapping(dump: FirewallDump) -> Mapping[str, Any]:
    """Return the JSON object of a dump that is one. Raises BadInput."""
    found = document(dump)
    if not isinstance(found, Mapping):
        raise BadInput(f"Firewall: {visible(dump.name, 120)} is not a JSON object.")
    return found
