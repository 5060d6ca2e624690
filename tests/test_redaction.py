"""No secret is kept, wherever it stands; what tells servers apart is."""

from __future__ import annotations

import copy
import datetime as dt
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from cfrunbook import free_text
from cfrunbook.cloudfront import distribution_reader
from cfrunbook.diagnosis import judge
from cfrunbook.evidence import Exchange, ExchangeOutcome, FirewallDump, Inputs, Observations, from_json
from cfrunbook.incident import Incident
from cfrunbook.observation import observe_sync
from cfrunbook.redaction import (
    MAX_NAME,
    MAX_VALUE,
    REDACTED,
    SHORTEST_BEGINNING,
    Secrets,
    hidden,
    redact_headers,
    redact_url,
    redact_words,
)

SECRETS = st.text(st.characters(categories=("L", "N")), min_size=8, max_size=20).map(lambda s: "s3cret" + s)


@pytest.mark.parametrize(
    "name",
    ["Server", "VIA", "Content-Type", "x-cache", "X-Amz-Cf-Id", "X-Amz-Cf-Pop", "x-amzn-RequestId", "Date", "Alt-Svc"],
)
def test_harmless_fields_are_kept(name: str) -> None:
    assert redact_headers([(name, "as it is")]) == ((name, "as it is"),)


@pytest.mark.parametrize(
    "name",
    [
        "Set-Cookie", "COOKIE", "Authorization", "Proxy-Authorization", "WWW-Authenticate", "Authentication-Info",
        "x-amz-security-token", "X-Api-Key", "X-Origin-Secret", "X-Hub-Signature-256", "X-Auth", "X-Session", "X-Jwt",
        "X-CSRF", "X-Anything", "Refresh", "Link", "", "Server ID", "Set-Cookie ",
    ],
)  # fmt: skip
def test_every_other_field_keeps_its_name_only(name: str) -> None:
    assert redact_headers([(name, "s3cret")]) == ((name, REDACTED),)


@pytest.mark.parametrize(
    ("name", "value", "kept"),
    [
        ("Location", "/login", "/login"),
        ("Location", "https://u:s3cret@e.com/a?code=s3cret#s3cret", "https://e.com/a?code=[redacted]"),
        ("location", "//s3cret@e.com/", "//e.com/"),
        ("Location", "u:s3cret@e.com/a", "e.com/a"),
        ("Location", "https:\\\\u:s3cret@e.com/a", "https:\\\\e.com/a"),
        ("Location", "/cart;jsessionid=s3cret?x", "/cart;[redacted]?[redacted]"),
        ("Location", "http://[", "http://["),
        ("Content-Location", "/a?s3cret", "/a?[redacted]"),
        ("Refresh", "5", "5"),
        ("Refresh", "0; url=https://e.com/?t=s3cret", "0; url=https://e.com/?t=[redacted]"),
        ("Refresh", "0;URL='/a?t=s3cret'", "0; url=/a?t=[redacted]"),
        ("Link", "</a?t=s3cret>; rel=preload; x=s3cret, <b>", "</a?t=[redacted]>, <b>"),
    ],
)
def test_urls_that_servers_send_are_redacted_inside(name: str, value: str, kept: str) -> None:
    assert redact_headers([(name, value)]) == ((name, kept),)


def test_fields_are_bounded() -> None:
    ((name, value),) = redact_headers([("S" * 9000, "v")])
    assert (len(name), value) == (MAX_NAME, REDACTED)
    assert len(redact_headers([("Server", "n" * 9000)])[0][1]) == MAX_VALUE


@given(st.text(max_size=60))
def test_any_text_can_stand_where_a_url_should(text: str) -> None:
    for name in ("Location", "Refresh", "Link"):
        redact_headers([(name, text)])
    assert redact_url(redact_url(text)) == redact_url(text)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://www.example.com/cart", "https://www.example.com/cart"),
        ("https://user:pw@www.example.com:8443/a#b", "https://www.example.com:8443/a"),
        ("https://e.com/?Signature=abc&Expires=1", "https://e.com/?Signature=[redacted]&Expires=[redacted]"),
        ("https://e.com/?SECRETTOKEN", "https://e.com/?[redacted]"),
        ("https://e.com/?U0VDUkVU==", "https://e.com/?[redacted]"),
        ("https://e.com/?a=1&SECRET&&b=2", "https://e.com/?a=[redacted]&[redacted]&b=[redacted]"),
        ("https://e.com/?a=1;b=2", "https://e.com/?a=[redacted]"),
        ('https://e.com/?{"token":"="}=1', "https://e.com/?[redacted]"),
        ("https://e.com/?" + "a" * 41 + "=1", "https://e.com/?[redacted]"),
        ("https://e.com/@me/a@b", "https://e.com/@me/a@b"),
    ],
)
def test_redact_url(url: str, shown: str) -> None:
    assert redact_url(url) == shown


