"""The edge as a viewer meets it: a web server on loopback that answers as CloudFront does.

Status line, header fields and error page are CloudFront's of 2026; errors are kept for their minimum time to live and
come with Age then; custom error responses are honoured; every request gets a line in the access log. HTTP/1.1 with
connections that stay open, by http and, with a certificate of the lab's authority, by https.

Different from CloudFront: HTTP/2 and HTTP/3 are not spoken, nothing is compressed, and whoever comes by http is not
redirected to https but served as if he had been, so that `curl http://…` shows what an incident is about.

https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/RequestAndResponseBehaviorCustomOrigin.html
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/creating-custom-error-pages.html
"""

from __future__ import annotations

import asyncio
import base64
import datetime as dt
import secrets
import ssl
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from email.utils import format_datetime
from functools import partial
from http.client import responses
from ipaddress import ip_address

from cfrunbook.lab import edge_cache, edge_config, edge_pages
from cfrunbook.lab.connections import Connection, Request, TlsLayer
from cfrunbook.lab.edge import Answer, Origin, OriginGroup, Refusing, fetch
from cfrunbook.lab.edge_cache import Cache
from cfrunbook.lab.edge_config import Behavior, Config, Protocol
from cfrunbook.lab.edge_log import AccessLog
from cfrunbook.lab.servers import Address, Chain, Servers, server_context

Target = Origin | OriginGroup | Refusing
POP = edge_pages.POP

_ERROR = 400
_HEAD_LIMIT, _URL_LIMIT, _BODY_LIMIT = 32_768, 8_192, 1_048_576
"""Bytes; the first two are CloudFront's quotas, the third is the lab's.
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/cloudfront-limits.html"""
_HOP_BY_HOP = frozenset({
    "connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailer", "transfer-encoding",
    "upgrade", "content-length", "content-type", "date", "age", "x-cache", "via", "x-amz-cf-pop", "x-amz-cf-id",
})  # fmt: skip
"""What is not passed on as it came: RFC 9110, section 7.6.1, and what is written anew."""
_NO_BODY = (204, 304)


@dataclass(frozen=True, slots=True)
class Serving:
    """What the edge serves: a distribution, and how each of its behaviors gets to an origin."""

    config: Config
    target: Callable[[Behavior, str, Protocol], Target]
    """For the behavior, the viewer's Host and protocol."""


def plainly(target: Target, methods: tuple[str, ...] = ("GET", "HEAD")) -> Serving:
    """Return a distribution that sends every request to `target`."""
    behavior = Behavior("*", "", methods, host_forwarded=False, allows_http=False)
    config = Config("EDFDVBD6EXAMPLE", "d111111abcdef8.cloudfront.net", (), (behavior,), {}, {}, {})
    return Serving(config, lambda *_: target)


