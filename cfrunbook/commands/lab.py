"""`cfrunbook lab`: bring really broken origins up on this machine, go inside, mend them, take them down."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cfrunbook.errors import BadInput
from cfrunbook.text import visible

if TYPE_CHECKING:
    from cfrunbook.lab.runtime import State

DESCRIPTION = "Really broken origins on this machine's loopback."
EXAMPLE = "cfrunbook lab start certificate-expired"

Add = Callable[[str, str, str, Callable[[argparse.Namespace], int]], argparse.ArgumentParser]
"""Adds an action: its name, description, example, and what it calls."""


def options(add: Add) -> None:
    """Add the actions of the command."""
    listing = add("list", "List the scenarios, or the labs that run.", "cfrunbook lab list --running", _list)
    listing.add_argument("--running", action="store_true", help="those that run")
    run = add(
        "run",
        "Bring a scenario up, run COMMAND so that it examines it, take it down, return COMMAND's exit status.",
        "cfrunbook lab run certificate-expired -- cfrunbook diagnose",
        _run,
    )
    _scenario(run)
    start = add(
        "start",
        "Bring a scenario up, and print what the pager would say and how to reach it. It stays up in the background.",
        "cfrunbook lab start tls-name-mismatch",
        _start,
    )
    _scenario(start)
    start.add_argument("--foreground", action="store_true", help="keep it up until Ctrl-C instead")
    start.add_argument("--name", default="", metavar="LAB", help="call it so (default: the scenario's name)")
    status = add("status", "Say how running labs are, and what they made of edits.", "cfrunbook lab status", _status)
    _lab(status)
    shell = add(
        "shell",
        "Start $SHELL, or COMMAND, inside a running lab: curl, openssl, dig and nc find its hosts by their names.",
        "cfrunbook lab shell tls-name-mismatch -- curl -si https://www.shop.example/cart",
        _shell,
    )
    _lab(shell)
    certificate = add(
        "certificate",
        "Issue a certificate for names, from the authority that everybody in a running lab trusts.",
        "cfrunbook lab certificate origin.shop.example --folder .",
        _certificate,
    )
    certificate.add_argument("names", nargs="+", metavar="NAME", help="DNS names that it is for")
    certificate.add_argument("--lab", default="", metavar="LAB", help="the lab, where several run")
    certificate.add_argument(
        "--folder", default=".", metavar="DIR", help="where fullchain.pem and privkey.pem go (default: here)"
    )
    stop = add("stop", "Stop labs that run in the background.", "cfrunbook lab stop --all", _stop)
    stop.add_argument("labs", nargs="*", metavar="LAB", help="their names; none: the one that runs")
    stop.add_argument("--all", action="store_true", help="stop all of them")


def _scenario(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("scenario", nargs="?", default="", metavar="SCENARIO", help="a name of `cfrunbook lab list`")


def _lab(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("lab_name", nargs="?", default="", metavar="LAB", help="its name; none: the one that runs")


def _list(options: argparse.Namespace) -> int:
    if options.running:
        return _status(options)
    from cfrunbook import lab

    rows = lab.list_scenarios()
    if options.json:
        return _print_json(rows)
    width = max(len(row["name"]) for row in rows)
    for row in rows:
        mark = " (default)" if row["name"] == lab.DEFAULT else ""
        print(f"{row['name']:<{width}}  {row['title']}{mark}")
    return 0


def _run(options: argparse.Namespace) -> int:
    from cfrunbook import lab

    if not options.command:
        raise BadInput(
            "lab run: give a command after --, e.g. `cfrunbook lab run certificate-expired -- cfrunbook diagnose`."
        )
    return lab.run_command(options.scenario or lab.DEFAULT, _own_command(options.command))


def _start(options: argparse.Namespace) -> int:
    from cfrunbook import lab

    scenario = options.scenario or lab.DEFAULT
    if options.foreground:
        return lab.serve(scenario, sys.stdout)
    from cfrunbook.lab import background

    state = background.start(scenario, name=options.name)
    if options.json:
        return _print_json(_facts(state))
    print(state.introduction)
    return 0


def _status(options: argparse.Namespace) -> int:
    from cfrunbook.lab import background, runtime

    name = getattr(options, "lab_name", "")
    states = [background.the_one(name)] if name else list(runtime.running())
    if options.json:
        return _print_json([_facts(state) for state in states])
    if not states:
        print("No lab runs.")
    for state in states:
        print(f"{state.name}  since {state.started}  {state.edge}")
        for said in state.says[-5:]:
            print(f"  {visible(said, 400)}")
        if name:
            print(f"\n{state.introduction}")
    return 0


def _shell(options: argparse.Namespace) -> int:
    from cfrunbook.lab import background, shell

    return shell.enter(background.the_one(options.lab_name), _own_command(options.command), sys.stderr)


def _stop(options: argparse.Namespace) -> int:
    from cfrunbook.lab import background

    if options.all and options.labs:
        raise BadInput("lab stop: give names or --all, not both.")
    stopped = background.stop(options.labs, everything=options.all)
    if options.json:
        return _print_json({"stopped": list(stopped)})
    print(f"Stopped: {', '.join(stopped)}." if stopped else "No lab runs.")
    return 0


def _certificate(options: argparse.Namespace) -> int:
    from cfrunbook.lab import background, issuing

    state = background.the_one(options.lab)
    written = issuing.issue(Path(state.site), options.names, Path(options.folder))
    if options.json:
        return _print_json({"files": [str(path) for path in written]})
    print(f"Written: {' and '.join(shlex.quote(str(path)) for path in written)}.")
    return 0


def _facts(state: State) -> dict[str, Any]:
    import msgspec

    facts: dict[str, Any] = msgspec.to_builtins(state)
    return facts


def _print_json(value: Any) -> int:
    import msgspec

    print(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())
    return 0


def _own_command(command: Sequence[str]) -> list[str]:
    """Let `-- cfrunbook …` find this very cfrunbook, also where its script is not on PATH."""
    if command and command[0] == "cfrunbook":
        return [sys.executable, "-m", "cfrunbook", *command[1:]]
    return list(command)
