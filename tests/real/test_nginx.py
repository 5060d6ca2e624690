"""A real nginx, configured as people configure it: the fault is named, and nothing is when it is healthy."""

from __future__ import annotations

import datetime as dt
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

import cfrunbook as cf
from cfrunbook.runbook import GUIDES

pytestmark = pytest.mark.needs("nginx")

DOMAIN = "origin.nginx.example"
NOW = dt.datetime.now(dt.UTC)


@dataclass
class Issued:
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(Encoding.PEM)


def issue(name: str, issuer: Issued | None, *, ca: bool, days: tuple[int, int] = (-30, 300)) -> Issued:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    signer = issuer.key if issuer else key
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW + dt.timedelta(days=days[0]))
        .not_valid_after(NOW + dt.timedelta(days=days[1]))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
    )
    if ca:
        usage = x509.KeyUsage(
            digital_signature=True,
            key_cert_sign=True,
            crl_sign=True,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            encipher_only=False,
            decipher_only=False,
        )
        builder = builder.add_extension(usage, critical=True)
    else:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        purpose = x509.ExtendedKeyUsage([x509.ExtendedKeyUsageOID.SERVER_AUTH])
        builder = builder.add_extension(purpose, critical=False)
    return Issued(builder.sign(signer, hashes.SHA256()), key)


@contextmanager
def nginx(folder: Path, chain: bytes, leaf: Issued) -> Iterator[int]:
    """Run Debian's nginx on an ephemeral loopback port and yield the port.

    nginx inherits the listening socket (its own upgrade mechanism), so nothing waits and no port can be lost.
    """
    (folder / "chain.pem").write_bytes(chain)
    (folder / "key.pem").write_bytes(
        leaf.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
    )
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    (folder / "nginx.conf").write_text(
        f"""
        daemon off; user root; pid {folder}/nginx.pid; error_log {folder}/error.log;
        events {{ worker_connections 64; }}
        http {{
          access_log off;
          client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
          uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
          server {{
            listen 127.0.0.1:{port} ssl; server_name {DOMAIN};
            ssl_certificate {folder}/chain.pem; ssl_certificate_key {folder}/key.pem;
            ssl_protocols TLSv1.2 TLSv1.3;
            location / {{ return 200 "hello\\n"; }}
            location = /upload {{ return 417; }}
          }}
        }}
        """
    )
    process = subprocess.Popen(
        ["nginx", "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log")],
        pass_fds=[listener.fileno()],
        env=os.environ | {"NGINX": f"{listener.fileno()};"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield port
    finally:
        process.terminate()
        process.wait(timeout=10)
        listener.close()


def test_417_is_passed_on_and_no_502(tmp_path: Path) -> None:
    root = issue("Nginx Test Root", None, ca=True)
    leaf = issue(DOMAIN, root, ca=False)
    (tmp_path / "root.pem").write_bytes(root.pem)
    with nginx(tmp_path, leaf.pem, leaf) as port:
        incident = cf.Incident.load(
            origin=DOMAIN,
            url=f"https://{DOMAIN}/upload",
            trust_store=tmp_path / "root.pem",
            connect_to=(f"{DOMAIN}:443:127.0.0.1:{port}",),
        )
        diagnosis = cf.diagnose_sync(incident)
    (finding,) = (f for f in diagnosis.findings if f.cause is cf.Cause.ORIGIN_RESPONSE)
    assert (finding.code, finding.status) == ("origin_response.expectation_failed", cf.Status.INFO)
    assert "answers 417 (Expectation Failed) to GET /upload" in finding.title
    assert diagnosis.verdict.status == "ok"


CASES: dict[str, tuple[str | None, int | None]] = {
    "expired": ("certificate.expired", 502),
    "incomplete": ("certificate.missing_intermediate", 502),
    "healthy": (None, None),
}


@contextmanager
def broken_as(case: str, folder: Path) -> Iterator[list[str]]:
    """Run nginx with a chain that is broken so, and yield the options with which it is examined."""
    root = issue("Nginx Test Root", None, ca=True)
    middle = issue("Nginx Test Intermediate", root, ca=True)
    leaf = issue(DOMAIN, middle, ca=False, days=(-90, -3) if case == "expired" else (-30, 300))
    chain = leaf.pem if case == "incomplete" else leaf.pem + middle.pem
    trust = folder / "root.pem"
    trust.write_bytes(root.pem)
    with nginx(folder, chain, leaf) as port:
        yield ["--origin", DOMAIN, "--trust-store", str(trust), "--connect-to", f"{DOMAIN}:443:127.0.0.1:{port}"]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "cfrunbook", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.parametrize("case", CASES)
def test_the_verdict_on_a_real_nginx(tmp_path: Path, case: str) -> None:
    with broken_as(case, tmp_path) as options:
        done = run("diagnose", "--json", *options)
    assert done.returncode == (0 if case == "healthy" else 1), done.stderr
    diagnosis = json.loads(done.stdout)
    code, status = CASES[case]
    assert (diagnosis["verdict"]["code"], diagnosis["verdict"]["cloudfront_status"]) == (code, status)
    assert [f["code"] for f in diagnosis["findings"] if f["status"] in ("fault", "warning", "unknown")][:1] == (
        [code] if code else []
    )


def test_the_report_on_a_real_nginx(tmp_path: Path) -> None:
    with broken_as("incomplete", tmp_path) as options:
        done = run("report", "--json", "--output", str(tmp_path / "incident"), *options)
    assert done.returncode == 1, done.stderr
    result = json.loads(done.stdout)
    folder = Path(result["path"])
    assert result["failed"] == []
    assert "certificate.missing_intermediate" in (folder / "report.html").read_text()
    assert DOMAIN in (folder / "summary.md").read_text()
    assert sorted(p.suffix for p in (folder / "notebooks").iterdir()) == [".ipynb"] * len(GUIDES)
