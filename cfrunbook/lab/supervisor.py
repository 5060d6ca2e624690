"""The process that owns a lab in the background: servers, edge, files. When it ends, however it ends, all of it does.

`python -m cfrunbook.lab.supervisor NAME LAB [tied] [by-hand]` leaves the terminal and says on standard output, in one
line of JSON, that the lab is up, or why it is not. `tied`: it ends when standard input does, so it never outlives an
exam. `by-hand`: what it says of itself does not mention our own diagnosis.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import select
import shutil
import signal
import sys
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cfrunbook.lab.runtime import Home, State

_MOST_SAID = 20


def main(arguments: Sequence[str]) -> int:
    """Own a lab until SIGTERM, or until its folder is gone."""
    if os.fork():  # whoever started us need not wait for the one who stays
        os._exit(0)
    name, lab, *words = arguments
    from cfrunbook.errors import BadInput
    from cfrunbook.lab.runtime import Home

    try:
        home = Home(lab)
        lock = home.own()
        if lock is None:
            raise BadInput(f"Lab: {lab} runs already; see `cfrunbook lab status {lab}`, or stop it first.")
        over = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, lambda *_: over.set())
        os.chdir(home.folder.parent)
        try:
            _own(name, home, over, words)
        finally:
            shutil.rmtree(home.folder, ignore_errors=True)
    except (BadInput, OSError) as error:
        _report({"error": str(error)})
        return 2
    return 0


def _own(name: str, home: Home, over: threading.Event, words: Sequence[str]) -> None:
    """Bring the lab up, say so, and look after it until it is over."""
    from cfrunbook.lab import shell
    from cfrunbook.lab.background import BY_HAND, TIED
    from cfrunbook.lab.commands import introduction
    from cfrunbook.lab.following import EVERY, Follower
    from cfrunbook.lab.running import find, start
    from cfrunbook.lab.runtime import OPEN_FILE, STATE_FILE, State
    from cfrunbook.lab.training import drawing

    check = drawing.find if drawing.is_token(name) else find
    check(name)  # an unknown one leaves no folder
    home.folder.mkdir(mode=0o700)
    is_tied = TIED in words
    with start(name, folder=home.folder) as running:
        follower = None if is_tied else Follower(running)
        shell.write_tools(running)
        state = State(
            name=home.name,
            scenario=running.alias,
            pid=os.getpid(),
            started=f"{dt.datetime.now(dt.UTC):%Y-%m-%dT%H:%M:%SZ}",
            edge=running.edge_url,
            lab_file=str(running.file),
            site=str(running.site_folder),
            access_log=str(running.log_file),
            introduction=introduction(running, lab=home.name, in_exam=is_tied, by_hand=BY_HAND in words),
        )
        home.write(state)
        _report({"ready": True})
        _leave_terminal(home)
        while not over.wait(EVERY) and (home.folder / STATE_FILE).exists() and not (is_tied and _has_ended()):
            if follower is None:
                follower = Follower(running) if (home.folder / OPEN_FILE).exists() else None
            elif noticed := follower.look():
                print(noticed, flush=True)
                shell.write_tools(running)
                state = _with(state, str(noticed))
                home.write(state)


def _has_ended() -> bool:
    """Tell whether nobody holds the other side of standard input any more; nothing is ever written to it."""
    return bool(select.select([0], [], [], 0)[0])


def _with(state: State, said: str) -> State:
    import msgspec

    return msgspec.structs.replace(state, says=(*state.says, said)[-_MOST_SAID:])


def _report(value: dict[str, object]) -> None:
    print(json.dumps(value), flush=True)


def _leave_terminal(home: Home) -> None:
    """Let go of whoever waits for the report; what is said from now on goes into the lab's log."""
    from cfrunbook.lab.runtime import LOG_FILE

    log = os.open(home.folder / LOG_FILE, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
    for standard in (1, 2):
        os.dup2(log, standard)
    os.close(log)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
