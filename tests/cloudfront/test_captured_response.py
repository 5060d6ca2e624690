"""Captured responses are read whatever they were saved as, keep no secret, and what is none is refused in a sentence."""

from __future__ import annotations

import datetime as dt
import gzip
import json
import string

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cfrunbook.cloudfront.captured_response import load, read
from cfrunbook.errors import BadInput
from cfrunbook.evidence import MAX_RESPONSES, CapturedResponse
from tests import captures
from tests.captures import DATE, REQUEST_ID, URL, classic, curl, entry, fields, har, of_2026, page, seen, verbose, wget

HEADER = fields(Server="CloudFront")
LOWER = "\n".join(f"{name.lower()}: {value}" for name, value in HEADER.items())
NAME_THEN_VALUE = "\n".join(f"{name.lower()}\n{value}" for name, value in HEADER.items())
CHROME = f"Request URL:\n{URL}?token=hunter2\nRequest Method:\nGET\nStatus Code:\n502 Bad Gateway\nRemote Address:\n192.0.2.1:443\n"
FIREFOX = f"GET {URL} HTTP/2\nStatus\n502\nVersion\nHTTP/2\n"


def read_or_refused(content: bytes) -> tuple[CapturedResponse, ...]:
    """Return the responses; none where they are refused, in one sentence."""
    try:
        return read(content)
    except BadInput as error:
        sentence = str(error)
    assert "\n" not in sentence
    return ()


def one(text: str | bytes) -> CapturedResponse:
    (response,) = read(text.encode() if isinstance(text, str) else text)
    return response


# What was captured: its form, status, version, URL, X-Cache, whose page.
FORMS = {
    "curl -i": (curl(502, classic()), "curl", 502, "HTTP/2", "", "cloudfront"),
    "curl -i, HTTP/1.1": (curl(502, of_2026(), h2=False), "curl", 502, "HTTP/1.1", "", "cloudfront"),
    "curl -i, with its command line": (f"$ curl -i {URL}\n" + curl(502, classic()), "curl", 502, "HTTP/2", URL, "cloudfront"),
    "curl -D -, -I": (curl(502), "curl", 502, "HTTP/2", "", None),
    "curl -v, both streams": (
        verbose(502, classic()), "curl_verbose", 502, "HTTP/2", f"{URL}?session=[redacted]", "cloudfront",
    ),
    "curl -v, one stream": (verbose(504), "curl_verbose", 504, "HTTP/2", f"{URL}?session=[redacted]", None),
    "curl -v --trace-time": (
        "\n".join(f"18:00:00.123456 {line}" for line in verbose(502).splitlines()[:-2]),
        "curl_verbose", 502, "HTTP/2", f"{URL}?session=[redacted]", None,
    ),
    "wget -S": (wget(503), "wget", 503, "HTTP/1.1", URL, None),
    "HAR": (har(entry(200, x_cache="Miss"), entry(502, classic())), "har", 502, "HTTP/2", URL, "cloudfront"),
    "HAR, base64": (har(entry(502, page(captures.NGINX), encode=True)), "har", 502, "HTTP/2", URL, "nginx"),
    "header fields, lower case": (LOWER, "headers", None, "", "", None),
    "header fields, :status": (f":status: 502\n{LOWER}", "headers", 502, "", "", None),
    "header fields of HTTP/2, those of the request too": (
        f":method: GET\n:authority: www.example.com\n:path: /cart?token=hunter2\n:status: 502\n{LOWER}",
        "headers", 502, "", f"{URL}?token=[redacted]", None,
    ),
    "header fields, name and value on lines of their own": (NAME_THEN_VALUE, "headers", None, "", "", None),
    "header fields, tabs": (LOWER.replace(": ", "\t"), "headers", None, "", "", None),
    "Chrome's headers panel": (
        f"General\n{CHROME}Response Headers\n{NAME_THEN_VALUE}\nRequest Headers\ncookie:\nsid=hunter2\n:authority:\nx\n",
        "headers", 502, "", f"{URL}?token=[redacted]", None,
    ),
    "Firefox's headers panel": (f"{FIREFOX}Response Headers\n{LOWER}", "headers", 502, "", URL, None),
    "the page's source": (classic(504), "body", 504, "", "", "cloudfront"),
    "the page of 2026": (of_2026(503), "body", 503, "", "", "cloudfront"),
    "the page as a browser shows it": (seen(), "text", 502, "", "", "cloudfront"),
    "nginx's page as a browser shows it": ("502 Bad Gateway\nnginx/1.24.0\n", "text", 502, "", "", "nginx"),
    "API Gateway's body": (captures.API_GATEWAY, "body", None, "", "", "api-gateway"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "form", "status", "version", "url", "made_by"), FORMS.values(), ids=FORMS)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_every_form_is_read(
    text: str, form: str, status: int | None, version: str, url: str, made_by: str | None, encoding: str
) -> None:
    response = one(text.encode(encoding))
    assert (response.form, response.status, response.version, response.url) == (form, status, version, url)
    assert (response.page.made_by if response.page else None) == made_by
    if form in ("curl", "curl_verbose", "wget", "har", "headers"):
        assert response.field("x-cache") == "Error from cloudfront"
        assert response.field("X-Amz-Cf-Id") == REQUEST_ID
    assert "hunter2" not in repr(response)


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("text", [curl(502, classic()), verbose(502, classic()), wget(502), LOWER, CHROME + LOWER])
def test_line_ends_make_no_difference(text: str, newline: str) -> None:
    plain = text.replace("\r\n", "\n")
    changed = one(plain.replace("\n", newline))
    assert msgspec.structs.replace(changed, body_bytes=None) == msgspec.structs.replace(one(plain), body_bytes=None)


