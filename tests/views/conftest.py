"""Diagnoses as the views get them: a missing intermediate, one that could not tell, a healthy one, a hostile one."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from cfrunbook.cloudfront.targets import OriginKind, ServerName, Target
from cfrunbook.evidence import (
    Connection,
    ConnectOutcome,
    Exchange,
    ExchangeOutcome,
    Handshake,
    HandshakeOutcome,
    Icmp,
    Inputs,
    Observations,
    Resolution,
    ResolutionOutcome,
    SecondOpinion,
)
from cfrunbook.findings import (
    STAGES,
    Cause,
    CauseResult,
    Contradiction,
    Diagnosis,
    Evidence,
    Finding,
    NotExamined,
    Path,
    Remedy,
    Stage,
    StageResult,
    StageStatus,
    Statement,
    Status,
    Step,
    Strength,
    Verdict,
    Witness,
)

AT = dt.datetime(2026, 11, 22, 3, 12, 5, tzinfo=dt.UTC)
PAGE = "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/http-502-bad-gateway.html"
VERSIONS = {"cfrunbook": "0.1.0", "python": "3.11.7", "cryptography": "46.0.3"}


@dataclass(frozen=True, slots=True)
class Sample:
    """What the views show."""

    diagnosis: Diagnosis
    observations: Observations
    targets: tuple[Target, ...] = ()


# --- certificates -------------------------------------------------------------------------------------------------


_USAGES = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
    "encipher_only",
    "decipher_only",
)


@dataclass(frozen=True, slots=True)
class Authority:
    """A certificate and its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.DER)


