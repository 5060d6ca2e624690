"""The reader of HTTP/1.x answers: what it reads, what it notes, and that no bytes in no pieces upset it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cfrunbook.evidence import Deviation as D
from cfrunbook.evidence import Framing
from cfrunbook.probes.http1 import MAX_BODY, MAX_FIELDS, MAX_HEAD, SAMPLE, Response


def read(*pieces: bytes, ended: bool = True) -> Response:
    response = Response()
    for piece in pieces:
        response.feed(piece)
    if ended:
        response.end()
    return response


def answer(*lines: str, body: bytes = b"", status: str = "HTTP/1.1 200 OK") -> bytes:
    return "\r\n".join([status, *lines, "", ""]).encode("latin-1") + body


COMPLETE = {
    "a length": (answer("Content-Length: 4", body=b"page"), Framing.LENGTH, 4),
    "the same length twice": (answer("Content-Length: 4", "Content-Length: 4", body=b"page"), Framing.LENGTH, 4),
    "the same length in one field": (answer("Content-Length: 4, 4", body=b"page"), Framing.LENGTH, 4),
    "more than its length": (answer("Content-Length: 4", body=b"page, and more"), Framing.LENGTH, 4),
    "no body at all": (answer("Content-Length: 0"), Framing.LENGTH, 0),
    "chunks": (answer("Transfer-Encoding: chunked", body=b"4\r\npage\r\n0\r\n\r\n"), Framing.CHUNKED, 4),
    "chunk extensions": (answer("Transfer-Encoding: Chunked", body=b"4 ;a=b\r\npage\r\n0\r\n\r\n"), Framing.CHUNKED, 4),
    "a trailer": (answer("Transfer-Encoding: chunked", body=b"0\r\nX: y\r\n\r\n"), Framing.CHUNKED, 0),
    "until the end": (answer("Server: x", body=b"page"), Framing.CLOSE, 4),
    "204": (answer("Content-Length: 4", status="HTTP/1.1 204 No Content"), Framing.NONE, 0),
    "304": (answer(status="HTTP/1.1 304 Not Modified"), Framing.NONE, 0),
    "HTTP/1.0": (answer(body=b"page", status="HTTP/1.0 200 OK"), Framing.CLOSE, 4),
    "no reason": (answer("Content-Length: 0", status="HTTP/1.1 200"), Framing.LENGTH, 0),
}


@pytest.mark.parametrize(("sent", "framing", "size"), COMPLETE.values(), ids=COMPLETE)
def test_whole_answers(sent: bytes, framing: Framing, size: int) -> None:
    response = read(sent)
    assert response.complete
    assert (response.framing, response.body_bytes) == (framing, size)
    assert response.deviations == []


CUT = {
    "nothing": b"",
    "half a status line": b"HTTP/1.1 20",
    "half a header": b"HTTP/1.1 200 OK\r\nServer: x\r\n",
    "half a body": answer("Content-Length: 4", body=b"pa"),
    "half a chunk": answer("Transfer-Encoding: chunked", body=b"4\r\npa"),
    "no last chunk": answer("Transfer-Encoding: chunked", body=b"4\r\npage\r\n"),
    "half a trailer": answer("Transfer-Encoding: chunked", body=b"0\r\nX: y\r\n"),
    "only a promise": answer(status="HTTP/1.1 100 Continue"),
}


@pytest.mark.parametrize("sent", CUT.values(), ids=CUT)
def test_answers_cut_short_are_not_complete(sent: bytes) -> None:
    response = read(sent)
    assert not response.complete
    assert response.done
    assert response.head_complete == (b"\r\n\r\n" in sent and not sent.startswith(b"HTTP/1.1 100"))


DEVIATIONS: dict[str, tuple[bytes, list[tuple[D, int]]]] = {
    "no status": (answer(status="HTTP/1.1 OK"), [(D.STATUS_LINE, 1)]),
    "four digits": (answer(status="HTTP/1.1 2000 OK"), [(D.STATUS_LINE, 1)]),
    "status 099": (answer(status="HTTP/1.1 099 Early"), [(D.STATUS_LINE, 1)]),
    "two spaces": (answer(status="HTTP/1.1  200 OK"), [(D.STATUS_LINE, 1)]),
    "HTTP/2": (answer(status="HTTP/2 200"), [(D.VERSION, 1)]),
    "HTTP/1.2": (answer(status="HTTP/1.2 200 OK"), [(D.VERSION, 1)]),
    "no colon": (answer("Server: x", "oops"), [(D.NO_COLON, 3)]),
    "no name": (answer(": x"), [(D.FIELD_NAME, 2)]),
    "a space before the colon": (answer("Server : x"), [(D.FIELD_NAME, 2)]),
    "a name with a quote": (answer('"Server": x'), [(D.FIELD_NAME, 2)]),
    "NUL": (answer("Server: a\0b"), [(D.CONTROL_CHARACTER, 2)]),
    "CR": (answer("Server: a\rb"), [(D.CONTROL_CHARACTER, 2)]),
    "a folded line": (answer("Server: a", " b"), [(D.FOLDED_LINE, 3)]),
    "LF alone": (b"HTTP/1.1 200 OK\nContent-Length: 0\n\n", [(D.BARE_LINE_FEED, 1)]),
    "a length in words": (answer("Content-Length: four"), [(D.LENGTH_INVALID, 0)]),
    "a negative length": (answer("Content-Length: -1"), [(D.LENGTH_INVALID, 0)]),
    "a length with a plus": (answer("Content-Length: +1"), [(D.LENGTH_INVALID, 0)]),
    "an empty length": (answer("Content-Length:"), [(D.LENGTH_INVALID, 0)]),
    "two lengths": (answer("Content-Length: 1", "Content-Length: 2"), [(D.LENGTH_DIFFERS, 0)]),
    "two lengths in one": (answer("Content-Length: 1, 2"), [(D.LENGTH_DIFFERS, 0)]),
    "both": (
        answer("Content-Length: 4", "Transfer-Encoding: chunked", body=b"0\r\n\r\n"),
        [(D.LENGTH_AND_CODING, 0)],
    ),
    "gzip as transfer coding": (answer("Transfer-Encoding: gzip"), [(D.CODING, 0)]),
    "chunked not last": (answer("Transfer-Encoding: chunked, gzip"), [(D.CODING, 0)]),
    "chunked twice": (answer("Transfer-Encoding: chunked, chunked"), [(D.CODING, 0)]),
    "a chunk size in words": (answer("Transfer-Encoding: chunked", body=b"four\r\n"), [(D.CHUNK, 0)]),
    "a negative chunk size": (answer("Transfer-Encoding: chunked", body=b"-4\r\n"), [(D.CHUNK, 0)]),
    "a chunk longer than it says": (
        answer("Transfer-Encoding: chunked", body=b"2\r\npage\r\n0\r\n\r\n"),
        [(D.CHUNK, 0)],
    ),
    "an endless chunk line": (answer("Transfer-Encoding: chunked", body=b"1" * 5000), [(D.CHUNK, 0)]),
    "promises alone": (b"HTTP/1.1 102 Processing\r\n\r\n" * 100, [(D.INTERIM, 0)]),
    "101": (answer(status="HTTP/1.1 101 Switching Protocols"), [(D.SWITCHED, 1)]),
    "several": (answer("oops", "Server : x", "Content-Length: x"), [(D.NO_COLON, 2), (D.FIELD_NAME, 3), (D.LENGTH_INVALID, 0)]),
}  # fmt: skip


@pytest.mark.parametrize(("sent", "deviations"), DEVIATIONS.values(), ids=DEVIATIONS)
def test_deviations_are_noted_with_their_line(sent: bytes, deviations: list[tuple[D, int]]) -> None:
    assert read(sent).deviations == deviations


def test_every_deviation_has_a_case() -> None:
    assert {d for _, noted in DEVIATIONS.values() for d, _ in noted} == set(D)


def test_interim_answers_come_before_the_real_one() -> None:
    response = read(
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n", answer("Content-Length: 0")
    )
    assert response.interim == [100, 103]
    assert (response.status, response.fields) == (200, [("Content-Length", "0")])
    assert response.complete


def test_an_endless_row_of_promises_is_not_read_for_ever() -> None:
    response = read(b"HTTP/1.1 100 Continue\r\n\r\n" * 100, ended=False)
    assert response.done
    assert not response.complete


@pytest.mark.parametrize(
    "sent", [b"SSH-2.0-x\r\n", b"\x15\x03\x03\x00\x02\x02\x46", b"\0\0\0\x04\0\0\0\0\0", b"<html>", b"http/1.1 200 OK"]
)
def test_what_is_not_http_is_not_read(sent: bytes) -> None:
    response = read(sent, ended=False)
    assert response.is_http is False
    assert response.done


@pytest.mark.parametrize("begin", [b"H", b"HTTP", b"HTTP/"])
def test_few_bytes_do_not_tell(begin: bytes) -> None:
    assert Response().is_http is None
    assert read(begin, ended=False).is_http in (None, True)
    assert not read(begin, ended=False).done


def test_a_header_is_read_to_a_limit() -> None:
    response = read(answer(*(f"X-{n}: {'a' * 1000}" for n in range(200)), body=b"page"))
    assert response.too_large
    assert MAX_HEAD < response.head_bytes <= MAX_HEAD + 70_000
    assert len(response.fields) <= MAX_FIELDS
    endless = read(b"HTTP/1.1 200 OK\r\nX: " + b"a" * (2 * MAX_HEAD), ended=False)
    assert endless.too_large
    assert endless.done


def test_a_body_is_read_to_a_limit() -> None:
    for fields in (["Content-Length: 99999999"], ["Server: x"]):
        response = read(answer(*fields, body=b"x" * (2 * MAX_BODY)), ended=False)
        assert (response.body_bytes, response.done, response.complete) == (MAX_BODY, True, False)
        assert len(response.sample) == SAMPLE


@pytest.mark.parametrize(
    ("sent", "reusable"),
    [
        (answer("Content-Length: 0"), True),
        (answer("Content-Length: 0", "Connection: close"), False),
        (answer("Content-Length: 0", "Connection: X-Other, Close"), False),
        (answer("Content-Length: 0", status="HTTP/1.0 200 OK"), False),
        (answer("Content-Length: 0", "Connection: Keep-Alive", status="HTTP/1.0 200 OK"), True),
        (answer(body=b"page"), False),
        (answer("Content-Length: 9", body=b"page"), False),
    ],
)
def test_whether_the_connection_can_be_used_again(sent: bytes, reusable: bool) -> None:
    assert read(sent).reusable is reusable


WORDS = st.sampled_from(
    [
        *(b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/9 1 x\r\n", b"HTTP/", b"\r\n", b"\n", b"\r"),
        *(b"Content-Length: 5\r\n", b"Content-Length: 6\r\n", b"Content-Length: x\r\n", b": \r\n", b" folded\r\n", b"0"),
        *(b"Transfer-Encoding: chunked\r\n", b"Transfer-Encoding: gzip\r\n", b"5\r\nhello\r\n", b"0\r\n\r\n", b"ffffffff\r\n"),
        *(b"Connection: close\r\n", b"no colon\r\n", b"\0", b"a" * 300),
    ]
)  # fmt: skip
STREAMS = st.one_of(
    st.binary(max_size=300), st.lists(st.one_of(WORDS, st.binary(max_size=8)), max_size=25).map(b"".join)
)


def facts(response: Response) -> dict[str, Any]:
    return {
        name: getattr(response, name)
        for name in (
            *("is_http", "status_line", "status", "version", "interim", "fields", "head_bytes", "head_complete"),
            *("too_large", "deviations", "framing", "content_length", "body_bytes", "sample", "complete", "done"),
            "reusable",
        )
    }


@given(STREAMS, st.data())
def test_the_pieces_in_which_bytes_come_change_nothing(stream: bytes, data: st.DataObject) -> None:
    whole, pieces = read(stream), Response()
    rest = stream
    while rest:
        size = data.draw(st.integers(1, len(rest)))
        pieces.feed(rest[:size])
        rest = rest[size:]
    pieces.end()
    assert facts(pieces) == facts(whole)


@given(STREAMS)
def test_what_it_says_hangs_together(stream: bytes) -> None:
    response = read(stream)
    assert response.done
    assert response.head_bytes <= len(stream)
    assert response.body_bytes <= len(stream)
    assert not response.complete or (response.is_http and response.head_complete)
    assert response.status == 0 or 100 <= response.status <= 999
    if response.complete and response.framing is Framing.LENGTH:
        assert response.body_bytes == response.content_length


@given(st.integers(200, 599), st.binary(max_size=200), st.booleans())
def test_what_is_written_well_is_read_without_a_note(status: int, body: bytes, chunked: bool) -> None:
    framed = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body) if chunked and body else b"0\r\n\r\n" if chunked else body
    field = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {len(body)}"
    response = read(answer(field, status=f"HTTP/1.1 {status} X", body=framed))
    assert response.deviations == []
    assert response.status == status
    if status not in (204, 304):
        assert (response.complete, bytes(response.sample)) == (True, body)
