"""Bytes, whatever their name says: packed ones, then JSON, then text."""

from __future__ import annotations

import codecs
import zlib

from cfrunbook.evidence import GivenKind
from cfrunbook.recognizing import json_documents, texts
from cfrunbook.recognizing.taken import Content, Taken, other

MAX_BYTES = 64 * 1024 * 1024
"""Bytes that are looked at; only logs may be larger, and are known by their beginning."""
HEAD = 256 * 1024
"""Bytes by which a log is known, packed or not."""

_BINARY = (
    (b"PK\x03\x04", "a ZIP archive", "Unpack it and give what is in it."),
    (b"\x28\xb5\x2f\xfd", "compressed with Zstandard", "Unpack it first: zstd -d."),
    (b"BZh", "compressed with bzip2", "Unpack it first: bunzip2."),
    (b"\xfd7zXZ\x00", "compressed with xz", "Unpack it first: unxz."),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", "Unpack it and give what is in it."),
    (b"\x89PNG", "a picture", "Copy the text of the page instead."),
    (b"\xff\xd8\xff", "a picture", "Copy the text of the page instead."),
    (b"GIF8", "a picture", "Copy the text of the page instead."),
    (b"%PDF", "a PDF", "Copy its text instead."),
    (b"\xd4\xc3\xb2\xa1", "a capture of packets", "cfrunbook looks itself: give the origin."),
    (b"\xa1\xb2\xc3\xd4", "a capture of packets", "cfrunbook looks itself: give the origin."),
    (b"\x0a\x0d\x0d\x0a", "a capture of packets", "cfrunbook looks itself: give the origin."),
    (b"\x7fELF", "a program", ""),
)
_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


def read(content: Content) -> list[Taken]:
    """Return what bytes are, and what is mentioned in them; at least one thing. Never raises."""
    given = content.content
    if not given.strip():
        return [Taken(kind=GivenKind.UNKNOWN, what="nothing: it is empty", notes=(texts.WANTED,))]
    if given.startswith(b"\x1f\x8b"):
        return _gzip(content)
    if given.startswith(b"PAR1"):
        return [json_documents.logs(content, "a table in Parquet, as access logs are delivered in")]
    for magic, what, note in _BINARY:
        if given.startswith(magic):
            return other(what, *([note] if note else ()))
    if given.startswith(b"\x30\x82") and b"\x06\x03\x55\x04" in given[:4096]:
        return other("a certificate in DER", "What the origin sends is fetched from it: give the origin.")
    text = decoded(given)
    if _is_binary(text):
        # The body of a captured response may be anything; its header tells.
        return texts.response(content) or [
            Taken(kind=GivenKind.UNKNOWN, what="binary, and of no kind that is known here", notes=(texts.WANTED,))
        ]
    return json_documents.read(content, text) or texts.read(content, text)


def begins_as_log(head: bytes) -> bool:
    """Tell whether the beginning of a file, packed or not, is that of an access log of CloudFront."""
    found = read(Content(content=inflated(head) if head.startswith(b"\x1f\x8b") else head, is_head=True))
    return found[0].kind is GivenKind.LOGS


def inflated(head: bytes) -> bytes:
    """Return what the beginning of a gzip file inflates to, at most `HEAD` bytes; damage ends it."""
    try:
        return zlib.decompressobj(31).decompress(head, HEAD)
    except zlib.error:
        return b""


def decoded(content: bytes) -> str:
    """Return bytes as text: UTF-8, or UTF-16 as PowerShell writes it; what is neither is replaced."""
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return content.decode(encoding, "replace")
    if content[1:2] == b"\0" and content[:1].isascii():
        return content.decode("utf-16-le", "replace")
    return content.decode("utf-8", "replace")


def _gzip(content: Content) -> list[Taken]:
    inner = inflated(content.content[:HEAD])
    is_nested = not inner.strip() or inner.startswith(b"\x1f\x8b")
    found = [] if is_nested else read(Content(content=inner, name=content.name, is_head=True))
    if found and found[0].kind is GivenKind.LOGS:
        return [json_documents.logs(content, f"{found[0].what}, packed with gzip")]
    if found and found[0].kind is not GivenKind.UNKNOWN:
        return other(f"gzip; in it is {found[0].what}", "Unpack it first: gunzip.")
    return other("gzip, and no access log in it", "Unpack what is in it: gunzip.")


def _is_binary(text: str) -> bool:
    part = text[:4096]
    odd = sum(1 for c in part if (c < " " and c not in "\t\n\r\x0c\x1b\x1a") or c in "\x7f\ufffd")
    return odd > len(part) // 20
