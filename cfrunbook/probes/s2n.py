"""AWS's own TLS library as a second opinion: would s2n-tls connect under CloudFront's security policy?

s2n-tls publishes the policies `CloudFront-Upstream-*-2025` (https://github.com/aws/s2n-tls/pull/5460), and awscrt
(https://pypi.org/project/awscrt/, extra `s2n`) brings the library along. Its C functions are exported but no public
API of awscrt, so they are called in a process of their own (`s2n_process.py`): where a function was renamed or
changed, that process may fail or crash, and the answer is "could not be asked". It is evidence of what CloudFront
does, not proof: which version and which settings an edge location runs is not known. Linux only.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import msgspec

from cfrunbook.cloudfront.origin_tls import S2N_POLICIES as POLICIES
from cfrunbook.cloudfront.targets import TlsMinimum
from cfrunbook.evidence import SecondOpinion
from cfrunbook.probes.endpoint import Endpoint
from cfrunbook.probes.tls.client_hello import server_name
from cfrunbook.text import visible

_PROCESS = Path(__file__).with_name("s2n_process.py")
_BY_HAND = 10.0
"""Seconds for a handshake asked for on the command line."""
_START_LIMIT = 10.0
"""Seconds, beyond the deadline of the handshake, that the other process may take to start and end."""
_LATEST_ASIDE = 2.0
"""The same where others wait for the answer: a diagnosis is not held up by a second opinion."""
_MAX_TEXT = 200
_PIPE = subprocess.PIPE


class S2nResult(msgspec.Struct, frozen=True):
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
        return _not_asked(problem)
    question = _question((address, port), sni, minimum=minimum, trust_pem=trust_pem, deadline=deadline)
    return _result(_ask(_library(), question, deadline + _START_LIMIT))


def installed() -> bool:
    """Tell whether the library is there, without asking it anything: enough to have it asked with `observe`."""
    return sys.platform.startswith("linux") and bool(_library())


async def observe(
    endpoint: Endpoint, *, sni: str, minimum: TlsMinimum, trust_pem: bytes, deadline: float
) -> SecondOpinion | str:
    """Return how the library fares with `endpoint`, see `connect`; or in one sentence why it could not be asked.

    The other process is ended when this is cancelled, and two seconds after `deadline` seconds at the latest.
    """
    start = time.monotonic()
    if not server_name(sni):
        return "s2n-tls accepts no certificate where there is no server name to send."
    question = _question(endpoint.socket_address, sni, minimum=minimum, trust_pem=trust_pem, deadline=deadline)
    result = _result(await _ask_aside(_library(), question, deadline + _LATEST_ASIDE))
    if not result.asked:
        return result.detail
    return SecondOpinion(
        id="",
        host=endpoint.host,
        port=endpoint.port,
        address=endpoint.address,
        connected_to=endpoint.connected_to,
        sni=sni,
        policy=POLICIES[minimum],
        connected=result.connected,
        error=result.error,
        detail=result.detail,
        alert=result.alert,
        version=result.version,
        cipher=result.cipher,
        group=result.group,
        elapsed_ms=(time.monotonic() - start) * 1000,
    )


def _question(
    place: tuple[str, int], sni: str | None, *, minimum: TlsMinimum, trust_pem: bytes, deadline: float
) -> Mapping[str, Any]:
    return {
        "address": place[0],
        "port": place[1],
        "sni": server_name(sni).decode("ascii"),
        "policy": POLICIES[minimum],
        "trust": trust_pem.decode("latin-1"),
        "deadline": deadline,
    }


def _not_asked(problem: str) -> S2nResult:
    return S2nResult(connected=False, error="NOT_AVAILABLE", detail=problem, asked=False)


def _result(answer: Mapping[str, Any]) -> S2nResult:
    if "problem" in answer:
        return _not_asked(_text(answer, "problem"))
    version, alert = answer.get("version"), answer.get("alert")
    return S2nResult(
        connected=answer.get("connected") is True,
        error=_text(answer, "error"),
        detail=_text(answer, "detail"),
        version=version if isinstance(version, int) and 0 <= version <= 0xFFFF else None,
        cipher=_text(answer, "cipher"),
        group=_text(answer, "group"),
        alert=alert if isinstance(alert, int) and 0 <= alert <= 0xFF else None,
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


def _command(library: str) -> list[str]:
    # -I -S: it needs the standard library only, whatever this environment or the working folder holds.
    return [sys.executable, "-I", "-S", str(_PROCESS), library]


def _ask(library: str, question: Mapping[str, Any], limit: float) -> Mapping[str, Any]:
    """Put a question to the other process and return its answer; `problem` says why there is none."""
    try:
        done = subprocess.run(  # noqa: S603 - our own script with the interpreter that runs us
            _command(library), input=json.dumps(question).encode(), capture_output=True, timeout=limit, check=False
        )
    except subprocess.TimeoutExpired:
        return _too_late(limit)
    except OSError as error:
        return _cannot_start(error)
    return _read(done.returncode, done.stdout)


async def _ask_aside(library: str, question: Mapping[str, Any], limit: float) -> Mapping[str, Any]:
    """Do the same beside other tasks."""
    try:
        process = await asyncio.create_subprocess_exec(
            *_command(library), stdin=_PIPE, stdout=_PIPE, stderr=subprocess.DEVNULL
        )
    except OSError as error:
        return _cannot_start(error)
    try:
        async with asyncio.timeout(limit):
            output, _ = await process.communicate(json.dumps(question).encode())
    except TimeoutError:
        return _too_late(limit)
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    return _read(process.returncode or 0, output)


def _too_late(limit: float) -> Mapping[str, Any]:
    return {"problem": f"s2n-tls gave no answer within {limit:g} s."}


def _cannot_start(error: OSError) -> Mapping[str, Any]:
    return {"problem": f"s2n-tls could not be asked: {type(error).__name__}."}


def _read(status: int, output: bytes) -> Mapping[str, Any]:
    """Return the answer of a process that has ended."""
    if status == 0:
        with contextlib.suppress(ValueError, RecursionError):
            answer = json.loads(output)
            if isinstance(answer, dict):
                return answer
    ended = f"by signal {-status}" if status < 0 else f"with status {status}"
    return {"problem": f"The process that asks s2n-tls ended {ended}; this awscrt may have changed."}


def main(arguments: Sequence[str]) -> int:
    """Shake hands once and print what came of it: ADDRESS PORT SNI [MINIMUM [TRUST_FILE]]; 0 where it connected."""
    if not 3 <= len(arguments) <= 5 or not arguments[1].isdecimal():
        print("Usage: python3 -m cfrunbook.probes.s2n ADDRESS PORT SNI [MINIMUM [TRUST_FILE]]", file=sys.stderr)
        return 2
    address, port, sni, minimum, trust = (*arguments, *("TLSv1.2", "")[len(arguments) - 3 :])
    if minimum not in POLICIES:
        print(f"MINIMUM is one of {', '.join(POLICIES)}.", file=sys.stderr)
        return 2
    if not trust:
        import certifi

        trust = certifi.where()
    try:
        pem = Path(trust).read_bytes()
    except OSError as error:
        print(f"TRUST_FILE: {visible(trust)}: {error.strerror}.", file=sys.stderr)
        return 2
    result = connect(address, int(port), sni=sni, minimum=minimum, trust_pem=pem, deadline=_BY_HAND)  # type: ignore[arg-type]
    print(result)
    return 0 if result.connected else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