def make_certificate(
    name: str,
    issuer: Authority | None = None,
    *,
    ca: bool = False,
    not_before: dt.datetime = AT - dt.timedelta(days=30),
    not_after: dt.datetime = AT + dt.timedelta(days=60),
) -> Authority:
    """Return a certificate for `name`, self-signed without an issuer."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:64])])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(not_before)
        .not_valid_after(not_after)
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key((issuer.key if issuer else key).public_key()),
            critical=False,
        )
    )
    if ca:
        usage = dict.fromkeys(_USAGES, False) | {"key_cert_sign": True, "crl_sign": True}
        builder = builder.add_extension(x509.KeyUsage(**usage), critical=True)
    else:
        builder = builder.add_extension(
            x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False
        ).add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
    return Authority(builder.sign(issuer.key if issuer else key, hashes.SHA256()), key)


@dataclass(frozen=True, slots=True)
class Chain:
    """root → intermediate → leaf."""

    root: Authority
    intermediate: Authority
    leaf: Authority


@pytest.fixture(scope="session")
def chain() -> Chain:
    years = dt.timedelta(days=365)
    root = make_certificate("Example Root X1", ca=True, not_before=AT - 9 * years, not_after=AT + 11 * years)
    middle = make_certificate("Example R11", root, ca=True, not_before=AT - 2 * years, not_after=AT + years)
    return Chain(root, middle, make_certificate("origin.shop.example.com", middle))


# --- samples ------------------------------------------------------------------------------------------------------


def said(*sentences: str, strength: Strength = "strong") -> tuple[Statement, ...]:
    """Return statements of a probe from a laptop."""
    return tuple(Statement(says=s, witness=Witness.PROBE, strength=strength, seen_from="laptop") for s in sentences)


def stages(*rows: tuple[Stage, StageStatus, str], target: str = "shop-origin:443") -> tuple[StageResult, ...]:
    """Return a whole path: stages not named are "not reached"."""
    told = {stage: (status, sentence) for stage, status, sentence in rows}
    return tuple(
        StageResult(
            stage=stage,
            status=told.get(stage, ("not_reached", ""))[0],
            sentence=told.get(stage, ("", "Not reached: an earlier stage is broken."))[1],
            target=target,
        )
        for stage in STAGES
    )


def missing_intermediate(chain: Chain) -> Sample:
    """The classic: browsers are happy, CloudFront is not."""
    target = Target(
        id="shop-origin:443",
        origin_id="shop-origin",
        domain="origin.shop.example.com",
        port=443,
        protocol="https",
        kind=OriginKind.CUSTOM,
        names=(
            ServerName(
                sni="origin.shop.example.com",
                host="origin.shop.example.com",
                acceptable=("origin.shop.example.com",),
                why="The Host header is not forwarded.",
            ),
        ),
        why="The default cache behavior sends /cart to the origin shop-origin over HTTPS on port 443.",
    )
    plain = Target(
        id="assets:80",
        origin_id="assets",
        domain="assets.shop.example.com",
        port=80,
        protocol="http",
        names=(ServerName(sni="", host="assets.shop.example.com", acceptable=(), why="", certain=False),),
        why="The cache behavior /static/* sends requests to assets.",
        not_probed="the URL in question does not lead there",
        role="secondary",
    )
    root = Finding(
        code="certificate.missing_intermediate",
        cause=Cause.CERTIFICATE,
        stage=Stage.CERTIFICATE,
        status=Status.FAULT,
        title=(
            "origin.shop.example.com:443 sends its certificate without the intermediate CN=Example R11, "
            "so CloudFront cannot link it to a trusted root."
        ),
        meaning=(
            "CloudFront does not fetch missing intermediates the way browsers do. It drops the connection and "
            "answers 502 for every request to this origin."
        ),
        data={"missing": ["CN=Example R11"], "elapsed_ms": 41.25},
        target="shop-origin:443",
        evidence=(
            Evidence(
                observation="handshake-1",
                says="one certificate was sent: CN=origin.shop.example.com, issued by CN=Example R11",
            ),
            Evidence(observation="handshake-2", says="the same certificate on 203.0.113.11"),
        ),
        reproduce=(
            "openssl s_client -connect 203.0.113.10:443 -servername origin.shop.example.com "
            "-showcerts -verify_return_error </dev/null"
        ),
        remedy=Remedy(
            kind="one_of",
            steps=(
                Step(
                    text="nginx: point ssl_certificate at the full chain (leaf, then intermediate) and reload.",
                    command=(
                        "ssl_certificate     /etc/nginx/tls/fullchain.pem;\n"
                        "ssl_certificate_key /etc/nginx/tls/privkey.pem;"
                    ),
                ),
                Step(
                    text="Application Load Balancer: import it into ACM again, with the chain in --certificate-chain."
                ),
            ),
        ),
        verify=Step(
            text="Two certificates come back, and the last line says Verify return code: 0 (ok).",
            command=(
                "openssl s_client -connect 203.0.113.10:443 -servername origin.shop.example.com "
                "</dev/null 2>/dev/null | tail -n 3"
            ),
        ),
        source=PAGE + "#ssl-certificate-expired",
        cloudfront_status=502,
    )
    fine = [
        Finding(
            code=code,
            cause=cause,
            stage=stage,
            status=Status.OK,
            title=title,
            meaning="",
            target="shop-origin:443",
            evidence=(Evidence(observation=seen, says=says),),
            source=PAGE,
        )
        for code, cause, stage, title, seen, says in (
            (
                "dns.ok",
                Cause.DNS,
                Stage.DNS,
                "origin.shop.example.com resolves to 203.0.113.10 and 203.0.113.11.",
                "resolution-1",
                "two A records",
            ),
            (
                "port.ok",
                Cause.PORT,
                Stage.TCP,
                "Port 443 accepts connections on both addresses.",
                "connection-1",
                "connected",
            ),
            (
                "tls_protocol.ok",
                Cause.TLS_PROTOCOL,
                Stage.TLS,
                "The origin agrees on TLS 1.2 with ECDHE-RSA-AES128-GCM-SHA256.",
                "handshake-1",
                "TLS 1.2",
            ),
        )
    ]
    soon = Finding(
        code="certificate.expires_soon",
        cause=Cause.CERTIFICATE,
        stage=Stage.CERTIFICATE,
        status=Status.WARNING,
        title="The certificate of origin.shop.example.com expires in 9 days, on 2026-12-01.",
        meaning="It works now. From that moment on CloudFront answers 502.",
        target="shop-origin:443",
        evidence=(Evidence(observation="handshake-1", says="not after 2026-12-01 03:12:05 UTC"),),
        source=PAGE + "#ssl-certificate-expired",
        cloudfront_status=502,
    )
    path = stages(
        (Stage.DISTRIBUTION, "ok", "E1EXAMPLE is deployed and enabled."),
        (Stage.BEHAVIOR, "ok", "/cart matches the default cache behavior."),
        (Stage.ORIGIN, "ok", "The behavior leads to shop-origin."),
        (Stage.DNS, "ok", "Two addresses."),
        (Stage.TCP, "ok", "Both accept connections on 443."),
        (Stage.TLS, "ok", "TLS 1.2 with a suite that CloudFront offers."),
        (Stage.CERTIFICATE, "fault", "Only the leaf was sent; the intermediate CN=Example R11 is missing."),
    )
    diagnosis = Diagnosis(
        verdict=Verdict(
            status="fault",
            sentence=(
                "The origin origin.shop.example.com leaves out the intermediate certificate Example R11, "
                "so CloudFront cannot trust it and answers 502."
            ),
            cause=Cause.CERTIFICATE,
            code=root.code,
            cloudfront_status=502,
            confidence="high",
            target="shop-origin:443",
        ),
        stages=path,
        causes=(
            CauseResult(
                cause=Cause.CERTIFICATE,
                status="fault",
                why="The chain is incomplete.",
                evidence_for=said("handshake-1: one certificate, its issuer was not sent", "handshake-2: the same"),
                evidence_against=said("The leaf is within its validity."),
                missing=said(
                    "A CloudFront log line (x-edge-detailed-result-type) would confirm it from the edge.",
                    strength="open",
                ),
            ),
            CauseResult(
                cause=Cause.TLS_PROTOCOL,
                status="ok",
                why="TLS 1.2 was agreed.",
                evidence_against=said("handshake-1: TLS 1.2"),
            ),
            CauseResult(
                cause=Cause.DNS,
                status="ok",
                why="The name resolves.",
                evidence_against=said("resolution-1: two A records"),
            ),
            CauseResult(
                cause=Cause.PORT,
                status="ok",
                why="Connected.",
                evidence_against=said("connection-1 and connection-2: connected"),
            ),
            CauseResult(
                cause=Cause.TLS_NAME,
                status="unknown",
                why="Not judged behind a broken chain.",
                missing=said("A complete chain.", strength="open"),
            ),
            CauseResult(cause=Cause.EDGE_FUNCTION, status="not_examined", why="No function result was given."),
        ),
        findings=(root, soon, *fine),
        not_examined=(
            NotExamined(
                what="Edge functions", why="no function result was given", next_check="Pass --function-result."
            ),
            NotExamined(what="assets:80", why="the URL in question does not lead there"),
        ),
        paths=(
            Path(
                target="assets:80",
                title="assets:80",
                stages=stages((Stage.DISTRIBUTION, "ok", "Enabled."), target="assets:80"),
            ),
            Path(target="shop-origin:443", title="https://origin.shop.example.com:443 (shop-origin)", stages=path),
        ),
        inputs={"url": "https://www.shop.example.com/cart", "vantage": "bastion-eu-1", "at": "2026-11-22T03:12:05Z"},
        versions=VERSIONS,
    )
    hello = {
        "host": "origin.shop.example.com",
        "port": 443,
        "sni": "origin.shop.example.com",
        "offer": "cloudfront-TLSv1.2",
        "outcome": HandshakeOutcome.HELLO,
        "version": 0x0303,
        "cipher_suite": 0xC02F,
        "group": 0x001D,
        "certificates": (chain.leaf.der,),
        "bytes_received": 1502,
    }
    seen = Observations(
        recorded_at=AT,
        vantage="bastion-eu-1",
        inputs=Inputs(name="shop-cart", url="https://www.shop.example.com/cart"),
        resolutions=(
            Resolution(
                id="resolution-1",
                name="origin.shop.example.com",
                resolver="10.0.0.2",
                outcome=ResolutionOutcome.ANSWER,
                ipv4=("203.0.113.10", "203.0.113.11"),
                cnames=("lb.shop.example.net",),
                elapsed_ms=12.5,
            ),
        ),
        connections=tuple(
            Connection(
                id=f"connection-{n}",
                host="origin.shop.example.com",
                port=443,
                address=address,
                outcome=ConnectOutcome.CONNECTED,
                elapsed_ms=20.2,
            )
            for n, address in enumerate(("203.0.113.10", "203.0.113.11"), 1)
        ),
        handshakes=tuple(
            Handshake(id=f"handshake-{n}", address=address, elapsed_ms=41.25, **hello)  # type: ignore[arg-type]
            for n, address in enumerate(("203.0.113.10", "203.0.113.11"), 1)
        ),
        versions=VERSIONS,
    )
    return Sample(diagnosis, seen, (target, plain))


def could_not_tell() -> Sample:
    """SYNs vanish: from here nobody can tell."""
    finding = Finding(
        code="port.no_answer_from_here",
        cause=Cause.PORT,
        stage=Stage.TCP,
        status=Status.UNKNOWN,
        title="api.example.net:8443 does not answer connection attempts from laptop.",
        meaning="A firewall may drop us and still let CloudFront in. If it drops CloudFront too, that is a 504.",
        target="api:8443",
        evidence=(Evidence(observation="connection-1", says="no answer within 2.0 s"),),
        reproduce="nc -zv -w 2 198.51.100.7 8443",
        next_check="Run this from a machine in the same network as the origin, or look at the origin's security group.",
        source=PAGE + "#origin-not-responding-on-specified-ports",
        cloudfront_status=504,
    )
    diagnosis = Diagnosis(
        verdict=Verdict(
            status="unknown",
            sentence="api.example.net:8443 does not answer laptop, which does not tell whether it answers CloudFront.",
            cause=Cause.PORT,
            code=finding.code,
            confidence="low",
            target="api:8443",
            next_check="Run cfrunbook diagnose from a machine in the origin's network.",
        ),
        stages=stages(
            (Stage.DISTRIBUTION, "not_examined", "No distribution was given."),
            (Stage.BEHAVIOR, "not_examined", "No distribution was given."),
            (Stage.ORIGIN, "ok", "Given: api.example.net:8443."),
            (Stage.DNS, "ok", "One address."),
            (Stage.TCP, "unknown", "No answer within 2.0 s."),
            target="api:8443",
        ),
        causes=(
            CauseResult(
                cause=Cause.PORT,
                status="unknown",
                why="No answer.",
                missing=said("A look from the origin's network.", strength="open"),
            ),
        ),
        findings=(finding,),
        not_examined=(NotExamined(what="TLS hello and everything after it", why="no connection could be made"),),
        inputs={"origin": "api.example.net:8443", "vantage": "laptop"},
    )
    seen = Observations(
        recorded_at=AT,
        vantage="laptop",
        connections=(
            Connection(
                id="connection-1",
                host="api.example.net",
                port=8443,
                address="198.51.100.7",
                connected_to="127.0.0.1:40001",
                outcome=ConnectOutcome.TIMEOUT,
                icmp=Icmp(type=3, code=13, reporter="192.0.2.1"),
                detail="no answer within 2.0 s",
            ),
        ),
    )
    return Sample(diagnosis, seen)


def healthy() -> Sample:
    """Nothing wrong in what was examined, in a lab."""
    finding = Finding(
        code="certificate.ok",
        cause=Cause.CERTIFICATE,
        stage=Stage.CERTIFICATE,
        status=Status.OK,
        title="The chain of origin.test:443 ends in a root that CloudFront trusts.",
        meaning="",
        source=PAGE,
    )
    diagnosis = Diagnosis(
        verdict=Verdict(
            status="ok",
            sentence="Nothing that would make CloudFront answer 502 was found at origin.test:443.",
            confidence="medium",
            target="lab:443",
            next_check="Give --response or --logs from the time of the incident.",
        ),
        stages=stages(
            *((s, "ok", "Fine.") for s in STAGES[:-1]),
            (Stage.EDGE_FUNCTION, "not_applicable", "No function."),
            target="lab:443",
        ),
        causes=tuple(CauseResult(cause=c, status="ok", why="Fine.") for c in Cause),
        findings=(finding,),
        not_examined=(),
        inputs={"lab": "healthy"},
    )
    seen = Observations(
        recorded_at=AT,
        inputs=Inputs(lab="healthy"),
        exchanges=(
            Exchange(
                id="exchange-1",
                host="origin.test",
                port=443,
                address="192.0.2.9",
                request="HEAD / HTTP/1.1 Host: origin.test",
                outcome=ExchangeOutcome.HTTP,
                status_line="HTTP/1.1 200 OK",
                headers=(("Server", "nginx"), ("Content-Type", "text/html")),
            ),
        ),
    )
    return Sample(diagnosis, seen)


HOSTILE = (
    '<script>alert(1)</script><img src=x onerror=alert(2)>"\'><a href="javascript:alert(3)">x</a></title></style>'
    " \x1b[2J\x1b]0;owned\x07\r\n\u202egnp.exe\u2066 ` ``` ~~~ | "
    "![i](https://evil.example/p.png) [l](https://evil.example) @everyone #123 www.evil.example https://evil.example/ {{7*7}} {% raw %} "
    "$\\frac{1}{0}$ \ud800 \x00 </details>-->]]> {code} *b* _i_"
)
LARGE = HOSTILE + "A" * 1_000_000 + HOSTILE


def hostile() -> Sample:
    """Every string that an origin or a configuration can set is an attack, once short and once of a megabyte."""
    steps = (Step(text=HOSTILE, command=HOSTILE), Step(text=LARGE, command=LARGE), Step(text="", command="\n\n````\n"))
    base = {
        "cause": Cause.CERTIFICATE,
        "stage": Stage.CERTIFICATE,
        "meaning": HOSTILE,
        "target": HOSTILE,
        "evidence": (Evidence(observation=HOSTILE, says=HOSTILE), Evidence(observation="handshake-1", says=LARGE)),
        "reproduce": HOSTILE,
        "remedy": Remedy(steps=steps),
        "verify": Step(text=HOSTILE, command=LARGE),
        "source": "javascript:alert(1)//" + HOSTILE,
        "next_check": HOSTILE,
        "data": {"x": HOSTILE, "nan": float("nan")},
    }
    findings = (
        Finding(code="hostile." + HOSTILE, status=Status.FAULT, title=HOSTILE, **base),  # type: ignore[arg-type]
        Finding(code="hostile.large", status=Status.UNKNOWN, title=LARGE, **base),  # type: ignore[arg-type]
        Finding(code="hostile.large", status=Status.WARNING, title=LARGE, **base),  # type: ignore[arg-type]
    )
    path = stages((Stage.DNS, "fault", HOSTILE), (Stage.TCP, "unknown", LARGE), target=HOSTILE)
    diagnosis = Diagnosis(
        verdict=Verdict(
            status="fault",
            sentence=HOSTILE,
            cause=Cause.DNS,
            code=findings[0].code,
            cloudfront_status=502,
            target=HOSTILE,
            next_check=HOSTILE,
        ),
        stages=path,
        causes=(
            CauseResult(
                cause=Cause.DNS,
                status="fault",
                why=HOSTILE,
                evidence_for=said(HOSTILE, LARGE),
                missing=said(HOSTILE, strength="open"),
            ),
            CauseResult(cause=Cause.PORT, status="not_examined", why=LARGE),
        ),
        findings=findings,
        contradictions=(
            Contradiction(
                code=HOSTILE,
                cause=Cause.DNS,
                sentence=HOSTILE,
                sides=(said(HOSTILE, strength="direct")[0], said(LARGE, strength="weak")[0]),
                reasons=(HOSTILE, LARGE),
                next_check=HOSTILE,
            ),
        ),
        not_examined=(NotExamined(what=HOSTILE, why=LARGE, next_check=HOSTILE),),
        paths=(Path(target=HOSTILE, title=HOSTILE, stages=path), Path(target="b", title=LARGE, stages=path)),
        inputs={HOSTILE: LARGE, "lab": HOSTILE, "vantage": HOSTILE, "list": [HOSTILE, 1, None]},
        versions={HOSTILE: HOSTILE},
    )
    seen = Observations(
        recorded_at=AT,
        vantage=HOSTILE,
        inputs=Inputs(lab=HOSTILE),
        resolutions=(
            Resolution(
                id="resolution-1",
                name=HOSTILE,
                resolver=LARGE,
                outcome=ResolutionOutcome.ERROR,
                detail=HOSTILE,
                cnames=(LARGE,),
            ),
        ),
        connections=(
            Connection(
                id="c\"'><b>", host=HOSTILE, port=1, address=HOSTILE, outcome=ConnectOutcome.ERROR, detail=LARGE
            ),
        ),
        second_opinions=(
            SecondOpinion(
                id="second-opinion-1",
                host=HOSTILE,
                port=443,
                address=LARGE,
                sni=HOSTILE,
                policy=HOSTILE[:200],
                connected=False,
                error=HOSTILE[:200],
                detail=LARGE[:200],
                alert=255,
                version=0xFFFF,
                cipher=HOSTILE[:200],
                group=HOSTILE[:200],
            ),
        ),
        exchanges=(
            Exchange(
                id="exchange-1",
                host=HOSTILE,
                port=80,
                address=LARGE,
                request=HOSTILE,
                outcome=ExchangeOutcome.BANNER,
                status_line=HOSTILE,
                headers=tuple((HOSTILE, LARGE) for _ in range(40)),
                first_bytes=bytes(range(64)),
                service=HOSTILE,
            ),
        ),
        handshakes=(
            Handshake(
                id="handshake-1",
                host=HOSTILE,
                port=443,
                address=HOSTILE,
                sni=HOSTILE,
                offer=HOSTILE,
                outcome=HandshakeOutcome.MALFORMED,
                alert=254,
                warnings=(0, 255),
                version=0x9999,
                cipher_suite=0xFFFF,
                group=0xFFFF,
                certificates=(b"\x30\x03not", b""),
                first_bytes=b"\x1b[2J<script>",
                detail=LARGE,
            ),
        ),
    )
    target = Target(
        id=HOSTILE,
        origin_id=HOSTILE,
        domain=HOSTILE,
        port=443,
        protocol="https",
        names=(ServerName(sni=HOSTILE, host=LARGE, acceptable=(HOSTILE,), why=HOSTILE),),
        why=HOSTILE,
        not_probed=LARGE,
    )
    return Sample(diagnosis, seen, (target,))


@pytest.fixture(scope="session")
def samples(chain: Chain) -> dict[str, Sample]:
    return {
        "fault": missing_intermediate(chain),
        "unknown": could_not_tell(),
        "ok": healthy(),
        "hostile": hostile(),
    }


@pytest.fixture(scope="session", params=["fault", "unknown", "ok", "hostile"])
def sample(request: pytest.FixtureRequest, samples: dict[str, Sample]) -> Sample:
    return samples[request.param]


@pytest.fixture
def certificate_maker() -> Callable[..., Authority]:
    return make_certificate


@pytest.fixture(scope="session")
def hostile_text() -> str:
    return HOSTILE


@pytest.fixture(scope="session")
def at() -> dt.datetime:
    return AT
