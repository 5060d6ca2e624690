"""Names from certificates, recordings and configurations get into no command as anything but one quoted word."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

import pytest

from cfrunbook.causes import certificate, dns, port, registry, tls_name, tls_protocol
from cfrunbook.causes.case import Case
from cfrunbook.cloudfront.targets import ServerName, Target
from cfrunbook.evidence import (
    Connection,
    ConnectOutcome,
    Handshake,
    HandshakeOutcome,
    Observations,
    Resolution,
    ResolutionOutcome,
)
from cfrunbook.findings import Finding
from tests.x509.pki import DAY, NOW, Pki, mint

PKI = Pki()
HOSTILE = [
    "a'; reboot; '.test",
    'a"; reboot; ".test',
    "$(reboot)",
    "`reboot`",
    "a\nreboot\n.test",
    "a # ;reboot .test",
    "*.a;reboot;.test",
    "{name}; reboot",
    "a; reboot",
]


def findings(name: str) -> Iterator[Finding]:
    names = tuple(ServerName(sni=n, host=n, acceptable=(n,), why=name) for n in (name, f"www.{name}"))
    target = Target(id=name, origin_id=name, domain=name, port=443, protocol="https", names=names)
    expired = mint(name, PKI.inter, names=[name], ends=-DAY)
    chains = [(expired,), (expired, PKI.inter), (mint(name, names=[name]),), (PKI.inter, expired), ()]
    handshakes = [
        Handshake(
            id=f"handshake-{n}",
            host=name,
            port=443,
            address=f"192.0.2.{n}",
            sni=sni,
            offer="cloudfront-TLSv1.2",
            outcome=HandshakeOutcome.HELLO if chain else HandshakeOutcome.ALERT,
            alert=None if chain else alert,
            warnings=(112,),
            version=0x0301,
            client_certificate_requested=True,
            certificates=tuple(p.der for p in chain),
            bytes_received=100,
        )
        for n, (chain, sni, alert) in enumerate(
            (chain, sni, alert) for chain in chains for sni in (name, f"www.{name}") for alert in (40, 70, 80, 112)
        )
    ]
    connections = [
        Connection(id=f"connection-{n}", host=name, port=443, address=address, connected_to=to, outcome=outcome)
        for n, (address, to, outcome) in enumerate(
            (address, to, outcome)
            for address in ("192.0.2.99", name)
            for to in ("", name)
            for outcome in ConnectOutcome
        )
    ]
    resolutions = [
        Resolution(id=f"resolution-{n}", name=name, resolver=name, outcome=outcome, cnames=(name,), ipv4=ipv4)
        for n, (outcome, ipv4) in enumerate((o, a) for o in ResolutionOutcome for a in ((), ("10.0.0.1",), (name,)))
    ]
    observations = Observations(
        recorded_at=NOW,
        handshakes=tuple(handshakes),
        connections=tuple(connections),
        resolutions=tuple(resolutions),
    )
    case = Case(target=target, observations=observations, at=NOW, roots=PKI.roots)
    for module in (dns, port, tls_protocol, certificate, tls_name):
        yield from module.judge_case(case)


def words(command: str) -> list[str]:
    lexer = shlex.shlex(command, posix=True, punctuation_chars=True)
    lexer.commenters = "#"
    return list(lexer)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_one_word_of_a_command(name: str) -> None:
    seen = list(findings(name))
    assert {f.cause for f in seen} == {m.CAUSE for m in registry.modules()} - {"origin_response"}
    for finding in seen:
        for command in (finding.reproduce, finding.verify.command, *(s.command for s in finding.remedy.steps)):
            assert "reboot" not in words(command), (finding.code, command)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_gets_into_no_configuration_file(name: str) -> None:
    for finding in findings(name):
        for step in finding.remedy.steps:
            for line in step.command.splitlines():
                if line.lstrip().startswith(("ssl_", "SSL", "Server", "listen", "aws route53")):
                    assert "reboot" not in line, (finding.code, line)
