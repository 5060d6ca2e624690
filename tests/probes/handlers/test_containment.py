"""What a handler cannot do: outlive its run, learn our secrets, reach anything, fill memory or disk."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import socket
import sys
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cfrunbook.probes.handlers import (
    Guard,
    Guarded,
    HandlerLimits,
    HandlerOutcome,
    ReturnKind,
    Wanted,
    WhyNot,
    run_handler,
)
from cfrunbook.probes.handlers.containment import namespaces
from tests.conftest import REQUIRE_ALL
from tests.probes.handlers.conftest import edge_event

LINUX = sys.platform.startswith("linux")
private = pytest.mark.skipif(not namespaces() and not REQUIRE_ALL, reason="needs unprivileged user namespaces")
linux = pytest.mark.skipif(not LINUX, reason="needs Linux")
node = pytest.mark.needs("node")

# Native code, which no audit hook sees: what only the kernel can refuse.
NATIVE = """
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
"""


def guard_of(run: Any, what: Guarded) -> Guard:
    return {entry.what: entry.by for entry in run.containment}[what]


@pytest.fixture
def server() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.setblocking(False)
        yield listening


def assert_unseen(server: socket.socket) -> None:
    with pytest.raises(BlockingIOError):
        server.accept()


class TestTime:
    LOCKS = (
        NATIVE
        + """
def lock(path, leave):
    reading, writing = os.pipe()
    if libc.fork() == 0:
        if leave:
            libc.setsid()
        libc.flock(libc.open(path.encode(), 0), 2)
        os.write(writing, b"x")
        while True: libc.pause()
    os.read(reading, 1)
    print("locked")
