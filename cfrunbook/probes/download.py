"""One public document over HTTPS, bounded in bytes and time: nothing else is fetched because a document says so.

Certificates are verified against Mozilla's roots, and those of a trust store where one is given. Redirects are not
followed and proxies of the environment are not used, so that the bytes come from where the URL says or not at all.
"""

from __future__ import annotations

import asyncio
import os
import re
import socket
import ssl
from dataclasses import dataclass
from urllib.parse import urlsplit

from cfrunbook import hostname
from cfrunbook.errors import BadInput
from cfrunbook.probes.relocation import Relocations
from cfrunbook.text import visible

MAX_HEAD = 64 * 1024
"""Bytes of an answer's header that are read."""
_MAX_URL = 2048
_PROXIES = ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")
_STAGGER = 0.25
"""Seconds after which the next address is tried beside one that has not answered (RFC 8305)."""
_STATUS_LINE = re.compile(rb"HTTP/1\.[01] ([1-9][0-9]{2})(?: [^\r\n]*)?", re.ASCII)
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(?:;[^\r\n]*)?", re.ASCII)


class DownloadFailed(Exception):
    """No document came: why, as a clause for a sentence."""


@dataclass(frozen=True, slots=True)
class Location:
    """An https URL, taken apart."""

    host: str
    port: int
    target: str
    """Path and query, as the request line has them."""

    def __str__(self) -> str:
        return f"https://{self.authority}{self.target}"

    @property
    def authority(self) -> str:
        """Host and port as the Host field has them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == 443 else f"{host}:{self.port}"


def parse(url: str, what: str) -> Location:
    """Take an https URL apart. Raises BadInput, in one sentence that begins with `what`, for anything else."""
    shown = visible(url, 120)
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or 443
    except ValueError:
        raise BadInput(f"{what}: {shown!r} is not a URL.") from None
    if parts.scheme.lower() != "https":
        raise BadInput(f"{what}: {shown!r} is not an https URL; only HTTPS is fetched.")
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if not host or "@" in parts.netloc or len(url) > _MAX_URL or not re.fullmatch(r"[!-~]+", target):
        raise BadInput(f"{what}: {shown!r} is not a URL like https://ip-ranges.amazonaws.com/ip-ranges.json.")
    return Location(host if hostname.is_address(host) else hostname.to_ascii(host, what), port, target)


async def fetch(
    location: Location, *, deadline: float, limit: int, trust_pem: bytes, relocations: Relocations | None = None
) -> bytes:
    """Return the document at `location`, of at most `limit` bytes, if all of it comes within `deadline` seconds.

    `trust_pem` holds the roots that count. Of `relocations` only entries that name the host count: one for any host
    is about origins. Raises DownloadFailed for whatever keeps it from coming, and nothing else.
    """
    named = tuple(e for e in relocations.entries if e.host) if relocations else ()
    elsewhere = Relocations(named).endpoints(location.host, location.port)
    place = elsewhere[0].socket_address if elsewhere else (location.host, location.port)
    try:
        async with asyncio.timeout(deadline):
            return await _fetch(location, place, limit, trust_pem)
    except TimeoutError:
        why = f"it did not come within {deadline:g} s"
    except ssl.SSLCertVerificationError as error:
        why = f"its certificate is not accepted ({visible(error.verify_message, 120)})"
    except ssl.SSLError as error:
        why = f"TLS failed ({visible(error.reason or error, 80)})"
    except socket.gaierror as error:
        why = f"its name does not resolve ({visible(error.strerror or error, 80)})"
    except OSError as error:
        why = os.strerror(error.errno).lower() if error.errno else visible(error, 120)
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError, UnicodeError):
        why = "the answer is cut off or is not HTTP"
    proxy = next((name for name in _PROXIES if os.environ.get(name)), "")
    raise DownloadFailed(f"{why}; the proxy of {proxy} is not used" if proxy else why)


async def _fetch(location: Location, place: tuple[str, int], limit: int, trust_pem: bytes) -> bytes:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_verify_locations(cadata=trust_pem.decode("ascii"))
    reader, writer = await asyncio.open_connection(
        *place, ssl=context, server_hostname=location.host, limit=MAX_HEAD, happy_eyeballs_delay=_STAGGER
    )
    try:
        fields = "Accept: application/json\r\nAccept-Encoding: identity\r\nConnection: close\r\n\r\n"
        writer.write(f"GET {location.target} HTTP/1.1\r\nHost: {location.authority}\r\n{fields}".encode("ascii"))
        await writer.drain()
        return await _document(reader, limit)
    finally:
        writer.transport.abort()  # all is read, or nothing more is wanted: no farewell that could take time


async def _document(reader: asyncio.StreamReader, limit: int) -> bytes:
    head = (await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")
    status = _STATUS_LINE.fullmatch(head[0])
    if status is None:
        raise ValueError
    fields = {name.strip().lower(): value.strip() for name, _, value in (line.partition(b":") for line in head[1:])}
    if status[1] != b"200":
        to = fields.get(b"location", b"").decode("latin-1")
        where = f" to {visible(to, 80)}, and redirects are not followed" if status[1][:1] == b"3" and to else ""
        raise OSError(f"the answer is {status[1].decode()}{where}")
    if fields.get(b"content-encoding", b"identity").lower() != b"identity":
        raise OSError("the answer is compressed, which was not asked for")
    if fields.get(b"transfer-encoding", b"").lower() == b"chunked":
        return await _chunks(reader, limit)
    if b"content-length" in fields:
        length = int(fields[b"content-length"])
        return await reader.readexactly(_bounded(length, limit))
    content = bytearray()
    while part := await reader.read(MAX_HEAD):
        content += part
        _bounded(len(content), limit)
    return bytes(content)


async def _chunks(reader: asyncio.StreamReader, limit: int) -> bytes:
    content = bytearray()
    while True:
        size = _CHUNK_SIZE.fullmatch((await reader.readuntil(b"\r\n"))[:-2])
        if size is None:
            raise ValueError
        if not (length := int(size[1], 16)):
            return bytes(content)
        _bounded(len(content) + length, limit)
        content += await reader.readexactly(length)
        await reader.readexactly(2)


def _bounded(length: int, limit: int) -> int:
    """Return `length`. Raises OSError where it is more than is read."""
    if not 0 <= length <= limit:
        raise OSError(f"it is larger than {limit // (1024 * 1024)} MiB")
    return length
