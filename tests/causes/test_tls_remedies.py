"""The configuration lines that are recommended: each kind of server takes them as they are shown."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from cfrunbook.causes import tls_remedies as fix
from cfrunbook.causes.tls_remedies import server_settings, suites_for
from cfrunbook.cloudfront.origin_tls import SUITES
from cfrunbook.findings import Step

KINDS = pytest.mark.parametrize("kinds", [("RSA",), ("ECDSA",), ()], ids=["RSA", "ECDSA", "both"])
NAMES = {"names": ["shop.example.com"], "first_name": "shop.example.com", "minimum": "TLSv1.2", "lower": "TLSv1"}
NAMES |= {"subject": "/CN=shop.example.com", "alternative": "subjectAltName=DNS:shop.example.com"}
APACHE_MODULES = Path("/usr/lib/apache2/modules")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a certificate, and the directory that HAProxy wants it in."""
    made = tmp_path_factory.mktemp("remedies")
    subject = ["-subj", "/CN=x", "-nodes", "-newkey", "rsa:2048"]
    command = ["openssl", "req", "-x509", *subject, "-keyout", made / "key.pem", "-out", made / "chain.pem"]
    subprocess.run(command, check=True, capture_output=True, timeout=20)
    (made / "haproxy").mkdir()
    (made / "haproxy" / "both.pem").write_text((made / "chain.pem").read_text() + (made / "key.pem").read_text())
    return made


def lines(step: Step, kinds: Sequence[str] = ()) -> str:
    return step.fill({**NAMES, **server_settings(kinds)}).command


def accepts(command: Sequence[str | Path], folder: Path) -> None:
    """Fail where a server does not take its configuration, or takes it with a warning."""
    home = {**os.environ, "HOME": str(folder), "XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
    told = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False, env=home)
    assert told.returncode == 0, told.stderr
    assert "warn" not in told.stderr.lower(), told.stderr


@KINDS
@pytest.mark.needs("nginx", "openssl")
def test_nginx(kinds: tuple[str, ...], folder: Path) -> None:
    own = f"listen 127.0.0.1:8443 ssl; ssl_certificate {folder}/chain.pem; ssl_certificate_key {folder}/key.pem;"
    _nginx_takes(f"server {{ {own}\n{lines(fix.NGINX, kinds)}\n}}", folder)


@pytest.mark.needs("nginx", "openssl")
def test_nginx_in_front(folder: Path) -> None:
    step = next(s for s in fix.TOLERATE.steps if s.command)
    _nginx_takes(lines(step).replace("/etc/ssl/", f"{folder}/"), folder)


def _nginx_takes(servers: str, folder: Path) -> None:
    (folder / "nginx.conf").write_text(
        f"pid {folder}/pid; error_log {folder}/log; events {{}}\nhttp {{ access_log off;\n{servers}\n}}\n"
    )
    accepts(["nginx", "-t", "-q", "-p", folder, "-c", folder / "nginx.conf"], folder)


@KINDS
@pytest.mark.needs("apache2", "openssl")
def test_apache(kinds: tuple[str, ...], folder: Path) -> None:
    modules = "".join(
        f"LoadModule {name}_module {APACHE_MODULES}/mod_{name}.so\n"
        for name in ("mpm_event", "authz_core", "socache_shmcb", "ssl")
    )
    (folder / "apache.conf").write_text(
        f"ServerRoot {folder}\nPidFile {folder}/pid\nErrorLog {folder}/log\nServerName x\n{modules}"
        f"Listen 127.0.0.1:8443\n<VirtualHost *:8443>\nSSLEngine on\nSSLCertificateFile {folder}/chain.pem\n"
        f"SSLCertificateKeyFile {folder}/key.pem\n{lines(fix.APACHE, kinds)}\n</VirtualHost>\n"
    )
    accepts(["apache2", "-t", "-f", folder / "apache.conf"], folder)


@KINDS
@pytest.mark.needs("haproxy", "openssl")
def test_haproxy(kinds: tuple[str, ...], folder: Path) -> None:
    bind = lines(fix.HAPROXY, kinds).replace("/etc/haproxy/certs/", f"{folder}/haproxy/")
    timeouts = "timeout client 5s\ntimeout server 5s\ntimeout connect 5s\n"
    (folder / "haproxy.cfg").write_text(
        f"global\n  tune.ssl.default-dh-param 2048\nlisten web\nmode http\n{timeouts}{bind}\n"
    )
    accepts(["haproxy", "-c", "-q", "-f", folder / "haproxy.cfg"], folder)


@KINDS
@pytest.mark.needs("caddy")
def test_caddy(kinds: tuple[str, ...], folder: Path) -> None:
    key = next(s for s in fix.ANOTHER_KEY.steps if s.text.startswith("Caddy"))
    sites = f"shop.example.com {{\n{lines(fix.CADDY, kinds)}\n}}\nwww.example.com {{\n{lines(key)}\n}}\n"
    (folder / "Caddyfile").write_text(sites)
    home = {**os.environ, "HOME": str(folder), "XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
    command = ["caddy", "validate", "--adapter", "caddyfile", "--config", str(folder / "Caddyfile")]
    told = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False, env=home)
    assert told.returncode == 0, told.stderr


@pytest.mark.needs("openssl", "sh")
def test_the_request_for_another_key_is_made_as_shown(folder: Path) -> None:
    made = subprocess.run(
        ["sh", "-c", lines(fix.ANOTHER_KEY.steps[0])],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert made.returncode == 0, made.stderr
    shown = subprocess.run(
        ["openssl", "req", "-in", folder / "request.pem", "-noout", "-text"],
        capture_output=True,
        text=True,
        timeout=20,
        check=True,
    )
    assert "prime256v1" in shown.stdout
    assert "DNS:shop.example.com" in shown.stdout


@KINDS
def test_windows_is_given_suites_by_the_names_that_it_knows(kinds: tuple[str, ...]) -> None:
    command = lines(fix.IIS, kinds)
    assert {s.iana for s in SUITES if s.iana in command} == set(suites_for(kinds)[1][:1] + suites_for(kinds)[1][-1:])
    assert not {"{", "}"} & set(command.replace("ForEach-Object { Enable", "").replace(" $_ }", ""))
