"""A scenario that somebody works on: what it answers now, what its files say, and what is said of it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final

from cfrunbook.errors import BadInput
from cfrunbook.files import read_bounded, write_whole
from cfrunbook.findings import Diagnosis
from cfrunbook.lab import site
from cfrunbook.lab.edge import fetch_all
from cfrunbook.lab.following import EVERY, NOT_USED, Follower
from cfrunbook.lab.running import Running
from cfrunbook.lab.scenario import URL
from cfrunbook.lab.training import tools, viewer
from cfrunbook.lab.training.tools import Ran
from cfrunbook.text import visible
from cfrunbook.views.training import Block, Page, page

PATIENCE: Final = 2.0
"""Seconds that the edge waits for an origin when it is asked what it answers."""
_LONGEST_FILE: Final = 200_000

Told = Callable[[Block], None]
"""Is told what the edge answers after a change."""


class Scene:
    """A running scenario whose files may be changed from more than one place: cells, a desk, a terminal."""

    def __init__(self, running: Running) -> None:
        self.running = running
        self._lock = threading.RLock()
        self._watchers: dict[str, Told] = {}
        self._following: threading.Thread | None = None
        self._over = threading.Event()

    def follow(self) -> bool:
        """Bring up what the files say; return whether they were changed. Raises BadInput, and then all is as it was."""
        with self._lock:
            if not self.running.has_changed():
                return False
            self.running.reload()
            return True

    def mend(self) -> None:
        """Mend it as its owner would. Raises BadInput where there is nothing to mend."""
        with self._lock:
            self.running.mend()
        self.tell(self.answer())

    def break_again(self) -> None:
        """Break it as it began."""
        with self._lock:
            self.running.break_again()
        self.tell(self.answer())

    def answer(self) -> Block:
        """Return what CloudFront answers now, over all addresses and name servers that it may pick."""
        statuses = sorted({answer.status for answer in fetch_all(self.running.edge_facts, patience=PATIENCE)})
        said = " or ".join(map(str, statuses))
        if not [status for status in statuses if status >= 500]:
            return Block("verdict", f"The edge answers {said}.", "Works", "ok")
        sentence = f"The edge answers {said}" + (", depending on where it looks first." if len(statuses) > 1 else ".")
        return Block("verdict", sentence, "Broken", "fault")

    # --- files ----------------------------------------------------------------------------------------------------

    @property
    def files(self) -> tuple[str, ...]:
        """The files that the owners can change, relative to the site; not the keys of the authority."""
        folder = self.running.site
        found = (path.relative_to(folder) for path in site.paths(folder) if path.is_file())
        return tuple(sorted(path.as_posix() for path in found if path.parts[0] != site.AUTHORITY))

    def read(self, name: str) -> str:
        """Return a file of the site as text. Raises BadInput."""
        return read_bounded(self._path(name), "File", _LONGEST_FILE).decode("utf-8", "replace")

    def write(self, name: str, text: str) -> None:
        """Save a file of the site, and bring up what it says. Raises BadInput; the file is saved nevertheless."""
        write_whole(self._path(name), text.encode())
        self.follow()
        self.tell(self.answer())

    def _path(self, name: str) -> Path:
        if name not in self.files:
            raise BadInput(f"File: {visible(name, 80)} is none of this site.")
        return self.running.site / name

    # --- who is told ----------------------------------------------------------------------------------------------

    def watch(self, name: str, told: Told) -> None:
        """Call `told` with what the edge answers after each change; it takes the place of what had this name."""
        self._watchers[name] = told
        if self._following is None:
            self._following = threading.Thread(target=self._follow, name="cfrunbook-scene", daemon=True)
            self._following.start()

    def tell(self, answer: Block) -> None:
        """Tell everybody who watches."""
        for told in tuple(self._watchers.values()):
            told(answer)

    def _follow(self) -> None:
        """Follow the files until the scenario goes."""
        follower = Follower(self.running, lock=self._lock)
        while not self._over.wait(EVERY):
            if noticed := follower.look():
                self.tell(not_used(noticed.refused, noticed.label) if noticed.refused else self.answer())

    def stop(self) -> None:
        """Take it down."""
        self._over.set()
        self.running.stop()


def not_used(why: str, label: str = NOT_USED) -> Block:
    """Return that what the files say is not used, and why."""
    return Block("verdict", why, label.capitalize(), "unknown")


def pager(running: Running, *, by_hand: bool = False, in_exam: bool = False) -> Page:
    """Return what the pager says, and the commands that reach the scenario; the answer is not in it.

    `by_hand`: our own diagnosis is not mentioned. `in_exam`: what owners can change, which says what is wrong, is not
    there yet.
    """
    kept = tuple((what.rstrip(":"), f"cat {path}" if path.is_file() else f"ls {path}") for what, path in running.kept)
    return page(
        Block("story", items=running.scenario.story),
        Block(
            "text", "How it is reached, with the names that CloudFront uses, in the cells and fields of this notebook:"
        ),
        Block("ways", rows=(*_ways(running), *kept)),
        Block("text", "The same in a terminal of yours, e.g. File › New › Terminal here. It begins with:"),
        Block("command", str(tools.door(running, in_site=not in_exam))),
        *(() if by_hand else (Block("muted", "There, `cfrunbook diagnose` looks at this incident."),)),
        Block("muted", f"{URL} goes to {_origins(running)}. All of it goes when this notebook's kernel ends."),
    )


def _origins(running: Running) -> str:
    return " and ".join(f"origin {origin.setup.id} ({origin.setup.domain})" for origin in running.origins)


def _ways(running: Running) -> tuple[tuple[str, str], ...]:
    ways = [("Ask the edge, as a viewer", f"curl -si {URL}")]
    for origin in running.origins:
        domain, port = origin.setup.domain, origin.setup.port
        is_tls = origin.setup.protocol == "https"
        hello = f"openssl s_client -connect {domain}:{port} -servername {domain} </dev/null"
        ways.append(("Ask the origin", hello if is_tls else f"curl -si http://{domain}:{port}/"))
    if running.name_servers:
        ways.append(
            ("Ask a name server", f"dig +norecurse @{next(iter(running.name_servers))} {running.setup.origin.domain}")
        )
    return tuple(dict.fromkeys(ways))


def shown(ran: Ran) -> Page:
    """Return a command with what it printed."""
    return page(Block("command", ran.command, output=ran.output or f"(nothing; exit status {ran.status})"))


def verified(running: Running, diagnosis: Diagnosis) -> Page:
    """Return whether an incident is over: what viewers get, what the edge gets, and what the diagnosis says."""
    statuses = sorted({answer.status for answer in fetch_all(running.edge_facts, patience=PATIENCE)})
    verdict = diagnosis.verdict
    works, is_fine = all(status < 500 for status in statuses), verdict.status == "ok"
    seen = viewer.status(running.edge_url)
    got = " or ".join(map(str, statuses))
    checks = [
        (
            "ok" if works else "fault",
            f"The edge, asked anew at each address and name server, gets {got} from the origin.",
        ),
        (verdict.status, f"The diagnosis: {verdict.sentence}"),
    ]
    if works and seen >= 500:
        said = f"A viewer still gets {seen}: CloudFront serves an error from its cache for 10 seconds. Ask again."
        checks.append(("info", said))
    else:
        checks.append(("ok" if seen < 500 else "fault", f"A viewer gets {seen} for {URL}."))
    if works and is_fine:
        return page(Block("verdict", "The incident is over.", "Verified", "ok"), Block("checks", rows=tuple(checks)))
    return page(
        Block("verdict", "The incident goes on.", "Not fixed yet", "fault"), Block("checks", rows=tuple(checks))
    )
