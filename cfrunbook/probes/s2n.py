"""AWS's own TLS library as a second opinion: would s2n-tls connect under CloudFront's security policy?

s2n-tls publishes the policies `CloudFront-Upstream-*-2025` (https://github.com/aws/s2n-tls/pull/5460), and awscrt
(https://pypi.org/project/awscrt/, extra `s2n`) brings the library along. Its C functions are exported but no public
API of awscrt, so they are called in a process of their own (`s2n_process.py`): where a function was renamed or
changed, that process may fail or crash, and the answer is "could not be asked". It is evidence of what CloudFront
does, not proof: which version and which settings an edge location runs is not known. Linux only.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from cfrunbook.cloudfront.targets import TlsMinimum
from cfrunbook.probes.tls.client_hello import server_name

POLICIES: Mapping[TlsMinimum, str] = {
    "SSLv3": "CloudFront-Upstream-2025",
    "TLSv1": "CloudFront-Upstream-TLS-1-0-2025",
    "TLSv1.1": "CloudFront-Upstream-TLS-1-1-2025",
    "TLSv1.2": "CloudFront-Upstream-TLS-1-2-2025",
}
"""s2n's security policy for each minimum origin SSL protocol."""

_PROCESS = Path(__file__).with_name("s2n_process.py")
_START_LIMIT = 10.0
"""Seconds, beyond the deadline of the handshake, that the other process may take to start and end."""
_MAX_TEXT = 200


@dataclass(frozen=True, slots=True)
class S2nResult:
    """How s2n-tls fared with a server, up to the end of its handshake."""

    connected: bool
    """The handshake was finished, and certificate and name were accepted."""
    error: str = ""
    """s2n's name of the error (`CERT_EXPIRED`, `ALERT`, `CLOSED`), `TIMEOUT`, or what the socket said."""
    detail: str = ""
    """The error in words; after an alert its number."""
    version: int | None = None
    """Negotiated version as on the wire; None where there is none."""
    cipher: str = ""
    """OpenSSL's name of the negotiated cipher suite."""
    group: str = ""
    """Name of the key exchange group; empty with RSA key exchange."""
    alert: int | None = None
    """The alert that the server sent."""
    asked: bool = True
    """False where the library could not be asked; then nothing here says anything about the server."""


def available() -> str:
    """Say why s2n cannot be asked here, in one sentence; empty where it can. Never raises."""
    if not sys.platform.startswith("linux"):
        return "s2n-tls can be asked on Linux only."
    library = _library()
    if not library:
        return "awscrt, which brings s2n-tls, is not installed (pip install 'cfrunbook[s2n]')."
    return _problem(library)


def connect(
    address: str, port: int, *, sni: str | None, minimum: TlsMinimum, trust_pem: bytes, deadline: float
) -> S2nResult:
    """Shake hands with a server as CloudFront's policy for `minimum` has it, within `deadline` seconds.

    `address` is numeric. `sni` goes into server_name and is what the certificate must be for; without a name s2n
    accepts no certificate. `trust_pem` are the only roots that count.
    Never raises for anything the server or the library does; `asked` tells whether the library could be asked at all.
    """
    problem = available()
    if problem:
        return S2nResult(connected=False, error="NOT_AVAILABLE", detail=problem, asked=False)
    question = {
        "address": address,
        "port": port,
        "sni": server_name(sni).decode("ascii"),
        "policy": POLICIES[minimum],
        "trust": trust_pem.decode("latin-1"),
        "deadline": deadline,
    }
    answer = _ask(_library(), question, deadline + _START_LIMIT)
    if "problem" in answer:
        return S2nResult(connected=False, error="NOT_AVAILABLE", detail=str(answer["problem"]), asked=False)
    version, alert = answer.get("version"), answer.get("alert")
    return S2nResult(
        connected=answer.get("connected") is True,
        error=_text(answer, "error"),
        detail=_text(answer, "detail"),
        version=version if isinstance(version, int) else None,
        cipher=_text(answer, "cipher"),
        group=_text(answer, "group"),
        alert=alert if isinstance(alert, int) else None,
    )


def _text(answer: Mapping[str, Any], key: str) -> str:
    return str(answer.get(key, ""))[:_MAX_TEXT]


def _library() -> str:
    """Return the path of awscrt's shared object; empty where there is none. It is not imported."""
    try:
        spec = find_spec("_awscrt")
    except (ImportError, ValueError):
        return ""
    return spec.origin or "" if spec else ""


@cache
def _problem(library: str) -> str:
    """Ask the other process once whether it finds every function and every policy."""
    answer = _ask(library, {"policies": list(POLICIES.values())}, _START_LIMIT)
    return str(answer.get("problem", ""))


def _ask(library: str, question: Mapping[str, Any], limit: float) -> Mapping[str, Any]:
    """Put a question to the other process and return its answer; `problem` says why there is none."""
    # -I -S: it needs the standard library only, whatever this environment or the working folder holds.
    command = [sys.executable, "-I", "-S", str(_PROCESS), library]
    try:
        done = subprocess.run(  # noqa: S603 - our own script with the interpreter that runs us
            command, input=json.dumps(question).encode(), capture_output=True, timeout=limit, check=False
        )
        answer = json.loads(done.stdout) if done.returncode == 0 else None
    except subprocess.TimeoutExpired:
        return {"problem": f"s2n-tls gave no answer within {limit:g} s."}
    except (OSError, ValueError) as error:
        return {"problem": f"s2n-tls could not be asked: {type(error).__name__}."}
    if isinstance(answer, dict):
        return answer
    ended = f"by signal {-done.returncode}" if done.returncode < 0 else f"with status {done.returncode}"
    return {"problem": f"The process that asks s2n-tls ended {ended}; this awscrt may have changed."}