SEVERAL = {
    "curl -L -i": (curl(301, location="https://www.example.com/") + curl(502, classic()), [301, 502]),
    "curl -L -v": (verbose(301) + "\n" + verbose(502, classic()), [301, 502]),
    "a proxy's yes to CONNECT": ("HTTP/1.1 200 Connection established\r\n\r\n" + curl(502, classic()), [502]),
    "a proxy's no to CONNECT": (
        "> CONNECT www.example.com:443 HTTP/1.1\n> Host: www.example.com:443\n> \n< HTTP/1.1 502 Bad Gateway\n< \n",
        [502],
    ),
    "100 Continue": ("HTTP/1.1 100 Continue\r\n\r\n" + curl(504, h2=False), [504]),
    "103 Early Hints": ("HTTP/2 103\r\nlink: </a.css>\r\n\r\n" + curl(503), [503]),
    "calls one behind the other, no line feed between": (curl(502, classic()) + curl(504, of_2026(504)), [502, 504]),
    "HAR with several": (
        har(entry(200, x_cache="Miss"), entry(502), entry(304, x_cache="Hit"), entry(504)),
        [502, 504],
    ),
    "HAR, an error hidden behind 200": (har(entry(200, x_cache="Error"), entry(204, x_cache="Miss")), [200]),
    "HAR without an error": (har(entry(200, x_cache="Miss")), [200]),
}


@pytest.mark.parametrize(("text", "statuses"), SEVERAL.values(), ids=SEVERAL)
def test_several_responses_are_told_apart_and_interim_ones_left_out(text: str, statuses: list[int]) -> None:
    found = read(text.encode())
    assert [r.status for r in found] == statuses
    assert [r.number for r in found] == list(range(1, len(found) + 1))


def test_a_proxys_refusal_is_known_by_its_method() -> None:
    (refused,) = read(SEVERAL["a proxy's no to CONNECT"][0].encode())
    assert (refused.method, refused.url) == ("CONNECT", "https://www.example.com/")


def test_what_the_capture_lacks_is_said() -> None:
    assert one(curl(502, classic())).missing == ("the URL",)
    assert one(LOWER).missing == ("the status", "the body", "the URL")
    assert one(seen()).missing == ("the header", "the body", "the URL", "the time")
    assert not one(har(entry(502, classic()))).missing
    assert one(har(entry(502))).at == dt.datetime(2026, 11, 22, 18, 0, 1, 123000, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        (curl(502, "x" * 937), 937),
        (curl(502, "", content_length="0"), 0),
        (curl(502, ""), None),
        (verbose(502, "", content_length="0"), 0),
        (har(entry(502, "x" * 40)), 40),
        (har(entry(502, "")), 0),
        (classic(), None),
    ],
)
def test_the_size_of_the_body_is_known_where_the_capture_has_it(text: str, size: int | None) -> None:
    assert one(text).body_bytes == size


