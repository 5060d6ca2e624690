"""The rules that conftest.py holds, held."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

CONFTEST = Path(__file__).with_name("conftest.py")

CASES = """
import asyncio, socket, pytest

@pytest.mark.needs("no-such-program")
def test_missing_program(): ...

@pytest.mark.needs("sh")
def test_present_program(): ...

def test_connects_out():
    with socket.socket() as sock:
        sock.connect(("192.0.2.1", 443))

def test_swallows_the_error():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        try:
            sock.sendto(b"?", ("198.51.100.1", 53))
        except OSError:
            pass

def test_looks_up():
    asyncio.run(asyncio.wait_for(_look_up(), 5))

async def _look_up():
    await asyncio.get_running_loop().getaddrinfo("www.example.com", 443)
"""


@pytest.mark.parametrize(("ci", "skipped"), [("false", True), ("true", False)])
def test_a_missing_program_is_a_skip_by_name_and_a_failure_in_ci(tmp_path: Path, ci: str, skipped: bool) -> None:
    output = run_pytest(tmp_path, ci, "-k", "program")
    assert "1 passed" in output
    assert ("1 skipped" if skipped else "1 error") in output
    assert "needs no-such-program, which this machine does not have" in output


def test_leaving_loopback_fails_the_test_even_where_the_error_is_swallowed(tmp_path: Path) -> None:
    output = run_pytest(tmp_path, "false", "-k", "not program")
    assert "3 failed" in output
    assert "left loopback: socket.sendto: 198.51.100.1" in output


def run_pytest(folder: Path, ci: str, *options: str) -> str:
    (folder / "conftest.py").write_text(CONFTEST.read_text())
    (folder / "test_cases.py").write_text(CASES)
    (folder / "pytest.ini").write_text("[pytest]\nmarkers =\n  needs\n  netns\naddopts = -ra\n")
    environment = {**os.environ, "CI": ci, "CFRUNBOOK_REQUIRE_ALL": "", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *options, str(folder)]
    done = subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True, check=False)
    return done.stdout


def test_loopback_is_open() -> None:
    async def exchange() -> bytes:
        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(await reader.read(4))
            writer.close()

        async with await asyncio.start_server(answer, "localhost", 0, family=socket.AF_INET) as server:
            reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            writer.write(b"ping")
            read = await reader.read()
            writer.close()
            return read

    assert asyncio.run(exchange()) == b"ping"
