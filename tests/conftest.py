"""What holds for every test: no public internet, named skips, the same examples in CI every time.

`@pytest.mark.needs("nginx", "openssl")` names system programs: where one is missing the test is skipped by that name,
and fails where CI=true or CFRUNBOOK_REQUIRE_ALL=1. `@pytest.mark.netns` is for tests that make a network namespace of
their own and may therefore use addresses beyond loopback.
"""

from __future__ import annotations

import ipaddress
import os
import shutil
import socket
import sys
import zlib
from collections.abc import Generator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings


def _is_set(name: str) -> bool:
    return os.environ.get(name, "").lower() in ("1", "true", "yes")


IN_CI = _is_set("CI")
REQUIRE_ALL = IN_CI or _is_set("CFRUNBOOK_REQUIRE_ALL")

settings.register_profile("local", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", settings.get_profile("local"), derandomize=True, print_blob=True, max_examples=50)
settings.register_profile("few", settings.get_profile("ci"), max_examples=20)
settings.load_profile("ci" if IN_CI else "local")

# A developer's own CFRUNBOOK_* settings are options of the command line: no test may depend on them.
for _name in [n for n in os.environ if n.startswith("CFRUNBOOK_") and n != "CFRUNBOOK_REQUIRE_ALL"]:
    del os.environ[_name]

# jsonschema would compile dozens of grammars for a format of which no notebook makes use: a second in every worker. That
# validation says the same without it is held in tests/report/test_runner.py, in processes of their own.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]  # None makes the import raise ImportError

# Servers live in sbin, which is not on everybody's PATH.
os.environ["PATH"] = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"])


LONG = ("notebooks", "test_agreement.py", "browser", "real", "report", "lab", "views", "test_cli.py", "test_start.py")
"""What takes longest comes first, so that in the end no process works alone (with --no-loadscope-reorder)."""


ABOUT_SCENARIOS = (
    "tests/test_agreement.py",
    *(f"tests/lab/test_{name}.py" for name in ("catalogue", "mending", "scenarios")),
)
"""Files whose tests about one scenario share what was looked at (`tests.looking`), and so run in one process."""
PARTS = 6
"""Into so many parts the scenarios are divided, by their names."""
LAST = "test_every_code_has_a_scenario_or_a_reason"
"""Takes what all processes have looked at."""


def scope_of(nodeid: str) -> str:
    """Return what a test shares a process with: its file, or the part that its scenario is in."""
    file, _, test = nodeid.partition("::")
    name = test.partition("[")[2].rstrip("]")
    if file not in ABOUT_SCENARIOS or not name:
        return f"{file}::{LAST}" if test == LAST else file
    from cfrunbook.lab import SCENARIOS

    while name and name not in SCENARIOS:  # what else a test is given stands behind it
        name = name.rpartition("-")[0]
    return f"scenarios {zlib.crc32(name.encode()) % PARTS}"


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    if config.getoption("dist") != "loadfile":
        return None
    from xdist.scheduler import LoadFileScheduling

    class Files(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return scope_of(nodeid)

    return Files(config, log)


def pytest_configure(config: pytest.Config) -> None:
    if hasattr(config, "workerinput"):
        from tests import looking

        looking.shared = Path(config.option.basetemp).parent / "looked-at"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    here = config.rootpath / "tests"
    places = {here / name: rank for rank, name in enumerate(LONG)}

    @cache  # of a file: there are hundreds of those, and many thousands of tests
    def rank(path: Path) -> int:
        return min((places[p] for p in (path, *path.parents) if p in places), default=len(LONG))

    items.sort(key=lambda item: (item.name == LAST, rank(item.path)))


def pytest_runtest_setup(item: pytest.Item) -> None:
    wanted = [str(program) for marker in item.iter_markers("needs") for program in marker.args]
    missing = sorted({program for program in wanted if shutil.which(program) is None})
    if missing:
        reason = f"needs {', '.join(missing)}, which this machine does not have"
        if REQUIRE_ALL:
            pytest.fail(f"{reason} (CI: no such skip is allowed)", pytrace=False)
        pytest.skip(reason)


@pytest.fixture(autouse=True)
def _no_root_servers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a walk to name servers end before it begins, where a test gives it no root of its own."""
    monkeypatch.setattr("cfrunbook.probes.dns.hints.built_in", lambda: ())


class _Guard:
    """An audit hook that lets sockets and look-ups of this process go to loopback only, and remembers who tried more.

    An audit hook, because it sees asyncio, dnspython and C extensions alike. It remembers, because code under test
    may well turn the error into an observation.
    """

    def __init__(self) -> None:
        self.active = False
        self.seen: list[str] = []
        self._own_names = {"localhost", "localhost.localdomain", "", socket.gethostname().lower()}

    def __call__(self, event: str, arguments: tuple[object, ...]) -> None:
        if not self.active or not event.startswith("socket."):
            return
        match event, arguments:
            case ("socket.connect" | "socket.sendto" | "socket.sendmsg", (socket.socket() as sock, address)):
                if sock.family in (socket.AF_INET, socket.AF_INET6) and isinstance(address, tuple):
                    self._check(event, address[0])
            case ("socket.getaddrinfo" | "socket.gethostbyname", (host, *_)):
                self._check(event, host)

    def _check(self, event: str, host: object) -> None:
        name = host.decode("idna", "replace") if isinstance(host, bytes) else host
        if isinstance(name, str) and not self._is_here(name):
            self.seen.append(f"{event}: {name}")
            raise PermissionError(f"a test must not leave loopback: {event} {name}")

    def _is_here(self, name: str) -> bool:
        if name.lower().rstrip(".") in self._own_names or name.lower().rstrip(".").endswith(".localhost"):
            return True
        try:
            address = ipaddress.ip_address(name.partition("%")[0])
        except ValueError:
            return False
        if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
            address = address.ipv4_mapped
        return address.is_loopback or address.is_unspecified


_guard = _Guard()
sys.addaudithook(_guard)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    _guard.seen.clear()
    _guard.active = item.get_closest_marker("netns") is None
    try:
        return (yield)
    finally:
        _guard.active = False


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Generator[None, object, object]:
    result = yield
    if _guard.seen:
        pytest.fail("left loopback: " + "; ".join(sorted(set(_guard.seen))), pytrace=False)
    return result
