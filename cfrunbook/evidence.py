"""Observations: everything seen, nothing concluded. `evidence.json` is the waist of the hourglass.

It can be recorded on a bastion host and judged on a laptop, judged again a year later, attached to a ticket.
Loading is strict: a file of another kind, of a future schema, too large, with an unknown field or with a number that
cannot have been seen is refused with one sentence. Secrets are redacted when observed (`cfrunbook.redaction`), so a
recording never holds them.
"""

from __future__ import annotations

import datetime as dt
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from cfrunbook.aws_facts import AwsFacts
from cfrunbook.errors import BadInput
from cfrunbook.files import read_bounded, write_whole
from cfrunbook.findings import Comparison, NotExamined, Struct
from cfrunbook.log_summary import LogSummary
from cfrunbook.text import visible

SCHEMA = 1
MAX_OBSERVATIONS = 80_000
"""More than one run makes: 50 targets of 16 addresses, each with up to 60 hellos and 2 requests, 2 of them scanned; and
3000 DNS queries."""
MAX_DNS_RECORDS = 128
"""Records kept of each section of a DNS answer: a referral to 13 name servers brings 39."""
MAX_RECOGNIZED = 1000
"""Things given without saying what they are, in one recording."""
MAX_RESPONSES = 100
"""Captured responses of one incident."""

Byte = Annotated[int, Meta(ge=0, le=0xFF)]
CodePoint = Annotated[int, Meta(ge=0, le=0xFFFF)]
"""A TLS version, cipher suite, group or signature scheme as on the wire."""
Port = Annotated[int, Meta(ge=1, le=0xFFFF)]
Milliseconds = Annotated[float, Meta(ge=0, le=86_400_000)]
FirstBytes = Annotated[bytes, Meta(max_length=64)]
ShortText = Annotated[str, Meta(max_length=200)]


AUTHORITATIVE = "authoritative"
"""Stands for the resolver where the zone's own name servers were asked, from the root down."""


class ResolutionOutcome(StrEnum):
    """How a name's resolution ended, over both address families."""

    ANSWER = "answer"
    NXDOMAIN = "nxdomain"
    NODATA = "nodata"
    SERVFAIL = "servfail"
    REFUSED = "refused"
    TIMEOUT = "timeout"
    ERROR = "error"
    RELOCATED = "relocated"
    """`--connect-to` told us where to go: name resolution was not examined."""


class Resolution(Struct, frozen=True, kw_only=True):
    """What one resolver said about a name's addresses."""

    id: str
    name: str
    resolver: str
    """The resolver's address, `system`, `connect-to`, or `authoritative`: the name servers themselves."""
    outcome: ResolutionOutcome
    ipv4: tuple[str, ...] = ()
    ipv6: tuple[str, ...] = ()
    cnames: tuple[str, ...] = ()
    """The alias chain in order, without `name` itself."""
    detail: str = ""
    elapsed_ms: Milliseconds = 0.0


class DnsTransport(StrEnum):
    """What carries a DNS message."""

    UDP = "udp"
    TCP = "tcp"


class DnsOutcome(StrEnum):
    """How one question to one name server ended. What it means is for judges to say."""

    ANSWER = "answer"
    """Records of the type asked for, or an alias."""
    NODATA = "nodata"
    """No error and no such record."""
    NXDOMAIN = "nxdomain"
    REFERRAL = "referral"
    """No answer, but NS records of some zone: which one, and whether that helps, the records tell."""
    TRUNCATED = "truncated"
    """The answer does not fit into a datagram: it is to be had over TCP."""
    RCODE = "rcode"
    """Another error, see `rcode`."""
    TIMEOUT = "timeout"
    REFUSED_PORT = "refused_port"
    """ICMP port unreachable, or RST: nothing listens there."""
    UNREACHABLE = "unreachable"
    """A router or firewall answered with ICMP, see `detail`."""
    CLOSED = "closed"
    """The TCP connection ended before a whole answer."""
    MALFORMED = "malformed"
    """What came is no answer to the question, see `detail` and `first_bytes`."""
    NO_LOCAL_ROUTE = "no_local_route"
    """This machine itself has no route (typically: no IPv6 here). Says nothing about the server."""
    UNFINISHED = "unfinished"
    """The walk was over before an answer was read, or waited for long enough. Says nothing about the server."""
    ERROR = "error"