def test_a_compressed_body_does_not_matter() -> None:
    raw = curl(502, "", content_encoding="gzip").encode() + gzip.compress(b"<h1>hello</h1>" * 9)
    response = one(raw)
    assert (response.status, response.page.made_by if response.page else None) == (502, "")
    assert (response.body_bytes or 0) > 20


BAD = {
    "empty": (b"", "is empty"),
    "blank": (b" \r\n\t", "is empty"),
    "gzip": (gzip.compress(b"HTTP/2 502"), "gunzip"),
    "a screenshot": (b"\x89PNG\r\n\x1a\n\x00\x00", "it is a picture"),
    "binary": (bytes(range(256)) * 4, "is binary"),
    "an access log": (b"#Version: 1.0\n#Fields: date time x-edge-location\n2026-11-22\t18:00:00\tFRA56-P4\n", "an access log"),
    "an access log, its header lost": (b"2026-11-22\t18:00:00\tFRA56-P4\t502\n", "an access log"),
    "an access log in JSON": (b'{"sc-status":"502","x-edge-location":"FRA56-P4"}\n{"sc-status":"200"}\n', "an access log"),
    "a distribution": (json.dumps({"Distribution": {"DistributionConfig": {}}}).encode(), "--distribution"),
    "a recording": (b'{"kind": "cfrunbook.evidence", "schema": 1}', "--evidence"),
    "other JSON": (b'{"a": 1}', "neither a HAR file"),
    "JSON that is cut off": (b'{"log": {"entries": [{"response": {"sta', "neither a HAR file"),
    "a HAR file of another site": (har(entry(200, x_cache="x", Via=None)).replace("from cloudfront", "").encode(), "HAR file"),
    "a HAR file that is empty": (har().encode(), "HAR file"),
    "nginx.conf": (b"server {\n  listen 443 ssl;\n  server_name www.example.com;\n}\n", "no HTTP response"),
    "a letter": (b"Dear colleague,\nthe site is down.\n", "no HTTP response"),
    "100 Continue alone": (b"HTTP/1.1 100 Continue\r\n\r\n", "interim"),
    "deep JSON": (b"[" * 100_000, "neither a HAR file"),
}  # fmt: skip


@pytest.mark.parametrize(("content", "says"), BAD.values(), ids=BAD)
def test_what_is_no_response_is_refused_in_one_sentence(content: bytes, says: str) -> None:
    with pytest.raises(BadInput) as refused:
        read(content, name="capture.txt")
    sentence = str(refused.value)
    assert says in sentence
    assert sentence.startswith("Response: capture.txt ")
    assert "\n" not in sentence
    assert sentence.endswith(".")


def test_sources_may_be_files_text_bytes_values_or_several(tmp_path) -> None:
    file = tmp_path / "capture.txt"
    file.write_text(curl(502, classic()), newline="")
    (by_path,) = load(file)
    assert by_path.name == str(file)
    assert [r.status for r in load([str(file), curl(504), curl(503).encode(), json.loads(har(entry(502))), by_path])] == [
        502, 504, 503, 502, 502,
    ]  # fmt: skip
    for bad in ("no-such-file.txt", "", 7, tmp_path):
        with pytest.raises(BadInput, match=r"^Response: "):
            load(bad)  # type: ignore[arg-type]


def test_too_many_responses_are_counted_not_dropped_in_silence() -> None:
    found = read((curl(502) * (MAX_RESPONSES + 5)).encode())
    assert (len(found), found[-1].left_out) == (MAX_RESPONSES, 5)
    both = load([curl(502) * MAX_RESPONSES, curl(502) * 3])
    assert (len(both), both[-1].left_out) == (MAX_RESPONSES, 3)


# --- hostile ------------------------------------------------------------------------------------------------------

