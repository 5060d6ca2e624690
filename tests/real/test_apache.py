"""A real Apache that asks for a client certificate for one folder: up to TLS 1.2 it renegotiates, which CloudFront does
not support."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

import cfrunbook as cf
from cfrunbook.evidence import Observations
from tests.real.origins import LOOPBACK, ORIGIN, Address, Certificates, _free_port, _process, _when_listening

pytestmark = pytest.mark.needs("apache2")

MODULES = Path("/usr/lib/apache2/modules")
LOADED = ("mpm_event", "authz_core", "ssl", "socache_shmcb", "alias", "dir")


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("apache"))


@pytest.fixture(scope="module")
def apache(certificates: Certificates) -> Iterator[dict[str, Address]]:
    """One Apache: TLS 1.2 and TLS 1.3, with the folders /asks and /may-ask on both."""
    home = certificates.folder
    (home / "htdocs").mkdir()
    (home / "htdocs" / "index.html").write_text("hello\n")
    ports = {"TLSv1.2": _free_port(), "TLSv1.3": _free_port()}
    lines = [f"LoadModule {name}_module {MODULES}/mod_{name}.so" for name in LOADED]
    lines += [f"ServerName {ORIGIN}", f"PidFile {home}/apache.pid", f"ErrorLog {home}/apache.log", "ServerLimit 1"]
    lines += ["StartServers 1", f"Mutex posixsem:{home}", "SSLSessionCache none", "Timeout 5"]
    for version, port in ports.items():
        lines += [
            f"Listen {LOOPBACK}:{port}",
            f"<VirtualHost {LOOPBACK}:{port}>",
            f"SSLEngine on\nSSLProtocol {version}\nDocumentRoot {home}/htdocs",
            f"SSLCertificateFile {certificates.chain('rsa')}\nSSLCertificateKeyFile {certificates.key('rsa')}",
            f"SSLCACertificateFile {certificates.trust}",
            f"Alias /asks {home}/htdocs\nAlias /may-ask {home}/htdocs",
            "<Location /asks>\nSSLVerifyClient require\n</Location>",
            "<Location /may-ask>\nSSLVerifyClient optional\n</Location>",
            "</VirtualHost>",
        ]
    config = home / "apache.conf"
    config.write_text("\n".join(lines) + "\n")
    tested = subprocess.run(["apache2", "-t", "-f", str(config)], capture_output=True, text=True, check=False)
    assert tested.returncode == 0, tested.stderr
    with _process(["apache2", "-X", "-f", str(config)]) as process:
        yield {version: _when_listening(process, port) for version, port in ports.items()}


def look(apache: dict[str, Address], certificates: Certificates, version: str, path: str) -> Observations:
    incident = cf.Incident.load(
        origin=ORIGIN,
        url=f"https://{ORIGIN}{path}",
        connect_to=[f"{ORIGIN}:443:{LOOPBACK}:{apache[version][1]}"],
        trust_store=certificates.trust,
    )
    return cf.observe_sync(incident)


def judge(observations: Observations) -> cf.Diagnosis:
    return cf.judge(cf.Incident.load(evidence=observations), observations)


@pytest.mark.parametrize(
    ("version", "path", "asked"),
    [
        ("TLSv1.2", "/", False),
        ("TLSv1.2", "/asks/", True),
        ("TLSv1.2", "/may-ask/", True),
        ("TLSv1.3", "/", False),
        ("TLSv1.3", "/asks/", False),  # TLS 1.3 asks within the connection, and only clients that said they can
    ],
)
def test_a_request_to_renegotiate_is_seen(
    apache: dict[str, Address], certificates: Certificates, version: str, path: str, *, asked: bool
) -> None:
    exchanges = look(apache, certificates, version, path).exchanges
    assert [e.renegotiation_requested for e in exchanges][-1:] == [asked]


def test_the_verdict_names_renegotiation(apache: dict[str, Address], certificates: Certificates) -> None:
    diagnosis = judge(look(apache, certificates, "TLSv1.2", "/asks/"))
    assert (diagnosis.verdict.code, diagnosis.verdict.cloudfront_status) == ("tls_protocol.renegotiation", 502)
    assert "once it has read GET /asks/, and gives no answer without one" in diagnosis.verdict.sentence


def test_without_renegotiation_the_same_server_is_fine(apache: dict[str, Address], certificates: Certificates) -> None:
    diagnosis = judge(look(apache, certificates, "TLSv1.2", "/"))
    assert diagnosis.verdict.status == "ok", diagnosis.verdict.sentence
    assert "tls_protocol.renegotiation_not_asked" in {f.code for f in diagnosis.findings}


def test_the_command_that_reproduces_it_shows_it(apache: dict[str, Address], certificates: Certificates) -> None:
    for path, shown in (("/asks/", True), ("/", False)):
        findings = judge(look(apache, certificates, "TLSv1.2", path)).findings
        finding = next(f for f in findings if f.code.startswith("tls_protocol.renegotiation"))
        done = subprocess.run(
            ["bash", "-c", finding.reproduce], capture_output=True, text=True, check=False, timeout=30
        )
        assert ("HelloRequest" in done.stdout) is shown, done.stdout + done.stderr