class DnsRecord(Struct, frozen=True, kw_only=True, array_like=True):
    """One resource record, as `dig` prints it; in JSON a list of four."""

    owner: str
    """Lower case, without the final dot; `.` is the root."""
    ttl: Annotated[int, Meta(ge=0, le=0xFFFFFFFF)]
    type: str
    data: Annotated[str, Meta(max_length=2048)]
    """The record data in presentation format."""


DnsRecords = Annotated[tuple[DnsRecord, ...], Meta(max_length=MAX_DNS_RECORDS)]


class DnsQuery(Struct, frozen=True, kw_only=True):
    """One question by one transport to one address of a name server, and what came of it."""

    id: str
    zone: str
    """The zone as whose server it was asked, `.` for the root; names are in lower case, without the final dot."""
    server: str
    """The server's name."""
    address: str
    connected_to: str = ""
    """`address:port` really used when relocated; empty: port 53 of `address`."""
    transport: DnsTransport
    name: str
    type: str
    edns: bool = True
    dnssec_ok: bool = False
    sent_at: Annotated[tuple[Milliseconds, ...], Meta(max_length=16)] = ()
    """When the question was sent and sent again, since the walk began."""
    outcome: DnsOutcome
    rcode: str = ""
    """`NOERROR`, `SERVFAIL`, `REFUSED` …; empty where no answer could be read."""
    authoritative: bool = False
    truncated: bool = False
    answer: DnsRecords = ()
    authority: DnsRecords = ()
    additional: DnsRecords = ()
    first_bytes: FirstBytes = b""
    """At most 64 bytes, only where the answer was malformed."""
    detail: str = ""
    elapsed_ms: Milliseconds = 0.0
    """From the first sending to the outcome."""


class ConnectOutcome(StrEnum):
    """How a TCP connection attempt ended. Nothing is ever "closed" for want of knowledge."""

    CONNECTED = "connected"
    REFUSED = "refused"
    """The connection was reset or an ICMP port-unreachable came back (see `icmp`)."""
    RESET = "reset"
    TIMEOUT = "timeout"
    """No answer to our SYN within the deadline: dropped, or a listener with a full accept queue."""
    PROHIBITED = "prohibited"
    """A router or firewall answered with ICMP: administratively prohibited."""
    UNREACHABLE = "unreachable"
    """ICMP host or network unreachable came back."""
    NO_LOCAL_ROUTE = "no_local_route"
    """This machine itself has no route (typically: no IPv6 here). Says nothing about the origin."""
    ERROR = "error"


class Icmp(Struct, frozen=True, kw_only=True):
    """An ICMP error read from the socket's error queue (Linux)."""

    type: Byte
    code: Byte
    reporter: str
    """Address of the router or host that sent it; empty when unknown."""


class Connection(Struct, frozen=True, kw_only=True):
    """One TCP connection attempt to one address of an origin."""

    id: str
    host: str
    port: Port
    address: str
    """The address CloudFront would use."""
    connected_to: str = ""
    """`address:port` really used when relocated by `--connect-to`; empty otherwise."""
    outcome: ConnectOutcome
    icmp: Icmp | None = None
    detail: str = ""
    elapsed_ms: Milliseconds = 0.0


class ExchangeOutcome(StrEnum):
    """What came back from a port to which an HTTP request was sent."""

    HTTP = "http"
    """A status line came, or the beginning of one."""
    TLS = "tls"
    """A TLS record (alert or handshake) to plain HTTP: TLS is spoken on this port."""
    BANNER = "banner"
    """Other bytes: see `first_bytes` and `service`."""
    SILENT = "silent"
    CLOSED = "closed"
    RESET = "reset"
    NOT_CONNECTED = "not_connected"
    TLS_FAILED = "tls_failed"
    """The TLS handshake did not come to its end, so no request was sent (see `detail`)."""


class ExchangeEnd(StrEnum):
    """How reading an HTTP answer ended."""

    COMPLETE = "complete"
    """The whole answer came, as its framing says."""
    CLOSED = "closed"
    RESET = "reset"
    TIMEOUT = "timeout"
    """The deadline was over, or the rest of a body took too long."""
    ENOUGH = "enough"
    """We stopped reading: nothing after it matters, or it is more than we are willing to read."""


