"""A small edge that resolves and connects to an origin as CloudFront does, and comes to 200, 502 or 504.

This is the way to the origin. What viewers meet, with pages, cache and access log, is `cfrunbook.lab.edge_front`.

It is the lab's independent judge: it knows an origin only by the plain facts in `Origin` and `OriginGroup`, shares no
code with the judges of this package, and leaves certificates and handshakes to OpenSSL and, where it is installed, to
AWS's own TLS library. What it adds is what OpenSSL does not look at, the order of the chain on the wire and the kind of
key, the status that CloudFront gives for each way to fail, and when it turns to a second origin.

To OpenSSL it offers what Python's `ssl` can offer of CloudFront's hello: suites and versions, not its curves and
signature schemes. Those are in s2n-tls's policy for CloudFront, with which an origin must shake hands as well. It is
asked last, on a connection of its own after the other has ended: who fails before costs nothing more, and an origin
that serves one connection at a time has only one. It takes the server name alone for the certificate's, sorts chains
itself, goes on where a client certificate is asked for, and gives up at any warning alert. `blind_spot` says what
remains unseen without it.

Where a name has to be resolved it does so itself, from the root down (`cfrunbook.lab.dns.resolver`); what that comes to
may depend on which name server is asked first.

https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/http-502-bad-gateway.html
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/http-504-gateway-timeout.html
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/secure-connections-supported-ciphers-cloudfront-to-origin.html
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/high_availability_origin_failover.html
"""

from __future__ import annotations

import re
import secrets
import socket
import ssl
import time
import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal

from cfrunbook.probes import s2n

if TYPE_CHECKING:
    from cfrunbook.lab.dns.resolver import Kind, Resolver, View

CIPHERS = (
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
    "ECDHE-ECDSA-AES128-SHA256:ECDHE-RSA-AES128-SHA256:ECDHE-ECDSA-AES256-SHA384:ECDHE-RSA-AES256-SHA384:"
    "ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES128-SHA:ECDHE-ECDSA-AES256-SHA:ECDHE-RSA-AES256-SHA:"
    "AES128-GCM-SHA256:AES256-GCM-SHA384:AES128-SHA256:AES128-SHA:AES256-SHA:DES-CBC3-SHA:RC4-MD5"
)
"""Suites of TLS 1.2 and below in CloudFront's order; OpenSSL leaves out what it was built without."""

_VERSIONS = {
    "SSLv3": ssl.TLSVersion.SSLv3,
    "TLSv1": ssl.TLSVersion.TLSv1,
    "TLSv1.1": ssl.TLSVersion.TLSv1_1,
    "TLSv1.2": ssl.TLSVersion.TLSv1_2,
}
_HOSTNAME_MISMATCH = 62  # X509_V_ERR_HOSTNAME_MISMATCH
_S2N_NAME, _S2N_LATE = "CERT_INVALID_HOSTNAME", "TIMEOUT"
_CURVES = ("secp256r1", "secp384r1")
# https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/cloudfront-limits.html
_HTTP = b"HTTP/1."
_HEAD_LIMIT = 32_768
_BODY_LIMIT = 65_536
_NO_VIEWER_RESPONSE = 400
"""From this status of the origin on, no viewer-response function runs:
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/edge-function-restrictions-all.html"""
# What counts, among an origin group's failover criteria, as having met 503 or 504. AWS names connecting and waiting;
# that a failed TLS handshake is a failure to connect is our reading.
_NOT_CONNECTED, _TOO_LONG = 503, 504
_SERVER_ERROR = 500
_FAILOVER_METHODS = ("GET", "HEAD", "OPTIONS")
_ORDERS = 4  # each of the four name servers that a zone has is asked first in one of them

MinimumTls = Literal["SSLv3", "TLSv1", "TLSv1.1", "TLSv1.2"]


Place = tuple[str, int]
"""An address and a port."""


@dataclass(frozen=True, slots=True)
class Names:
    """What it takes to resolve an origin's name, and to get to the addresses that come of it."""

    view: View
    kinds: tuple[Kind, ...] = ("A",)
    """The records that CloudFront asks for, by the origin's IP address type."""
    places: Mapping[Place, Place] = field(default_factory=dict)
    """What stands in for each address and port of the origin; packets to others are lost."""
    port: int = 443


