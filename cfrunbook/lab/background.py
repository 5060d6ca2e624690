"""Labs in the background: start one, list those that run, stop them. The work is done by `cfrunbook.lab.supervisor`."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import msgspec

from cfrunbook.errors import BadInput
from cfrunbook.lab import runtime
from cfrunbook.lab.runtime import Home, State
from cfrunbook.text import visible

_START_LIMIT = 60.0
"""Seconds; half of one is usual."""
TIED, BY_HAND = "tied", "by-hand"


@dataclass(frozen=True, slots=True)
class Exam:
    """What is different with a lab of an exam."""

    tie: int
    """A descriptor to read from: when it ends, so does the lab, however the process ended that holds the other side."""
    by_hand: bool = False
    """The introduction says nothing of our own diagnosis."""

    @property
    def words(self) -> tuple[str, ...]:
        """What the supervisor is told."""
        return (TIED, BY_HAND) if self.by_hand else (TIED,)


@contextmanager
def tie() -> Iterator[int]:
    """Give what ties labs to this process and to this block."""
    reading, writing = os.pipe()
    try:
        yield reading
    finally:
        os.close(writing)
        os.close(reading)


def start(scenario: str, *, name: str = "", exam: Exam | None = None) -> State:
    """Bring a scenario up in a process of its own, and return what is known of it once it is ready.

    `name` is what the lab is called, where not like its scenario. Raises BadInput for an unknown scenario, and where a
    lab of this name runs already.
    """
    home = Home(name) if name else None
    words = exam.words if exam else ()
    command = [sys.executable, "-m", "cfrunbook.lab.supervisor", scenario, name or scenario, *words]
    process = subprocess.Popen(  # noqa: S603 - ourselves
        command,
        stdin=exam.tie if exam else subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        said, _ = process.communicate(timeout=_START_LIMIT)  # until the one who stays lets go of it
    except BaseException as ending:  # too late, or Ctrl-C: nobody is left who would look after the one who stays
        _give_up(process)
        (home or Home(scenario)).clean()
        if not isinstance(ending, subprocess.TimeoutExpired):
            raise
        raise BadInput(f"Lab: {visible(scenario, 80)} did not come up within {_START_LIMIT:.0f} seconds.") from None
    report = _last_line(said)
    if error := report.get("error"):
        raise BadInput(str(error))
    home = home or Home(scenario)
    state = home.state() if report.get("ready") else None
    if state is None:
        raise BadInput(f"Lab: {visible(scenario, 80)} did not come up: {visible(said.decode('utf-8', 'replace'), 400)}")
    return state


def _give_up(process: subprocess.Popen[bytes]) -> None:
    """End a lab that is coming up: the one who starts it, and the one who would stay."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)  # both are of this group: the session is their own
    process.communicate()


def _last_line(said: bytes) -> dict[str, object]:
    lines = said.strip().splitlines()
    try:
        return msgspec.json.decode(lines[-1], type=dict[str, object]) if lines else {}
    except msgspec.DecodeError:
        return {}


def stop(names: Sequence[str] = (), *, everything: bool = False) -> tuple[str, ...]:
    """Stop these labs, or all, or the one that runs; return the names of those stopped. Raises BadInput."""
    if everything:
        names = [state.name for state in runtime.running()]
    elif not names:
        names = [the_one().name]
    stopped = []
    for name in names:
        if not Home(name).end():
            raise BadInput(f"Lab: {visible(name, 80)} does not run.")
        stopped.append(name)
    return tuple(stopped)


def the_one(name: str = "") -> State:
    """Return the lab of this name; without a name, the one that runs. Raises BadInput where that is not clear."""
    if name:
        if state := Home(name).state():
            return state
        raise BadInput(f"Lab: {visible(name, 80)} does not run; `cfrunbook lab start {visible(name, 80)}` starts it.")
    states = list(runtime.running())
    if not states:
        raise BadInput("Lab: none runs; start one with `cfrunbook lab start NAME`.")
    if len(states) > 1:
        names = ", ".join(state.name for state in states)
        raise BadInput(f"Lab: several run ({names}); say which.")
    return states[0]