class Deviation(StrEnum):
    """Where an answer is not what HTTP/1.1 allows: https://www.rfc-editor.org/rfc/rfc9112."""

    STATUS_LINE = "status_line"
    """There is no status of three digits."""
    VERSION = "version"
    """Neither HTTP/1.0 nor HTTP/1.1."""
    NO_COLON = "no_colon"
    FIELD_NAME = "field_name"
    """Empty, or not a token; also whitespace before the colon."""
    CONTROL_CHARACTER = "control_character"
    """NUL or CR within a field value."""
    FOLDED_LINE = "folded_line"
    BARE_LINE_FEED = "bare_line_feed"
    LENGTH_INVALID = "length_invalid"
    LENGTH_DIFFERS = "length_differs"
    """Several Content-Length fields that do not agree."""
    LENGTH_AND_CODING = "length_and_coding"
    """Content-Length beside Transfer-Encoding."""
    CODING = "coding"
    """A transfer coding other than chunked, or chunked not last."""
    CHUNK = "chunk"
    """A chunk's size cannot be read."""
    SWITCHED = "switched"
    """101 Switching Protocols, which nobody asked for."""
    INTERIM = "interim"
    """One interim answer (1xx) after another, and no final one among those that were read."""


class Framing(StrEnum):
    """How the length of an answer's body is known (RFC 9112 section 6.3)."""

    NONE = "none"
    """This answer has no body."""
    LENGTH = "length"
    CHUNKED = "chunked"
    CLOSE = "close"
    """The body lasts until the connection ends."""


class IdleEnd(StrEnum):
    """What became of a connection that was kept open after a complete answer."""

    KEPT = "kept"
    """It was still open when we stopped watching."""
    CLOSED = "closed"
    NOT_OFFERED = "not_offered"
    """The origin said that it closes it, or did so with the answer."""


class Exchange(Struct, frozen=True, kw_only=True):
    """One HTTP request to a port, plain or within TLS, and what came back."""

    id: str
    host: str
    port: Port
    address: str
    connected_to: str = ""
    scheme: Literal["http", "https"] = "http"
    sni: str | None = None
    """The server_name sent; None for plain HTTP."""
    request: str
    """The request line and Host header that were sent."""
    outcome: ExchangeOutcome
    status_line: str = ""
    interim: Annotated[tuple[int, ...], Meta(max_length=16)] = ()
    """Statuses of interim answers (1xx) that came before."""
    headers: Annotated[tuple[tuple[str, str], ...], Meta(max_length=100)] = ()
    """Response header fields in order, secrets redacted."""
    header_bytes: Annotated[int, Meta(ge=0)] = 0
    """Bytes of status line and header fields received, of the final answer."""
    header_complete: bool = True
    """Whether the empty line after the header came."""
    deviations: Annotated[tuple[tuple[Deviation, int], ...], Meta(max_length=32)] = ()
    """What HTTP/1.1 does not allow, and in which line of the header (from 1; 0: not in the header)."""
    framing: Framing = Framing.NONE
    content_length: Annotated[int, Meta(ge=0)] | None = None
    body_bytes: Annotated[int, Meta(ge=0)] = 0
    """Bytes of the body that were read, without chunk sizes. The body itself is not kept: it may hold anything."""
    page: str = ""
    """Whose error page the body of a 5xx answer is (`nginx`, `awselb` …), where that is known.

    `client-certificate`: the page of a 4xx answer says that a client certificate is wanted.
    """
    first_bytes: FirstBytes = b""
    """At most 64 bytes, only where the answer was not HTTP."""
    service: str = ""
    """`ssh`, `smtp`, `ftp`, `mysql` … where the banner tells; else empty."""
    end: ExchangeEnd | None = None
    """How reading ended; None where no answer came."""
    tls_version: CodePoint | None = None
    alert: Byte | None = None
    """Description number of a fatal TLS alert that ended the handshake or the exchange."""
    renegotiation_requested: bool = False
    """After the TLS handshake the server asked for another one (TLS 1.2 and older)."""
    idle_end: IdleEnd | None = None
    """What became of the idle connection; None: it was not watched."""
    idle_ms: Milliseconds = 0.0
    """How long it was idle."""
    detail: str = ""
    connected_ms: Milliseconds | None = None
    """When the TCP connection was there, from the beginning; None: it was there already, or never came."""
    secured_ms: Milliseconds | None = None
    """When the TLS handshake was done, from the beginning."""
    first_byte_ms: Milliseconds | None = None
    """When the first byte of the answer came, from the beginning."""
    elapsed_ms: Milliseconds = 0.0
    """When the answer was complete or reading ended, from the beginning; a watched idle time does not count."""