@dataclass(frozen=True, slots=True)
class Origin:
    """All that the edge knows of one origin."""

    domain: str
    """The Origin Domain."""
    protocol: Literal["https", "http"]
    addresses: tuple[Place | Answer, ...]
    """The addresses and ports that stand in for the origin's, or what comes of one that has no such port; CloudFront
    picks one."""
    viewer_host: str
    """The Host header of the viewer's request."""
    host_forwarded: bool
    minimum_tls: MinimumTls = "TLSv1.2"
    roots: str = ""
    """PEM; the only certificates that are trusted."""
    names: Names | None = None
    """How its name is resolved; None: `addresses` are known."""
    path: str = ""
    """The origin path, which CloudFront puts before every request's."""

    @property
    def host(self) -> str:
        """What goes to the origin as SNI and as Host."""
        return self.viewer_host if self.host_forwarded else self.domain


@dataclass(frozen=True, slots=True)
class OriginGroup:
    """Two origins, of which the second is asked where the first fails in a way that the criteria name."""

    primary: Origin
    secondary: Origin
    failover_at: tuple[int, ...]
    """Statuses."""


@dataclass(frozen=True, slots=True)
class Refusing:
    """A behavior whose edge function fails, or returns what CloudFront refuses: whatever the origin says."""

    target: Origin | OriginGroup
    status: int
    x_cache: str
    """`LambdaValidationError`, `FunctionExecutionError` …"""
    event: str
    """When the function runs."""

    def is_reached(self, answer: Answer) -> bool:
        """Tell whether the function runs behind this answer of the origin."""
        return not answer.reason and (answer.status < _NO_VIEWER_RESPONSE or self.event == "origin-response")

    @property
    def answer(self) -> Answer:
        """What the viewer gets."""
        reason = f"the function at {self.event} failed"
        return Answer(self.status, reason, x_cache=self.x_cache, detail=self.x_cache)


@dataclass(frozen=True, slots=True)
class Answer:
    """The status for the viewer, and why; `reason` is for tests and game masters, the viewer never sees it."""

    status: int
    reason: str
    body: bytes = b""
    counts_as: int = 0
    """The status that it counts as among failover criteria; 0: its own."""
    x_cache: str = ""
    """What X-Cache says before "from cloudfront"; empty: as usual for the status."""
    detail: str = ""
    """What the access log calls it in x-edge-detailed-result-type; empty: what X-Cache says.
    https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/standard-logs-reference.html"""
    fields: tuple[tuple[str, str], ...] = ()
    """The header fields of the origin's answer, as they came."""


class _Failed(Exception):
    """The origin gave no answer: why, the status it counts as among failover criteria, and the log's word for it."""

    def __init__(self, reason: str, *, counts_as: int = _NOT_CONNECTED, detail: str = "OriginConnectError") -> None:
        super().__init__(reason)
        self.reason = reason
        self.counts_as = counts_as
        self.detail = detail


REFUSED = Answer(502, "connection refused", counts_as=_NOT_CONNECTED, detail="OriginConnectError")
"""What comes of a port at which nothing listens."""


def blind_spot() -> str:
    """Say in one sentence what the edge cannot see on this machine; empty where AWS's TLS library can be asked."""
    why = s2n.available()
    return f"The edge here may connect where CloudFront has no curve or signature in common: {why}" if why else ""


def fetch(
    target: Origin | OriginGroup | Refusing,
    path: str = "/",
    *,
    method: str = "GET",
    patience: float = 1.0,
    with_s2n: bool = True,
) -> Answer:
    """Ask for `path` as CloudFront would, at any one address of an origin. Never raises.

    `patience` is in seconds and for everything that one origin may take, where CloudFront waits up to 30 to connect
    and 30 more for an answer; the connection of AWS's TLS library, made unless `with_s2n` is false, has as much again.
    """
    if isinstance(target, Refusing):
        if target.event.endswith("request"):
            return target.answer
        answer = fetch(target.target, path, method=method, patience=patience, with_s2n=with_s2n)
        return target.answer if target.is_reached(answer) else answer
    if isinstance(target, Origin):
        pick = secrets.choice(_picks(target, (secrets.randbelow(_ORDERS),)))
        return _ask(target, pick, path, method, patience=patience, with_s2n=with_s2n)
    ask = partial(fetch, path=path, method=method, patience=patience, with_s2n=with_s2n)
    answer = ask(target.primary)
    if _fails_over(target, answer, method):
        return ask(target.secondary)
    return answer


