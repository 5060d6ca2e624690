"""What an origin's answer means: one table of what came and what is concluded, and what must never be concluded."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cfrunbook.causes import gateways, origin_response
from cfrunbook.causes import origin_response_rules as rules
from cfrunbook.causes.case import Case
from cfrunbook.causes.gateways import GATEWAYS, maker_of
from cfrunbook.cloudfront.targets import OriginKind, ServerName, Target
from cfrunbook.evidence import (
    Deviation,
    Exchange,
    ExchangeEnd,
    ExchangeOutcome,
    Framing,
    Handshake,
    HandshakeOutcome,
    Inputs,
    Observations,
)
from cfrunbook.findings import Finding, Status
from cfrunbook.text import fill, visible
from cfrunbook.x509.roots import from_der

NOW = dt.datetime(2026, 11, 22, tzinfo=dt.UTC)
HOST = "shop.example.com"
WWW = "www.example.com"
ANSWERED = {
    "outcome": "http",
    "status_line": "HTTP/1.1 200 OK",
    "header_bytes": 200,
    "framing": Framing.LENGTH,
    "content_length": 10,
    "body_bytes": 10,
    "end": ExchangeEnd.COMPLETE,
}


def target(protocol: str = "https", **more: Any) -> Target:
    number = 443 if protocol == "https" else 80
    names = (ServerName(sni=WWW, host=WWW, acceptable=(WWW, HOST), why="Host is forwarded"),)
    fields = {"id": f"shop:{number}", "origin_id": "shop", "domain": HOST, "port": number, "names": names, **more}
    return Target(protocol=protocol, **{"path": "/cart", **fields})  # type: ignore[arg-type]


def exchange(address: str = "192.0.2.1", scheme: str = "https", **more: Any) -> Exchange:
    fields = ANSWERED | {"id": f"exchange-{address}", "request": f"GET /cart HTTP/1.1\nHost: {WWW}"} | more
    fields["outcome"] = ExchangeOutcome(fields["outcome"])
    fields.setdefault("sni", WWW if scheme == "https" else None)
    port = 443 if scheme == "https" else 80
    return Exchange(host=HOST, port=port, address=address, scheme=scheme, **fields)  # type: ignore[arg-type]


def wordless(outcome: str, **more: Any) -> Exchange:
    nothing = {"status_line": "", "header_bytes": 0, "framing": Framing.NONE, "content_length": None, "body_bytes": 0}
    return exchange(**(nothing | {"outcome": outcome, "end": None, "elapsed_ms": 5000.0} | more))


def status(code: int, **more: Any) -> Exchange:
    return exchange(**{"status_line": f"HTTP/1.1 {code} X", **more})


def judge(*seen: Exchange, of: Target | None = None, handshakes: tuple[Handshake, ...] = ()) -> tuple[Finding, ...]:
    observations = Observations(recorded_at=NOW, exchanges=seen, handshakes=handshakes)
    case = Case(target=of or target(), observations=observations, at=NOW, roots=from_der([], name="none"))
    return origin_response.judge_case(case)


WITH_SECRET = target(custom_headers=("X-Origin-Verify",))
PLAIN = target("http")
BUTTERFLY = b"\x00\x00\x04"

NO_FINAL: dict[str, Any] = {"status_line": "", "header_bytes": 0, "header_complete": False}

# what came -> code, status, CloudFront's status, what the title says
CASES = [
    ((exchange(),), "ok", "ok", None, "shop.example.com:443 answers GET /cart with 200 OK."),
    ((exchange(scheme="http"),), "ok", "ok", None, "shop.example.com:80 answers GET /cart with 200 OK."),
    ((status(301),), "ok", "ok", None, "with 301 X."),
    ((status(404),), "ok", "ok", None, "with 404 X."),
    ((status(502),), "origin_status", "fault", 502, "shop.example.com:443 itself answers 502 to GET /cart."),
    ((status(503),), "origin_status", "fault", 503, "itself answers 503"),
    ((status(504),), "origin_status", "fault", 504, "itself answers 504"),
    ((status(500),), "other_error", "info", None, "answers 500 to GET /cart."),
    ((status(599),), "other_error", "info", None, "answers 599"),
    (
        (wordless("closed"), wordless("closed")),
        "empty",
        "fault",
        502,
        "takes GET /cart and closes the connection without a byte of an answer.",
    ),
    ((wordless("reset"), wordless("reset")), "empty", "fault", 502, "takes GET /cart and resets the connection"),
    ((wordless("closed"),), "empty", "unknown", 502, "closes"),
    ((wordless("silent"),), "too_slow", "unknown", 504, "takes GET /cart and does not answer within 5.0 s."),
    ((wordless("silent", elapsed_ms=30_000.0),), "too_slow", "fault", 504, "does not answer within 30.0 s."),
    (
        (exchange(header_complete=False, end=ExchangeEnd.TIMEOUT, elapsed_ms=5000.0),),
        "too_slow",
        "unknown",
        504,
        "does not complete its answer's header within 5.0 s.",
    ),
    (
        (exchange(header_complete=False, end=ExchangeEnd.CLOSED, header_bytes=40),),
        "cut_off",
        "fault",
        502,
        "closes the connection in the middle of its answer's header, after 40 bytes.",
    ),
    ((exchange(header_complete=False, end=ExchangeEnd.RESET),), "cut_off", "fault", 502, "resets the connection"),
    ((exchange(header_bytes=32_769),), "header_too_large", "fault", 502, "32769 bytes, and CloudFront takes 32768."),
    (
        (exchange(header_bytes=140_000, header_complete=False, end=ExchangeEnd.ENOUGH),),
        "header_too_large",
        "fault",
        502,
        "140000 bytes",
    ),
    (
        (
            exchange(
                header_complete=False,
                header_bytes=0,
                status_line="",
                end=ExchangeEnd.ENOUGH,
                interim=(102,) * 16,
                deviations=((Deviation.INTERIM, 0),),
            ),
        ),
        "malformed",
        "unknown",
        502,
        "one interim answer after another, and no final one",
    ),
    (
        (exchange(**NO_FINAL, interim=(100,), end=ExchangeEnd.CLOSED),),
        "only_interim",
        "fault",
        502,
        "says 100 Continue to GET /cart, then closes the connection without a final answer.",
    ),
    (
        (exchange(**NO_FINAL, interim=(100, 103, 103), end=ExchangeEnd.TIMEOUT, elapsed_ms=5000.0),),
        "too_slow",
        "unknown",
        504,
        "does not let a final answer follow 100 Continue and 103 Early Hints within 5.0 s.",
    ),
    ((status(417),), "expectation_failed", "info", None, "answers 417 (Expectation Failed) to GET /cart, and the request"),
    ((wordless("banner", service="http/2", first_bytes=BUTTERFLY),), "http2", "fault", 502, "answers GET /cart in HTTP/2"),
    (
        (wordless("banner", service="ssh", first_bytes=b"SSH-2.0-x\x1b[2J"),),
        "not_http",
        "fault",
        502,
        "“SSH-2.0-x\\x1b[2J”.",
    ),
    ((wordless("banner", first_bytes=b"\xff"),), "not_http", "fault", 502, "something else than HTTP: “\\xff”."),
    ((wordless("tls_failed", detail="wrong version number"),), "not_asked", "unknown", None, "wrong version number."),
    ((wordless("not_connected"),), "not_asked", "unknown", None, "not connected."),
]  # fmt: skip


@pytest.mark.parametrize(("seen", "code", "judged", "cloudfront", "title"), CASES)
def test_what_came_and_what_it_means(
    seen: tuple[Exchange, ...], code: str, judged: str, cloudfront: int | None, title: str
) -> None:
    of = PLAIN if seen[0].scheme == "http" else None
    (finding,) = judge(*seen, of=of)
    assert (finding.code, finding.status, finding.cloudfront_status) == (
        f"origin_response.{code}",
        Status(judged),
        cloudfront,
    )
    assert title in finding.title, finding.title
    assert bool(finding.next_check) == (finding.status is Status.UNKNOWN)


@pytest.mark.parametrize(
    ("extra", "code"),
    [
        ({"header_bytes": 20_481}, "header_large"),
        ({"end": ExchangeEnd.CLOSED, "body_bytes": 4}, "cut_body"),
        ({"end": ExchangeEnd.RESET, "framing": Framing.CLOSE, "content_length": None}, "cut_body"),
        ({"end": ExchangeEnd.CLOSED, "framing": Framing.CHUNKED, "content_length": None}, "cut_body"),
        ({"deviations": ((Deviation.FOLDED_LINE, 3),)}, "malformed"),
    ],
)
def test_what_passes_and_is_not_well_is_a_warning_beside_the_answer(extra: dict[str, Any], code: str) -> None:
    found = {f.code: f.status for f in judge(exchange(**extra))}
    assert found == {f"origin_response.{code}": Status.WARNING, "origin_response.ok": Status.OK}


@pytest.mark.parametrize("code", [200, 404, 502])
def test_interim_answers_are_told_beside_what_the_final_one_means(code: int) -> None:
    first, second = judge(status(code, interim=(103, 103, 199)))
    (told,) = (f for f in (first, second) if f.code == "origin_response.interim")
    assert told.status is Status.INFO
    assert "sends 103 Early Hints and 199 before its answer to GET /cart" in told.title
    assert "AWS does not say" in told.meaning


@pytest.mark.parametrize(("deviation", "row"), rules.DEVIATIONS.items())
def test_a_deviation_is_as_bad_as_the_rfc_makes_it(deviation: Deviation, row: tuple[Status, str, str]) -> None:
    found = {f.code: f for f in judge(exchange(deviations=((deviation, 2),)))}
    finding = found["origin_response.malformed"]
    assert finding.status is row[0]
    assert f"{row[1]} (line 2)" in finding.title
    assert row[2] in finding.meaning
    assert ("origin_response.ok" in found) == (row[0] is Status.WARNING)


def test_every_deviation_is_judged() -> None:
    assert set(rules.DEVIATIONS) == set(Deviation)


def test_the_worst_of_several_deviations_counts() -> None:
    seen = exchange(deviations=((Deviation.FOLDED_LINE, 3), (Deviation.LENGTH_DIFFERS, 0), (Deviation.NO_COLON, 4)))
    (finding,) = judge(seen)
    assert finding.status is Status.FAULT
    assert "folded over several lines (line 3), several Content-Length fields that differ and a header" in finding.title


def test_one_bad_address_of_three_is_intermittent() -> None:
    seen = [exchange("192.0.2.1"), status(502, address="192.0.2.2"), exchange("192.0.2.3")]
    bad, good = judge(*seen)
    assert bad.title.endswith("to GET /cart at 1 of 3 addresses (192.0.2.2); some requests fail.")
    assert bad.data["intermittent"] is True
    assert "intermittent error" in bad.meaning
    assert "at 2 of 3 addresses" in good.title
    assert "intermittent" not in good.meaning


def test_an_answer_on_a_later_attempt_is_the_one_that_counts() -> None:
    """A limit on connections ends the first, while the hellos are under way."""
    (finding,) = judge(wordless("closed"), exchange())
    assert finding.code == "origin_response.ok"


@pytest.mark.parametrize("outcome", ["closed", "reset", "silent", "banner", "tls"])
def test_what_comes_to_plain_http_and_is_no_http_is_left_to_the_port(outcome: str) -> None:
    assert judge(wordless(outcome, scheme="http"), of=PLAIN) == ()


@pytest.mark.parametrize("outcome", ["closed", "reset", "tls_failed"])
def test_what_a_client_certificate_explains_is_left_to_tls(outcome: str) -> None:
    asks = Handshake(
        id="handshake-1", host=HOST, port=443, address="192.0.2.1", sni=WWW, offer="cloudfront-TLSv1.2",
        outcome=HandshakeOutcome.HELLO, bytes_received=900, client_certificate_requested=True,
    )  # fmt: skip
    assert judge(wordless(outcome), wordless(outcome), handshakes=(asks,)) == ()
    assert judge(status(200), handshakes=(asks,))[0].code == "origin_response.ok"


def test_an_endless_row_of_interim_answers_is_no_connection_that_the_origin_closed() -> None:
    """We stopped reading, so that nothing final came is not the origin's doing for certain."""
    (finding,) = judge(
        exchange(status_line="", header_bytes=0, header_complete=False, interim=(103,) * 16, end=ExchangeEnd.ENOUGH)
    )
    assert (finding.code, finding.status) == ("origin_response.too_slow", Status.UNKNOWN)