class HandshakeOutcome(StrEnum):
    """How a TLS hello ended. A closed set: "I don't know" is never reported as "rejected"."""

    HELLO = "hello"
    """The server chose parameters and sent its flight up to its certificates."""
    ALERT = "alert"
    CLOSED = "closed"
    """FIN before a complete flight."""
    RESET = "reset"
    TIMEOUT = "timeout"
    NOT_CONNECTED = "not_connected"
    NOT_TLS = "not_tls"
    TRUNCATED = "truncated"
    """The connection ended in the middle of a record or message."""
    MALFORMED = "malformed"
    """TLS records that break the protocol, see `detail`."""
    TOO_LARGE = "too_large"
    """More bytes than we are willing to read; reading stopped there."""


class Handshake(Struct, frozen=True, kw_only=True):
    """One TLS hello to one address of an origin, and the server's flight as far as its certificates."""

    id: str
    host: str
    port: Port
    address: str
    connected_to: str = ""
    sni: str | None
    """The server_name sent; None when the extension was left out."""
    offer: str
    """Name of the ClientHello, e.g. `cloudfront-TLSv1.2`: see `cfrunbook.cloudfront.origin_tls`."""
    outcome: HandshakeOutcome
    alert: Byte | None = None
    """TLS alert description number."""
    warnings: tuple[Byte, ...] = ()
    """Descriptions of warning-level alerts that came before the outcome."""
    version: CodePoint | None = None
    """Negotiated version as on the wire: 0x0304 is TLS 1.3."""
    cipher_suite: CodePoint | None = None
    group: CodePoint | None = None
    signature_scheme: CodePoint | None = None
    hello_retry: bool = False
    certificates: Annotated[tuple[bytes, ...], Meta(max_length=256)] = ()
    """DER, in the order and with the repetitions in which they were sent."""
    client_certificate_requested: bool = False
    first_bytes: FirstBytes = b""
    """At most 64 bytes, only where the answer was not TLS."""
    bytes_received: Annotated[int, Meta(ge=0)] = 0
    detail: str = ""
    elapsed_ms: Milliseconds = 0.0
    alone: bool = False
    """Asked after a pause while we had no other connection to the address: not one of too many."""

    @property
    def is_wordless(self) -> bool:
        """True where the connection ended, or was refused, before a byte came back: by itself that is no answer."""
        ended = (HandshakeOutcome.CLOSED, HandshakeOutcome.RESET, HandshakeOutcome.NOT_CONNECTED)
        return self.outcome in ended and not self.bytes_received


class SecondOpinion(Struct, frozen=True, kw_only=True):
    """How AWS's own TLS library, s2n-tls, fared with one address of an origin, up to the end of its handshake."""

    id: str
    host: str
    port: Port
    address: str
    connected_to: str = ""
    sni: str
    """The server_name sent, and the one name that it accepts a certificate for."""
    policy: ShortText
    """Name of its security policy, e.g. `CloudFront-Upstream-TLS-1-2-2025`."""
    connected: bool
    """The handshake was finished, and certificate and name were accepted."""
    error: ShortText = ""
    """Its name of the error (`CERT_EXPIRED`, `ALERT`, `CLOSED`), `TIMEOUT` or `NOT_CONNECTED`; empty: none."""
    detail: ShortText = ""
    """The error in words."""
    alert: Byte | None = None
    """The alert that the server sent."""
    version: CodePoint | None = None
    """Negotiated version as on the wire."""
    cipher: ShortText = ""
    """OpenSSL's name of the negotiated cipher suite."""
    group: ShortText = ""
    """IANA's name of the key exchange group; empty with RSA key exchange."""
    elapsed_ms: Milliseconds = 0.0


class FunctionFlaw(Struct, frozen=True, kw_only=True, array_like=True):
    """What was wrong with a function's document as JSON, see `cfrunbook.functions.documents`."""

    kind: ShortText
    detail: ShortText = ""
    path: Annotated[tuple[str | int, ...], Meta(max_length=80)] | None = None