@given(SECRETS)
def test_no_url_keeps_a_secret(secret: str) -> None:
    word = quote(secret)
    shown = redact_url(f"https://{word}:{word}@e.com/p?a={word}&{word}&{word}=#{word}")
    assert word not in shown
    assert urlsplit(shown).hostname == "e.com"


# --- all of it together -------------------------------------------------------------------------------------------


def items(*values: Any) -> dict[str, Any]:
    return {"Quantity": len(values), "Items": list(values)}


DISTRIBUTION: dict[str, Any] = {
    "ETag": "E2",
    "Distribution": {
        "Id": "E1EXAMPLE",
        "DomainName": "d111111abcdef8.cloudfront.net",
        "DistributionConfig": {
            "Aliases": items("www.example.com"),
            "Origins": items(
                {
                    "Id": "web",
                    "DomainName": "origin.example.com",
                    "CustomHeaders": items({"HeaderName": "X-Origin", "HeaderValue": "-"}),
                    "CustomOriginConfig": {"HTTPPort": 80, "HTTPSPort": 443, "OriginProtocolPolicy": "https-only"},
                }
            ),
            "DefaultCacheBehavior": {
                "TargetOriginId": "web",
                "ViewerProtocolPolicy": "https-only",
                "TrustedKeyGroups": {"Enabled": False, "Quantity": 0},
                "ForwardedValues": {"QueryString": False, "Cookies": {"Forward": "none"}},
            },
            "Enabled": True,
            "ViewerMtlsConfig": {"Mode": "required"},
        },
    },
}
POLICY: dict[str, Any] = {
    "OriginRequestPolicy": {
        "Id": "p",
        "OriginRequestPolicyConfig": {"Name": "p", "HeadersConfig": {"HeaderBehavior": "allViewer"}},
    }
}