def test_what_the_origin_chose_is_said_where_the_handshake_fails_here() -> None:
    chose = Handshake(
        id="handshake-1", host=HOST, port=443, address="192.0.2.1", sni=WWW, offer="cloudfront-TLSv1.2",
        outcome=HandshakeOutcome.HELLO, bytes_received=900, version=0x0303, cipher_suite=0x000A,
    )  # fmt: skip
    (finding,) = judge(wordless("tls_failed", detail="handshake failure"), handshakes=(chose,))
    assert "was answered (TLS 1.2 with DES-CBC3-SHA was chosen), but" in finding.meaning


def test_what_renegotiation_explains_is_left_to_tls() -> None:
    assert judge(wordless("closed", renegotiation_requested=True)) == ()


def test_an_answer_over_the_other_protocol_is_not_this_targets() -> None:
    assert judge(exchange(), of=target("http", port=443)) == ()


def test_custom_headers_that_were_not_sent_are_named() -> None:
    (refused,) = judge(status(403), of=WITH_SECRET)
    assert (refused.code, refused.status) == ("origin_response.refused", Status.INFO)
    assert "X-Origin-Verify" in refused.meaning
    (unavailable,) = judge(status(503), of=WITH_SECRET)
    assert (unavailable.code, unavailable.status) == ("origin_response.origin_status", Status.UNKNOWN)
    assert "X-Origin-Verify" in unavailable.next_check
    (bad,) = judge(status(502), of=WITH_SECRET)
    assert bad.status is Status.FAULT
    assert "without X-Origin-Verify" in bad.meaning


