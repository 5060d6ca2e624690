"""What a person gives becomes targets with ports, names and reasons; what cannot be used says so in one sentence."""

from __future__ import annotations

import datetime as dt
import inspect
import json
import os
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from cfrunbook.cloudfront.plan import MAX_TARGETS
from cfrunbook.cloudfront.server_names import MAX_NAMES
from cfrunbook.errors import BadInput
from cfrunbook.evidence import Observations
from cfrunbook.findings import Stage
from cfrunbook.incident import Incident
from cfrunbook.runbook import PARAMETERS

ALL_VIEWER = "216adef6-5c7f-47e4-b989-5492eafa07d3"
EXCEPT_HOST = "b689b0a8-53d0-40ab-baf2-68738e2966ac"
OPTIMIZED = "658327ea-f89d-4fab-a63d-7e88639e58f6"
DOMAIN = "d111111abcdef8.cloudfront.net"
NOW = dt.datetime(2026, 11, 22, 18, 0, tzinfo=dt.UTC)


def items(*values: Any) -> dict[str, Any]:
    return {"Quantity": len(values), "Items": list(values)} if values else {"Quantity": 0}


def custom(identity: str, domain: str, policy: str = "https-only", **settings: Any) -> dict[str, Any]:
    config = {"HTTPPort": 80, "HTTPSPort": 443, "OriginProtocolPolicy": policy, **settings}
    secret = items({"HeaderName": "X-Secret", "HeaderValue": "hunter2"})
    return {"Id": identity, "DomainName": domain, "CustomHeaders": secret, "CustomOriginConfig": config}


def behavior(
    target: str, request: str = EXCEPT_HOST, viewers: str = "redirect-to-https", **more: Any
) -> dict[str, Any]:
    return {
        "TargetOriginId": target,
        "ViewerProtocolPolicy": viewers,
        "CachePolicyId": OPTIMIZED,
        "OriginRequestPolicyId": request,
        **more,
    }


def document(
    *origins: dict[str, Any],
    default: dict[str, Any] | None = None,
    behaviors: tuple[dict[str, Any], ...] = (),
    groups: tuple[dict[str, Any], ...] = (),
    aliases: tuple[str, ...] = ("www.example.com",),
) -> dict[str, Any]:
    return {
        "ETag": "E2",
        "Distribution": {
            "Id": "E1EXAMPLE",
            "Status": "Deployed",
            "DomainName": DOMAIN,
            "DistributionConfig": {
                "Aliases": items(*aliases),
                "Origins": items(*origins),
                "OriginGroups": items(*groups),
                "DefaultCacheBehavior": default or behavior(origins[0]["Id"]),
                "CacheBehaviors": items(*behaviors),
                "Enabled": True,
            },
        },
    }


WEB = custom("web", "Origin.Example.com")
BUCKET = {"Id": "bucket", "DomainName": "b.s3.eu-west-1.amazonaws.com", "S3OriginConfig": {"OriginAccessIdentity": ""}}
PRIVATE = {"Id": "private", "DomainName": "internal.example.com", "VpcOriginConfig": {"VpcOriginId": "vo_1"}}


def ports(incident: Incident) -> list[tuple[str, str]]:
    return [(t.id, t.protocol) for t in incident.targets]


def sent(incident: Incident) -> list[tuple[str, bool]]:
    return [(name.sni, name.certain) for name in incident.targets[0].names]


# --- which ports --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("policy", "viewers", "url", "expected"),
    [
        ("https-only", "allow-all", "", [("web:443", "https")]),
        ("http-only", "allow-all", "", [("web:80", "http")]),
        ("match-viewer", "allow-all", "", [("web:443", "https"), ("web:80", "http")]),
        ("match-viewer", "allow-all", "www.example.com/x", [("web:443", "https"), ("web:80", "http")]),
        ("match-viewer", "allow-all", "https://www.example.com/x", [("web:443", "https")]),
        ("match-viewer", "allow-all", "http://www.example.com/x", [("web:80", "http")]),
        ("match-viewer", "redirect-to-https", "http://www.example.com/x", [("web:443", "https")]),
        ("match-viewer", "https-only", "", [("web:443", "https")]),
        ("http-only", "redirect-to-https", "https://www.example.com/x", [("web:80", "http")]),
    ],
)
def test_ports_by_protocol_policies(policy: str, viewers: str, url: str, expected: list[tuple[str, str]]) -> None:
    origin = custom("web", "origin.example.com", policy)
    incident = Incident.load(distribution=document(origin, default=behavior("web", viewers=viewers)), url=url)
    assert ports(incident) == expected


