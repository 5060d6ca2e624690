"""`cfrunbook lab`: bring really broken origins up on this machine, go inside, mend them, take them down."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cfrunbook.errors import BadInput
from cfrunbook.text import visible

if TYPE_CHECKING:
    from cfrunbook.lab.runtime import State
    from cfrunbook.lab.training.sheet import Sheet

DESCRIPTION = "Really broken origins on this machine's loopback."
EXAMPLE = "cfrunbook lab start certificate-expired"

Add = Callable[[str, str, str, Callable[[argparse.Namespace], int]], argparse.ArgumentParser]
"""Adds an action: its name, description, example, and what it calls."""


def options(add: Add) -> None:
    """Add the actions of the command."""
    listing = add("list", "List the scenarios, or the labs that run.", "cfrunbook lab list --running", _list)
    listing.add_argument("--running", action="store_true", help="those that run")
    listing.add_argument(
        "--long", action="store_true", help="also the expected verdict, AWS's page, and which other judges disagree"
    )
    _choice(listing)
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

    exam = add(
        "exam",
        "Take an exam: incidents that a seed draws, one after the other; hints cost points, a written diagnosis is"
        " graded, also after Ctrl-C. Exit status: 0 all points, 1 fewer, 2 bad input, 128 + N where signal N ended it.",
        "cfrunbook lab exam --seed 7 --count 3",
        _exam,
    )
    exam.add_argument("--seed", type=int, default=None, metavar="N", help="draws the incidents (default: a new one)")
    exam.add_argument("--count", type=int, default=3, metavar="N", help="how many incidents (default: 3)")
    _choice(exam)
    exam.add_argument("--by-hand", action="store_true", help="say nothing of `cfrunbook diagnose` and `watch`")
    exam.add_argument("--headless", action="store_true", help="let our own diagnosis take it")
    exam.add_argument("--template", action="store_true", help="print an empty file of answers for `lab grade`, and end")
    _sheet(exam)
    grade = add(
        "grade",
        "Grade a file of answers against the incidents that its seed draws, and explain; or rank several. Exit status:"
        " 0 all points (or several files), 1 fewer, 2 bad input.",
        "cfrunbook lab grade answers.json --sheet scores",
        _grade,
    )
    grade.add_argument(
        "answers",
        nargs="+",
        metavar="FILE",
        help="answers (`cfrunbook lab exam --template` prints an empty file) or score sheets; several are ranked",
    )
    _sheet(grade)


def _choice(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--cause", default="", metavar="CAUSE", help="only those about a cause, e.g. dns")
    parser.add_argument("--difficulty", default="", metavar="WORD", help="only easy, medium or hard ones")


def _sheet(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--team", default="", metavar="NAME", help="who took it, for the score sheet")
    parser.add_argument(
        "--sheet",
        default="",
        metavar="PATH",
        help="keep the score in PATH.json, PATH.csv and PATH.md, or in one",
    )


def _scenario(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("scenario", nargs="?", default="", metavar="SCENARIO", help="a name of `cfrunbook lab list`")


def _lab(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("lab_name", nargs="?", default="", metavar="LAB", help="its name; none: the one that runs")


def _list(options: argparse.Namespace) -> int:
    if options.running:
        return _status(options)
    from cfrunbook import lab

    rows = lab.list_scenarios()
    if options.cause or options.difficulty:
        from cfrunbook.lab import catalogue

        names = {scenario.name for scenario in catalogue.choose(cause=options.cause, difficulty=options.difficulty)}
        rows = [row for row in rows if row["name"] in names]
    if options.json:
        return _print_json(rows)
    width = max(len(row["name"]) for row in rows)
    for row in rows:
        mark = " (default)" if row["name"] == lab.DEFAULT else ""
        print(f"{row['name']:<{width}}  {row['title']}{mark}")
        for line in _at_length(row) if options.long else ():
            print(f"    {line}")
    return 0


def _at_length(row: dict[str, Any]) -> Iterator[str]:
    """Yield what else there is to know about a scenario; the answer is in it."""
    answers = f", CloudFront answers {row['cloudfront_status']}" if row["cloudfront_status"] else ""
    yield f"{row['difficulty']}; {row['status']} {row['code'] or ''}".rstrip() + answers
    yield row["page"]
    for judge, why in row["disagreements"].items():
        yield f"Otherwise says {judge}: {why}"


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
    import os

    from cfrunbook.lab import background, issuing

    inside = "" if options.lab else os.environ.get("CFRUNBOOK_LAB_SITE", "")
    site = inside or background.the_one(options.lab).site
    written = issuing.issue(Path(site), options.names, Path(options.folder))
    if options.json:
        return _print_json({"files": [str(path) for path in written]})
    print(f"Written: {' and '.join(shlex.quote(str(path)) for path in written)}.")
    return 0


def _exam(options: argparse.Namespace) -> int:
    import secrets

    from cfrunbook.lab.training import exam, terminal
    from cfrunbook.lab.training.drawing import Draw
    from cfrunbook.lab.training.sheet import refuse_taken

    seed = secrets.randbelow(1_000_000) if options.seed is None else options.seed
    draw = Draw(seed=seed, count=options.count, cause=options.cause, difficulty=options.difficulty).check()
    if options.template:
        return _print_json(exam.template(draw))

    def keep(sheet: Sheet) -> None:
        if options.sheet:
            sheet.save(Path(options.sheet))

    with terminal.stopping() as stopped:
        if options.headless:
            if options.sheet:
                refuse_taken(Path(options.sheet))
            sheet = exam.headless(draw, team=options.team)
            return _scored(sheet, options, with_lines=True)
        out = sys.stderr if options.json else sys.stdout
        ask = terminal.Asking(out)
        say = terminal.saying(out)
        answered = exam.begun(Path(options.sheet), draw, options.team) if options.sheet else ()
        taken = exam.Exam(
            draw,
            ask,
            say,
            team=options.team,
            by_hand=options.by_hand,
            waits=ask.is_interactive,
            keep=keep,
            answered=answered,
        )
        if taken.done:
            say(f"Going on after incident {taken.done}: what was answered is in {shlex.quote(options.sheet)}.")
        try:
            taken.take()
        except (EOFError, terminal.Stopped):
            say("\nEnded here.")
        except BadInput:
            say(exam.total(taken.sheet()))
            raise
        status = _scored(taken.sheet(), options, with_lines=False)
    return 128 + stopped.by if stopped.by else status


def _grade(options: argparse.Namespace) -> int:
    from cfrunbook.lab.training import exam
    from cfrunbook.lab.training.sheet import refuse_taken

    sheets = []
    for file in options.answers:
        given = exam.read(Path(file))
        sheets.append(exam.graded(given.draw, given.answers, team=options.team or given.team or Path(file).stem))
    if len(sheets) == 1:
        (sheet,) = sheets
        if options.sheet:
            refuse_taken(Path(options.sheet), lambda there: exam.is_earlier(there, sheet))
        return _scored(sheet, options, with_lines=True)
    return _ranked(sheets, options)


def _ranked(sheets: Sequence[Sheet], options: argparse.Namespace) -> int:
    """Show and save how several teams did; return 0."""
    from cfrunbook.lab.training import ranking as rankings
    from cfrunbook.lab.training.ranking import Ranking
    from cfrunbook.lab.training.sheet import refuse_taken

    if options.team:
        raise BadInput("lab grade: --team names one team, and there are several files; each says its own.")
    ranking = Ranking.of(sheets)
    if options.sheet:
        refuse_taken(Path(options.sheet), rankings.is_one)
    written = ranking.save(Path(options.sheet)) if options.sheet else ()
    if options.json:
        sys.stdout.write(ranking.to_json().decode())
        return 0
    print(ranking.to_text())
    for file in written:
        print(f"Written: {shlex.quote(str(file))}")
    return 0


def _scored(sheet: Sheet, options: argparse.Namespace, *, with_lines: bool) -> int:
    """Show and save a score sheet; return 0 where all points were reached, else 1."""
    from cfrunbook.lab.training import exam

    written = sheet.save(Path(options.sheet)) if options.sheet else ()
    if options.json:
        sys.stdout.write(sheet.to_json().decode())
    else:
        for line in sheet.lines if with_lines else ():
            print(f"\n--- Incident {line.incident}: {line.scenario or 'not answered'} ---{exam.shown(line)}".rstrip())
        print(exam.total(sheet))
        for file in written:
            print(f"Written: {shlex.quote(str(file))}")
    return 0 if sheet.points == sheet.of else 1


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