def objects(value: Any) -> Iterator[dict[str, Any]]:
    """Yield every object inside a document, the document first."""
    if isinstance(value, dict):
        yield value
        for inner in value.values():
            yield from objects(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from objects(inner)


@settings(deadline=None)
@given(
    secret=SECRETS,
    place=st.integers(0, 1000),
    member=st.sampled_from(["HeaderValue", "headervalue", "Header-Value", "header_value", "ApiKey", "CustomHeaders"]),
    wrap=st.sampled_from([lambda s: s, lambda s: [s], lambda s: {"Value": s}, lambda s: [[{"HeaderValue": [s]}]]]),
    field=st.from_regex(r"[Xx]-[A-Za-z]{1,12}", fullmatch=True).filter(lambda n: n.lower() != "x-cache"),
)
def test_no_secret_gets_into_a_recording(secret: str, place: int, member: str, wrap: Any, field: str) -> None:
    documents = copy.deepcopy([DISTRIBUTION, POLICY])
    (header,) = DISTRIBUTION["Distribution"]["DistributionConfig"]["Origins"]["Items"][0]["CustomHeaders"]["Items"]
    for document in documents:
        found = list(objects(document))
        found[place % len(found)][member] = wrap(secret)
        for node in found:
            if node == header:
                node["HeaderValue"] = secret
    word = quote(secret)
    incident = Incident.load(
        distribution=documents[0],
        policies=[documents[1]],
        url=f"https://{word}:{word}@www.example.com/p?a={word}&{word}#{word}",
    )
    latin = secret.encode().decode("latin-1")
    headers = [
        (field, latin), ("Set-Cookie", f"id={latin}; Path=/"), ("Authorization", latin), ("Server", "nginx"),
        ("Location", f"https://{latin}:{latin}@e.com/;s={latin}?{latin}&a={latin}#{latin}"), ("Refresh", f"x{latin}"),
    ]  # fmt: skip
    exchange = Exchange(
        id="exchange-1",
        host="origin.example.com",
        port=80,
        address="192.0.2.1",
        request="HEAD / HTTP/1.1",
        outcome=ExchangeOutcome.HTTP,
        headers=redact_headers(headers),
    )
    moment = dt.datetime(2026, 11, 22, tzinfo=dt.UTC)
    recording = Observations(recorded_at=moment, inputs=incident.inputs, exchanges=(exchange,)).to_json().decode()
    for form in {secret, word, latin}:
        assert form not in recording
    assert "nginx" in recording
    assert '"X-Origin"' in recording or member == "CustomHeaders"
    # What was read of the configuration is what is read of the recording.
    assert Incident.load(evidence=Observations(recorded_at=moment, inputs=incident.inputs)).plan == incident.plan


@pytest.mark.parametrize(
    ("comment", "kept"),
    [
        ("office VPN, ask bob", "office VPN, ask bob"),
        ("password=hunter2 for bob", "password=[redacted] for bob"),
        ("api_key: hunter2", "api_key: [redacted]"),
        ("db-token hunter2", "db-token [redacted]"),
        ("key AKIAIOSFODNN7EXAMPLE", "key [redacted]"),
        ("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "[redacted]"),
        ("x" * 1025, "[redacted]"),
        ("cali:aVeryLongPolicyNameWithoutAnyNumbersInIt", "cali:aVeryLongPolicyNameWithoutAnyNumbersInIt"),
    ],
)
def test_comments_lose_what_looks_like_a_secret(comment: str, kept: str) -> None:
    assert redact_words(comment) == kept


# --- the same secret elsewhere ------------------------------------------------------------------------------------

KEY = "c0ffee-5ecret-of-the-origin"
ECHOING = (
    ("Server", f"nginx ({KEY})"),
    ("X-Origin-Verify", KEY),
    ("Set-Cookie", "sid=s355ion-value; Path=/; Secure"),
    ("Authorization", "Bearer t0ken-t0ken"),
    ("Content-Type", 'text/html; boundary="s355ion-value t0ken-t0ken"'),
    ("X-Amz-Cf-Pop", "FRA56-P1"),
    ("X-Backend", "FRA56-P1.shop.example"),
)


def test_a_value_that_one_field_loses_is_in_no_other() -> None:
    kept = dict(redact_headers(ECHOING))
    assert kept["Server"] == f"nginx ({REDACTED})"
    assert kept["Content-Type"] == f'text/html; boundary="{REDACTED} {REDACTED}"'
    assert kept["X-Amz-Cf-Pop"] == "FRA56-P1"


def test_what_others_say_too_stays_where_it_stands() -> None:
    said = (
        ("Location", "https://www.shop.example/application/login"),
        ("Cache-Control", "no-cache, max-age=31536000"),
        ("Vary", "Accept-Encoding"),
        ("X-Amz-Cf-Pop", "FRA56-P1"),
    )
    beside = (
        ("Set-Cookie", "sid=s355ion-value; Domain=.shop.example; Path=/application; Max-Age=31536000"),
        ("Pragma", "no-cache"),
        ("Surrogate-Control", "max-age=31536000"),
        ("Access-Control-Allow-Headers", "Accept-Encoding"),
        ("X-Served-By", "FRA56-P1"),
    )
    assert redact_headers((*beside, *said))[len(beside) :] == said


@pytest.mark.parametrize(
    ("secret", "text", "kept"),
    [
        (KEY, f"502 {KEY}: no", f"502 {REDACTED}: no"),
        ("abc1234", "abc1234 is short", "abc1234 is short"),
        ("cloudfront", "made by cloudfront", "made by cloudfront"),
        ("www.shop.example", "asked for www.shop.example", "asked for www.shop.example"),
        ("https://shop.example/1", "see https://shop.example/1", "see https://shop.example/1"),
        (".shop.example", "at www.shop.example", "at www.shop.example"),
        ("192.0.2.1", "at 192.0.2.1", "at 192.0.2.1"),
        ("192.0.2.1:8080", "at 192.0.2.1:8080", "at 192.0.2.1:8080"),
        ("31536000", "for 31536000 s", "for 31536000 s"),
        ("d41d8cd98f00b204e9800998ecf8427e", "no d41d8cd98f00b204e9800998ecf8427e", f"no {REDACTED}"),
        ("1234567890123456", "no 1234567890123456", f"no {REDACTED}"),
        ("eyJhbGci.eyJzdWIi.SflKxwRJ4", "Bearer eyJhbGci.eyJzdWIi.SflKxwRJ4", f"Bearer {REDACTED}"),
        ("2001:db8::1:2", "at 2001:db8::1:2", "at 2001:db8::1:2"),
    ],
)
def test_names_and_short_words_stay(secret: str, text: str, kept: str) -> None:
    assert hidden(text, [secret]) == Secrets([secret]).hidden(text) == kept


@given(SECRETS.filter(lambda s: not s.isalpha()), st.text(max_size=70), st.integers(1, 200), st.booleans())
def test_no_part_of_a_secret_is_left_where_a_text_was_cut(secret: str, before: str, cut: int, ellipsis: bool) -> None:
    text = f"{before:.<70}{secret}"[: 70 + cut]
    kept = Secrets([secret]).hidden(text + "…" * ellipsis)
    assert not any(secret[:length] in kept for length in range(SHORTEST_BEGINNING, len(secret) + 1)) or any(
        secret[:length] in before for length in range(SHORTEST_BEGINNING, len(secret))
    )


@given(SECRETS, st.integers(0, 64))
def test_first_bytes_show_no_part_of_a_secret(secret: str, begin: int) -> None:
    for written in (secret.encode(), secret.encode("utf-8").decode("latin-1").encode("latin-1")):
        said = (b"." * begin + written + b"." * 64)[:64]
        kept = Secrets([secret]).out_of(said)
        assert len(kept) <= 64
        assert all(written[:length] not in kept for length in range(SHORTEST_BEGINNING + 3, len(written) + 1))


def test_texts_of_every_shape_lose_a_secret_and_get_no_longer() -> None:
    value = {
        "a": [KEY, ("x", f"?key={quote(KEY)}")],
        KEY: b"\0" + KEY.encode(),
        "n": 5,
        "outcome": ExchangeOutcome.HTTP,
    }
    kept = Secrets([KEY]).out_of(value)
    assert KEY not in repr(kept)
    assert (kept["n"], kept["outcome"], type(kept["a"][1])) == (5, ExchangeOutcome.HTTP, tuple)
    assert Secrets(["12345-aB"]).out_of("12345-aB") == REDACTED
    assert Secrets().out_of(value) is value


@given(st.text(st.characters(exclude_characters=".["), max_size=12), st.text(max_size=20), st.text(max_size=20))
def test_what_is_hidden_once_is_hidden(middle: str, before: str, after: str) -> None:
    secret = f"s3cr3t-{middle}-0"
    assert secret not in hidden(before + secret + after, [secret])


def test_a_value_of_a_custom_header_is_in_nothing_that_is_kept() -> None:
    """An origin that repeats the secret by which it knows CloudFront, and a captured response that does."""
    origin = {
        "Id": "shop",
        "DomainName": "origin.shop.example",
        "CustomHeaders": {"Quantity": 1, "Items": [{"HeaderName": "X-Origin-Verify", "HeaderValue": KEY}]},
        "CustomOriginConfig": {"HTTPPort": 80, "HTTPSPort": 443, "OriginProtocolPolicy": "http-only"},
    }
    distribution = {"Origins": {"Items": [origin]}, "DefaultCacheBehavior": {"TargetOriginId": "shop"}}
    answer = f"HTTP/1.1 502 Bad {KEY}\r\nServer: {KEY}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode()

    def answering(listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                peer, _ = listener.accept()
                with peer:
                    peer.recv(4096)
                    peer.sendall(answer)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=answering, args=(listener,), daemon=True)
        thread.start()
        incident = Incident.load(
            distribution=distribution,
            response=answer.decode(),
            connect_to=f"origin.shop.example:80:127.0.0.1:{listener.getsockname()[1]}",
        )
        seen = observe_sync(incident)
        listener.shutdown(socket.SHUT_RDWR)
    thread.join()
    assert [e.status_line for e in seen.exchanges if e.status_line] == [f"HTTP/1.1 502 Bad {REDACTED}"]
    whole = seen.to_json() + repr(incident).encode() + judge(incident, seen).to_json()
    assert KEY.encode() not in whole


# --- whichever came first ----------------------------------------------------------------------------------------


FORWARDS_NOTHING = {"ParametersInCacheKeyAndForwardedToOrigin": {"HeadersConfig": {"HeaderBehavior": "none"}}}


def repeating(folder: Path) -> dict[str, Any]:
    """Return inputs each of which repeats the secret, as arguments of `Incident.load`."""
    log = folder / "E1.2026-11-22-18.abcd1234.log"
    fields = "date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status x-edge-result-type"
    row = f"2026-11-22 18:00:00 FRA56-P1 0 192.0.2.1 GET www.shop.example /a/{KEY}/b 502 Error"
    log.write_text(f"#Version: 1.0\n#Fields: {fields}\n" + "\t".join(row.split(" ")) + "\n")
    rules = folder / "rules.txt"
    rules.write_text(
        f'*filter\n:INPUT DROP [0:0]\n-A INPUT -p tcp --dport 443 -m comment --comment "{KEY}" -j ACCEPT\nCOMMIT\n'
    )
    return {
        "response": f"HTTP/1.1 502 Bad {KEY}\r\nServer: nginx {KEY}\r\n\r\n",
        "logs": log,
        "firewall": rules,
        "function_result": json.dumps({"status": "302", "headers": {"user-agent": [{"value": f"agent {KEY}"}]}}),
        "function_kind": "lambda-edge",
        "policies": [{"CachePolicy": {"Id": "c0", "CachePolicyConfig": {**FORWARDS_NOTHING, "Comment": f"for {KEY}"}}}],
        "event_type": "viewer-request",
        "anything": f"The pager said: origin.shop.example does not answer, {KEY}",
    }


def answered(said: str) -> Exchange:
    return Exchange(
        id="exchange-1",
        host="origin.shop.example",
        port=80,
        address="192.0.2.1",
        request="GET / HTTP/1.1",
        outcome=ExchangeOutcome.BANNER,
        first_bytes=f"{'.' * 50}{said}".encode()[:64],
    )


STRAY = '"' + '\\"' * 300_000


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        (f'-A INPUT -m comment --comment "{KEY}" -j DROP\n', f'-A INPUT -m comment --comment "{REDACTED}" -j DROP\n'),
        (f"-A INPUT -m comment --comment {KEY} -j DROP\n", f"-A INPUT -m comment --comment {REDACTED} -j DROP\n"),
        (f'-A INPUT --comment "torn {KEY}\n-A {KEY}\n', f'-A INPUT --comment "torn {REDACTED}\n-A {KEY}\n'),
        (f"# {KEY}\n:INPUT DROP [0:0]\n", f"# {REDACTED}\n:INPUT DROP [0:0]\n"),
        (STRAY + KEY, STRAY + REDACTED),  # hours, if each quotation mark were looked at from each
    ],
    ids=["quoted", "bare", "torn", "comment", "hostile"],
)
def test_comments_of_rules_lose_a_secret_and_rules_stay(text: str, kept: str) -> None:
    dump = FirewallDump(name="rules", kind="iptables", text=text)
    assert free_text.of_inputs(Inputs(firewall=(dump,)), Secrets([KEY])).firewall[0].text == kept