def fetch_all(
    target: Origin | OriginGroup | Refusing,
    path: str = "/",
    *,
    method: str = "GET",
    patience: float = 1.0,
    with_s2n: bool = True,
) -> tuple[Answer, ...]:
    """Return the answers that `fetch` may give, depending on the addresses and name servers that it picks."""
    if isinstance(target, Refusing):
        if target.event.endswith("request"):
            return (target.answer,)
        answers = fetch_all(target.target, path, method=method, patience=patience, with_s2n=with_s2n)
        return tuple(target.answer if target.is_reached(answer) else answer for answer in answers)
    if isinstance(target, Origin):
        picks = _picks(target, range(_ORDERS))
        return tuple(_ask(target, pick, path, method, patience=patience, with_s2n=with_s2n) for pick in picks)
    ask = partial(fetch_all, path=path, method=method, patience=patience, with_s2n=with_s2n)
    return tuple(
        answer
        for first in ask(target.primary)
        for answer in (ask(target.secondary) if _fails_over(target, first, method) else (first,))
    )


def _fails_over(group: OriginGroup, answer: Answer, method: str) -> bool:
    return method in _FAILOVER_METHODS and (answer.counts_as or answer.status) in group.failover_at


def _picks(origin: Origin, orders: Iterable[int]) -> tuple[Place | Answer, ...]:
    """Return the addresses to choose from, or the answer where there is none.

    Names are resolved once in each of `orders`, which say whose name server is asked first.
    """
    if origin.names is None:
        return origin.addresses
    from cfrunbook.lab.dns.resolver import Resolver

    resolver = Resolver(origin.names.view)
    return tuple(
        dict.fromkeys(pick for first in orders for pick in _resolved(origin.domain, origin.names, resolver, first))
    )


def _resolved(domain: str, names: Names, resolver: Resolver, first: int) -> Iterator[Place | Answer]:
    from cfrunbook.lab.dns.resolver import Unresolved

    found: list[str] = []
    why = ""
    for kind in names.kinds:
        try:
            found += resolver.resolve(domain, kind, first=first)
        except Unresolved as error:
            why = str(error)
    if not found:
        yield Answer(502, f"DNS: {why}", counts_as=_NOT_CONNECTED, detail="OriginDnsError")
    for address in found:
        lost = Answer(504, f"no packet gets to {address}", counts_as=_NOT_CONNECTED, detail="OriginCommError")
        yield names.places.get((address, names.port), lost)


def _ask(origin: Origin, address: Place | Answer, path: str, method: str, *, patience: float, with_s2n: bool) -> Answer:
    """Ask one address of an origin, and turn every way to fail into CloudFront's answer."""
    if isinstance(address, Answer):
        return address
    clock = _Clock(patience)
    connected = False
    try:
        with socket.socket(socket.AF_INET6 if ":" in address[0] else socket.AF_INET) as plain:
            clock.left(plain).connect(address)
            connected = True
            request = _request(method, origin.path + path, origin.host)
            if origin.protocol == "http":
                return _exchange(plain, request, clock)
            with _secure(plain, origin, clock) as secured:
                answer = _exchange(secured, request, clock)
        return (_refusal(origin, address, patience) if with_s2n else None) or answer
    except _Failed as failure:
        return Answer(502, failure.reason, counts_as=failure.counts_as, detail=failure.detail)
    except TimeoutError as error:
        counts_as = _TOO_LONG if connected else _NOT_CONNECTED
        return Answer(504, f"no answer in time: {error}", counts_as=counts_as, detail="OriginCommError")
    except ConnectionRefusedError:
        return REFUSED
    except (OSError, ValueError) as error:
        reason = f"{type(error).__name__}: {error}"
        return Answer(502, reason, counts_as=_NOT_CONNECTED, detail="OriginConnectError")


