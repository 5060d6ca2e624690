"""Other programs that look at a server's TLS, and how they are run: programs of their own, never imported."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

S_CLIENT, NMAP, SSLSCAN, SSLYZE, TESTSSL = "openssl s_client loop", "nmap", "sslscan", "sslyze", "testssl"
PEERS = (S_CLIENT, NMAP, SSLSCAN, SSLYZE, TESTSSL)

_S_CLIENT = """
ask() { openssl s_client -connect "127.0.0.1:$port" -servername "$name" "$@" </dev/null 2>&1; }
name=$1 port=$2 roots=$3; shift 3
for version in tls1 tls1_1 tls1_2 tls1_3; do ask "-$version" -cipher DEFAULT@SECLEVEL=0; done
for suite; do ask -tls1_2 -cipher "$suite"; done
ask -showcerts ${roots:+-CAfile "$roots" -verify_hostname "$name"}
"""
"""AWS's page of supported ciphers, tried by hand."""


def commands(name: str, port: int, roots: str = "") -> dict[str, tuple[str, ...]]:
    """Return the command of each peer for a port of 127.0.0.1: protocols, suites, curves and certificate, no more.

    `roots` is a PEM file that those of them trust that can be told so; nmap and sslscan judge no certificate.
    """
    from cfrunbook.cloudfront.origin_tls import SUITES, TLS_1_3

    unknown = {"DES-CBC3-SHA", "RC4-MD5"}  # OpenSSL is built without them
    documented = [s.openssl for s in SUITES if s.minimum < TLS_1_3 and s.documented and s.openssl not in unknown]
    address = f"127.0.0.1:{port}"
    scripts = ("--script", "+ssl-enum-ciphers,+ssl-cert", "--script-args", f"tls.servername={name}")
    versions = [f"--{version}" for version in ("sslv3", "tlsv1", "tlsv1_1", "tlsv1_2", "tlsv1_3")]
    batch = ("--quiet", "--color", "0", "--warnings", "off")
    no_verdict = ("--mozilla_config", "disable")
    left_out = [f"--no-{what}" for what in ("compression", "fallback", "heartbleed", "renegotiation")]
    sslyze_trusts = ("--certinfo_ca_file", roots) if roots else ()
    testssl_trusts = ("--add-ca", roots) if roots else ()
    return {
        S_CLIENT: ("sh", "-c", _S_CLIENT, "sh", name, str(port), roots, *documented),
        NMAP: ("nmap", "-Pn", "-n", "-p", str(port), *scripts, "127.0.0.1"),
        SSLSCAN: ("sslscan", f"--sni-name={name}", *left_out, address),
        SSLYZE: (
            *("sslyze", *versions, "--certinfo", *sslyze_trusts, "--elliptic_curves"),
            *(*no_verdict, "--sni", name, address),
        ),
        TESTSSL: (
            *(program_of(TESTSSL), *batch, *testssl_trusts, "--nodns", "none", "--ip", "127.0.0.1"),
            *("-p", "-E", "-S", f"{name}:{port}"),
        ),
    }


def program_of(peer: str) -> str:
    """Return the program that must be installed. Debian drops the extension of testssl.sh."""
    if peer == S_CLIENT:
        return "openssl"
    return next((n for n in ("testssl.sh", "testssl") if shutil.which(n)), "testssl.sh") if peer == TESTSSL else peer


def version_of(program: str) -> str:
    """Return a peer's version, as it or its installation says; empty where neither does."""
    if program == "sslyze":  # has no option for it
        folder = Path(shutil.which(program) or program).resolve().parent.parent
        said = " ".join(path.name for path in folder.glob("lib/python*/site-packages/sslyze-*.dist-info"))
    else:
        command = [program, "version" if program == "openssl" else "--version"]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=30)
        said = (done.stdout + done.stderr).decode(errors="replace")
    found = re.search(r"\d+\.\d+(\.\d+)*", re.sub(r"\x1b\[[\d;]*m", "", said))
    return found.group() if found else ""


def named(peer: str) -> str:
    """Return a peer's program with its version, or that it is not there."""
    program = program_of(peer)
    return f"{program} {version_of(program) if shutil.which(program) else 'not installed'}"
