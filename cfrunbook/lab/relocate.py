"""Run `curl`, `openssl`, `dig`, `delv` or `nc` as it was called, but where it names a host of the lab, go to the lab.

A script of its own, which imports nothing of the package: `python -I relocate.py FOLDER TOOL ARGUMENTS…`. Names, ports
and roots come from FOLDER/tools.json, which the lab keeps up to date. What was rewritten is said on standard error, as
the command that runs; what names no host of the lab runs unchanged.
"""

from __future__ import annotations

import json
import os
import random
import shlex
import shutil
import sys
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import NoReturn

NO_REPLY = 9
"""dig's exit status where no server could be reached."""

_LOOPBACK = ("@127.", "@::1", "@localhost")
_PUBLIC = ("@1.1.1.1", "@8.8.8.8", "@9.9.9.9")
"""Resolvers that the world asks: here it is the lab's."""


class Lab:
    """What there is in the lab."""

    def __init__(self, folder: str) -> None:
        told = json.loads((Path(folder) / "tools.json").read_bytes())
        self.trust: str = told["trust"]
        self.names: Mapping[str, str] = told["names"]
        """The addresses of name servers, by name."""
        self.resolver: str = told["resolver"]
        """Address and port; empty: names are not looked up here."""
        self.places: list[tuple[str, str, str, str]] = []
        """Host, port, and where they really are; a host that has several addresses is there several times."""
        for text in told["connect_to"]:
            host, port, address, real = _split(text)
            self.places.append((host.lower(), port, address, real))

    def find(self, host: str, port: str) -> tuple[str, str] | None:
        """Return where a host and port are, any one of its addresses; None where the lab has no such host."""
        host = self.names.get(host.strip("[]").lower().rstrip("."), host.strip("[]").lower().rstrip("."))
        found = [(address, real) for name, at, address, real in self.places if (name, at) == (host, port)]
        return random.choice(found) if found else None  # noqa: S311 - as a resolver's answer, not a secret

    def hosts(self) -> set[str]:
        """Return all hosts of the lab."""
        return {name for name, *_ in self.places if name}


def _split(text: str) -> tuple[str, str, str, str]:
    """Split HOST:PORT:ADDRESS:PORT; an IPv6 address is in brackets."""
    if text.startswith("["):
        host, _, rest = text[1:].partition("]:")
    else:
        host, _, rest = text.partition(":")
    port, _, rest = rest.partition(":")
    address, _, real = rest.rpartition(":")
    return host, port, address, real


def curl(arguments: Sequence[str], lab: Lab) -> list[str]:
    """Return curl's arguments: with --connect-to for each host that is named, and with the lab's roots."""
    if {"--connect-to", "--resolve"} & set(arguments):  # whoever says where to go means it
        return list(arguments)
    text = " ".join(arguments).lower()
    named = [host for host in sorted(lab.hosts()) if host in text]
    added: list[str] = []
    for host in named:
        for port in sorted({at for name, at, *_ in lab.places if name == host}):
            address, real = lab.find(host, port) or ("", "")
            shown = f"[{host}]" if ":" in host else host
            added += ["--connect-to", f"{shown}:{port}:{address}:{real}"]
    if not added:
        return list(arguments)
    added += ["--cacert", lab.trust]
    first = 1 if arguments and arguments[0] in ("-q", "--disable") else 0  # counts in the first place only
    changed = [*arguments[:first], *added]
    for argument in arguments[first:]:
        changed += [argument, *added] if argument in ("--next", "-:") else [argument]
    return changed


def openssl(arguments: Sequence[str], lab: Lab) -> list[str]:
    """Return openssl's arguments: s_client goes to the lab, with the server name that it was to be asked for."""
    if not arguments or arguments[0] != "s_client":
        return list(arguments)
    changed, host, names_place = ["s_client"], "", "-connect" in arguments
    for before, argument in pairwise(arguments):
        name, _, port = argument.rpartition(":")
        found = lab.find(name, port) if name else None
        is_last = not names_place and argument == arguments[-1]  # s_client takes it without -connect, too
        if found and (before == "-connect" or is_last):
            host = name
            changed += [*([] if names_place else ["-connect"]), "{}:{}".format(*found)]
        else:
            changed.append(argument)
    if not host:
        return list(arguments)
    is_address = ":" in host or host.replace(".", "").isdigit()
    if not {"-servername", "-noservername"} & set(arguments) and not is_address:
        changed += ["-servername", host]
    if not {"-CAfile", "-CApath", "-CAstore"} & set(arguments):
        changed += ["-CAfile", lab.trust]
    return changed


def dig(arguments: Sequence[str], lab: Lab) -> list[str]:
    """Return dig's arguments: to where the name server is, or the lab's resolver. Exits where there is none."""
    if {"+trace", "+tra"} & set(arguments):
        _end("dig +trace chooses its servers itself: ask one after the other, from the root on: dig @192.0.2.1 NAME")
    server = next((argument for argument in arguments if argument.startswith("@")), "")
    if {"-h", "-v"} & set(arguments) or server.startswith(_LOOPBACK):  # whoever says where to go means it
        return list(arguments)
    if server and server not in _PUBLIC:
        found = lab.find(server[1:], "53")
    elif lab.resolver:
        address, _, port = lab.resolver.rpartition(":")
        found = (address, port)
    else:
        _end(
            "names are not looked up in this scenario: how CloudFront gets to the origin's addresses is no part of it."
        )
    if found is None:
        _end(f"there is no name server {server[1:]} in the lab, and no question leaves it.")
    return [f"@{found[0]}", "-p", found[1], *(argument for argument in arguments if argument != server)]


def delv(arguments: Sequence[str], lab: Lab) -> list[str]:
    """Return dig's arguments for the lab's resolver, which validates: delv itself knows the world's root only."""
    return dig([argument for argument in arguments if not argument.startswith("@")], lab)


def nc(arguments: Sequence[str], lab: Lab) -> list[str]:
    """Return the arguments of nc with the last two, host and port, where they really are."""
    found = lab.find(arguments[-2], arguments[-1]) if len(arguments) >= 2 else None
    return [*arguments[:-2], *found] if found else list(arguments)


def _end(sentence: str) -> NoReturn:
    print(f"lab: {sentence}", file=sys.stderr)
    raise SystemExit(NO_REPLY)


TOOLS = {"curl": curl, "openssl": openssl, "dig": dig, "delv": delv, "nc": nc}
STAND_INS = {"delv": "dig"}
"""What runs in place of a tool."""


def main(folder: str, tool: str, arguments: Sequence[str]) -> None:
    """Become the tool. Exits with 127 where it is not installed."""
    here = str(Path(folder) / "bin")
    path = os.pathsep.join(part for part in os.environ.get("PATH", "").split(os.pathsep) if part != here)
    runs = STAND_INS.get(tool, tool)
    program = shutil.which(runs, path=path)
    if program is None:
        print(f"lab: {runs} is not installed.", file=sys.stderr)
        raise SystemExit(127)
    try:
        changed = TOOLS[tool](arguments, Lab(folder))
    except OSError:
        print("lab: this lab does not run any more.", file=sys.stderr)
        raise SystemExit(NO_REPLY) from None
    if [runs, *changed] != [tool, *arguments]:
        print(f"lab: {shlex.join([runs, *changed])}", file=sys.stderr)
    os.execv(program, [runs, *changed])  # noqa: S606 - what was asked for


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
