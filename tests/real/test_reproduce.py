"""The command of each finding about an answer, typed into a real shell, shows what the finding says."""

from __future__ import annotations

import subprocess

import pytest

import cfrunbook as cf
from cfrunbook import lab

SHOWN = {
    "response-alb-502": "< Server: awselb/2.0",
    "response-nginx-504": "< HTTP/1.1 504 Gateway Time-out",
    "response-empty": "Empty reply from server",
    "response-cut-off": "< Connection: close",
    "response-too-slow": "Operation timed out",
    "response-http2-only": "HTTP/0.9 when not allowed",
    "response-not-http": "HTTP/0.9 when not allowed",
    "response-header-too-large": "40908",
    "response-two-lengths": "Content-Length: 14^M$\nContent-Length: 15^M$",
    "response-only-continue": "< HTTP/1.1 100 Continue",
    "response-half-a-page": "< Content-Length: 28",
    "response-origin-500": "< HTTP/1.1 500 Internal Server Error",
    "response-origin-417": "< HTTP/1.1 417 Expectation Failed",
    "response-wants-own-host": "< HTTP/1.1 403 Forbidden",
    "response-wants-secret-header": "< HTTP/1.1 403 Forbidden",
    "healthy-many-cookies": "24572",
    "healthy-continue-first": "< HTTP/1.1 100 Continue",
}


@pytest.mark.needs("curl")
@pytest.mark.parametrize(("name", "shown"), SHOWN.items())
def test_the_command_shows_it(name: str, shown: str) -> None:
    with lab.start(name) as running:
        diagnosis = cf.diagnose_sync(cf.Incident.load(**running.options))
        finding = next(f for f in diagnosis.findings if f.cause is cf.Cause.ORIGIN_RESPONSE)
        command = finding.reproduce.replace("--max-time 35", "--max-time 1")
        done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False, timeout=60)
    assert shown in done.stdout + done.stderr


ASKED = {
    "dns-nxdomain": "status: NXDOMAIN",
    "dns-nodata": "ANSWER: 0",
    "dns-dangling-alias": "status: NXDOMAIN",
    "dns-weighted-alias-one-gone": "status: NXDOMAIN",
    "dns-alias-loop": "CNAME\tlb.shop.lab.",
    "dns-all-servers-refuse": "status: REFUSED",
    "dns-missing-glue": "ADDITIONAL: 1",  # the OPT record alone
    "dns-zone-lists-more": "ns4.shop.lab.",
    "dns-one-server-dead": "timed out",
    "dns-two-aliases": "green.cloud.net.",
    "dns-aaaa-denied": "status: NXDOMAIN",
    "dns-one-instance-stale": "2025010101",
    "dns-edns-dropped": "203.0.113.10",
    "dns-large-answer-without-tcp": "connection refused",
    "dns-ds-mismatch": "DNSKEY 257 3 13",
    "dns-signatures-over": "RRSIG DNSKEY 13 2 300",
    "dns-unsigned-with-ds": "IN DS ",
}


@pytest.mark.needs("dig")
@pytest.mark.parametrize(("name", "shown"), ASKED.items())
def test_the_question_shows_it(name: str, shown: str) -> None:
    with lab.start(name) as running:
        diagnosis = cf.diagnose_sync(cf.Incident.load(**running.options))
        found = [f for f in diagnosis.findings if f.cause is cf.Cause.DNS]
        worst = min(found, key=lambda f: ["fault", "unknown", "warning", "info", "ok"].index(f.status))
        command = 'dig() { command dig +time=1 +tries=1 "$@"; }; ' + worst.reproduce
        done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False, timeout=60)
    assert shown in done.stdout + done.stderr


def test_every_scenario_about_an_answer_is_there() -> None:
    assert set(SHOWN) >= {name for name in lab.SCENARIOS if name.startswith("response-")}