def test_a_secret_is_out_of_whatever_was_read_before_it_was_known(tmp_path: Path) -> None:
    """Of a distribution that is fetched by its id what is given is without it, and what was given besides is not."""
    origin = {
        "Id": "shop",
        "DomainName": "origin.shop.example",
        "CustomHeaders": {"Quantity": 1, "Items": [{"HeaderName": "X-Origin-Verify", "HeaderValue": KEY}]},
        "CustomOriginConfig": {"HTTPPort": 80, "HTTPSPort": 443, "OriginProtocolPolicy": "http-only"},
    }
    distribution = {
        "Comment": f"the secret is {KEY}",
        "Origins": {"Items": [origin]},
        "DefaultCacheBehavior": {"TargetOriginId": "shop"},
    }
    read = distribution_reader.load(distribution)
    inputs = repeating(tmp_path)
    moment = dt.datetime(2026, 11, 22, tzinfo=dt.UTC)
    without = Incident.load(distribution=read.document, **inputs)
    assert KEY in repr(without.inputs.responses), "or this shows nothing"
    assert KEY in repr(without.inputs.logs)
    assert KEY in repr(without.inputs.policies)
    earlier = Observations(recorded_at=moment, inputs=without.inputs, exchanges=(answered(KEY),))
    fetched: tuple[dict[str, Any], ...] = (
        {"distribution": read.document, "secrets": read.secrets},
        {"distribution": distribution},
        {"distribution": distribution, "evidence": earlier},
        {"distribution": read.document, "before": distribution},
        {"distribution": distribution, "before": earlier},
    )
    for given_so in fetched:
        incident = Incident.load(**given_so, **({} if "evidence" in given_so else inputs))
        seen = incident.observations or Observations(recorded_at=moment, inputs=incident.inputs)
        told = judge(incident, seen)
        kept = replace(seen, inputs=incident.inputs).to_json() + told.to_json() + repr(incident).encode()
        assert KEY[:12].encode() not in kept, given_so.keys()
        assert REDACTED in repr(incident.inputs.responses)
        if incident.before is None:  # what is kept can be judged anew, and says the same
            again = from_json(replace(seen, inputs=incident.inputs).to_json())
            assert judge(Incident.load(evidence=again), again).findings == told.findings