def test_settings_of_a_target() -> None:
    origin = custom(
        "web",
        "Origin.Example.com.",
        HTTPSPort=8443,
        OriginSslProtocols=items("TLSv1.2", "TLSv1.1"),
        IpAddressType="dualstack",
        OriginReadTimeout=60,
    )
    origin |= {"ConnectionAttempts": 2, "ConnectionTimeout": 5}
    (target,) = Incident.load(distribution=document(origin)).targets
    assert (target.id, target.origin_id, target.domain, target.port) == ("web:8443", "web", "origin.example.com", 8443)
    assert (target.tls_minimum, target.ip_address_type, target.read_timeout) == ("TLSv1.1", "dualstack", 60)
    assert (target.connection_attempts, target.connection_timeout, target.role) == (2, 5, "only")
    assert target.why == (
        "The default cache behavior sends requests to origin web (Origin.Example.com.):"
        " https-only, so by https to port 8443."
    )


@pytest.mark.parametrize(
    ("origin_path", "root", "url", "path"),
    [
        ("", "", "", "/"),
        ("", "", "https://www.example.com/a/b", "/a/b"),
        ("", "", "https://www.example.com/a?token=hunter2", "/a"),
        ("/prod", "", "https://www.example.com/a", "/prod/a"),
        ("/prod", "", "", "/prod/"),
        ("/prod", "index.html", "", "/prod/index.html"),
        ("", "index.html", "https://www.example.com", "/index.html"),
        ("", "index.html", "https://www.example.com/a/", "/a/"),
    ],
)
def test_what_is_asked_for_is_the_failing_path_behind_the_origin_path(
    origin_path: str, root: str, url: str, path: str
) -> None:
    origin = custom("web", "origin.example.com", OriginKeepaliveTimeout=20) | {"OriginPath": origin_path}
    given = document(origin)
    given["Distribution"]["DistributionConfig"]["DefaultRootObject"] = root
    (target,) = Incident.load(distribution=given, url=url).targets
    assert target.path == path
    assert target.keepalive_timeout == 20
    assert target.custom_headers == ("X-Secret",)


@pytest.mark.parametrize(
    ("given", "watched"),
    [(None, False), ("", False), (False, False), (True, True), ("yes", True), ("1", True), ("0", False), ("no", False)],
)
def test_idle_connections_are_watched_when_asked(given: Any, *, watched: bool) -> None:
    assert Incident.load(origin="o.example", keep_alive=given).keep_alive is watched


def test_one_number_for_both_ports_makes_two_targets() -> None:
    origin = custom("web", "origin.example.com", "match-viewer", HTTPPort=8080, HTTPSPort=8080)
    incident = Incident.load(distribution=document(origin, default=behavior("web", viewers="allow-all")))
    assert ports(incident) == [("web:8080", "https"), ("web:8080/http", "http")]


# --- which names --------------------------------------------------------------------------------------------------

UNKNOWN = "aaaaaaaa-1111-2222-3333-444444444444"


@pytest.mark.parametrize(
    ("request_policy", "url", "aliases", "expected"),
    [
        (EXCEPT_HOST, "", ("www.example.com",), [("origin.example.com", True)]),
        (ALL_VIEWER, "https://www.example.com/", ("www.example.com", "b.example"), [("www.example.com", True)]),
        (ALL_VIEWER, f"https://{DOMAIN}/", ("www.example.com",), [(DOMAIN, True)]),
        (
            ALL_VIEWER,
            "",
            ("www.example.com", "b.example"),
            [("www.example.com", True), ("b.example", True), (DOMAIN, False)],
        ),
        (ALL_VIEWER, "", (), [(DOMAIN, True)]),
        (ALL_VIEWER, "", ("*.example.com",), [("www.example.com", False), (DOMAIN, False)]),
        (
            UNKNOWN,
            "//www.example.com",
            ("www.example.com",),
            [("origin.example.com", False), ("www.example.com", False)],
        ),
    ],
)
def test_names_by_host_forwarding(request_policy: str, url: str, aliases: Any, expected: Any) -> None:
    incident = Incident.load(
        distribution=document(WEB, default=behavior("web", request_policy), aliases=aliases), url=url
    )
    assert sent(incident) == expected
    for name in incident.targets[0].names:
        assert name.host == name.sni
        both = (name.sni, "origin.example.com") if name.sni != "origin.example.com" else ("origin.example.com",)
        assert name.acceptable == both
        assert name.why