def _refusal(origin: Origin, address: tuple[str, int], patience: float) -> Answer | None:
    """Return CloudFront's answer where AWS's TLS library does not connect to an origin with which OpenSSL did."""
    result = s2n.connect(
        *address, sni=origin.host, minimum=origin.minimum_tls, trust_pem=origin.roots.encode(), deadline=patience
    )
    if result.connected or not result.asked:
        return None
    if origin.host_forwarded and result.error == _S2N_NAME:  # the Origin Domain's certificate will do as well
        return None
    is_late = result.error == _S2N_LATE
    reason = f"AWS's s2n-tls: {result.error}: {result.detail}"
    if is_late:
        return Answer(504, reason, counts_as=_TOO_LONG, detail="OriginCommError")
    return Answer(502, reason, counts_as=_NOT_CONNECTED, detail="OriginConnectError")


class _Clock:
    """What is left of the patience."""

    def __init__(self, patience: float) -> None:
        self._end = time.monotonic() + patience

    def left(self, sock: socket.socket) -> socket.socket:
        """Give `sock` what is left as its timeout. Raises TimeoutError when nothing is."""
        rest = self._end - time.monotonic()
        if rest <= 0:
            raise TimeoutError("patience is over")
        sock.settimeout(rest)
        return sock


def _secure(plain: socket.socket, origin: Origin, clock: _Clock) -> ssl.SSLSocket:
    """Shake hands, and judge what was sent. Raises _Failed or OSError."""
    clock.left(plain)
    try:
        secured = _context(origin).wrap_socket(plain, server_hostname=origin.host)
    except ssl.SSLCertVerificationError as error:
        raise _Failed(f"certificate: {error.verify_message} ({error.verify_code})") from None
    except ssl.SSLError as error:
        raise _Failed(f"TLS: {error.reason or error}") from None
    sent = _sent(secured)
    problem = (
        _name_problem(secured, origin) or _order_problem(sent, origin.roots) or _key_problem(sent[0], secured.version())
    )
    if problem:
        secured.close()
        raise _Failed(problem)
    return secured


def _context(origin: Origin) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # requires a certificate, trusts nothing yet
    # A certificate for the forwarded Host or for the Origin Domain will do, and OpenSSL is told one name only.
    context.check_hostname = not origin.host_forwarded
    context.load_verify_locations(cadata=origin.roots)
    context.set_ciphers(CIPHERS + ":@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # CloudFront still speaks what Python deprecates
        context.minimum_version = _VERSIONS[origin.minimum_tls]
    context.maximum_version = ssl.TLSVersion.TLSv1_3
    return context


def _name_problem(secured: ssl.SSLSocket, origin: Origin) -> str:
    """Where OpenSSL did not check the name: whether the certificate is for neither the Host nor the Origin Domain."""
    if not origin.host_forwarded:
        return ""
    certificate: Any = secured.getpeercert() or {}
    patterns = [value for kind, value in certificate.get("subjectAltName", ()) if kind == "DNS"]
    if any(_covers(pattern, name) for pattern in patterns for name in (origin.host, origin.domain)):
        return ""
    return f"certificate: hostname mismatch ({_HOSTNAME_MISMATCH})"


def _covers(pattern: str, name: str) -> bool:
    first, _, rest = name.lower().partition(".")
    return pattern.lower() in (f"{first}.{rest}", f"*.{rest}")


def _sent(secured: ssl.SSLSocket) -> list[bytes]:
    """Return the certificates, DER, in the order in which they came."""
    public = getattr(secured, "get_unverified_chain", None)  # since Python 3.13
    if public is not None:
        return list(public())
    from _ssl import ENCODING_DER

    inner: Any = getattr(secured, "_sslobj")  # noqa: B009 - private, and there is nothing else before 3.13
    return [certificate.public_bytes(ENCODING_DER) for certificate in inner.get_unverified_chain()]


def _order_problem(sent: list[bytes], roots: str) -> str:
    """Say where a certificate is not followed by its issuer, which OpenSSL forgives and CloudFront documents as 502.

    One that repeats another, and whatever follows once a trusted root has been come to, is in nobody's way.
    """
    from cryptography import x509

    chain = [x509.load_der_x509_certificate(der) for der in dict.fromkeys(sent)]
    trusted = {root.subject.public_bytes() for root in x509.load_pem_x509_certificates(roots.encode())}
    for place, (certificate, following) in enumerate(pairwise(chain)):
        if certificate.issuer.public_bytes() in trusted:
            break
        if certificate.issuer.public_bytes() != following.subject.public_bytes():
            return f"certificate: chain in wrong order after certificate {place}"
    return ""


def _key_problem(leaf: bytes, version: str | None) -> str:
    """Say that CloudFront has no signature scheme for the key, or, below TLS 1.3, does not offer its curve.

    https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/secure-connections-supported-ciphers-cloudfront-to-origin.html
    """
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import ec, rsa

    key = x509.load_der_x509_certificate(leaf).public_key()
    if not isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey):
        return f"TLS: no signature in common with {type(key).__name__}"
    if isinstance(key, ec.EllipticCurvePublicKey) and version != "TLSv1.3" and key.curve.name not in _CURVES:
        return f"TLS: the key's curve {key.curve.name} is not offered"
    return ""