"""
    )

    @staticmethod
    def assert_released(path: Path) -> None:
        """Wait until nobody holds the lock, which only the end of who took it can bring about."""

        async def wait() -> None:
            with path.open() as file:
                await asyncio.wait_for(asyncio.to_thread(fcntl.flock, file, fcntl.LOCK_EX), 10)

        asyncio.run(wait())

    @linux
    @pytest.mark.parametrize(
        ("ending", "outcome"),
        [("while True: libc.pause()", HandlerOutcome.TIMED_OUT), ("return 1", HandlerOutcome.RETURNED)],
    )
    @pytest.mark.parametrize("leave", [False, pytest.param(True, marks=private)])
    def test_what_it_started_ends_with_it(
        self, run: Any, package: Path, ending: str, outcome: HandlerOutcome, leave: bool
    ) -> None:
        path = package / "lock"
        path.touch()
        code = f"{self.LOCKS}\ndef handler(e, c):\n    lock({str(path)!r}, {leave})\n    {ending}"
        done = run("index.py", code, limits=HandlerLimits(seconds=2))
        assert (done.outcome, done.console) == (outcome, "locked\n"), done
        self.assert_released(path)

    @linux
    def test_a_run_that_is_given_up_is_ended(self, package: Path) -> None:
        path = package / "lock"
        path.touch()
        file = package / "index.py"
        file.write_text(
            f"{self.LOCKS}\ndef handler(e, c):\n    lock({str(path)!r}, False)\n    while True: libc.pause()"
        )

        async def give_up() -> None:
            running = asyncio.create_task(run_handler(file, kind="lambda-edge", event=edge_event()))
            with path.open() as mine:
                while True:
                    try:
                        fcntl.flock(mine, fcntl.LOCK_SH | fcntl.LOCK_NB)
                    except BlockingIOError:
                        break
                    fcntl.flock(mine, fcntl.LOCK_UN)
                    await asyncio.sleep(0)
            running.cancel()
            with pytest.raises(asyncio.CancelledError):
                await running

        asyncio.run(give_up())
        self.assert_released(path)

    def test_closing_the_pipe_for_the_report_is_no_way_out(self, run: Any) -> None:
        code = "import os\ndef handler(e, c):\n    os.closerange(3, 200)\n    while True: pass"
        assert run("index.py", code, limits=HandlerLimits(seconds=0.5)).outcome is HandlerOutcome.TIMED_OUT


class TestSecrets:
    @pytest.fixture(autouse=True)
    def _secrets(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "do-not-tell")
        monkeypatch.setenv("AWS_PROFILE", "production")
        monkeypatch.setenv("NODE_OPTIONS", "--require /nonexistent")
        monkeypatch.setenv("PYTHONPATH", "/nonexistent")
        (tmp_path / "home" / ".aws").mkdir(parents=True)
        (tmp_path / "home" / ".aws" / "credentials").write_text("aws_secret_access_key = do-not-tell")
        monkeypatch.setenv("HOME", str(tmp_path / "home"))

    @node
    def test_node_gets_an_environment_of_its_own(self, run: Any) -> None:
        told = json.loads(run("index.js", "exports.handler = async () => process.env;").result)
        self.assert_environment(told)

    def test_python_gets_an_environment_of_its_own(self, run: Any) -> None:
        told = json.loads(run("index.py", "import os\ndef handler(e, c): return dict(os.environ)").result)
        self.assert_environment(told)

    @staticmethod
    def assert_environment(told: dict[str, str]) -> None:
        assert "do-not-tell" not in told.values()
        assert not {name for name in told if "KEY" in name or "TOKEN" in name or "PROFILE" in name}
        assert (told["HOME"], told["AWS_REGION"]) == ("/nonexistent", "us-east-1")
        assert told["AWS_LAMBDA_FUNCTION_NAME"] == "us-east-1.package"
        assert told["AWS_EXECUTION_ENV"].startswith("AWS_Lambda_")

    @pytest.mark.parametrize(
        ("file", "code"),
        [
            pytest.param(
                "index.js", "exports.handler = async () => require('fs').readFileSync(PATH, 'utf8');", marks=node
            ),
            pytest.param("index.js", "exports.handler = async () => require('fs').readdirSync(PATH);", marks=node),
            ("index.py", "def handler(e, c): return open(PATH).read()"),
            ("index.py", "import pathlib\ndef handler(e, c): return pathlib.Path(PATH).read_text()"),
            ("index.py", "import os\ndef handler(e, c): return os.listdir(PATH)"),
        ],
    )
    def test_files_that_are_not_its_own_are_not_read(self, run: Any, tmp_path: Path, file: str, code: str) -> None:
        path = tmp_path / "home" / ".aws" / ("" if "dir" in code else "credentials")
        done = run(file, code.replace("PATH", json.dumps(str(path))))
        assert (done.outcome, done.reason) == (HandlerOutcome.COULD_NOT_RUN, WhyNot.CONTAINED), done
        assert ".aws" in done.why
        assert "do-not-tell" not in done.result.decode() + done.console

    def test_a_link_out_of_the_package_leads_nowhere(self, run: Any, package: Path, tmp_path: Path) -> None:
        (package / "link").symlink_to(tmp_path / "home" / ".aws" / "credentials")
        assert run("index.py", "def handler(e, c): return open('link').read()").reason is WhyNot.CONTAINED

    @pytest.mark.parametrize(
        ("file", "code"),
        [
            pytest.param(
                "index.js", "exports.handler = async () => require('fs').readFileSync(PATH, 'utf8');", marks=node
            ),
            ("index.py", "def handler(e, c): return open(PATH).read()"),
        ],
    )
    def test_a_handler_that_lies_in_a_home_may_read_itself_only(
        self, run: Any, package: Path, monkeypatch: pytest.MonkeyPatch, file: str, code: str
    ) -> None:
        monkeypatch.setenv("HOME", str(package))
        secret = package / ".aws" / "credentials"
        done = run(file, code.replace("PATH", json.dumps(str(secret))), files={".aws/credentials": "do-not-tell"})
        assert (done.outcome, done.reason) == (HandlerOutcome.COULD_NOT_RUN, WhyNot.CONTAINED), done
        assert ".aws" in done.why
        own = code.replace("PATH", "__filename" if file == "index.js" else "__file__")
        assert json.loads(run(file, own).result) == own

    @private
    def test_not_even_native_code_reads_the_environment_of_who_started_it(self, run: Any) -> None:
        path = f"/proc/{os.getpid()}/environ"
        code = f"{NATIVE}\ndef handler(e, c): return [libc.open({path!r}.encode(), 0), ctypes.get_errno()]"
        told, errno = json.loads(run("index.py", code).result)
        assert (told, errno in (1, 2, 13)) == (-1, True)


class TestNetwork:
    @node
    @pytest.mark.parametrize(
        "code",
        [
            "await new Promise((ok, no) => require('net').connect(PORT, '127.0.0.1', ok).on('error', no));",
            "await fetch('http://127.0.0.1:PORT/');",
            "await new Promise((ok, no) => require('http').get('http://127.0.0.1:PORT/', ok).on('error', no));",
            "await new Promise((ok, no) => require('https').get('https://127.0.0.1:PORT/', ok).on('error', no));",
        ],
    )
    def test_javascript_reaches_nobody(self, run: Any, server: socket.socket, code: str) -> None:
        port = server.getsockname()[1]
        done = run("index.js", "exports.handler = async () => { " + code.replace("PORT", str(port)) + " return 1; };")
        assert (done.outcome, done.reason) == (HandlerOutcome.COULD_NOT_RUN, WhyNot.NETWORK), done
        assert f"127.0.0.1:{port}" in done.why
        assert_unseen(server)

    @node
    def test_a_handler_that_goes_on_without_the_network_has_a_result(self, run: Any, server: socket.socket) -> None:
        port = server.getsockname()[1]
        code = f"exports.handler = async () => {{ try {{ await fetch('http://127.0.0.1:{port}/'); }} catch {{ return 1; }} }};"
        done = run("index.js", code)
        assert (done.outcome, done.result) == (HandlerOutcome.RETURNED, b"1")
        assert [(attempt.what, attempt.on) for attempt in done.attempts] == [(Wanted.NETWORK, f"127.0.0.1:{port}")]

    @pytest.mark.parametrize(
        "code",
        [
            "import socket\ndef handler(e, c): socket.create_connection(('127.0.0.1', PORT))",
            "import socket\ndef handler(e, c): socket.getaddrinfo('www.example.com', 443)",
            "import urllib.request\ndef handler(e, c): urllib.request.urlopen('http://127.0.0.1:PORT/')",
        ],
    )
    def test_python_reaches_nobody(self, run: Any, server: socket.socket, code: str) -> None:
        done = run("index.py", code.replace("PORT", str(server.getsockname()[1])))
        assert (done.outcome, done.reason) == (HandlerOutcome.COULD_NOT_RUN, WhyNot.NETWORK), done
        assert_unseen(server)

    @private
    def test_native_code_reaches_nobody(self, run: Any, server: socket.socket) -> None:
        address = b"\2\0" + server.getsockname()[1].to_bytes(2) + bytes([127, 0, 0, 1]) + bytes(8)
        code = f"{NATIVE}\ndef handler(e, c): return libc.connect(libc.socket(2, 1, 0), {address!r}, 16)"
        done = run("index.py", code)
        assert done.result == b"-1"
        assert guard_of(done, Guarded.NETWORK) is Guard.KERNEL
        assert_unseen(server)

    def test_the_same_code_reaches_the_server_where_nothing_keeps_it(self, server: socket.socket) -> None:
        """Else the tests above would prove nothing."""
        with socket.create_connection(server.getsockname()):
            server.accept()[0].close()


class TestFiles:
    @pytest.mark.parametrize(
        ("file", "code"),
        [
            pytest.param(
                "index.js", "exports.handler = async () => require('fs').writeFileSync(PATH, 'x');", marks=node
            ),
            pytest.param("index.js", "exports.handler = async () => require('fs').mkdirSync(PATH);", marks=node),
            ("index.py", "def handler(e, c): open(PATH, 'w')"),
            ("index.py", "import os\ndef handler(e, c): os.mkdir(PATH)"),
            ("index.py", "import os\ndef handler(e, c): os.rename(__file__, PATH)"),
        ],
    )
    def test_no_file_is_written(self, run: Any, package: Path, file: str, code: str) -> None:
        path = package / "written"
        done = run(file, code.replace("PATH", json.dumps(str(path))))
        assert (done.outcome, done.reason) == (HandlerOutcome.COULD_NOT_RUN, WhyNot.CONTAINED), done
        assert "writes" in done.why
        assert not path.exists()
        assert guard_of(done, Guarded.FILE_WRITES) is Guard.RUNTIME

    @linux
    def test_native_code_fills_no_disk(self, run: Any, package: Path) -> None:
        code = f"{NATIVE}\ndef handler(e, c): return libc.write(libc.open({str(package / 'x').encode()!r}, 0o101, 0o600), b'x', 1)"
        assert run("index.py", code).result == b"-1"
        assert (package / "x").stat().st_size == 0

    @pytest.mark.parametrize(
        ("file", "code"),
        [
            pytest.param(
                "index.js", "exports.handler = async () => require('child_process').execSync('id');", marks=node
            ),
            ("index.py", "import subprocess\ndef handler(e, c): subprocess.run(['id'])"),
            ("index.py", "import os\ndef handler(e, c): os.fork()"),
            ("index.py", "import os\ndef handler(e, c): os.kill(os.getppid(), 9)"),
        ],
    )
    def test_no_program_is_started(self, run: Any, file: str, code: str) -> None:
        done = run(file, code)
        assert (done.outcome, done.reason) == (HandlerOutcome.COULD_NOT_RUN, WhyNot.CONTAINED), done
        assert "process" in done.why

    def test_nothing_stays_beside_the_handler(self, run: Any, package: Path) -> None:
        run("index.py", "import other\ndef handler(e, c): return 1", files={"other.py": ""})
        assert sorted(path.name for path in package.iterdir()) == ["index.py", "other.py"]


class TestSizes:
    @pytest.fixture(autouse=True)
    def _our_memory_does_not_grow(self) -> Iterator[None]:
        tracemalloc.start()
        try:
            yield
            assert tracemalloc.get_traced_memory()[1] < 40 * 1024 * 1024
        finally:
            tracemalloc.stop()

    @pytest.mark.parametrize(
        ("file", "code"),
        [
            pytest.param("index.js", "exports.handler = async () => ({ body: 'x'.repeat(1e8) });", marks=node),
            pytest.param("index.js", "exports.handler = async () => Array(200000).fill('x'.repeat(500));", marks=node),
            pytest.param("index.js", "exports.handler = async () => Buffer.alloc(5e7);", marks=node),
            pytest.param("index.js", "exports.handler = async () => ({ toJSON: () => 'x'.repeat(2e7) });", marks=node),
            ("index.py", "def handler(e, c): return 'x' * 10**8"),
            ("index.py", "def handler(e, c): return list(range(2 * 10**6))"),
        ],
    )
    def test_a_large_result_is_not_taken(self, run: Any, file: str, code: str) -> None:
        done = run(file, code)
        assert (done.outcome, done.result) == (HandlerOutcome.OUTPUT_TOO_LARGE, b""), done
        assert done.result_bytes > HandlerLimits().result_bytes

    @node
    @pytest.mark.parametrize(
        ("size", "outcome"), [(998, HandlerOutcome.RETURNED), (999, HandlerOutcome.OUTPUT_TOO_LARGE)]
    )
    def test_the_limit_of_a_result_is_exact(self, run: Any, size: int, outcome: HandlerOutcome) -> None:
        limits = HandlerLimits(seconds=30, result_bytes=1000)
        assert (
            run(
                "index.js",
                f"exports.handler = async () => 'é'.repeat({size // 2}) + 'x'.repeat({size % 2});",
                limits=limits,
            ).outcome
            is outcome
        )

    @pytest.mark.parametrize(
        ("file", "code"),
        [
            pytest.param("index.js", "exports.handler = async () => { for (let i = 0; i < 100; i++) console.log('x'.repeat(1e6)); return 1; };", marks=node),
            ("index.py", "def handler(e, c):\n    for _ in range(100): print('x' * 10**6)\n    return 1"),
        ],
    )  # fmt: skip
    def test_what_it_prints_is_counted_and_not_kept(self, run: Any, file: str, code: str) -> None:
        done = run(file, code)
        assert (done.outcome, done.result) == (HandlerOutcome.RETURNED, b"1")
        assert done.console == "x" * HandlerLimits().console_bytes
        assert done.console_bytes == 100 * (10**6 + 1)

    @pytest.mark.parametrize(
        ("file", "code"),
        [
            pytest.param("index.js", "exports.handler = async () => { const a = []; for (;;) a.push(new Array(1e5).fill(a.length)); };", marks=node),
            pytest.param("index.js", "exports.handler = async () => { const a = []; for (;;) a.push(Buffer.alloc(1e7, 1)); };", marks=[node, linux]),
            pytest.param("index.py", "def handler(e, c):\n    a = []\n    while True: a.append(bytearray(10**7))", marks=linux),
        ],
    )  # fmt: skip
    def test_memory_is_limited(self, run: Any, file: str, code: str) -> None:
        limits = HandlerLimits(seconds=60, memory_mb=64)
        assert run(file, code, limits=limits).outcome is HandlerOutcome.RAN_OUT_OF_MEMORY

    @pytest.mark.parametrize(
        "data",
        [
            b'{"end": "returned"}\n',
            b"nonsense\n",
            b'{"end": 1}\n',
            b'{"end": "returned", "bytes": 5, "kind": "value"}\nab\n',
            b'{"end": "returned", "bytes": -1, "kind": "value"}\nab\n',
            b'{"end": "threw", "lost": [1]}\n',
            b"[" * 100_000 + b"\n",
        ],
    )
    def test_a_report_that_the_handler_wrote_itself_is_not_believed_further_than_it_goes(
        self, run: Any, data: bytes
    ) -> None:
        done = run("index.py", self.forging(f"os.write(n, {data!r})", "os._exit(0)"))
        assert (done.outcome, done.reason) == (HandlerOutcome.COULD_NOT_RUN, WhyNot.HARNESS), done

    def test_a_report_without_end_is_read_in_bounds(self, run: Any) -> None:
        done = run("index.py", self.forging("while True: os.write(n, b'x' * 65536)"))
        assert (done.outcome, done.reason) == (HandlerOutcome.COULD_NOT_RUN, WhyNot.HARNESS), done

    def test_a_result_without_end_is_read_in_bounds(self, run: Any) -> None:
        header = b'{"end": "returned", "bytes": 1000000000, "kind": "value"}\n'
        done = run("index.py", self.forging(f"os.write(n, {header!r})", "while True: os.write(n, b'x' * 65536)"))
        assert done.outcome is HandlerOutcome.OUTPUT_TOO_LARGE

    @staticmethod
    def forging(*lines: str) -> str:
        """Return a handler that finds the pipe of the report, which is the only one beyond 2, and writes to it."""
        body = "\n            ".join(lines)
        return f"""