def test_a_policy_that_is_given_settles_the_names() -> None:
    config = {"Name": "mine", "HeadersConfig": {"HeaderBehavior": "whitelist", "Headers": items("host")}}
    policy = {"OriginRequestPolicy": {"Id": UNKNOWN, "OriginRequestPolicyConfig": config}}
    distribution = document(WEB, default=behavior("web", UNKNOWN))
    unsettled = Incident.load(distribution=distribution, url="www.example.com")
    assert [n.next_check for n in unsettled.not_examined if "forwards Host" in n.what] == [
        f"aws cloudfront get-origin-request-policy --id {UNKNOWN} > policy.json, then give the file as policies"
    ]
    settled = Incident.load(distribution=distribution, url="www.example.com", policies=[policy])
    assert sent(settled) == [("www.example.com", True)]


def test_the_host_that_is_given_wins() -> None:
    incident = Incident.load(distribution=document(WEB), url="www.example.com", host="API.Example.com")
    assert sent(incident) == [("api.example.com", True)]
    assert incident.targets[0].names[0].acceptable == ("api.example.com", "origin.example.com")


def test_an_origin_request_function_leaves_the_name_open() -> None:
    arn = "arn:aws:lambda:us-east-1:111122223333:function:pick:3"
    functions = {"LambdaFunctionAssociations": items({"LambdaFunctionARN": arn, "EventType": "origin-request"})}
    incident = Incident.load(distribution=document(WEB, default=behavior("web", **functions)), url="www.example.com")
    assert sent(incident) == [("origin.example.com", False)]  # what the configuration says, and a function may undo
    assert any("code of the origin-request Lambda@Edge function pick:3" in n.what for n in incident.not_examined)


def test_names_are_bounded() -> None:
    aliases = tuple(f"a{number}.example.com" for number in range(30))
    incident = Incident.load(distribution=document(WEB, default=behavior("web", ALL_VIEWER), aliases=aliases))
    assert len(incident.targets[0].names) == MAX_NAMES
    assert any(n.what.startswith("19 of the 31 names") for n in incident.not_examined)


def test_a_configuration_without_any_name_says_that_the_host_is_not_known() -> None:
    config = document(WEB, default=behavior("web", ALL_VIEWER), aliases=())["Distribution"]["DistributionConfig"]
    incident = Incident.load(distribution=config)
    assert sent(incident) == [("origin.example.com", False)]
    assert any(n.what == "the Host that viewers send to origin web" for n in incident.not_examined)


# --- which origins ------------------------------------------------------------------------------------------------