class FunctionText(Struct, frozen=True, kw_only=True, array_like=True):
    """A long text that was taken out of a function's document, and what it takes to judge it all the same."""

    path: Annotated[tuple[str | int, ...], Meta(max_length=80)]
    size: Annotated[int, Meta(ge=0)]
    """Bytes of UTF-8."""
    base64: ShortText
    """Whether it is base64."""
    decoded: Annotated[int, Meta(ge=0)] = 0
    """Bytes that base64 decodes to."""


class FunctionDocument(Struct, frozen=True, kw_only=True):
    """A result or an event of an edge function. Secrets are masked, in a way that leaves its judgement the same."""

    value: Any = None
    size: Annotated[int, Meta(ge=0)]
    """Bytes of JSON that it was."""
    flaws: Annotated[tuple[FunctionFlaw, ...], Meta(max_length=32)] = ()
    left_out: Annotated[tuple[FunctionText, ...], Meta(max_length=64)] = ()


class FunctionFacts(Struct, frozen=True, kw_only=True):
    """What is known of a run of a function beside its result; all of it is optional."""

    calls: Annotated[tuple[tuple[ShortText, Any], ...], Meta(max_length=32)] = ()
    """Names of the origin helpers that a CloudFront Function called, and the list of arguments, secrets masked."""
    threw: Annotated[str, Meta(max_length=4096)] = ""
    """What the function threw; then there is no result."""
    code: Annotated[str, Meta(max_length=65_536)] = ""
    """The code of a CloudFront Function, without what looks like a secret."""
    code_bytes: Annotated[int, Meta(ge=0)] = 0
    runtime: Literal["cloudfront-js-1.0", "cloudfront-js-2.0", ""] = ""
    compute_utilization: Annotated[int, Meta(ge=0)] | None = None
    """Percent of the time allowed, as `aws cloudfront test-function` says."""


class FunctionResult(Struct, frozen=True, kw_only=True):
    """What an edge function returned, as a person gave it."""

    name: str
    """The file as it was given, for people and for commands; empty where it was no file."""
    kind: Literal["lambda-edge", "cloudfront-function"]
    event_type: Literal["viewer-request", "origin-request", "origin-response", "viewer-response", ""] = ""
    result: FunctionDocument
    event: FunctionDocument | None = None
    """What it was invoked with; None: not known."""
    event_name: str = ""
    """The event's file as it was given."""
    facts: FunctionFacts = FunctionFacts()


class FunctionOutcome(StrEnum):
    """How a run of an edge function's handler on this machine ended."""

    RETURNED = "returned"
    THREW = "threw"
    TIMED_OUT = "timed_out"
    RAN_OUT_OF_MEMORY = "ran_out_of_memory"
    OUTPUT_TOO_LARGE = "output_too_large"
    COULD_NOT_RUN = "could_not_run"
    """What it needs is not here; says nothing about the edge."""


class FunctionLimits(Struct, frozen=True, kw_only=True):
    """What a run of a handler was allowed."""

    seconds: Annotated[float, Meta(gt=0, le=900)]
    memory_mb: Annotated[int, Meta(gt=0, le=65536)]
    result_bytes: Annotated[int, Meta(gt=0)]


class FunctionRun(Struct, frozen=True, kw_only=True):
    """One run of a handler on this machine, in a process of its own with limits; not a run at the edge."""

    id: str
    handler: str
    """The file as it was given, for people and for commands."""
    kind: Literal["lambda-edge", "cloudfront-function"]
    event_type: Literal["viewer-request", "origin-request", "origin-response", "viewer-response"]
    event: FunctionDocument
    event_name: str = ""
    """The event's file as it was given; empty: made from the distribution and the URL."""
    key_value_store: str = ""
    """The file with what the function's key value store holds, as it was given."""
    outcome: FunctionOutcome
    result: FunctionDocument | None = None
    """What it returned; None where it did not."""
    returned: ShortText = ""
    """What stands behind a result of null: `undefined`, `not_awaited`, `no_callback` … (`probes.handlers`)."""
    lost: Annotated[tuple[tuple[ShortText, ShortText], ...], Meta(max_length=16)] = ()
    """Parts of the result that JSON does not show as they were: where, and what was there (`promise` …)."""
    facts: FunctionFacts = FunctionFacts()
    error: Annotated[str, Meta(max_length=4096)] = ""
    """Kind and message of what it threw, or what it could not run without."""
    advice: Annotated[str, Meta(max_length=1024)] = ""
    """Where it could not run: what would help."""
    limits: FunctionLimits
    output: Annotated[str, Meta(max_length=16384)] = ""
    """What it printed, cut, and without what looks like a secret."""
    runtime: ShortText = ""
    """`node 20.11.1`."""
    contained: Annotated[tuple[tuple[ShortText, ShortText], ...], Meta(max_length=16)] = ()
    """What it was kept from or held to (`network`, `memory` …), and by whom: `kernel`, `runtime` or `nobody`."""
    attempts: Annotated[tuple[tuple[ShortText, Annotated[str, Meta(max_length=400)]], ...], Meta(max_length=64)] = ()
    """What it tried to have and did not get (`network`, `file_write` …), and where."""
    elapsed_ms: Milliseconds = 0.0


