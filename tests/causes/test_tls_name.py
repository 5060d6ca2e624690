"""The cause "TLS name": which name CloudFront sends, what the certificate carries, and what lies between."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cfrunbook.causes.case import Case
from cfrunbook.causes.tls_name import RULES, judge, judge_case
from cfrunbook.cloudfront.targets import ServerName, Target
from cfrunbook.evidence import Handshake, HandshakeOutcome, Observations
from cfrunbook.findings import Finding, Status
from cfrunbook.x509.certificate import read
from tests.x509.pki import NAME, NOW, Party, Pki, mint

PKI = Pki()
WWW = "www.shop.test"


def sends(sni: str = NAME, *others: str, certain: bool = True) -> ServerName:
    why = "Host is forwarded" if sni != NAME else "Host is not forwarded"
    return ServerName(sni=sni, host=sni, acceptable=(sni, *others), why=why, certain=certain)


FORWARDED = sends(WWW, NAME)


def leaf(*names: str, cn: str = "x.test") -> Party:
    return mint(cn, PKI.inter, names=names)


@pytest.mark.parametrize(
    ("carried", "name", "code", "says"),
    [
        ((NAME,), sends(), "ok", f"carries it, as {NAME}"),
        (("*.shop.test",), sends(), "ok", "carries it, as *.shop.test"),
        (("ORIGIN.Shop.Test",), sends(), "ok", "carries it"),
        ((WWW,), sends(), "mismatch", f"it is for {WWW}"),
        (("*.test",), sends(), "mismatch", "exactly one label"),
        (("shop.test",), sends("www.shop.test"), "mismatch", "www. is not implied"),
        (("192.0.2.1",), sends(), "mismatch", "it is for address 192.0.2.1"),
        ((WWW,), FORWARDED, "ok", f"carries it, as {WWW}"),
        ((WWW, NAME), FORWARDED, "ok", f"carries it, as {WWW}"),
        ((NAME,), FORWARDED, "origin_domain_only", f"carries the Origin Domain {NAME} but not {WWW} itself"),
        (("panel.hosting.test",), FORWARDED, "mismatch", "it is for panel.hosting.test"),
        (
            ("panel.hosting.test",),
            sends(WWW, certain=False),
            "mismatch_if_sent",
            f"If CloudFront sends the server name {WWW}",
        ),
        ((WWW,), sends(WWW, certain=False), "ok", "carries it"),
        (("extra.test",), sends(WWW, NAME, "extra.test"), "ok", "as extra.test"),  # allowedCertificateNames
    ],
)
def test_one_certificate_for_one_name(carried: Sequence[str], name: ServerName, code: str, says: str) -> None:
    (finding,) = judge_case(case(hello(1, leaf(*carried), sni=name.sni), names=[name]))
    assert finding.code == f"tls_name.{code}"
    assert says in finding.title + finding.meaning


@pytest.mark.parametrize(
    ("carried", "common_name", "code"),
    [
        ((), NAME, "common_name_only"),
        ((), "*.shop.test", "common_name_only"),
        ((), "192.0.2.1", "mismatch"),
        ((WWW,), NAME, "mismatch"),
        (("192.0.2.1",), NAME, "mismatch"),
        ((), "", "mismatch"),
    ],
)
def test_the_common_name(carried: Sequence[str], common_name: str, code: str) -> None:
    facts = read(leaf(*carried, cn=common_name).der)
    assert judge(facts, sends()).rule.code == f"tls_name.{code}"


def hello(
    number: int, party: Party | None, *, sni: str | None = NAME, address: str = "192.0.2.1", **more: object
) -> Handshake:
    outcome = HandshakeOutcome.HELLO if party else HandshakeOutcome.ALERT
    settings: dict[str, object] = {"outcome": outcome, "offer": "cloudfront-TLSv1.2"} | more
    return Handshake(
        id=f"handshake-{number}",
        host=NAME,
        port=443,
        address=address,
        sni=sni,
        certificates=(party.der, PKI.inter.der) if party else (),
        **settings,  # type: ignore[arg-type]
    )


def case(*handshakes: Handshake, names: Sequence[ServerName] = (FORWARDED,), protocol: str = "https") -> Case:
    target = Target(
        id="shop:443",
        origin_id="shop",
        domain=NAME,
        port=443,
        protocol=protocol,  # type: ignore[arg-type]
        names=tuple(names),
    )
    return Case(
        target=target, observations=Observations(recorded_at=NOW, handshakes=handshakes), at=NOW, roots=PKI.roots
    )


def codes(findings: Sequence[Finding]) -> list[str]:
    return [f.code.removeprefix("tls_name.") for f in findings]


RIGHT, PANEL = leaf(WWW), leaf("panel.hosting.test")


def test_the_three_ways_out_and_the_last_resort() -> None:
    (mismatch,) = judge_case(case(hello(1, PANEL, sni=WWW)))
    assert mismatch.status is Status.FAULT
    assert mismatch.cloudfront_status == 502
    assert mismatch.remedy.kind == "one_of"
    new, host, domain, clear = (step.text + step.command for step in mismatch.remedy.steps)
    assert f"certbot certonly --nginx --expand -d {WWW}" in new
    assert "AllViewerExceptHostHeader and a cache policy without Host" in host
    assert "update-distribution" in host
    assert "panel.hosting.test" in domain
    assert "http-only" in clear
    assert f"-servername {WWW}" in mismatch.reproduce
    assert mismatch.evidence[0].observation == "handshake-1"


def test_without_a_forwarded_host_there_is_nothing_to_stop_forwarding() -> None:
    (mismatch,) = judge_case(case(hello(1, PANEL), names=[sends()]))
    assert not any("AllViewerExceptHostHeader" in s.text for s in mismatch.remedy.steps)


def test_the_default_certificate_is_recognised() -> None:
    (mismatch,) = judge_case(case(hello(1, PANEL, sni=WWW), hello(2, PANEL, sni=None)))
    assert "its default certificate" in mismatch.meaning


def test_another_certificate_without_server_name_is_worth_knowing() -> None:
    found = judge_case(case(hello(1, RIGHT, sni=WWW), hello(2, PANEL, sni=None)))
    assert codes(found) == ["default_differs", "ok"]
    assert found[0].status is Status.INFO
    assert "panel.hosting.test" in found[0].title


@pytest.mark.parametrize(
    ("refusal", "how"),
    [
        ({"alert": 112}, "alert 112 (unrecognized_name)"),
        ({"alert": 80}, "alert 80 (internal_error)"),
        ({"alert": 40}, "alert 40 (handshake_failure)"),
        ({"outcome": HandshakeOutcome.CLOSED}, "it closes the connection"),
        ({"outcome": HandshakeOutcome.RESET}, "it resets the connection"),
    ],
)
@pytest.mark.parametrize(("other", "with_what"), [(NAME, f"the server name {NAME}"), (None, "no server name")])
def test_a_refused_name(refusal: dict[str, object], how: str, other: str | None, with_what: str) -> None:
    (refused,) = judge_case(case(hello(1, None, sni=WWW, **refusal), hello(2, PANEL, sni=other)))
    assert refused.code == "tls_name.sni_refused"
    assert f"refuses the server name {WWW}: {how}; with {with_what} the same address" in refused.title
    assert [e.observation for e in refused.evidence] == ["handshake-1", "handshake-2"]


def test_unrecognized_name_says_by_itself_that_the_name_is_refused() -> None:
    (finding,) = judge_case(case(hello(1, None, sni=WWW, alert=112)))
    assert (finding.code, finding.status) == ("tls_name.sni_refused", Status.FAULT)
    assert finding.title.endswith("no other name that was tried there got a certificate either.")


@pytest.mark.parametrize(
    ("handshakes", "why"),
    [
        ([hello(1, None, sni=WWW, alert=70), hello(2, PANEL, sni=None)], "70 is about the protocol"),
        ([hello(1, None, sni=WWW, alert=40), hello(2, None, sni=None, alert=40)], "everything is refused"),
        ([hello(1, None, sni=WWW, alert=40), hello(2, PANEL, sni=None, address="192.0.2.2")], "another address"),
        ([hello(1, None, sni=WWW, alert=40), hello(2, PANEL, sni=None, offer="everything")], "another hello"),
        ([hello(1, None, sni=WWW, outcome=HandshakeOutcome.TIMEOUT), hello(2, PANEL, sni=None)], "may be slow"),
    ],
)
def test_what_is_no_refusal_of_a_name(handshakes: list[Handshake], why: str) -> None:
    assert judge_case(case(*handshakes)) == (), why


@pytest.mark.parametrize("refused", [True, False])
@pytest.mark.parametrize(
    ("is_certain", "other", "status"),
    [
        (True, NAME, Status.WARNING),  # what CloudFront certainly sends is fine
        (True, "panel.hosting.test", Status.UNKNOWN),  # nothing is fine
        (False, NAME, Status.UNKNOWN),  # nothing is certain
    ],
)
def test_what_is_wrong_with_a_name_that_may_not_be_sent(
    refused: bool, is_certain: bool, other: str, status: Status
) -> None:
    names = [sends(certain=is_certain), sends(WWW, WWW, certain=False)]
    second = hello(2, None if refused else PANEL, sni=WWW, alert=112 if refused else None)
    found = judge_case(case(hello(1, leaf(other)), second, names=names))
    doubtful = found[-1]
    assert doubtful.code == ("tls_name.sni_refused_if_sent" if refused else "tls_name.mismatch_if_sent")
    assert doubtful.status is status
    assert ("--policies" in doubtful.next_check) is (status is Status.UNKNOWN)
    assert doubtful.remedy.steps
    assert doubtful.verify.command


def test_hellos_that_offer_something_else_are_another_origins() -> None:
    assert judge_case(case(hello(1, PANEL, sni=WWW, offer="cloudfront-TLSv1"))) == ()


def test_an_address_of_a_family_that_cloudfront_does_not_use_has_no_say() -> None:
    found = judge_case(case(hello(1, RIGHT, sni=WWW), hello(2, PANEL, sni=WWW, address="2001:db8::1")))
    assert codes(found) == ["ok"]


def test_the_configuration_is_fetched_in_the_form_that_can_be_sent_back() -> None:
    (mismatch,) = judge_case(case(hello(1, PANEL, sni=WWW)))
    for step in mismatch.remedy.steps[1:3]:
        assert "get-distribution-config --id DISTRIBUTION_ID --query DistributionConfig > config.json" in step.command
        assert "--query ETag --output text" in step.command


@pytest.mark.needs("openssl")
def test_the_command_shows_how_a_name_is_refused() -> None:
    import cfrunbook as cf
    from cfrunbook import lab

    with lab.start("tls-name-forwarded-host") as running:
        diagnosis = cf.diagnose_sync(cf.Incident.load(**running.options))
        refused = diagnosis.findings[0]
        assert refused.code == "tls_name.sni_refused"
        done = subprocess.run(["sh", "-c", refused.reproduce], capture_output=True, text=True, check=False, timeout=20)
    assert "alert number 112" in done.stdout
    assert "Cipher is (NONE)" in done.stdout


def test_only_some_addresses() -> None:
    found = judge_case(
        case(
            hello(1, RIGHT, sni=WWW),
            hello(2, PANEL, sni=WWW, address="192.0.2.2"),
            hello(3, RIGHT, sni=WWW, address="192.0.2.3"),
        )
    )
    assert codes(found) == ["mismatch", "ok"]
    assert (
        "accepts on 1 of 3 addresses (192.0.2.2): it is for panel.hosting.test; some requests fail." in found[0].title
    )
    assert "intermittent" in found[0].meaning
    assert "-connect 192.0.2.2:443" in found[0].reproduce


def test_the_leaf_is_found_where_it_is_not_first() -> None:
    handshake = msgspec.structs.replace(hello(1, RIGHT, sni=WWW), certificates=(PKI.inter.der, RIGHT.der))
    assert codes(judge_case(case(handshake))) == ["ok"]


def test_what_cannot_be_read_is_unknown() -> None:
    handshake = msgspec.structs.replace(hello(1, RIGHT, sni=WWW), certificates=(b"junk",))
    (unknown,) = judge_case(case(handshake))
    assert (unknown.code, unknown.status) == ("tls_name.unreadable", Status.UNKNOWN)
    assert unknown.next_check


@pytest.mark.parametrize("end", [HandshakeOutcome.CLOSED, HandshakeOutcome.RESET])
@pytest.mark.parametrize("served_by", ["cloudfront-TLSv1.2", "version-TLSv1.3"])
def test_a_name_that_is_served_another_time_is_not_refused(end: HandshakeOutcome, served_by: str) -> None:
    ended = hello(1, None, sni=WWW, outcome=end)
    others = (hello(2, RIGHT, sni=WWW, offer=served_by), hello(3, PANEL, sni=None))
    assert "sni_refused" not in codes(judge_case(case(ended, *others)))
    assert "sni_refused" in codes(judge_case(case(ended, others[1])))


def test_plain_http_has_no_name_to_check() -> None:
    assert judge_case(case(hello(1, PANEL, sni=WWW), protocol="http")) == ()


def test_the_table_of_rules_is_complete() -> None:
    assert len({r.code for r in RULES}) == len(RULES)
    for rule in RULES:
        assert rule.source.startswith("https://docs.aws.amazon.com/")
        assert (rule.cloudfront_status == 502) is (rule.status is Status.FAULT)
        assert bool(rule.next_check) is (rule.status is Status.UNKNOWN)
        assert bool(rule.remedy.steps) or rule.status in (Status.INFO, Status.OK) or rule.next_check


@given(st.lists(st.text(st.characters(max_codepoint=127), min_size=1, max_size=40), max_size=5), st.binary(max_size=40))
def test_hostile_names_are_judged_without_an_error(carried: list[str], junk: bytes) -> None:
    party = leaf(*(n for n in carried if n.strip()))
    for der in (party.der, junk):
        handshake = msgspec.structs.replace(hello(1, RIGHT, sni=WWW), certificates=(der,))
        for finding in judge_case(case(handshake, hello(2, PANEL, sni=None))):
            text = msgspec.json.encode(finding).decode()
            assert not {"\\u001b", "\\u0000"} & set(text.split('"'))
            assert "\x1b" not in finding.title + finding.meaning + finding.reproduce


@pytest.mark.needs("openssl")
def test_the_command_shows_the_names() -> None:
    (mismatch,) = judge_case(case(hello(1, RIGHT), names=[sends()]))
    command = mismatch.reproduce.partition("| ")[2]
    done = subprocess.run(["sh", "-c", command], input=RIGHT.pem, capture_output=True, check=True).stdout.decode()
    assert f"DNS:{WWW}" in done
    assert f"Hostname {NAME} does NOT match certificate" in done