API, SPARE = custom("api", "api.example.com"), custom("spare", "spare.example.com")
GROUP = {
    "Id": "pair",
    "Members": items({"OriginId": "api"}, {"OriginId": "spare"}),
    "FailoverCriteria": {"StatusCodes": items(502, 503, 504)},
}
SHOP = document(
    WEB, API, SPARE, BUCKET, PRIVATE, custom("unused", "unused.example.com"),
    groups=(GROUP,),
    behaviors=(
        behavior("pair", PathPattern="/api/*"),
        behavior("bucket", PathPattern="/img/*"),
        behavior("private", PathPattern="/admin/*"),
        behavior("web", PathPattern="/cart/*"),
    ),
)  # fmt: skip


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"url": "https://www.example.com/"}, [("web:443", "only")]),
        ({"url": "https://www.example.com/api/x"}, [("api:443", "primary"), ("spare:443", "secondary")]),
        ({"url": "https://www.example.com/img/x"}, [("bucket:443", "only")]),
        (
            {},
            [
                ("api:443", "primary"),
                ("spare:443", "secondary"),
                ("bucket:443", "only"),
                ("private:443", "only"),
                ("web:443", "only"),
            ],
        ),
        ({"origin": "spare"}, [("spare:443", "secondary")]),
        ({"origin": "SPARE.example.com"}, [("spare:443", "secondary")]),
        ({"origin": "unused"}, [("unused:443", "only")]),
        ({"origin": "spare", "url": "https://www.example.com/"}, [("spare:443", "secondary")]),
    ],
)
def test_origins_by_url_and_by_choice(options: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    incident = Incident.load(distribution=SHOP, **options)
    assert [(t.id, t.role) for t in incident.targets] == expected


def test_s3_and_vpc_origins_are_targets_that_are_not_probed() -> None:
    incident = Incident.load(distribution=SHOP)
    reasons = {t.origin_id: t.not_probed for t in incident.targets if t.not_probed}
    assert set(reasons) == {"bucket", "private"}
    for reason in reasons.values():
        assert reason in [n.why for n in incident.not_examined]
    assert "origin unused (unused.example.com)" in [n.what for n in incident.not_examined]


def test_a_vpc_origin_that_is_given_tells_its_ports() -> None:
    config = {"HTTPPort": 8080, "HTTPSPort": 8443, "OriginProtocolPolicy": "http-only"}
    vpc = {"VpcOrigin": {"Id": "vo_1", "Status": "Deployed", "VpcOriginEndpointConfig": config}}
    incident = Incident.load(distribution=SHOP, policies=vpc, url="www.example.com/admin/x")
    assert ports(incident) == [("private:8080", "http")]
    assert "private subnet" in incident.targets[0].not_probed


def test_an_origin_domain_that_is_no_host_name_is_not_probed() -> None:
    incident = Incident.load(distribution=document(custom("web", "10.0.0.1")))
    assert incident.targets[0].not_probed.startswith("its Origin Domain is an IP address")
    assert [f.code for f in incident.findings if f.target == "web:443"] == ["distribution.ip_address"]


@pytest.mark.parametrize("port", [0, -1, 65536, 2**40])
def test_a_port_that_is_none_is_not_probed(port: int) -> None:
    incident = Incident.load(distribution=document(custom("web", "o.example", HTTPSPort=port)))
    assert incident.targets[0].not_probed.startswith(f"its port {port} is none (1 to 65535)")
    assert "distribution.port_not_allowed" in [f.code for f in incident.findings]


def test_targets_are_bounded() -> None:
    origins = [custom(f"o{number}", f"o{number}.example.com") for number in range(80)]
    ways = tuple(behavior(f"o{number}", PathPattern=f"/{number}/*") for number in range(80))
    incident = Incident.load(distribution=document(*origins, behaviors=ways))
    assert len(incident.targets) == MAX_TARGETS
    assert any(n.what.startswith("30 of 80 origins") for n in incident.not_examined)


# --- without a distribution ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("origin", "host", "target", "names"),
    [
        ("shop.example.com", "", ("shop.example.com:443", "https"), [("shop.example.com", True)]),
        ("Shop.Example.com.", "", ("shop.example.com:443", "https"), [("shop.example.com", True)]),
        ("shop.example.com:8443", "", ("shop.example.com:8443", "https"), [("shop.example.com", True)]),
        ("shop.example.com:80", "", ("shop.example.com:80", "http"), [("shop.example.com", True)]),
        ("http://shop.example.com", "", ("shop.example.com:80", "http"), [("shop.example.com", True)]),
        ("http://shop.example.com:8080/", "", ("shop.example.com:8080", "http"), [("shop.example.com", True)]),
        ("https://shop.example.com:80", "", ("shop.example.com:80", "https"), [("shop.example.com", True)]),
        ("shop.example.com", "WWW.example.com", ("shop.example.com:443", "https"), [("www.example.com", True)]),
        ("bücher.example", "", ("xn--bcher-kva.example:443", "https"), [("xn--bcher-kva.example", True)]),
    ],
)
def test_an_origin_by_itself(origin: str, host: str, target: tuple[str, str], names: Any) -> None:
    incident = Incident.load(origin=origin, host=host)
    assert ports(incident) == [target]
    assert sent(incident) == names
    assert any(n.why == "no distribution was given" for n in incident.not_examined)


def test_an_origin_with_a_url_but_no_distribution_tries_both_names() -> None:
    incident = Incident.load(origin="shop.example.com", url="https://www.example.com/x")
    assert sent(incident) == [("shop.example.com", False), ("www.example.com", False)]


# --- other inputs -------------------------------------------------------------------------------------------------