@pytest.mark.parametrize("kind", [OriginKind.API_GATEWAY, OriginKind.FUNCTION_URL])
def test_a_403_to_a_foreign_host_is_no_502(kind: OriginKind) -> None:
    (finding,) = judge(status(403), of=target(kind=kind))
    assert (finding.code, finding.status) == ("origin_response.host_refused", Status.INFO)
    assert "AllViewerExceptHostHeader" in finding.meaning
    own = (ServerName(sni=HOST, host=HOST, acceptable=(HOST,), why=""),)
    assert judge(status(403, sni=HOST), of=target(kind=kind, names=own))[0].code == "origin_response.ok"


def fields(**named: str) -> tuple[tuple[str, str], ...]:
    return tuple((name.replace("_", "-"), value) for name, value in named.items())


MAKERS: list[tuple[dict[str, Any], OriginKind, gateways.Gateway]] = [
    ({"headers": fields(Server="awselb/2.0"), "page": "awselb"}, OriginKind.CUSTOM, gateways.ALB),
    ({"headers": fields(x_amz_apigw_id="a=", x_amzn_requestid="1")}, OriginKind.CUSTOM, gateways.API_GATEWAY),
    ({"headers": fields(x_amzn_RequestId="1"), "page": "api-gateway"}, OriginKind.CUSTOM, gateways.API_GATEWAY),
    ({}, OriginKind.API_GATEWAY, gateways.API_GATEWAY),
    ({}, OriginKind.FUNCTION_URL, gateways.FUNCTION_URL),
    (
        {"headers": fields(x_amzn_RequestId="1"), "page": "internal-server-error"},
        OriginKind.CUSTOM,
        gateways.FUNCTION_URL,
    ),
    ({"headers": fields(X_Cache="Error from cloudfront")}, OriginKind.CUSTOM, gateways.CLOUDFRONT),
    ({"headers": fields(Server="nginx/1.24.0"), "page": "nginx"}, OriginKind.CUSTOM, gateways.NGINX),
    ({"headers": fields(Server="nginx/1.24.0")}, OriginKind.CUSTOM, gateways.UNKNOWN),
    ({"headers": fields(Server="Apache"), "page": "apache"}, OriginKind.CUSTOM, gateways.APACHE),
    ({"page": "haproxy"}, OriginKind.CUSTOM, gateways.HAPROXY),
    ({"headers": fields(Server="Caddy"), "body_bytes": 0}, OriginKind.CUSTOM, gateways.CADDY),
    ({"headers": fields(Server="Caddy"), "body_bytes": 9}, OriginKind.CUSTOM, gateways.UNKNOWN),
    ({"headers": fields(Server="istio-envoy")}, OriginKind.CUSTOM, gateways.ENVOY),
    ({"page": "iis"}, OriginKind.CUSTOM, gateways.IIS),
    ({"page": "varnish"}, OriginKind.CUSTOM, gateways.VARNISH),
    ({"headers": fields(Server="cloudflare")}, OriginKind.CUSTOM, gateways.CLOUDFLARE),
    ({}, OriginKind.CUSTOM, gateways.UNKNOWN),
]