class CaptureForm(StrEnum):
    """What a captured response was read from."""

    CURL = "curl"
    """Status line, header, perhaps the body: `curl -i`, `curl -D -`, HTTPie, and what looks like it."""
    CURL_VERBOSE = "curl_verbose"
    WGET = "wget"
    HAR = "har"
    HEADERS = "headers"
    """Header fields without a status line, as browsers copy them."""
    BODY = "body"
    """The page alone, as HTML or JSON."""
    TEXT = "text"
    """What a browser's window showed, without tags."""


class CapturedPage(Struct, frozen=True, kw_only=True):
    """What was recognised in the body of a captured response. The body itself is not kept: it may hold anything."""

    made_by: ShortText = ""
    """Whose error page it is (`cloudfront`, `nginx`, `awselb` …); empty where that is not known."""
    skeleton: Literal["classic", "2026", "short", ""] = ""
    """Which of CloudFront's own pages, see `cfrunbook.cloudfront.error_pages`."""
    status: Annotated[int, Meta(ge=100, le=999)] | None = None
    """The status that the page itself names."""
    sentence: Annotated[str, Meta(max_length=400)] = ""
    """The sentence of reason on CloudFront's own page; empty: there is none."""
    request_id: ShortText = ""
    """The request id that is printed on CloudFront's own page."""


class CapturedResponse(Struct, frozen=True, kw_only=True):
    """A response as a person captured it, on the viewer's side of CloudFront."""

    name: Annotated[str, Meta(max_length=4096)] = ""
    """The file as it was given, for people; empty where it was no file."""
    number: Annotated[int, Meta(ge=1)] = 1
    """Which response of the file it is."""
    form: CaptureForm
    method: ShortText = ""
    url: Annotated[str, Meta(max_length=8192)] = ""
    """What was asked for, as far as that is known, its query values redacted."""
    version: ShortText = ""
    """`HTTP/1.1`, `HTTP/2` …; empty where it is not known."""
    status: Annotated[int, Meta(ge=100, le=999)] | None = None
    """None: neither a status line nor the page tells."""
    reason: ShortText = ""
    """The reason phrase of the status line; HTTP/2 has none."""
    headers: Annotated[tuple[tuple[str, str], ...], Meta(max_length=200)] = ()
    """Header fields in order, secrets redacted."""
    page: CapturedPage | None = None
    """None: the body was not captured, or is empty."""
    body_bytes: Annotated[int, Meta(ge=0)] | None = None
    """Bytes of the body; None: it was not captured."""
    at: Annotated[dt.datetime, Meta(tz=True)] | None = None
    """When the request was made, where the capture itself says so; the Date field is among the headers."""
    left_out: Annotated[int, Meta(ge=0)] = 0
    """Further responses in the same file that were not read."""

    def field(self, name: str) -> str:
        """Return the value of a header field, several values joined by commas; empty where there is none."""
        wanted = name.lower()
        return ", ".join(value.strip() for key, value in self.headers if key.strip().lower() == wanted)

    @property
    def missing(self) -> tuple[str, ...]:
        """What the capture lacks, in words for people."""
        lacks = {
            "the status": self.status is None,
            "the header": not self.headers,
            "the body": self.body_bytes is None,
            "the URL": not self.url,
            "the time": self.at is None and not self.field("date"),
        }
        return tuple(what for what, is_missing in lacks.items() if is_missing)