def test_inputs_are_redacted_and_load_the_same_incident_again() -> None:
    incident = Incident.load(
        distribution=SHOP,
        url="https://user:hunter2@www.example.com/api/x?token=hunter2",
        connect_to=["api.example.com:443:127.0.0.1:8443"],
        name="Checkout down!",
    )
    assert incident.name == "checkout-down"
    assert b"hunter2" not in msgspec.json.encode(incident.inputs)
    recording = Observations(recorded_at=NOW, vantage="bastion", inputs=incident.inputs)
    again = Incident.load(evidence=msgspec.json.decode(recording.to_json(), type=Observations))
    assert again.observations == recording
    for kept in ("inputs", "targets", "findings", "not_examined", "relocations", "name"):
        assert getattr(again, kept) == getattr(incident, kept)
    assert again.vantage == "bastion"


def test_a_recording_from_a_file_and_arguments_that_win_over_it(tmp_path: Path) -> None:
    incident = Incident.load(distribution=SHOP, url="https://www.example.com/api/x")
    path = tmp_path / "evidence.json"
    Observations(recorded_at=NOW, inputs=incident.inputs).save(path)
    assert ports(Incident.load(evidence=path))[0] == ("api:443", "https")
    assert ports(Incident.load(evidence=str(path), url="https://www.example.com/cart/x")) == [("web:443", "https")]


def pem(name: str) -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(NOW).not_valid_after(NOW + dt.timedelta(days=1))
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def test_a_trust_store_is_kept_with_the_recording(tmp_path: Path) -> None:
    path = tmp_path / "roots.pem"
    path.write_bytes(pem("Root A") + pem("Root B"))
    incident = Incident.load(origin="shop.example.com", trust_store=path)
    assert (incident.roots.name, len(incident.roots.anchors)) == ("roots.pem", 2)
    assert incident.roots.path == incident.inputs.trust_store_path == str(path)
    again = Incident.load(evidence=Observations(recorded_at=NOW, inputs=incident.inputs))
    assert (again.roots.name, again.roots.anchors, again.roots.path) == ("roots.pem", incident.roots.anchors, str(path))
    plain = Incident.load(origin="shop.example.com")
    assert plain.roots.is_mozilla
    assert (plain.inputs.trust_anchors, plain.roots.path) == (None, "")


def test_the_path_of_a_trust_store_is_the_one_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "roots.pem").write_bytes(pem("Root A"))
    monkeypatch.chdir(tmp_path)
    assert Incident.load(origin="shop.example.com", trust_store="roots.pem").roots.path == "roots.pem"


@pytest.mark.parametrize("anchors", [(b"no certificate",), (b"",), ()])
def test_recorded_trust_anchors_that_are_no_certificates_are_refused(anchors: tuple[bytes, ...]) -> None:
    incident = Incident.load(origin="shop.example.com")
    inputs = msgspec.structs.replace(incident.inputs, trust_anchors=anchors)
    with pytest.raises(BadInput, match="Evidence: its trust_anchors hold one that is no certificate, or none at all"):
        Incident.load(evidence=Observations(recorded_at=NOW, inputs=inputs))


def test_one_bad_trust_anchor_among_good_ones_is_refused_too(tmp_path: Path) -> None:
    path = tmp_path / "roots.pem"
    path.write_bytes(pem("Root A") + pem("Root B"))
    inputs = Incident.load(origin="shop.example.com", trust_store=path).inputs
    assert inputs.trust_anchors is not None
    cut = msgspec.structs.replace(inputs, trust_anchors=(inputs.trust_anchors[0], inputs.trust_anchors[1][:-9]))
    with pytest.raises(BadInput, match="Evidence: its trust_anchors"):
        Incident.load(evidence=Observations(recorded_at=NOW, inputs=cut))


def test_files_may_have_names_that_are_not_text(tmp_path: Path) -> None:
    def named(suffix: str, content: bytes) -> str:
        path = tmp_path / os.fsdecode(b"\xff" + suffix.encode())
        path.write_bytes(content)
        return str(path)

    incident = Incident.load(
        distribution=named("d.json", json.dumps(SHOP).encode()),
        policies=[named("p.json", b'{"VpcOrigin": {"Id": "vo_1"}}')],
        trust_store=named("r.pem", pem("Root A")),
    )
    recording = Observations(recorded_at=NOW, inputs=incident.inputs)
    saved = Path(named("e.json", b""))
    recording.save(saved)
    again = Incident.load(evidence=str(saved))
    assert again.inputs == incident.inputs
    assert again.roots.name == r"\udcffr.pem"


