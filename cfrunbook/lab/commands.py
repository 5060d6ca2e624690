"""What the command line does with the lab: list scenarios, run a command inside one, keep one up."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, TextIO

from cfrunbook.errors import BadInput
from cfrunbook.lab.edge import blind_spot
from cfrunbook.lab.following import EVERY, Follower
from cfrunbook.lab.running import LiveOrigin, Running, start
from cfrunbook.lab.scenario import URL, VIEWER_HOST
from cfrunbook.lab.scenarios import SCENARIOS
from cfrunbook.text import visible

_FORWARDED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
_Handler = Callable[[int, FrameType | None], Any]


def list_scenarios() -> list[dict[str, Any]]:
    """Return one row per scenario: name, title, difficulty, the expected verdict, and who says otherwise, and why."""
    from cfrunbook.lab.catalogue import disagreements

    others = disagreements()
    return [
        {
            "name": scenario.name,
            "title": scenario.title,
            "difficulty": scenario.difficulty.value,
            "status": scenario.expected.status,
            "cause": scenario.expected.cause.value if scenario.expected.cause else None,
            "code": scenario.expected.code,
            "cloudfront_status": scenario.expected.cloudfront_status,
            "page": scenario.page,
            "disagreements": {judge.value: why for (name, judge), why in others.items() if name == scenario.name},
        }
        for scenario in SCENARIOS.values()
    ]


def run_command(name: str, argv: Sequence[str]) -> int:
    """Run `argv` while the scenario `name` is up, with CFRUNBOOK_LAB set, and return its exit status.

    Signals that would end this process go to the command instead; one ended by signal N gives 128 + N, as in a
    shell. Raises BadInput for an unknown scenario or a command that cannot be started.
    """
    if not argv:
        raise BadInput("Lab: there is no command to run.")
    with start(name) as running:
        try:
            process = subprocess.Popen(argv, env=os.environ | running.environment())  # noqa: S603 - asked for
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            raise BadInput(f"Lab: cannot run '{visible(argv[0], 200)}': {reason}.") from None
        with process, handling(lambda number, _: _forward(process, number)):
            status = process.wait()
    return status if status >= 0 else 128 - status


def serve(name: str, out: TextIO, *, until: threading.Event | None = None) -> int:
    """Keep the scenario `name` up until Ctrl-C, SIGTERM or `until`, and tell on `out` how to reach it. Return 0.

    What somebody edits in its site is brought up, and said on `out`.
    """
    over = until or threading.Event()
    with start(name) as running, handling(lambda *_: over.set()):
        follower = Follower(running)
        print(introduction(running), file=out, flush=True)
        while not over.wait(EVERY):
            if noticed := follower.look():
                print(noticed, file=out, flush=True)
    print("Taken down.", file=out, flush=True)
    return 0


def introduction(running: Running, *, lab: str = "", in_exam: bool = False, by_hand: bool = False) -> str:
    """Return what the pager says and the commands that reach the scenario; the answer is not in it.

    `lab` is what it is called where it stays up in the background. `in_exam`: it goes with the exam, and what owners
    can change, which says what is wrong, is not there yet. `by_hand`: our own diagnosis is not mentioned.
    """
    edge = running.edge_url.removeprefix("http://")
    viewer = f"curl -si --connect-to {VIEWER_HOST}:80:{edge} {URL.replace('https:', 'http:')}"
    origins = " and ".join(f"origin {origin.setup.id} ({origin.setup.domain})" for origin in running.origins)
    return "\n".join(
        [
            *running.scenario.story,
            "",
            f"Ask the edge:       {viewer}",
            *(
                f"Ask the origin:     {command}"
                for origin in running.origins
                for command in _asking(origin, running.trust_store)
            ),
            *(f"Ask a name server:  {command}" for command in _digging(running)),
            f"Trusted roots:      {shlex.quote(str(running.trust_store))}",
            *(f"{what:<20}{shlex.quote(str(path))}" for what, path in running.kept),
            *([] if by_hand else [f"Diagnose:           cfrunbook diagnose --lab {shlex.quote(str(running.file))}"]),
            *(f"{what:<20}{command}" for what, command in _commands(lab, by_hand=by_hand)),
            *([] if in_exam else [f"What owners change: {shlex.quote(str(running.site))} (begin with its README.txt)"]),
            "",
            *([blind] if (blind := blind_spot()) else []),  # in every scenario: else it would give one away
            f"{URL} goes to {origins}." + ("" if in_exam else _ending(lab)),
        ]
    )


def _ending(lab: str) -> str:
    """Say how it is taken down."""
    return f" `cfrunbook lab stop {lab}` takes everything down." if lab else " Ctrl-C takes everything down."


def _commands(lab: str, *, by_hand: bool) -> Iterator[tuple[str, str]]:
    """Yield what helps with a lab in the background."""
    if lab:
        yield "Go inside:", f"cfrunbook lab shell {lab}"
    if lab and not by_hand:
        yield "Watch it:", f"cfrunbook lab shell {lab} -- cfrunbook watch"


def _asking(origin: LiveOrigin, trust_store: Path) -> Iterator[str]:
    """Yield one command for each address of an origin."""
    domain = origin.setup.domain
    trusting = f"-CAfile {shlex.quote(str(trust_store))}"  # else openssl finds fault with every chain of the lab
    for address, port in origin.places:
        if origin.setup.protocol == "https":
            yield f"openssl s_client -connect {address}:{port} -servername {domain} {trusting} -showcerts </dev/null"
        else:
            yield f"curl -si --connect-to {domain}:80:{address}:{port} http://{domain}/"


def _digging(running: Running) -> Iterator[str]:
    """Yield one command for each name server of the scenario, with the address that it has in the lab's DNS."""
    for address, (at, port) in running.name_servers.items():
        yield f"dig +norecurse @{at} -p {port} {running.setup.origin.domain}  # {address}"


@contextmanager
def handling(handler: _Handler) -> Iterator[None]:
    """Give the signals that end a process to `handler`; only the main thread can, elsewhere nothing changes."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, handler) for number in _FORWARDED}
    try:
        yield
    finally:
        for number, previous in before.items():
            signal.signal(number, previous)


def _forward(process: subprocess.Popen[bytes], number: int) -> None:
    """Send the signal on, unless it came from the terminal, which tells the whole foreground group itself."""
    if number in (signal.SIGINT, signal.SIGQUIT) and _in_foreground():
        return
    process.send_signal(number)


def _in_foreground() -> bool:
    try:
        return os.tcgetpgrp(sys.__stdin__.fileno() if sys.__stdin__ else 0) == os.getpgrp()
    except (OSError, ValueError):
        return False