@pytest.mark.parametrize(("seen", "kind", "maker"), MAKERS)
def test_who_made_the_error(seen: dict[str, Any], kind: OriginKind, maker: gateways.Gateway) -> None:
    answer = status(502, **seen)
    assert maker_of(answer, kind) is maker
    (finding,) = judge(answer, of=target(kind=kind))
    assert finding.data["gateway"] == maker.key
    assert len(finding.remedy.steps) == len(maker.steps)
    assert finding.source == maker.source
    assert not maker.title or maker.title in finding.meaning


def test_every_gateway_is_complete_and_has_a_case() -> None:
    assert {maker.key for _, _, maker in MAKERS} == {g.key for g in GATEWAYS}
    for gateway in GATEWAYS:
        assert gateway.source.startswith("https://")
        assert gateway.steps
        for step in gateway.steps:
            assert fill(step.text, {"answered": 502})
            fill(step.command, {"answered": 502})


ANY = st.builds(
    exchange,
    address=st.sampled_from(["192.0.2.1", "192.0.2.2", "2001:db8::1"]),
    outcome=st.sampled_from([o.value for o in ExchangeOutcome]),
    status_line=st.one_of(st.sampled_from(["", "HTTP/1.1 502 Bad Gateway", "HTTP/1.1 200 OK"]), st.text(max_size=40)),
    header_bytes=st.integers(0, 200_000),
    header_complete=st.booleans(),
    end=st.sampled_from([None, *ExchangeEnd]),
    deviations=st.lists(st.tuples(st.sampled_from(list(Deviation)), st.integers(0, 200)), max_size=4).map(tuple),
    framing=st.sampled_from(list(Framing)),
    content_length=st.one_of(st.none(), st.integers(0, 10**12)),
    page=st.sampled_from(["", "nginx", "x"]),
    first_bytes=st.binary(max_size=64),
    headers=st.lists(st.tuples(st.sampled_from(["Server", "x-cache", "\x1b"]), st.text(max_size=20)), max_size=3).map(tuple),
    detail=st.text(max_size=40),
)  # fmt: skip