@pytest.mark.parametrize(
    "resolver", ["192.0.2.53", "192.0.2.53:5353", "[2001:db8::53]:53", "2001:db8::53", ["192.0.2.53", "192.0.2.54:54"]]
)
def test_resolvers_are_addresses(resolver: Any) -> None:
    incident = Incident.load(origin="o.example", resolver=resolver)
    assert incident.resolver == ((resolver,) if isinstance(resolver, str) else tuple(resolver))


@pytest.mark.parametrize(("given", "days"), [(None, 14), (1, 1), (30, 30), ("30", 30), (825, 825)])
def test_days_of_warning_before_a_certificate_ends(given: Any, days: int) -> None:
    assert Incident.load(origin="o.example", expiry_days=given).expiry_days == days


NOT_TEXT = os.fsdecode(b"\xff")


@pytest.mark.parametrize(
    "option", ["url", "origin", "host", "connect_to", "vantage", "resolver", "name", "at", "deadline", "pace"]
)
def test_bytes_that_are_not_text_are_refused_in_every_text(option: str) -> None:
    for value in (NOT_TEXT, f"a{NOT_TEXT}", f"\ud800{NOT_TEXT}"):
        with pytest.raises(BadInput) as refused:
            Incident.load(**{"origin": "o.example", option: value})
        str(refused.value).encode()
        assert "\n" not in str(refused.value)


def lab_file(folder: Path, **options: Any) -> Path:
    (folder / "d.json").write_text(json.dumps(SHOP))
    (folder / "roots.pem").write_bytes(pem("Lab root"))
    path = folder / "lab.json"
    path.write_text(json.dumps({"kind": "cfrunbook.lab", "schema": 1, "scenario": "api-down", "options": options}))
    return path


def test_a_lab_file_gives_defaults_relative_to_itself(tmp_path: Path) -> None:
    path = lab_file(
        tmp_path,
        distribution="d.json",
        url="https://www.example.com/api/x",
        connect_to=["api.example.com:443:127.0.0.1:8443"],
        trust_store="roots.pem",
        deadline=2.0,
        expiry_days=40,
    )
    incident = Incident.load(lab=path)
    assert incident.expiry_days == 40
    assert incident.roots.path == str(tmp_path / "roots.pem")
    assert ports(incident)[0] == ("api:443", "https")
    assert (incident.inputs.lab, incident.deadline, incident.roots.name) == ("api-down", 2.0, "roots.pem")
    assert incident.relocations.endpoints("api.example.com", 443)[0].socket_address == ("127.0.0.1", 8443)
    explicit = Incident.load(lab=str(path), url="www.example.com/cart/", deadline=1)
    assert (ports(explicit), explicit.deadline) == ([("web:443", "https")], 1.0)


def test_none_and_empty_mean_not_given() -> None:
    incident = Incident.load(
        distribution=None, policies=None, url=None, origin="o.example", host=None, connect_to=None, trust_store=None,
        evidence=None, lab=None, vantage=None, at=None, deadline=None, pace=None, resolver=None, name=None,
    )  # fmt: skip
    assert (incident.deadline, incident.pace, incident.vantage, incident.resolver) == (
        5.0,
        "polite",
        "this machine",
        (),
    )
    assert (incident.at, incident.name) == (None, "o.example")


