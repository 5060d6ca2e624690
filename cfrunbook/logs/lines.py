"""Whole lines out of blocks that end anywhere, in bounded memory. Pure."""

from __future__ import annotations

MAX_LINE = 128 * 1024
"""Bytes of a line at most. CloudFront logs no request whose header is over 20 KB or URL over 8 KB:
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/standard-logs-reference.html"""


class LineSplitter:
    """Takes blocks and gives back those bytes that are whole lines, each time with the last line's end."""

    def __init__(self, limit: int = MAX_LINE) -> None:
        self._rest: list[bytes] = []
        self._size = 0
        self._limit = limit
        self._is_skipping = False
        self.too_long = 0
        """Lines that were dropped because of their length."""

    def feed(self, block: bytes) -> bytes:
        """Return the whole lines that `block` completes; empty where it completes none."""
        if self._is_skipping:
            end = block.find(b"\n") + 1
            if not end:
                return b""
            block = block[end:]
            self._is_skipping = False
        end = block.rfind(b"\n") + 1
        if not end:
            self._keep(block)
            return b""
        whole = b"".join([*self._rest, block[:end]]) if self._rest else block[:end]
        self._rest, self._size = [], 0
        self._keep(block[end:])
        return self._without_long(whole)

    def finish(self) -> bytes:
        """Return the last line, where it has no end."""
        last = b"".join(self._rest)
        self._rest, self._size, self._is_skipping = [], 0, False
        return last

    def _keep(self, part: bytes) -> None:
        if not part:
            return
        self._rest.append(part)
        self._size += len(part)
        if self._size > self._limit:
            self.too_long += 1
            self._rest, self._size = [], 0
            self._is_skipping = True

    def _without_long(self, whole: bytes) -> bytes:
        """Drop lines over the limit: however the blocks were cut, the same lines are."""
        window = self._limit // 2  # a line over the limit covers one of these windows
        if all(whole.find(b"\n", at, at + window) >= 0 for at in range(0, len(whole) - window, window)):
            return whole
        kept = [line for line in whole.split(b"\n")[:-1] if len(line) <= self._limit]
        self.too_long += whole.count(b"\n") - len(kept)
        return b"".join(line + b"\n" for line in kept)