class FirewallDump(Struct, frozen=True, kw_only=True):
    """The rules of a firewall as a tool printed them, redacted."""

    name: str
    """File name, for people."""
    kind: str
    """One of `cfrunbook.firewall.kinds.KINDS`."""
    text: str
    path: str = ""
    """The file as it was given, for a command to type again; empty where it is not known or may not be told."""


class AddressRanges(Struct, frozen=True, kw_only=True):
    """The part of AWS's ip-ranges.json that matters: the addresses from which CloudFront connects to origins."""

    create_date: str
    """`2026-08-22-15-17-05`, UTC."""
    sync_token: str = ""
    source: str = ""
    ipv4: tuple[str, ...] = ()
    ipv6: tuple[str, ...] = ()


class GivenKind(StrEnum):
    """What something is that a person gave without saying what it is."""

    DISTRIBUTION = "distribution"
    DISTRIBUTION_ID = "distribution_id"
    POLICY = "policy"
    """A cache policy, an origin request policy or a VPC origin."""
    URL = "url"
    NAME = "name"
    """A host name, perhaps with a port."""
    REQUEST_ID = "request_id"
    """X-Amz-Cf-Id of a response, x-edge-request-id of a log."""
    POP = "pop"
    """X-Amz-Cf-Pop: the edge location."""
    TIME = "time"
    ADDRESS = "address"
    RESPONSE = "response"
    LOGS = "logs"
    FUNCTION_RESULT = "function_result"
    FUNCTION_EVENT = "function_event"
    FUNCTION_CODE = "function_code"
    FUNCTION_LOG = "function_log"
    FIREWALL = "firewall"
    ADDRESS_RANGES = "address_ranges"
    EVIDENCE = "evidence"
    LAB = "lab"
    ALARM = "alarm"
    RESOLVER = "resolver"
    ROOT_HINTS = "root_hints"
    RELOCATION = "relocation"
    """curl's HOST:PORT:ADDRESS:PORT."""
    CERTIFICATES = "certificates"
    OTHER = "other"
    """Known, and of no use here: what it is and what to give instead is said."""
    UNKNOWN = "unknown"


class Recognized(Struct, frozen=True, kw_only=True):
    """One thing that a person gave without saying what it is, and what it was taken for."""

    given: Annotated[str, Meta(max_length=600)]
    """A file's name, or what was written, in a form that may be shown."""
    kind: GivenKind
    what: Annotated[str, Meta(max_length=1000)]
    """What it is, in words that follow "taken for"."""
    input: ShortText = ""
    """The parameter that it became; empty: none."""
    value: Annotated[str, Meta(max_length=2000)] = ""
    """What that parameter was given, or the id or time itself, in a form that may be shown."""
    notes: tuple[Annotated[str, Meta(max_length=1000)], ...] = ()
    """What else is to be said of it, a sentence each: why it was not used, what was left out."""


class Inputs(Struct, frozen=True, kw_only=True):
    """What a person gave, redacted: enough to work out again, from a recording alone, what was to be examined."""

    recognized: Annotated[tuple[Recognized, ...], Meta(max_length=MAX_RECOGNIZED)] = ()
    """What was given without saying what it is, and what it was taken for."""
    name: str = ""
    distribution: dict[str, Any] | None = None
    policies: tuple[dict[str, Any], ...] = ()
    before: Comparison | None = None
    """What differs from an earlier configuration, compared when it was given; None: none was."""
    url: str = ""
    origin: str = ""
    host: str = ""
    connect_to: tuple[str, ...] = ()
    trust_anchors: tuple[bytes, ...] | None = None
    """DER roots to use instead of Mozilla's; None: Mozilla's."""
    trust_store: str = ""
    """Name and version of the trust store, for people."""
    trust_store_path: str = ""
    """The trust store's file as it was given, for the commands that need one; empty for Mozilla's."""
    firewall: tuple[FirewallDump, ...] = ()
    """Rule dumps of what stands before the origin."""
    interface: str = ""
    """The interface by which the internet's packets come to the machine of `firewall`; empty: not known."""
    destination: str = ""
    """The address by which they reach that machine, behind NAT not the public one; empty: not known."""
    address_ranges: AddressRanges | None = None
    """CloudFront's addresses; None: the list that comes with the package."""
    functions: tuple[FunctionResult, ...] = ()
    """Results of edge functions."""
    responses: Annotated[tuple[CapturedResponse, ...], Meta(max_length=MAX_RESPONSES)] = ()
    """Captured responses."""
    logs: LogSummary | None = None
    """What access logs say, counted: no line of them; None: none were given."""
    aws: AwsFacts | None = None
    """What was fetched from an AWS account besides; None: nothing was."""
    lab: str = ""
    """The lab scenario this incident plays in; empty for a real one."""


