"""The bytes of a file as blocks of plain text, whatever its name says: gzip (also in several members), UTF-16.

Everything is bounded: a block, what a file may inflate to, and how much more that is than what is stored.
"""

from __future__ import annotations

import codecs
import zlib
from collections.abc import Callable, Iterator
from functools import lru_cache
from importlib import import_module
from io import FileIO
from pathlib import Path
from typing import Any, BinaryIO

from cfrunbook.logs.refusal import Damaged, Refused

BLOCK = 64 * 1024
"""Bytes of a block at most. What larger ones become leaves the processor's cache, and takes up to twice as long."""
MAX_OUTPUT = 64 << 30
"""Bytes that one file may inflate to."""
MAX_RATIO = 400
"""How many times its stored size a file may inflate to. Logs reach 5 to 50; gzip's own limit is 1030."""
RATIO_FROM = 64 << 20
"""Bytes that every file may inflate to, whatever the ratio."""

_STORED = 16 * 1024
_GZIP = b"\x1f\x8b"
PARQUET = b"PAR1"
_PACKED = (
    (b"PK\x03\x04", "a ZIP archive; unpack it first: unzip"),
    (b"\x28\xb5\x2f\xfd", "compressed with Zstandard; unpack it first: zstd -d"),
    (b"BZh", "compressed with bzip2; unpack it first: bunzip2"),
    (b"\xfd7zXZ\x00", "compressed with xz; unpack it first: unxz"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive; unpack it first"),
)
_UTF16 = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}


def is_gzip(path: Path) -> bool:
    """Return whether the file's first bytes are gzip's. Raises OSError."""
    with path.open("rb") as file:
        return file.read(2) == _GZIP


def is_parquet(path: Path) -> bool:
    """Return whether the file's first bytes are Parquet's. Raises OSError."""
    with path.open("rb") as file:
        return file.read(4) == PARQUET


def blocks(
    file: BinaryIO | FileIO, length: int | None = None, progress: Callable[[int], None] | None = None
) -> Iterator[bytes]:
    """Yield the text of `file`, from where it stands and `length` bytes at most, as UTF-8 without a byte order mark.

    `progress` is told how many stored bytes more were read. Raises Refused before the first block, Damaged after the
    last one, and OSError.
    """
    head = file.read(8 if length is None else min(8, length))
    for magic, what in _PACKED:
        if head.startswith(magic):
            raise Refused(f"is {what}.")
    if progress:
        progress(len(head))
    if head.startswith(_GZIP):
        yield from _text(_inflated(head, file, progress))
    else:
        yield from _text(_stored(head, file, length, progress))


def _stored(
    head: bytes, file: BinaryIO | FileIO, length: int | None, progress: Callable[[int], None] | None
) -> Iterator[bytes]:
    left = None if length is None else length - len(head)
    block = head
    while True:
        more = file.read(BLOCK if left is None else min(BLOCK, left))
        if not more:
            break
        if left is not None:
            left -= len(more)
        if progress:
            progress(len(more))
        yield block + more if block else more
        block = b""
    if block:
        yield block


def _inflated(head: bytes, file: BinaryIO | FileIO, progress: Callable[[int], None] | None) -> Iterator[bytes]:
    """Yield what the members of a gzip file inflate to. Raises Damaged once all that can be had was yielded."""
    library = _library()
    stored, given, member, pending = len(head), 0, library.decompressobj(wbits=31), head
    is_begun = False
    while True:
        if not pending:
            pending = file.read(_STORED)
            stored += len(pending)
            if not pending:
                break
            if progress:
                progress(len(pending))
        if member.eof:
            pending = pending.lstrip(b"\0")  # padding of tapes and pipes
            if not pending:
                continue
            if pending[:1] != _GZIP[:1]:
                raise Damaged("goes on after its end with bytes that are not gzip; they were left out.")
            member, is_begun = library.decompressobj(wbits=31), False
        try:
            block = member.decompress(pending, BLOCK)
        except library.error:
            raise Damaged(
                f"is damaged at about byte {stored - len(pending):,}; what came before was counted. Fetch it again."
            ) from None
        is_begun = True
        pending = member.unused_data if member.eof else member.unconsumed_tail
        given += len(block)
        if given > MAX_OUTPUT:
            raise Damaged(f"inflates to more than {MAX_OUTPUT >> 30} GiB; what came before was counted.")
        if given > RATIO_FROM and given > MAX_RATIO * (stored - len(pending)):
            raise Damaged(f"inflates to more than {MAX_RATIO} times its size, which no log does; it was left at that.")
        if block:
            yield block
    if is_begun and not member.eof:
        raise Damaged("is cut off in the middle of its gzip data; what came before was counted. Fetch it again.")


@lru_cache(maxsize=1)
def _library() -> Any:
    """Return the fastest inflate that is installed: isal, zlib-ng, or the standard library's."""
    for name in ("isal.isal_zlib", "zlib_ng.zlib_ng"):
        try:
            return import_module(name)
        except ImportError:
            continue
    return zlib


def _text(raw: Iterator[bytes]) -> Iterator[bytes]:
    """Yield blocks without a byte order mark, and UTF-16 as UTF-8; lines end in LF."""
    first = b""
    for block in raw:
        first += block
        if len(first) >= 3:
            break
    encoding = _UTF16.get(first[:2])
    if encoding:
        decoder = codecs.getincrementaldecoder(encoding)(errors="replace")
        yield decoder.decode(first[2:]).encode("utf-8", "replace")
        for block in raw:
            yield decoder.decode(block).encode("utf-8", "replace")
        return
    yield first.removeprefix(codecs.BOM_UTF8)
    yield from raw
