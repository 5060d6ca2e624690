"""Reads an HTTP/1.x answer: bytes in, facts out. No sockets, no clock, no opinion.

Strict in what it notes and tolerant in what it reads: a deviation from RFC 9112 is recorded with its line, and reading
goes on where that makes sense, so that one answer shows all that is wrong with it.
https://www.rfc-editor.org/rfc/rfc9112
"""

from __future__ import annotations

import re

from cfrunbook.evidence import Deviation, Framing

MAX_HEAD = 128 * 1024
"""Bytes of a header that are read: several times what CloudFront takes, so that its size can be told."""
MAX_BODY = 64 * 1024
"""Bytes of a body that are read."""
SAMPLE = 2048
"""Bytes of a body that are looked at."""
MAX_FIELDS = 100
"""Header fields that are kept."""
_MAX_LINE = 1024  # characters kept of a status line
_MAX_NOTES = 16
_MAX_INTERIM = 16
_MAX_CHUNK_LINE = 4096

_BEGIN = b"HTTP/"
_STATUS_LINE = re.compile(rb"HTTP/(\d+)(?:\.(\d+))? ([1-9][0-9]{2})(?: (.*))?", re.DOTALL)
_TOKEN = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,16})[ \t]*(?:;.*)?", re.DOTALL)
_WITHOUT_BODY = frozenset({204, 304})