@pytest.mark.parametrize(
    ("at", "moment"),
    [
        ("2026-11-22T18:00:00Z", NOW),
        ("2026-11-22T18:00:00", NOW),
        ("2026-11-22T19:00+01:00", NOW),
        (dt.datetime(2026, 11, 22, 18, 0), NOW),
    ],
)
def test_moments_are_aware(at: Any, moment: dt.datetime) -> None:
    assert Incident.load(origin="o.example", at=at).at == moment


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({}, "There is nothing to examine: give a distribution"),
        ({"url": "https://www.example.com/"}, "There is nothing to examine"),
        ({"distribution": "/nowhere.json"}, "Distribution: no such file"),
        ({"distribution": "E1EXAMPLE"}, "aws cloudfront get-distribution --id E1EXAMPLE"),
        ({"distribution": {"Origins": 1, "DefaultCacheBehavior": {}}}, "Origins is a number, not an object"),
        ({"distribution": SHOP, "url": "https://shop.example.net/"}, "no behavior of distribution E1EXAMPLE serves"),
        ({"distribution": SHOP, "origin": "gone"}, "no origin has the id or domain 'gone'; its origins are: web (Or"),
        ({"origin": "10.0.0.1"}, "Origin: '10.0.0.1' is not a host name: it is an IP address"),
        ({"origin": "10.0.0.1:443"}, "it is an IP address"),
        ({"origin": "2001:db8::1"}, "it is an IP address"),
        ({"origin": "[2001:db8::1]:443"}, "it is an IP address"),
        ({"origin": "shop.example.com:0"}, "has the port '0'"),
        ({"origin": "shop.example.com:65536"}, "has the port '65536'"),
        ({"origin": "shop.example.com:"}, "has the port ''"),
        ({"origin": "shop.example.com/path"}, "is not NAME or NAME:PORT"),
        ({"origin": "ftp://shop.example.com"}, "is not NAME or NAME:PORT"),
        ({"origin": "not a name"}, "is not a host name"),
        ({"origin": "o.example", "host": "a/b"}, "Host: 'a/b' is not a host name: it holds a path"),
        ({"distribution": SHOP, "host": "10.0.0.1"}, "Host: '10.0.0.1' is not a host name"),
        ({"origin": "o.example", "connect_to": ["nonsense"]}, "--connect-to"),
        ({"origin": "o.example", "trust_store": "/nowhere.pem"}, "Trust store: no such file"),
        ({"origin": "o.example", "evidence": "/nowhere.json"}, "Evidence: no such file"),
        ({"origin": "o.example", "lab": "/nowhere.json"}, "Lab: no such file"),
        ({"origin": "o.example", "policies": ["/nowhere.json"]}, "Policy: no such file"),
        ({"origin": "o.example", "at": "yesterday"}, "At: 'yesterday' is not a time"),
        ({"origin": "o.example", "deadline": 0}, "Deadline: '0' is not a number of seconds"),
        ({"origin": "o.example", "deadline": float("nan")}, "Deadline: 'nan'"),
        ({"origin": "o.example", "deadline": "soon"}, "Deadline: 'soon'"),
        *(
            ({"origin": "o.example", "expiry_days": days}, "is not a whole number of days from 1 to 825")
            for days in (0, -1, 826, 1.5, True, "soon", "9" * 5000)
        ),
        *(
            ({"origin": "o.example", "resolver": text}, "(192.0.2.53, 192.0.2.53:5353 or [2001:db8::53]:53)")
            for text in (
                "foo",
                "foo:53",
                "192.0.2.53:0",
                "192.0.2.53:65536",
                "192.0.2.53:",
                "[2001:db8::53",
                "192.0.2.53/24",
                "192.0.2.53 foo",
            )
        ),
        ({"origin": "o.example", "pace": "reckless"}, "Pace: 'reckless' is neither polite nor fast"),
        ({"origin": "o.example", "keep_alive": "perhaps"}, "Keep-alive: 'perhaps' is neither yes nor no"),
        ({"origin": 5}, "Origin: give text"),
        ({"origin": "o.example", "connect_to": [5]}, "--connect-to: give text"),
        ({"origin": "o.example", "trust_store": "a\0b"}, "Trust store: a\\x00b is not a file name"),
        ({"origin": "o.example", "policies": "\ud800.json"}, "is not a file name"),
        ({"origin": "o.example", "evidence": 5}, "Evidence: give a file"),
        ({"origin": "o.example", "lab": 5}, "Lab: give a file"),
        ({"distribution": 5}, "Distribution: give a file, JSON text or a dictionary"),
        ({"origin": "o.example", "aws": "x"}, "AWS: give what `cfrunbook.fetch` returns, not a value of type str"),
        ({"origin": "o.example", "secrets": ["x"]}, "Secrets: give what `cfrunbook.fetch` returns, not a value of"),
    ],
)
def test_what_cannot_be_used_is_refused_in_one_sentence(options: dict[str, Any], says: str) -> None:
    with pytest.raises(BadInput) as raised:
        Incident.load(**options)
    assert says in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ({"kind": "cfrunbook.evidence", "schema": 1}, "is not the file of a running lab"),
        ({"kind": "cfrunbook.lab", "schema": 2}, "is not the file of a running lab"),
        ({"kind": "cfrunbook.lab", "schema": 1, "options": {"shell": "rm"}}, "has the option 'shell'"),
        ({"kind": "cfrunbook.lab", "schema": 1, "options": {"url": 1}}, "URL: give text"),
        ([], "is not the file of a running lab"),
    ],
)
def test_a_lab_file_of_another_kind_is_refused(tmp_path: Path, content: Any, says: str) -> None:
    path = tmp_path / "lab.json"
    path.write_text(json.dumps(content))
    with pytest.raises(BadInput) as raised:
        Incident.load(lab=path)
    assert says in str(raised.value)


