"""Steps that fetch, all at once in a few threads, until a common deadline; each fails by itself and softly.

Threads, because boto3 is not asynchronous. What is not there in time is left to its thread and no longer waited for.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Any

from cfrunbook.aws.session import AwsError, Session
from cfrunbook.findings import NotExamined
from cfrunbook.text import visible

WORKERS = 16
MAX_STEPS = 600
"""Steps of one run: a distribution may have 100 origins, 75 behaviors, and 4 functions each."""

Progress = Callable[[str], None]
"""Called, from any thread, with one short line whenever a step has ended."""


class Steps:
    """What is under way, what it has brought, and what could not be had."""

    def __init__(self, session: Session, *, progress: Progress | None = None, workers: int = WORKERS) -> None:
        self.session = session
        self._progress = progress or (lambda _: None)
        self._workers = workers
        self._waiting: deque[tuple[int, str, Callable[..., None], tuple[Any, ...]]] = deque()
        self._threads = self._idle = 0
        self._changed = threading.Condition()
        self._open: dict[int, str] = {}
        self._number = 0
        self._closed = False
        self._kept: list[Any] = []
        self._missed: list[NotExamined] = []
        self._seen: set[object] = set()
        self._defect: BaseException | None = None

    def start(self, what: str, function: Callable[..., None], *arguments: Any) -> None:
        """Start a step: `function(steps, *arguments)`. `what` names what is not examined should it bring nothing."""
        with self._changed:
            if self._closed or self._defect is not None:
                return
            if self._number >= MAX_STEPS:
                self._missed.append(NotExamined(what=what, why=f"there are more than {MAX_STEPS} things to fetch"))
                return
            self._number += 1
            self._open[self._number] = what
            self._waiting.append((self._number, what, function, arguments))
            if self._threads < self._workers and len(self._waiting) > self._idle:
                self._threads += 1
                threading.Thread(target=self._work, name=f"cfrunbook-aws-{self._threads}", daemon=True).start()
            self._changed.notify_all()

    def keep(self, *facts: Any) -> None:
        """Keep what a step has brought; after the deadline it is dropped."""
        with self._changed:
            if not self._closed:
                self._kept.extend(facts)

    def miss(self, *gaps: NotExamined) -> None:
        """Keep that something was not looked at; after the deadline it is dropped."""
        with self._changed:
            if not self._closed:
                self._missed.extend(gaps)

    def is_first(self, key: object) -> bool:
        """Tell whether nobody has asked this of `key` before: what several steps come upon is fetched once."""
        with self._changed:
            is_new = key not in self._seen
            self._seen.add(key)
            return is_new

    def attempt(self, what: str, function: Callable[[], Any]) -> Any:
        """Return what `function` returns; None, with `what` kept as not examined, where AWS brought nothing."""
        try:
            return function()
        except AwsError as error:
            self.miss(error.not_examined(what))
            return None

    def wait(self) -> None:
        """Wait until all has ended or the time is over; what is then still under way counts as not examined."""
        with self._changed:
            self._changed.wait_for(lambda: not self._open or self._defect is not None, timeout=self.session.remaining)
            self._closed = True
            self._changed.notify_all()
            for what in self._open.values():
                self._missed.append(
                    NotExamined(
                        what=visible(what, 300),
                        why="AWS did not answer within the time allowed",
                        next_check="Run this again, with a longer time.",
                    )
                )
            if self._defect is not None:
                raise self._defect

    def kept(self, kind: type[Any]) -> list[Any]:
        """Return what was kept of a type, in the order in which it came."""
        with self._changed:
            return [fact for fact in self._kept if isinstance(fact, kind)]

    @property
    def missed(self) -> tuple[NotExamined, ...]:
        """What was not examined, each once."""
        with self._changed:
            return tuple(dict.fromkeys(self._missed))

    def _work(self) -> None:
        while True:
            with self._changed:
                self._idle += 1
                self._changed.wait_for(lambda: self._waiting or self._closed)
                self._idle -= 1
                if self._closed:
                    return
                step = self._waiting.popleft()
            self._run(*step)

    def _run(self, number: int, what: str, function: Callable[..., None], arguments: tuple[Any, ...]) -> None:
        try:
            function(self, *arguments)
        except AwsError as error:
            self.miss(error.not_examined(what))
        except BaseException as error:  # noqa: BLE001 - a defect: told to who waits, in whose thread it is raised
            with self._changed:
                self._defect = self._defect or error
        finally:
            with self._changed:
                self._open.pop(number, None)
                self._changed.notify_all()
        if not self._closed:
            self._progress(f"AWS: {what}")