class Response:
    """One answer to a GET request, fed with bytes as they come; every attribute holds what is known so far."""

    def __init__(self) -> None:
        self.is_http: bool | None = None
        """None: too few bytes to tell."""
        self.status_line = ""
        self.status = 0
        """0: none could be read."""
        self.version = ""
        """`1.1`"""
        self.interim: list[int] = []
        self.fields: list[tuple[str, str]] = []
        self.head_bytes = 0
        self.head_complete = False
        self.too_large = False
        """The header is larger than `MAX_HEAD`; reading stopped there."""
        self.deviations: list[tuple[Deviation, int]] = []
        self.framing = Framing.NONE
        self.content_length: int | None = None
        self.body_bytes = 0
        self.sample = bytearray()
        self.complete = False
        """The whole answer came."""
        self.done = False
        """Complete, or more bytes would change nothing."""
        self._buffer = bytearray()
        self._line = 0
        self._state = self._read_status_line
        self._left = 0  # bytes of a body or chunk still to come
        self._left_of_trailer = MAX_HEAD
        self._lengths: list[bytes] = []
        self._codings: list[bytes] = []

    def feed(self, data: bytes) -> None:
        """Take the next bytes. Never raises."""
        if self.done:
            return
        self._buffer += data
        if self.is_http is None:
            begin = bytes(self._buffer[: len(_BEGIN)])
            self.is_http = True if begin == _BEGIN else None if _BEGIN.startswith(begin) else False
        if self.is_http is False:
            self.done = True
        if self.is_http:
            while not self.done and self._state():
                pass

    def end(self) -> None:
        """Take the end of the stream: a body without a length is complete with it."""
        if self.head_complete and self.framing is Framing.CLOSE and not self.done:
            self.complete = True
        self.done = True

    @property
    def reusable(self) -> bool:
        """Tell whether the origin leaves the connection open for another request (RFC 9112 section 9.3)."""
        options = {o.strip().lower() for n, v in self.fields if n.lower() == "connection" for o in v.split(",")}
        kept = "keep-alive" in options if self.version == "1.0" else True
        return self.complete and self.framing is not Framing.CLOSE and kept and "close" not in options

    # --- the header ---------------------------------------------------------------------------------------------------

    def _next_line(self) -> bytes | None:
        """Return the next whole line of the header without its end; None where it has not come yet."""
        at = self._buffer.find(b"\n")
        size = len(self._buffer) if at < 0 else at + 1
        if self.head_bytes + size > MAX_HEAD:
            self.head_bytes += size
            self.too_large = self.done = True
            return None
        if at < 0:
            return None
        line = bytes(self._buffer[:at])
        del self._buffer[: at + 1]
        self._line += 1
        self.head_bytes += at + 1
        if line.endswith(b"\r"):
            return line[:-1]
        self._note(Deviation.BARE_LINE_FEED)
        return line

    def _read_status_line(self) -> bool:
        line = self._next_line()
        if line is None:
            return False
        self.status_line = line.decode("latin-1")[:_MAX_LINE]
        match = _STATUS_LINE.fullmatch(line)
        if match is None:
            self._note(Deviation.STATUS_LINE)
        else:
            self.status = int(match[3])
            self.version = match[1].decode() + (f".{match[2].decode()}" if match[2] else "")
            if self.version not in ("1.0", "1.1"):
                self._note(Deviation.VERSION)
        self._state = self._read_field
        return True

    def _read_field(self) -> bool:
        line = self._next_line()
        if line is None:
            return False
        if not line:
            return self._end_of_head()
        if line[:1] in (b" ", b"\t"):
            self._note(Deviation.FOLDED_LINE)
            if self.fields:
                before = self.fields[-1]
                self.fields[-1] = before[0], f"{before[1]} {line.strip().decode('latin-1')}"[:MAX_HEAD]
            return True
        name, colon, value = line.partition(b":")
        if not colon:
            self._note(Deviation.NO_COLON)
            return True
        if not _TOKEN.fullmatch(name):
            self._note(Deviation.FIELD_NAME)
        if b"\r" in value or b"\0" in value:
            self._note(Deviation.CONTROL_CHARACTER)
        self._keep(name.strip(), value.strip(b" \t"))
        return True

    def _keep(self, name: bytes, value: bytes) -> None:
        if name.lower() == b"content-length" and len(self._lengths) < MAX_FIELDS:
            self._lengths += [part.strip() for part in value.split(b",", MAX_FIELDS)]
        if name.lower() == b"transfer-encoding" and len(self._codings) < MAX_FIELDS:
            self._codings += [part.strip().lower() for part in value.split(b",", MAX_FIELDS)]
        if name and len(self.fields) < MAX_FIELDS:
            self.fields.append((name.decode("latin-1"), value.decode("latin-1")))

    def _end_of_head(self) -> bool:
        if 100 <= self.status < 200 and self.status != 101:
            if len(self.interim) < _MAX_INTERIM:
                self.interim.append(self.status)
            else:
                self._note(Deviation.INTERIM, 0)  # an endless row of promises
                self.done = True
            self._begin_again()
            return True
        self.head_complete = True
        self._find_framing()
        return True

    def _begin_again(self) -> None:
        """Forget an interim answer; what it deviates in is kept."""
        self.status_line, self.status, self.version = "", 0, ""
        self.fields, self.head_bytes, self._line = [], 0, 0
        self._lengths, self._codings = [], []
        self._state = self._read_status_line

    def _find_framing(self) -> None:
        """Decide how long the body is (RFC 9112 section 6.3)."""
        length = self._agreed_length()
        codings = [c for c in self._codings if c]
        if codings and self._lengths:
            self._note(Deviation.LENGTH_AND_CODING, 0)
        if codings and (codings[-1] != b"chunked" or codings.count(b"chunked") > 1 or len(codings) > 1):
            self._note(Deviation.CODING, 0)
        if self.status == 101:
            self._note(Deviation.SWITCHED, 1)
        if self.status in _WITHOUT_BODY or self.status == 101:
            self.complete = self.done = True
        elif codings and codings[-1] == b"chunked":
            self.framing, self._state = Framing.CHUNKED, self._read_chunk_size
        elif codings or length is None:
            self.framing, self._state = Framing.CLOSE, self._read_to_the_end
        else:
            self.framing, self._state, self._left = Framing.LENGTH, self._read_length, length

    def _agreed_length(self) -> int | None:
        values = {v for v in self._lengths if re.fullmatch(rb"[0-9]{1,18}", v)}
        if len(values) < len(set(self._lengths)):
            self._note(Deviation.LENGTH_INVALID, 0)
        if len({int(v) for v in values}) > 1:
            self._note(Deviation.LENGTH_DIFFERS, 0)
        self.content_length = int(next(v for v in self._lengths if v in values)) if values else None
        return self.content_length

    # --- the body -----------------------------------------------------------------------------------------------------

    def _take(self, limit: int | None) -> int:
        """Take bytes of the body from the buffer, at most `limit`; return how many."""
        room = MAX_BODY - self.body_bytes
        size = min(len(self._buffer), room if limit is None else min(limit, room))
        self.sample += self._buffer[: min(size, SAMPLE - len(self.sample))]
        del self._buffer[:size]
        self.body_bytes += size
        return size

    def _read_length(self) -> bool:
        self._left -= self._take(self._left)
        if self._left == 0:
            self.complete = self.done = True
        elif self.body_bytes >= MAX_BODY:
            self.done = True
        return False

    def _read_to_the_end(self) -> bool:
        self._take(None)
        self.done = self.body_bytes >= MAX_BODY
        return False

    def _read_chunk_size(self) -> bool:
        at = self._buffer.find(b"\n")
        if at < 0 and len(self._buffer) <= _MAX_CHUNK_LINE:
            return False
        line = bytes(self._buffer[: max(at, 0)]).removesuffix(b"\r")
        match = _CHUNK_SIZE.fullmatch(line)
        if at < 0 or at > _MAX_CHUNK_LINE or match is None:
            self._note(Deviation.CHUNK, 0)
            self.done = True
            return False
        del self._buffer[: at + 1]
        self._left = int(match[1], 16)
        self._state = self._read_chunk if self._left else self._read_trailer
        return True

    def _read_chunk(self) -> bool:
        self._left -= self._take(self._left)
        if self._left == 0:
            self._state = self._read_end_of_chunk
            return True
        self.done = self.body_bytes >= MAX_BODY
        return False

    def _read_end_of_chunk(self) -> bool:
        end = bytes(self._buffer[:2])
        if end[:1] == b"\n" or end == b"\r\n":
            del self._buffer[: 1 if end[:1] == b"\n" else 2]
            self._state = self._read_chunk_size
            return True
        if end in (b"", b"\r"):
            return False
        self._note(Deviation.CHUNK, 0)
        self.done = True
        return False

    def _read_trailer(self) -> bool:
        at = self._buffer.find(b"\n")
        size = len(self._buffer) if at < 0 else at + 1
        if size > self._left_of_trailer:
            self.done = True
            return False
        if at < 0:
            return False
        line = bytes(self._buffer[:at]).removesuffix(b"\r")
        del self._buffer[: at + 1]
        self._left_of_trailer -= size
        self.complete = self.done = not line
        return True

    def _note(self, deviation: Deviation, line: int | None = None) -> None:
        """Note a deviation, each kind at its first place."""
        if len(self.deviations) < _MAX_NOTES and all(d is not deviation for d, _ in self.deviations):
            self.deviations.append((deviation, self._line if line is None else line))