class Edge:
    """The edge, from construction until its `servers` stop. `patience` is that of `edge.fetch`."""

    def __init__(
        self,
        servers: Servers,
        target: Target | Serving,
        *,
        methods: tuple[str, ...] = ("GET", "HEAD"),
        patience: float = 1.0,
        log: AccessLog | None = None,
    ) -> None:
        self.serving = target if isinstance(target, Serving) else plainly(target, methods)
        self._fetch = partial(fetch, patience=patience)
        self._cache = Cache()
        self._log = log
        self.address: Address = servers.serve(lambda: _Viewer(servers.connections, self))
        self.secure_address: Address | None = None
        """Where viewers who come by https are answered; None: nowhere."""
        self._servers = servers

    def serve_https(self, chain: Chain) -> None:
        """Answer viewers who come by https, too, with this chain. Raises OSError or ssl.SSLError."""
        context = server_context(chain)
        self.secure_address = self._servers.serve(lambda: _SecureViewer(self._servers.connections, self, context))

    @property
    def url(self) -> str:
        """Where viewers who come by http are answered."""
        return "http://{}:{}".format(*self.address)

    def invalidate(self) -> None:
        """Forget what is kept, as an invalidation of `/*` does, and errors with it, which CloudFront's does too."""
        self._cache.clear()

    def answer(self, request: Request, viewer: Protocol) -> Response:
        """Return what a viewer gets. Blocks while the origin is asked. Never raises."""
        serving = self.serving
        host, now = _host(request, serving.config), time.monotonic()
        if not host:
            return Response(Answer(403, "no distribution has this name", detail="Error"))
        target = request.target
        if serving.config.default_root and target.partition("?")[0] == "/":
            target = f"/{serving.config.default_root}{target[1:]}"
        behavior = serving.config.behavior(target.partition("?")[0])
        if request.method not in behavior.methods:
            return Response(Answer(403, "the behavior does not allow this method", detail="InvalidRequestMethod"))
        key = edge_cache.key(behavior, request.method, host, target)
        if key and (kept := self._cache.find(key, now)):
            return Response(kept.answer, age=int(now - kept.since))
        seen: Protocol = viewer if behavior.allows_http else "https"
        answer = self._fetch(serving.target(behavior, host, seen), target, method=request.method)
        answer = self._customized(serving, answer, host, seen)
        if key:
            self._cache.keep(key, answer, edge_cache.time_to_live(answer, serving.config), time.monotonic())
        return Response(answer)

    def _customized(self, serving: Serving, answer: Answer, host: str, viewer: Protocol) -> Answer:
        """Return the custom error page for an error; the error itself where there is none, or it is not to be had."""
        wanted = serving.config.error(answer.status)
        if answer.status not in edge_config.KEPT_ERRORS or not wanted.page:
            return answer
        behavior = serving.config.behavior(wanted.page)
        page = self._fetch(serving.target(behavior, host, viewer), wanted.page)
        if page.reason or page.status >= _ERROR:
            return answer
        word = answer.x_cache or "Error"
        return replace(page, status=wanted.status or answer.status, x_cache=word, detail=answer.detail or word)

    def note(self, at: dt.datetime, values: dict[str, object]) -> None:
        """Write a request into the access log."""
        if self._log:
            config = self.serving.config
            self._log.write(at, {"x-edge-location": POP, "cs(Host)": config.domain, **values})


@dataclass(frozen=True, slots=True)
class Response:
    """An answer, and how it came to be there."""

    answer: Answer
    age: int | None = None
    """Seconds that it has been kept; None: it is from the origin, or made just now."""

    @property
    def is_error(self) -> bool:
        """Tell whether X-Cache says Error; a custom error page may have the status 200."""
        return self.answer.status >= _ERROR or bool(self.answer.x_cache)

    @property
    def result(self) -> str:
        """What X-Cache and x-edge-result-type say."""
        if self.is_error:
            return (self.answer.x_cache if self.age is None else "") or "Error"
        return "Miss" if self.age is None else "Hit"

    @property
    def detailed(self) -> str:
        """What x-edge-detailed-result-type says: of an error from the cache no more than Error."""
        return (self.answer.detail if self.is_error and self.age is None else "") or self.result


def _host(request: Request, config: Config) -> str:
    """Return the viewer's Host; the first alias for who comes by address; empty for a name without distribution."""
    name = request.headers.get("host", "").lower()
    name = name[: name.rfind(":")] if name.rpartition(":")[2].isdigit() else name
    names = (*config.aliases, config.domain)
    if name in names or any(a.startswith("*.") and name.partition(".")[2] == a[2:] for a in config.aliases):
        return name
    if not config.aliases or name in ("", "localhost"):
        return name or names[0]
    try:
        ip_address(name.strip("[]"))
    except ValueError:
        return ""
    return names[0]


# --- one viewer ---------------------------------------------------------------------------------------------------