Observation = Resolution | DnsQuery | Connection | Exchange | Handshake | SecondOpinion | FunctionRun


class Observations(Struct, frozen=True, kw_only=True):
    """Everything that was seen, by whom, from where and when."""

    kind: Literal["cfrunbook.evidence"] = "cfrunbook.evidence"
    schema: int = SCHEMA
    recorded_at: dt.datetime
    vantage: str = "this machine"
    inputs: Inputs = Inputs()
    resolutions: tuple[Resolution, ...] = ()
    dns_queries: tuple[DnsQuery, ...] = ()
    connections: tuple[Connection, ...] = ()
    exchanges: tuple[Exchange, ...] = ()
    handshakes: tuple[Handshake, ...] = ()
    second_opinions: tuple[SecondOpinion, ...] = ()
    function_runs: tuple[FunctionRun, ...] = ()
    not_observed: tuple[NotExamined, ...] = ()
    stopped_after: Annotated[float, Meta(ge=0, le=86_400)] | None = None
    """Seconds after which the look was stopped before it had seen everything; None where it came to its end."""
    versions: dict[str, str] = {}

    def save(self, path: Path) -> None:
        """Write this recording to `path`, whole or not at all."""
        write_whole(path, self.to_json())

    def to_json(self) -> bytes:
        """Return the recording as JSON (UTF-8, indented)."""
        return msgspec.json.format(msgspec.json.encode(self), indent=1) + b"\n"

    @property
    def number(self) -> int:
        """How many observations there are."""
        return sum(len(group) for group in (*self._seen, self.not_observed))

    @property
    def _seen(self) -> tuple[tuple[Observation, ...], ...]:
        asked = (self.resolutions, self.dns_queries, self.connections, self.exchanges, self.handshakes)
        return (*asked, self.second_opinions, self.function_runs)

    def find(self, observation: str) -> Observation | None:
        """Return the observation with this id, or None."""
        for group in self._seen:
            for item in group:
                if item.id == observation:
                    return item
        return None


def is_recording(content: bytes) -> bool:
    """Tell whether these bytes are a recording, of whichever schema; else they may be anything."""
    try:
        return msgspec.json.decode(content, type=_Head).kind == "cfrunbook.evidence"
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return False


def load(path: Path) -> Observations:
    """Load a recording strictly. Raises BadInput with one sentence for anything that is not exactly one."""
    return from_json(read_bounded(path, "Evidence"), name=str(path))


def from_json(content: bytes, *, name: str = "evidence") -> Observations:
    """Decode a recording strictly. Raises BadInput with one sentence; `name` says where it came from."""
    shown = visible(name)
    try:
        head = msgspec.json.decode(content, type=_Head)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise BadInput(f"Evidence: {shown} is not a cfrunbook recording ({visible(error, 120)}).") from None
    if head.kind != "cfrunbook.evidence":
        raise BadInput(f"Evidence: {shown} is not a cfrunbook recording (its kind is '{visible(head.kind, 60)}').")
    if head.schema != SCHEMA:
        raise BadInput(
            f"Evidence: {shown} has schema {head.schema}; this version reads schema {SCHEMA}: "
            + ("use a newer cfrunbook." if head.schema > SCHEMA else "record it again.")
        )
    try:
        observations = msgspec.json.decode(content, type=Observations)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, OverflowError) as error:
        raise BadInput(f"Evidence: {shown} does not follow schema {SCHEMA}: {visible(error, 160)}.") from None
    if observations.recorded_at.tzinfo is None:
        raise BadInput(f"Evidence: {shown}: recorded_at has no time zone.")
    if (number := observations.number) > MAX_OBSERVATIONS:
        raise BadInput(
            f"Evidence: {shown} holds {number} observations; refused, since one run makes at most {MAX_OBSERVATIONS}."
        )
    return observations


class _Head(msgspec.Struct):
    kind: str = ""
    schema: int = 0