SECRET = "s3cr3tS3cr3t"
_NAMES = st.sampled_from(
    ["Cookie", "Set-Cookie", "Authorization", "Proxy-Authorization", "X-Api-Key", "X-Amz-Security-Token"]
)
_GAPS = st.text(string.ascii_letters + " =;,:/<>*\"'", max_size=12)
_WRITE = st.sampled_from(["curl", "verbose", "wget", "har", "headers", "lines", "tabs"])


@given(name=_NAMES, before=_GAPS, after=_GAPS, how=_WRITE, lower=st.booleans())
def test_no_secret_of_a_header_field_survives(name: str, before: str, after: str, how: str, lower: bool) -> None:
    value = f"{before}{SECRET}{after}"
    name = name.lower() if lower else name
    header = HEADER | {name: value}
    pairs = list(header.items())
    text = {
        "curl": "HTTP/1.1 502 Bad Gateway\r\n" + "\r\n".join(f"{n}: {v}" for n, v in pairs) + "\r\n\r\n",
        "verbose": f"> GET / HTTP/2\n> {name}: {value}\n> \n< HTTP/2 502\n"
        + "\n".join(f"< {n}: {v}" for n, v in pairs),
        "wget": "  HTTP/1.1 502 Bad Gateway\n" + "\n".join(f"  {n}: {v}" for n, v in pairs),
        "har": har(entry(502, **{name: value})),
        "headers": "\n".join(f"{n}: {v}" for n, v in pairs),
        "lines": "\n".join(f"{n}:\n{v}" for n, v in pairs),
        "tabs": "\n".join(f"{n}\t{v}" for n, v in pairs),
    }[how]
    for response in read(text.encode()):
        assert SECRET not in repr(response)
        assert SECRET.encode() not in msgspec.json.encode(response)


_LINES = st.lists(
    st.sampled_from([
        *curl(502, classic()).splitlines()[:8], *verbose(502, of_2026()).splitlines()[8:24], *wget().splitlines(),
        *LOWER.splitlines(), *NAME_THEN_VALUE.splitlines(), "", "<", "> ", "HTTP/1.1 200 Connection established",
        "HTTP/2 999", ":status", "Status Code", "\ufeff", "{", "Date: Sun, 99 Nov 99999 99:99:99 GMT", "Age: 1e9",
    ]),
    max_size=30,
).map("\n".join)  # fmt: skip


@given(
    st.one_of(
        st.binary(max_size=400),
        st.text(max_size=400).map(lambda t: t.encode("utf-8", "replace")),
        _LINES.map(str.encode),
    )
)
@example(b"HTTP/1.1 502 \xff\xfe\r\nServer: \xff\r\n\r\n\xff")
@example(b"HTTP/2 502")
@example(b"<\x00\x00")
def test_any_bytes_are_read_or_refused_in_one_sentence(content: bytes) -> None:
    for response in read_or_refused(content):
        again = msgspec.json.decode(msgspec.json.encode(response), type=CapturedResponse)
        assert again == response  # within every bound, and fit for a recording


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=5), lambda c: st.lists(c, max_size=3) | st.dictionaries(
    st.sampled_from(["log", "entries", "request", "response", "status", "headers", "content", "text", "name", "value"]), c, max_size=4
), max_leaves=12))  # fmt: skip
def test_any_json_is_read_or_refused(value: object) -> None:
    read_or_refused(json.dumps({"log": {"entries": [value]}}).encode())


def test_large_and_repetitive_input_is_read_once() -> None:
    """Whatever is in it: nothing here is quadratic (this would take minutes)."""
    for piece in (
        "<!--",
        "<script ",
        "HTTP/1.1 502 \n",
        "< HTTP/2 502\n",
        "curl http://x ",
        "&#x3D;",
        ": ",
        "\t",
        "Status Code\n",
    ):
        try:
            read((piece * (2_000_000 // len(piece))).encode())
        except BadInput:
            continue
    assert one(curl(502, "A" * 3_000_000)).body_bytes == 3_000_000


def test_the_date_is_kept_as_it_was_sent() -> None:
    assert one(curl(502)).field("date") == DATE
