"""What a start imports: every command pays for it before it does anything, so each takes no more than it needs."""

from __future__ import annotations

import os
import socket
import subprocess
import sys

import msgspec
import pytest

from cfrunbook import idle, lab
from cfrunbook.findings import Diagnosis

REPORTING = ("IPython", "cfrunbook.report", "cfrunbook.runbook", "jinja2", "matplotlib", "nbformat")
FAR_AFIELD = ("cfrunbook.firewall", "cfrunbook.lab", "http", "multiprocessing", "unittest", "urllib.request")
RESOLVER = ("dns.asyncresolver", "dns.dnssec", "dns.resolver")
TLS_JUDGES = tuple(
    f"cfrunbook.causes.{name}" for name in ("certificate", "origin_response", "tls_name", "tls_protocol")
)
CERTIFICATES = ("cfrunbook.x509.certificate", "cfrunbook.x509.path")

RUN = "import sys, cfrunbook.cli; status = cfrunbook.cli.entry({arguments!r}); {report}; sys.exit(status)"
MODULES = "print(*sys.modules, file=sys.stderr)"
DATACLASSES = """\
print(*(f'{c.__module__}.{c.__qualname__}' for m in list(sys.modules.values()) if m.__name__.startswith('cfrunbook')
    for c in vars(m).values() if isinstance(c, type) and c.__module__ == m.__name__ and '__dataclass_fields__' in vars(c)),
    file=sys.stderr)"""


def python(script: str, *, scenario: str = "", status: int = 0) -> list[str]:
    """Run a script, in a lab where one is named; return the words it says on standard error."""
    lab = [sys.executable, "-m", "cfrunbook", "lab", "run", scenario, "--"] if scenario else []
    clean = {name: value for name, value in os.environ.items() if not name.startswith("CFRUNBOOK_")}
    done = subprocess.run([*lab, sys.executable, "-c", script], capture_output=True, text=True, check=False, env=clean)
    assert done.returncode == status, done.stderr
    return done.stderr.split()


def imported(*arguments: str, scenario: str = "", status: int = 0) -> set[str]:
    script = RUN.format(arguments=list(arguments), report=MODULES)
    return set(python(script, scenario=scenario, status=status))


@pytest.mark.parametrize("arguments", [["--help"], ["diagnose", "--help"]])
def test_help_needs_next_to_nothing(arguments: list[str]) -> None:
    script = (
        f"import atexit, sys, cfrunbook.cli; atexit.register(lambda: {MODULES}); cfrunbook.cli.entry({arguments!r})"
    )
    heavy = {"asyncio", "cryptography", "dataclasses", "dns", "msgspec", "ssl", "tempfile"}
    assert not set(python(script)) & heavy


@pytest.mark.parametrize(
    ("scenario", "spared"),
    [
        ("dns-nxdomain", (*TLS_JUDGES, *CERTIFICATES, *RESOLVER)),
        ("dns-all-servers-dead", (*TLS_JUDGES, *CERTIFICATES, "dns.dnssec")),
        ("port-refused", (*TLS_JUDGES, *CERTIFICATES, "dns")),
        ("http-only-answers-502", ("dns",)),
        ("certificate-expired", ("dns",)),
    ],
)
def test_a_diagnosis_imports_what_its_incident_needs(scenario: str, spared: tuple[str, ...]) -> None:
    found = imported("diagnose", scenario=scenario, status=1)
    assert "cfrunbook.causes.port" in found
    assert not found & {*REPORTING, *FAR_AFIELD, *spared}


WITH = "import sys, cfrunbook.cli; cfrunbook.cli.entry(['diagnose', '--json']); print(*sys.modules, file=sys.stderr)"
WITHOUT = f"""\
import asyncio, cfrunbook.idle
async def nothing(modules):
    pass
cfrunbook.idle.bring = nothing
{WITH}"""


