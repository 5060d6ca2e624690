"""s2n-tls as a second opinion: what it says of real servers, and that nothing it does can hurt us."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import get_args

import pytest

from cfrunbook import lab
from cfrunbook.cloudfront.targets import TlsMinimum
from cfrunbook.evidence import SecondOpinion
from cfrunbook.lab.servers import Closed, Servers, Silent
from cfrunbook.probes import s2n
from cfrunbook.probes.endpoint import Endpoint
from cfrunbook.probes.s2n import S2nResult
from tests.conftest import REQUIRE_ALL

WHY_NOT = s2n.available()
asked = pytest.mark.skipif(bool(WHY_NOT) and not REQUIRE_ALL, reason=f"needs awscrt: {WHY_NOT}")
DEADLINE = 10.0


def connect(running: lab.Running, sni: str | None = lab.scenario.ORIGIN, **more: object) -> S2nResult:
    address, port = running.origins[0].addresses[0][443]
    trust = running.trust_store.read_bytes()
    asked_with: dict[str, object] = {"minimum": "TLSv1.2", "trust_pem": trust, "deadline": DEADLINE} | more
    return s2n.connect(address, port, sni=sni, **asked_with)  # type: ignore[arg-type]


def test_there_is_a_policy_for_every_minimum() -> None:
    assert set(s2n.POLICIES) == set(get_args(TlsMinimum))


@asked
def test_it_is_available() -> None:
    assert s2n.available() == ""


@asked
@pytest.mark.parametrize(
    ("scenario", "error"),
    [
        ("healthy", ""),
        ("healthy-tls13-only", ""),
        ("certificate-expired", "CERT_EXPIRED"),
        ("certificate-not-yet-valid", "CERT_NOT_YET_VALID"),
        ("certificate-missing-intermediate", "CERT_UNTRUSTED"),
        ("tls-name-mismatch", "CERT_INVALID_HOSTNAME"),
        ("tls-protocol-old-only", "ALERT"),
    ],
)
def test_it_says_in_its_own_words_what_is_wrong(scenario: str, error: str) -> None:
    with lab.start(scenario) as running:
        result = connect(running)
    assert (result.connected, result.error, result.asked) == (not error, error, True)
    assert bool(result.detail) == bool(error)


@asked
def test_it_says_what_was_negotiated() -> None:
    with lab.start("healthy") as running:
        result = connect(running)
    assert (result.version, result.cipher, result.group) == (0x0304, "TLS_AES_256_GCM_SHA384", "secp256r1")


@asked
def test_it_says_which_alert_came() -> None:
    with lab.start("tls-protocol-old-only") as running:
        assert connect(running).alert == 70
        assert connect(running, minimum="TLSv1").version == 0x0302


@asked
@pytest.mark.parametrize("sni", [None, "192.0.2.1", "bücher.example", "a" * 300])
def test_without_a_name_that_can_be_sent_it_accepts_no_certificate(sni: str | None) -> None:
    with lab.start("healthy") as running:
        assert connect(running, sni=sni).error == "CERT_INVALID_HOSTNAME"


@asked
def test_it_takes_mozillas_whole_list() -> None:
    import certifi

    with lab.start("healthy") as running:
        result = connect(running, trust_pem=Path(certifi.where()).read_bytes())
    assert (result.error, result.asked) == ("CERT_UNTRUSTED", True)


@asked
@pytest.mark.parametrize("trust", [b"", b"no certificate", b"\xff\x00"])
def test_a_useless_trust_store_says_nothing_about_the_server(trust: bytes) -> None:
    with lab.start("healthy") as running:
        result = connect(running, trust_pem=trust)
    assert (result.connected, result.asked) == (False, False)


@asked
def test_a_dead_peer_costs_the_deadline() -> None:
    with Servers() as servers, lab.start("healthy") as running:
        trust = running.trust_store.read_bytes()
        for service, error in ((Silent(), "TIMEOUT"), (Closed(), "NOT_CONNECTED")):
            address, port = servers.listen(service)
            result = s2n.connect(address, port, sni="a.example", minimum="TLSv1.2", trust_pem=trust, deadline=0.2)
            assert (result.connected, result.error, result.asked) == (False, error, True)


@asked
def test_names_are_not_resolved() -> None:
    result = s2n.connect("localhost", 1, sni="a.example", minimum="TLSv1.2", trust_pem=ROOT.encode(), deadline=1)
    assert (result.error, result.asked) == ("NOT_CONNECTED", True)


def observe(running: lab.Running, sni: str = lab.scenario.ORIGIN, deadline: float = DEADLINE) -> SecondOpinion | str:
    address, port = running.origins[0].addresses[0][443]
    endpoint = Endpoint("origin.shop.example", 443, address, address, port)
    trust = running.trust_store.read_bytes()
    return asyncio.run(s2n.observe(endpoint, sni=sni, minimum="TLSv1.2", trust_pem=trust, deadline=deadline))


@asked
@pytest.mark.parametrize(
    "scenario", ["healthy", "certificate-expired", "tls-protocol-old-only", "healthy-static-rsa-only"]
)
def test_what_is_observed_beside_other_tasks_is_the_same(scenario: str) -> None:
    assert s2n.installed()
    with lab.start(scenario) as running:
        seen, result = observe(running), connect(running)
        address, port = running.origins[0].addresses[0][443]
    assert isinstance(seen, SecondOpinion)
    assert (seen.host, seen.port, seen.address, seen.connected_to) == (
        "origin.shop.example", 443, address, f"{address}:{port}",
    )  # fmt: skip
    assert (seen.sni, seen.policy) == (lab.scenario.ORIGIN, "CloudFront-Upstream-TLS-1-2-2025")
    same = ("connected", "error", "detail", "alert", "version", "cipher", "group")
    assert [getattr(seen, field) for field in same] == [getattr(result, field) for field in same]
    assert seen.elapsed_ms > 0


@asked
def test_without_a_name_that_can_be_sent_it_is_not_asked() -> None:
    with lab.start("healthy") as running:
        assert observe(running, sni="192.0.2.1") == (
            "s2n-tls accepts no certificate where there is no server name to send."
        )


ROOT = lab.authority.Authority().root.pem.decode()


# --- where the library is absent, changed or broken -----------------------------------------------------------------


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    def put(path: str) -> None:
        monkeypatch.setattr(s2n, "_library", lambda: path)

    s2n._problem.cache_clear()
    return put


@pytest.fixture
def process(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, library: Callable[[str], None]) -> Callable[[str], None]:
    """Put another program in the place of the process that asks."""
    library("anything")

    def put(program: str) -> None:
        (tmp_path / "process.py").write_text(program)
        monkeypatch.setattr(s2n, "_PROCESS", tmp_path / "process.py")

    return put


def ask() -> S2nResult:
    return s2n.connect("127.0.0.1", 1, sni="a.example", minimum="TLSv1.2", trust_pem=ROOT.encode(), deadline=0.1)


def test_absent(library: Callable[[str], None]) -> None:
    library("")
    assert "awscrt" in s2n.available()
    assert ask() == S2nResult(connected=False, error="NOT_AVAILABLE", detail=s2n.available(), asked=False)


def test_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert s2n.available() == "s2n-tls can be asked on Linux only."
    assert not ask().asked


@pytest.mark.parametrize("path", ["/nowhere/_awscrt.so", __file__, "libc.so.6"])
def test_another_library_is_no_s2n(library: Callable[[str], None], path: str) -> None:
    library(path)
    assert "awscrt" in s2n.available()
    assert not ask().asked


@pytest.mark.parametrize(
    "program",
    [
        f"import os; os.kill(os.getpid(), {int(signal.SIGSEGV)})",
        "raise SystemExit(3)",
        "print('not JSON')",
        "print('[1]')",
        "print('\\x00' * 10000)",
        "",
    ],
)
def test_a_crash_is_an_answer_too(process: Callable[[str], None], program: str) -> None:
    process(program)
    assert s2n.available()
    assert not ask().asked


def test_one_that_hangs_is_ended(process: Callable[[str], None], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s2n, "_START_LIMIT", 0.2)
    process("import sys; sys.stdin.read(); import time; time.sleep(600)")
    assert s2n.available() == "s2n-tls gave no answer within 0.2 s."


def observe_nothing() -> SecondOpinion | str:
    endpoint = Endpoint("a.example", 1, "127.0.0.1")
    return asyncio.run(s2n.observe(endpoint, sni="a.example", minimum="TLSv1.2", trust_pem=ROOT.encode(), deadline=0.1))


def test_what_cannot_be_asked_beside_other_tasks_is_a_sentence(
    process: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    process("raise SystemExit(3)")
    assert observe_nothing() == "The process that asks s2n-tls ended with status 3; this awscrt may have changed."
    process("import sys; sys.stdin.read(); import time; time.sleep(600)")
    monkeypatch.setattr(s2n, "_LATEST_ASIDE", 0.1)
    assert observe_nothing() == "s2n-tls gave no answer within 0.2 s."
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    assert observe_nothing() == "s2n-tls could not be asked: FileNotFoundError."


def test_who_is_cancelled_leaves_no_process_behind(process: Callable[[str], None], tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    process(f"import os, time; open({str(fifo)!r}, 'w').write(str(os.getpid())); time.sleep(600)")

    async def look() -> int:
        endpoint = Endpoint("a.example", 1, "127.0.0.1")
        opinion = s2n.observe(endpoint, sni="a.example", minimum="TLSv1.2", trust_pem=ROOT.encode(), deadline=60)
        task = asyncio.ensure_future(opinion)
        number = int(await asyncio.to_thread(fifo.read_text))
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        return number

    number = asyncio.run(look())
    with pytest.raises(ProcessLookupError):
        os.kill(number, 0)


def test_strange_answers_are_bounded(process: Callable[[str], None]) -> None:
    process('print(\'{"connected": 1, "error": "\' + \'x\' * 9999 + \'", "version": [], "alert": "y"}\')')
    result = ask()
    assert (result.connected, len(result.error), result.version, result.alert) == (False, 200, None, None)


@asked
@pytest.mark.parametrize(("scenario", "code", "says"), [("healthy", 0, "connected=True"), ("tls-name-mismatch", 1, "")])
def test_the_command_in_findings_asks_it(scenario: str, code: int, says: str) -> None:
    with lab.start(scenario) as running:
        address, port = running.origins[0].addresses[0][443]
        command = [sys.executable, "-m", "cfrunbook.probes.s2n", address, str(port), lab.scenario.ORIGIN, "TLSv1.2"]
        done = subprocess.run([*command, str(running.trust_store)], capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stderr
    assert (says or "CERT_INVALID_HOSTNAME") in done.stdout


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "Usage: "),
        (["127.0.0.1", "https", "a"], "Usage: "),
        (["127.0.0.1", "443", "a", "TLSv1.3"], "MINIMUM is one of "),
        (["127.0.0.1", "443", "a", "TLSv1.2", "/nowhere.pem"], "TRUST_FILE: /nowhere.pem: No such file or directory."),
    ],
)
def test_what_it_cannot_be_asked_is_one_sentence(
    arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert s2n.main(arguments) == 2
    assert capsys.readouterr().err.startswith(sentence)