class _Viewer(Connection):
    """One viewer's connection: requests in, answers out, one after the other."""

    def __init__(self, open_connections: set[asyncio.Transport], edge: Edge) -> None:
        super().__init__(open_connections)
        self._edge = edge
        self._received = b""
        self._task: asyncio.Task[None] | None = None
        self._is_over = False

    @property
    def protocol(self) -> Protocol:
        """What the viewer speaks."""
        return "http"

    @property
    def cipher(self) -> tuple[str, str]:
        """Version and suite of the viewer's TLS."""
        return "", ""

    def data_received(self, data: bytes) -> None:
        """Collect requests; while one is being answered, the next waits."""
        if self._is_over or len(self._received) > _HEAD_LIMIT + _BODY_LIMIT:
            return
        self._received += data
        if self._task is None:
            self._next()

    def send(self, data: bytes) -> None:
        """Send bytes to the viewer."""
        self.transport.write(data)

    def finish(self) -> None:
        """Close once everything is sent."""
        self.transport.close()

    def _next(self) -> None:
        """Answer the next request, once it is whole."""
        head, end, rest = self._received.partition(b"\r\n\r\n")
        if not end:
            if len(head) > _HEAD_LIMIT:
                self._start(Request("", "", {}), len(head), 494)
            elif head and not head[:1].isalpha():
                self._start(Request("", "", {}), len(head), 400)
            return
        request = Request.read(head)
        length = request.headers.get("content-length", "0")
        if not length.isdigit() or int(length) > _BODY_LIMIT or "transfer-encoding" in request.headers:
            self._start(request, len(head), 413 if length.isdigit() and int(length) > _BODY_LIMIT else 400)
            return
        if len(rest) < int(length):
            if request.headers.get("expect", "").lower() == "100-continue":
                self.send(b"HTTP/1.1 100 Continue\r\n\r\n")
            return
        self._received = rest[int(length) :]
        self._is_over = _closes(request, head)
        size = len(head) + len(end) + int(length)
        if len(head) > _HEAD_LIMIT:
            self._start(request, size, 494)
        elif not request.method or not request.target.startswith("/") or not _is_plain(request.target):
            self._start(request, size, 400)
        else:
            self._start(request, size, 414 if len(request.target) > _URL_LIMIT else 0)

    def _start(self, request: Request, size: int, refused: int) -> None:
        self._is_over = self._is_over or bool(refused)
        self._task = asyncio.get_running_loop().create_task(self._answer(request, size, refused))

    async def _answer(self, request: Request, size: int, refused: int) -> None:
        begun = time.monotonic()
        if refused:
            response = Response(Answer(refused, "the request cannot be served", detail="InvalidRequest"))
        else:
            loop = asyncio.get_running_loop()
            response = await loop.run_in_executor(None, self._edge.answer, request, self.protocol)
        request_id = base64.urlsafe_b64encode(secrets.token_bytes(40)).decode()
        head, body = self._written(request, response, request_id)
        taken = time.monotonic() - begun
        self._note(request, response, request_id=request_id, received=size, sent=len(head) + len(body), taken=taken)
        self.send(head + body)
        self._task = None
        if self._is_over:
            self.finish()
        elif self._received:
            self._next()

    def _written(self, request: Request, response: Response, request_id: str) -> tuple[bytes, bytes]:
        """Return head and body of the answer, as they go over the wire."""
        answer = response.answer
        made_here = bool(answer.reason)
        body = edge_pages.page(answer.status, request_id) if made_here else answer.body
        length = len(body) if made_here else _length(answer, request.method)
        if request.method == "HEAD" or answer.status in _NO_BODY:
            body = b""
        elif length > len(body):  # the origin hung up: so does the edge, which has passed on the length already
            self._is_over = True
        fields = [
            *([("Content-Type", _content_type(answer))] if _content_type(answer) else []),
            *([] if answer.status in _NO_BODY else [("Content-Length", str(length))]),
            ("Connection", "close" if self._is_over else "keep-alive"),
            ("Date", format_datetime(dt.datetime.now(dt.UTC), usegmt=True)),
            *((name, value) for name, value in answer.fields if name.lower() not in _HOP_BY_HOP),
            ("X-Cache", f"{response.result} from cloudfront"),
            ("Via", f"1.1 {secrets.token_hex(16)}.cloudfront.net (CloudFront)"),
            ("X-Amz-Cf-Pop", POP),
            *([("Alt-Svc", 'h3=":443"; ma=86400')] if self._edge.serving.config.http3 else []),
            ("X-Amz-Cf-Id", request_id),
            *([] if response.age is None else [("Age", str(response.age))]),
        ]
        first = f"HTTP/1.1 {answer.status} {responses.get(answer.status, '')}"
        lines = [first, *(f"{name}: {value}" for name, value in fields), "", ""]
        return "\r\n".join(lines).encode("latin-1", "replace"), body

    def _note(
        self,
        request: Request,
        response: Response,
        *,
        request_id: str,
        received: int,
        sent: int,
        taken: float,
    ) -> None:
        """Write the request into the access log: bytes, and the seconds that it took."""
        path, _, query = request.target.partition("?")
        address, port = (self.transport.get_extra_info("peername") or ("", ""))[:2]
        version, suite = self.cipher
        self._edge.note(
            dt.datetime.now(dt.UTC),
            {
                "sc-bytes": sent,
                "c-ip": address,
                "cs-method": request.method,
                "cs-uri-stem": path,
                "sc-status": response.answer.status,
                "cs(Referer)": request.headers.get("referer", ""),
                "cs(User-Agent)": request.headers.get("user-agent", ""),
                "cs-uri-query": query,
                "x-edge-result-type": response.result,
                "x-edge-request-id": request_id,
                "x-host-header": request.headers.get("host", ""),
                "cs-protocol": self.protocol,
                "cs-bytes": received,
                "time-taken": f"{taken:.3f}",
                "x-forwarded-for": request.headers.get("x-forwarded-for", ""),
                "ssl-protocol": version,
                "ssl-cipher": suite,
                "x-edge-response-result-type": response.result,
                "cs-protocol-version": "HTTP/1.1",
                "c-port": port,
                "time-to-first-byte": f"{taken:.3f}",
                "x-edge-detailed-result-type": response.detailed,
                "sc-content-type": _content_type(response.answer),
                "sc-content-len": _length(response.answer, request.method) if not response.answer.reason else "",
            },
        )