import os, stat
def handler(e, c):
    for n in range(3, 300):
        try:
            is_pipe = stat.S_ISFIFO(os.fstat(n).st_mode)
        except OSError:
            continue
        if is_pipe:
            {body}
"""


def test_what_is_not_enforced_here_is_said(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cfrunbook.probes.handlers.containment.namespaces", lambda: ())
    done = run("index.py", "def handler(e, c): return 1")
    assert (done.outcome, done.returned) == (HandlerOutcome.RETURNED, ReturnKind.VALUE)
    assert {entry.what for entry in done.containment} == set(Guarded)
    assert guard_of(done, Guarded.CHILDREN) is Guard.NOBODY
    assert guard_of(done, Guarded.NETWORK) is Guard.RUNTIME
    assert guard_of(done, Guarded.TIME) is Guard.KERNEL


@linux
def test_a_handler_that_forks_in_its_group_ends_without_namespaces_too(
    run: Any, package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cfrunbook.probes.handlers.containment.namespaces", lambda: ())
    path = package / "lock"
    path.touch()
    code = f"{TestTime.LOCKS}\ndef handler(e, c):\n    lock({str(path)!r}, False)\n    while True: pass"
    done = run("index.py", code, limits=HandlerLimits(seconds=2))
    assert (done.outcome, done.console) == (HandlerOutcome.TIMED_OUT, "locked\n")
    TestTime.assert_released(path)