@given(st.lists(ANY, max_size=5))
def test_whatever_is_recorded_is_judged_and_shown_harmlessly(seen: list[Exchange]) -> None:
    for finding in judge(*seen):
        for text in (finding.title, finding.meaning, finding.next_check, *(e.says for e in finding.evidence)):
            assert text == visible(text, 10_000), text
        assert finding.status is not Status.FAULT or finding.cloudfront_status in (502, 503, 504)
        assert finding.evidence
        assert finding.status is not Status.OK or 100 <= finding.data["answered"] <= 999


@pytest.mark.parametrize("line", ["", "HTTP/1.1", "HTTP/1.1 OK", "HTTP/1.1 20", "HTTP/1.1 099 X"])
def test_an_answer_without_a_status_is_never_well(line: str) -> None:
    (finding,) = judge(exchange(status_line=line))
    assert (finding.code, finding.status) == ("origin_response.malformed", Status.FAULT)


def test_what_was_asked_for_is_read_from_the_recording() -> None:
    (finding,) = judge(exchange(request=f"HEAD / HTTP/1.1\nHost: {WWW}"))
    assert "answers HEAD / with 200 OK" in finding.title
    assert "Only the path / was asked for" in finding.meaning


ARN = "arn:aws:acm:us-east-1:123456789012:certificate/1"