def test_what_is_imported_while_probes_wait_is_needed_anyway_and_the_diagnosis_the_same() -> None:
    with lab.start("dns-one-server-refuses") as running:
        environment = {**os.environ, **running.environment()}
        one, other = (
            subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, env=environment)
            for script in (WITH, WITHOUT)
        )
    assert {*idle.WALK, *idle.TLS, *idle.JUDGES, *idle.RECORDING, *idle.JUDGES_OF_ANSWERS} <= set(other.stderr.split())
    assert set(one.stderr.split()) == set(other.stderr.split())
    told = [msgspec.json.decode(done.stdout, type=Diagnosis) for done in (one, other)]
    assert told[0].verdict == told[1].verdict
    first, second = ([(f.code, f.target, f.status, f.title) for f in diagnosis.findings] for diagnosis in told)
    assert first == second


def test_commands_know_their_options_only_when_they_are_asked() -> None:
    asked = "print(*(a for c in g.choices.values() for a in c._option_string_actions), file=sys.stderr)"
    script = f"import sys; from cfrunbook.cli import _parser; g = _parser({{}})._subparsers._group_actions[0]; {asked}"
    assert "--save-evidence" not in python(script.format("'logs'"))
    assert "--since" in python(script.format("'logs'"))
    assert {"--save-evidence", "--since", "--message"} <= set(python(script.format("''")))


@pytest.mark.parametrize(("port", "spared"), [(80, ("cryptography", "cfrunbook.probes.tls.keys")), (443, CERTIFICATES)])
def test_where_nothing_speaks_tls_the_roots_are_not_read(port: int, spared: tuple[str, ...]) -> None:
    """With Mozilla's roots, as outside the lab: cryptography is imported for who may be spoken to in TLS only."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        place = f"shop.example:{port}:127.0.0.1:{closed.getsockname()[1]}"
        found = imported("diagnose", "--origin", f"shop.example:{port}", "--connect-to", place, status=1)
    assert not found & {*spared, *TLS_JUDGES, *REPORTING, *FAR_AFIELD, "dns"}


@pytest.mark.parametrize("scenario", ["dns-nxdomain", "certificate-expired"])
def test_values_are_made_without_a_generator_of_code(scenario: str) -> None:
    """A dataclass takes 40 times as long to make as a `msgspec.Struct`, and a diagnosis makes a hundred of either."""
    script = RUN.format(arguments=["diagnose"], report=DATACLASSES)
    assert python(script, scenario=scenario, status=1) == []


def test_questions_to_name_servers_are_asked_before_what_reads_the_answers_is_imported() -> None:
    script = f"""\
import sys
from cfrunbook.probes.dns import message
for name in (".", "example", "www.shop-2.example"):
    message.wire(1, name, "DNSKEY", edns=True, dnssec_ok=True)
{MODULES}"""
    assert "dns" not in python(script)


def test_answers_of_name_servers_are_read_without_knowing_what_is_installed() -> None:
    answer = "bytes.fromhex('000080000001000000000000 00 0001 0001')"
    script = f"import sys; from cfrunbook.probes.dns import message; message.read('.', 'A', {answer}); {MODULES}"
    found = set(python(script))
    assert {"dns.message", "dns.name"} <= found
    assert not found & {"email", "importlib.metadata", "zipfile"}


def test_a_diagnosis_is_over_before_garbage_is_looked_for() -> None:
    script = """\
import atexit, gc, sys, cfrunbook.cli
gc.callbacks.append(lambda phase, info: print(phase, file=sys.stderr))
atexit.register(gc.callbacks.clear)
sys.argv[1:] = ["diagnose"]
sys.exit(cfrunbook.cli.entry())"""
    assert python(script, scenario="certificate-expired", status=1) == []


def test_the_end_of_a_process_does_not_look_at_everything_again() -> None:
    told = "atexit.register(lambda: print(gc.get_freeze_count() > 0, file=sys.stderr))"
    script = (
        f"import atexit, gc, sys, cfrunbook.cli; {told}; sys.argv[1:] = ['--help']; sys.exit(cfrunbook.cli.entry())"
    )
    assert python(script) == ["True"]