# --- what is told -------------------------------------------------------------------------------------------------


def said(incident: Incident) -> dict[Stage, tuple[str, str]]:
    return {s.stage: (s.status, s.sentence) for s in incident.stages_for(incident.targets[0])}


def test_stages_up_to_the_origin() -> None:
    incident = Incident.load(distribution=SHOP, url="https://www.example.com/api/x")
    assert said(incident) == {
        Stage.DISTRIBUTION: ("ok", "Distribution E1EXAMPLE serves www.example.com."),
        Stage.BEHAVIOR: ("ok", "/api/* is the first path pattern that takes /api/x."),
        Stage.ORIGIN: (
            "ok",
            "Origin api (primary in its group) is a custom origin: api.example.com, port 443, by https.",
        ),
    }
    assert said(Incident.load(origin="o.example")) == {
        Stage.DISTRIBUTION: ("not_applicable", "No distribution was given: the origin is examined by itself."),
        Stage.BEHAVIOR: (
            "not_applicable",
            "No distribution was given: which behavior sends requests there is not known.",
        ),
        Stage.ORIGIN: ("ok", "You named it: o.example, port 443, by https."),
    }


def test_a_mistake_is_told_at_its_stage() -> None:
    origin = custom("web", "site.s3-website-us-east-1.amazonaws.com", "https-only")
    incident = Incident.load(distribution=document(origin), url="www.example.com")
    stage = incident.stages_for(incident.targets[0])[2]
    assert (stage.status, stage.findings) == ("fault", ("distribution.s3_website_https",))


def test_describe_counts_relocated_name_servers_instead_of_listing_them() -> None:
    places = ["192.0.2.1:53:127.0.0.1:5301", "192.0.2.2:53:127.0.0.1:5302", ":53:127.0.0.1:5399"]
    incident = Incident.load(origin="shop.example.com", connect_to=["203.0.113.1:443:127.0.0.1:8443", *places])
    facts = [(f.label, f.value, f.why) for f in incident.describe() if "127.0.0.1" in f.value + f.why]
    assert facts == [
        ("Connects to", "203.0.113.1:443:127.0.0.1:8443", "instead of what name resolution says"),
        ("Name servers", "2 addresses and every other, relocated", f"asked elsewhere; the first: {places[0]}"),
    ]


def test_describe_tells_what_is_examined_and_why() -> None:
    facts = Incident.load(distribution=SHOP, url="https://www.example.com/api/x").describe()
    assert [f.label for f in facts] == [
        "Distribution", "URL", "Cache behavior", "Origin", "Host and SNI", "Origin", "Host and SNI", "Trusts",
    ]  # fmt: skip
    assert facts[3].value == "api.example.com:443 (https)"
    assert "the primary of origin group pair" in facts[3].why


WRONG = (
    5, -1, 0, 1e400, float("nan"), True, [1], [None], [["a"]], {"a": 1}, b"x", "\x00", "a\ud800b", "x" * 100_000,
    " ", "1e5", "abc", "/dev/null", object(),
)  # fmt: skip
"""Values as papermill's -p may guess them, and as a person may write them into a parameters cell."""


def test_a_parameter_of_any_type_is_taken_or_refused_in_one_sentence(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    taken = set(PARAMETERS) & set(inspect.signature(Incident.load).parameters)
    for name in sorted(taken):
        for value in WRONG:
            for beside in ({}, {"origin": "shop.example"}):
                try:
                    Incident.load(**{**beside, name: value})
                except BadInput as error:
                    said = str(error)
                    assert said.isprintable(), (name, value)
                    assert len(said) < 700, (name, value)