def with_certificate(*seen: Exchange, arn: str = ARN) -> dict[str, Finding]:
    """Judge an origin for which CloudFront has a client certificate, and which asks for one."""
    origin = {
        "Id": "shop",
        "DomainName": HOST,
        "CustomOriginConfig": {"HTTPPort": 80, "HTTPSPort": 443, "OriginProtocolPolicy": "https-only"},
    }
    if arn:
        origin["CustomOriginConfig"]["OriginMtlsConfig"] = {"ClientCertificateArn": arn}  # type: ignore[index]
    inputs = Inputs(
        distribution={"Origins": {"Quantity": 1, "Items": [origin]}, "DefaultCacheBehavior": {"TargetOriginId": "shop"}}
    )
    hello = Handshake(
        id="handshake-1", host=HOST, port=443, address="192.0.2.1", sni=WWW, offer="cloudfront-TLSv1.2",
        outcome=HandshakeOutcome.HELLO, client_certificate_requested=True,
    )  # fmt: skip
    observations = Observations(recorded_at=NOW, exchanges=seen, handshakes=(hello,), inputs=inputs)
    case = Case(target=target(), observations=observations, at=NOW, roots=from_der([], name="none"))
    return {f.code.partition(".")[2]: f for f in origin_response.judge_case(case)}


@pytest.mark.parametrize(
    ("seen", "says"),
    [
        (status(400, page="client-certificate"), "demands a client certificate, which CloudFront has (origin mTLS) and this machine has not: 400 X."),
        (wordless("closed", alert=116, detail="tlsv13 alert certificate required"), "demands a client certificate, which CloudFront has (origin mTLS) and this machine has not: tlsv13 alert certificate required."),
        (wordless("tls_failed", alert=40), "demands a client certificate"),
        (wordless("reset"), "asks for a client certificate, which CloudFront has (origin mTLS) and this machine has not: reset."),
    ],
)  # fmt: skip
def test_what_an_origin_answers_only_those_with_a_certificate_is_not_known_here(seen: Exchange, says: str) -> None:
    (finding,) = with_certificate(seen).values()
    assert (finding.code, finding.status) == ("origin_response.needs_certificate", Status.UNKNOWN)
    assert says in finding.title
    assert f"--certificate-arn {ARN} " in finding.next_check
    assert "--cert CERTIFICATE.pem --key KEY.pem" in finding.next_check
    assert with_certificate(seen, arn="") == {}, "the cause TLS protocol says that CloudFront has none"


def test_an_origin_that_goes_on_without_a_certificate_is_judged_by_its_answer() -> None:
    assert list(with_certificate(status(200))) == ["ok"]
    assert list(with_certificate(status(502))) == ["origin_status"]


@pytest.mark.parametrize(
    ("seen", "says"),
    [
        (wordless("closed"), "192.0.2.1: closed without a byte of an answer"),
        (wordless("silent"), "192.0.2.1: not a byte of an answer within 5.0 s"),
        (exchange(header_complete=False, end=ExchangeEnd.CLOSED, header_bytes=56), "192.0.2.1: HTTP/1.1 200 OK, then the end (closed) after 56 bytes of a header"),
        (exchange(header_bytes=40_000), "192.0.2.1: HTTP/1.1 200 OK, a header of 40000 bytes"),
        (exchange(deviations=((Deviation.LENGTH_DIFFERS, 0),)), "192.0.2.1: HTTP/1.1 200 OK, with several Content-Length fields that differ"),
        (wordless("banner", service="http/2", first_bytes=BUTTERFLY), "192.0.2.1: the answer begins with “\\x00\\x00\\x04”"),
        (status(502), "192.0.2.1: HTTP/1.1 502 X, no Server field"),
    ],
)  # fmt: skip
def test_the_evidence_says_what_came(seen: Exchange, says: str) -> None:
    (finding,) = judge(seen)
    assert finding.evidence[0].says == says