class _SecureViewer(TlsLayer, _Viewer):
    """A viewer who comes by https."""

    def __init__(self, open_connections: set[asyncio.Transport], edge: Edge, context: ssl.SSLContext) -> None:
        _Viewer.__init__(self, open_connections, edge)
        self.wrap(context)

    @property
    def protocol(self) -> Protocol:
        """What the viewer speaks."""
        return "https"

    @property
    def cipher(self) -> tuple[str, str]:
        """Version and suite of the viewer's TLS."""
        return self.tls.version() or "", (self.tls.cipher() or ("",))[0]


def _closes(request: Request, head: bytes) -> bool:
    """Tell whether the viewer wants the connection closed with the answer: RFC 9112, section 9.3."""
    said = request.headers.get("connection", "").lower()
    is_old = head.partition(b"\r\n")[0].endswith(b"HTTP/1.0")
    return "close" in said or (is_old and "keep-alive" not in said)


def _is_plain(target: str) -> bool:
    return target.isascii() and target.isprintable()


def _content_type(answer: Answer) -> str:
    if answer.reason:
        return edge_pages.CONTENT_TYPE
    return next(_named("content-type", answer), "")


def _length(answer: Answer, method: str) -> int:
    """Return the length that the origin gave, or the body's where it gave none, or less than came."""
    given = next(_named("content-length", answer), "")
    if given.isdigit() and (method == "HEAD" or int(given) > len(answer.body)):
        return int(given)
    return len(answer.body)


def _named(name: str, answer: Answer) -> Iterator[str]:
    yield from (value for found, value in answer.fields if found.lower() == name)