_INTERIM = re.compile(rb"HTTP/1\.[01] 1(?!01)[0-9]{2}\b")


def _request(method: str, path: str, host: str) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}", "User-Agent: Amazon CloudFront", "Connection: close"]
    if method in ("POST", "PUT", "PATCH"):
        lines.append("Content-Length: 0")
    return "\r\n".join([*lines, "", ""]).encode("latin-1", "replace")


def _exchange(sock: socket.socket, request: bytes, clock: _Clock) -> Answer:
    clock.left(sock).sendall(request)
    received = b""
    while len(received) < _HEAD_LIMIT + _BODY_LIMIT and (chunk := clock.left(sock).recv(_BODY_LIMIT)):
        received += chunk
        if not (received[:7] == _HTTP or _HTTP.startswith(received)):  # what begins so becomes no answer
            break
    head, end, body = received.partition(b"\r\n\r\n")
    if not received:
        raise _Failed("the origin closed the connection", counts_as=502, detail="OriginReadError")
    while end and _INTERIM.match(head):  # RFC 9110 section 15.2: read on until the final one
        head, end, body = body.partition(b"\r\n\r\n")
    words = head.split(b"\r\n")[0].split(b" ")
    status = words[1] if len(words) > 1 else b""
    if not words[0].startswith(b"HTTP/1.") or len(status) != 3 or not status.isdigit():
        raise _Failed("the answer is not HTTP", counts_as=502, detail="OriginInvalidResponseError")
    if len(head) > _HEAD_LIMIT:
        raise _Failed("the header is too large", counts_as=502, detail="OriginHeaderTooBigError")
    if not end:
        raise _Failed("the origin closed the connection in its header", counts_as=502, detail="OriginReadError")
    fields = [_field(line) for line in head.split(b"\r\n")[1:]]
    lengths = {value for name, value in fields if name.lower() == "content-length"}
    if len(lengths) > 1 or not all(length.isdigit() for length in lengths):
        raise _Failed("the answer's length cannot be told", counts_as=502, detail="OriginInvalidResponseError")
    if any(name.lower() == "transfer-encoding" and value.lower() == "chunked" for name, value in fields):
        body = _joined(body)
    detail = "OriginError" if int(status) >= _SERVER_ERROR else ""
    return Answer(int(status), "", body, detail=detail, fields=tuple(fields))


def _joined(chunked: bytes) -> bytes:
    """Return the chunks of a body put together, as far as they came: RFC 9112, section 7.1."""
    body = b""
    while chunked:
        size, _, rest = chunked.partition(b"\r\n")
        try:
            length = int(size.partition(b";")[0], 16)
        except ValueError:
            break
        if length <= 0:
            break
        body += rest[:length]
        chunked = rest[length + 2 :]
    return body


def _field(line: bytes) -> tuple[str, str]:
    name, _, value = line.decode("latin-1").partition(":")
    return name.strip(), value.strip()
