"""Real name servers before our walk, and real resolvers before our lab: who says what, and that all agree.

In a network namespace the lab's name servers have port 53 of their own addresses, so that unbound and BIND resolve from
the lab's root down, unmodified. And BIND, NSD and Knot DNS serve a root, a top-level domain and a zone on loopback.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import dns.exception
import dns.message
import dns.query
import dns.rcode
import dns.rdatatype
import msgspec
import pytest

from cfrunbook import lab
from cfrunbook.causes import dns as cause
from cfrunbook.cloudfront import plan
from cfrunbook.lab import catalogue
from cfrunbook.lab.catalogue import Judge
from cfrunbook.lab.scenarios import families
from cfrunbook.probes import relocation
from cfrunbook.probes.dns import Hint, Walking

LOOKED_UP = {*(scenario.name for scenario in families.SCENARIOS), "compound-dead-server-and-last-days"}
"""Scenarios of other causes whose addresses only the lab's DNS knows."""
ONE_FAMILY = {"dualstack-only-aaaa"}
"""Resolvers are asked for A here, and it has none, rightly."""
SCENARIOS = [n for n in lab.SCENARIOS if n.startswith("dns-") or n in LOOKED_UP - ONE_FAMILY]
SHARDS = 2

Seen = dict[str, dict[str, list[list[str]]]]


@pytest.fixture(scope="module")
def seen() -> Seen:
    """What `names_in_a_network.py` saw, by scenario."""
    if subprocess.run(["unshare", "-rn", "true"], capture_output=True, check=False).returncode:
        pytest.skip("needs permission to make a network namespace (unshare -rn)")
    program = Path(__file__).with_name("names_in_a_network.py")

    def look(names: list[str]) -> Seen:
        run = subprocess.run(
            ["unshare", "-rn", sys.executable, str(program), *names],
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
        )
        assert run.returncode == 0, run.stderr
        found: Seen = json.loads(run.stdout)
        return found

    with ThreadPoolExecutor(SHARDS) as pool:
        return {
            name: s
            for found in pool.map(look, [SCENARIOS[n::SHARDS] for n in range(SHARDS)])
            for name, s in found.items()
        }


def addresses(answer: list[str]) -> tuple[str, ...]:
    """Return the addresses in an answer; none where it says with an exclamation mark why there are none."""
    return () if answer[0].endswith("!") else tuple(answer)


RESOLVERS = {"unbound": Judge.UNBOUND, "bind": Judge.BIND}


@pytest.mark.netns
@pytest.mark.needs("unshare", "ip", "unbound", "named")
@pytest.mark.parametrize("name", SCENARIOS)
def test_resolvers_agree_with_the_edges(seen: Seen, name: str) -> None:
    edge = {addresses(answer) for answer in seen[name]["edge"]}
    for resolver, judge in RESOLVERS.items():
        answer = addresses(seen[name][resolver])  # type: ignore[arg-type]
        assert (answer in edge) == ((name, judge) not in catalogue.disagreements()), seen[name]


@pytest.mark.netns
@pytest.mark.needs("unshare", "ip", "unbound", "named")
@pytest.mark.parametrize("name", SCENARIOS)
def test_the_walk_finds_without_relocations_what_it_is_to_find(seen: Seen, name: str) -> None:
    expected = lab.SCENARIOS[name].expected
    faults = [code for code, status in seen[name]["walk"] if status == "fault"]
    assert faults[:1] == ([expected.code] if expected.cause is cause.CAUSE else [])
    if expected.status == "ok":
        assert ["dns.resolves", "ok"] in seen[name]["walk"]


@pytest.mark.netns
@pytest.mark.needs("unshare", "ip", "unbound", "named")
def test_what_cannot_be_resolved_is_our_fault_and_nothing_else_is(seen: Seen) -> None:
    """Wherever neither resolver comes to an address we find a fault, and wherever both always do we find none."""
    for name, said in seen.items():
        found = {addresses(said[resolver]) for resolver in ("unbound", "bind")}  # type: ignore[arg-type]
        statuses = {status for _, status in said["walk"]}
        if found == {()}:
            assert "fault" in statuses, name
        elif lab.SCENARIOS[name].expected.status == "ok":
            assert () not in found or (name, Judge.BIND) in catalogue.disagreements(), name


# --- real name servers ------------------------------------------------------------------------------------------------

ROOT = """
. 300 IN SOA a.root-servers. hostmaster.root-servers. 1 1800 900 604800 300
. 300 IN NS a.root-servers.
a.root-servers. 300 IN A 192.0.2.1
lab. 300 IN NS a.nic.lab.
a.nic.lab. 300 IN A 192.0.2.11
"""
TLD = """
lab. 300 IN SOA a.nic.lab. hostmaster.nic.lab. 1 1800 900 604800 300
lab. 300 IN NS a.nic.lab.
a.nic.lab. 300 IN A 192.0.2.11
shop.lab. 300 IN NS ns1.shop.lab.
shop.lab. 300 IN NS ns2.shop.lab.
ns1.shop.lab. 300 IN A 198.51.100.1
ns2.shop.lab. 300 IN A 198.51.100.2
"""
ZONE = """
shop.lab. 300 IN SOA ns1.shop.lab. hostmaster.shop.lab. {serial} 1800 900 604800 300
shop.lab. 300 IN NS ns1.shop.lab.
shop.lab. 300 IN NS ns2.shop.lab.
ns1.shop.lab. 300 IN A 198.51.100.1
ns2.shop.lab. 300 IN A 198.51.100.2
origin.shop.lab. 300 IN A 203.0.113.10
alias.shop.lab. 300 IN CNAME origin.shop.lab.
dangling.shop.lab. 300 IN CNAME missing.shop.lab.
*.wild.shop.lab. 300 IN A 203.0.113.10
six.shop.lab. 300 IN AAAA 2001:db8::10
old.shop.lab. 300 IN DNAME new.shop.lab.
origin.new.shop.lab. 300 IN A 203.0.113.10
gone.shop.lab. 300 IN DNAME nowhere.shop.lab.
""" + "".join(f"crowd.shop.lab. 300 IN A 203.0.113.{n}\n" for n in range(1, 96))  # BIND loads 100 at most
WITHOUT_ZONE = ("other.lab.", ZONE.format(serial=1).replace("shop.lab.", "other.lab."))

BIND = """
options {{ directory "{folder}"; pid-file none; {options} session-keyfile none; listen-on port {port} {{ 127.0.0.1; }};
  listen-on-v6 {{ none; }}; recursion no; allow-query {{ any; }}; empty-zones-enable no; }};
controls {{ }};
zone "{origin}" {{ type primary; file "{folder}/zone"; }};
"""
NSD = """
server:
  ip-address: 127.0.0.1@{port}
  username: ""
  chroot: ""
  zonesdir: "{folder}"
  pidfile: ""
  database: ""
  xfrdfile: "{folder}/xfrd.state"
  zonelistfile: "{folder}/zone.list"
  server-count: 1
remote-control:
  control-enable: no
zone:
  name: "{origin}"
  zonefile: "{folder}/zone"
"""
KNOT = """
server:
  rundir: "{folder}"
  listen: 127.0.0.1@{port}
database:
  storage: "{folder}"
zone:
  - domain: "{origin}"
    file: "{folder}/zone"
"""


def free_port() -> int:
    """Return a port that nobody has at this moment, UDP and TCP."""
    with socket.socket() as tcp:
        tcp.bind(("127.0.0.1", 0))
        port: int = tcp.getsockname()[1]
    return port


def commands(software: str, config: Path) -> list[str]:
    return {
        "named": ["named", "-f", "-n", "1", "-c", str(config)],
        "nsd": ["nsd", "-d", "-c", str(config)],
        "knotd": ["knotd", "-c", str(config)],
    }[software]


TEXTS = {"named": BIND, "nsd": NSD, "knotd": KNOT}


@contextmanager
def serving(software: str, origin: str, text: str, folder: Path, options: str = "") -> Iterator[str]:
    """Serve one zone with a real name server, and yield where: `127.0.0.1:port`. Only BIND has `options`."""
    folder.mkdir()
    (folder / "zone").write_text(text)
    port, config = free_port(), folder / "conf"
    config.write_text(TEXTS[software].format(folder=folder, port=port, origin=origin, options=options))
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(commands(software, config), stdout=log, stderr=log, cwd=folder)
    try:
        is_up = any(process.poll() is not None or answers(origin, port) for _ in range(200))
        assert process.poll() is None, (folder / "log").read_text(errors="replace")
        assert is_up, (folder / "log").read_text(errors="replace")
        yield f"127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


def answers(origin: str, port: int) -> bool:
    """Wait a moment for an answer about the zone, over both transports."""
    query = dns.message.make_query(origin, "SOA")
    try:
        said = dns.query.udp(query, "127.0.0.1", port=port, timeout=0.1)
        dns.query.tcp(query, "127.0.0.1", port=port, timeout=5)
    except (dns.exception.DNSException, OSError):
        return False
    return said.rcode() == dns.rcode.NOERROR


Found = list[tuple[str, str]]
Find = Callable[..., Found]


@pytest.fixture
def find(tmp_path: Path) -> Iterator[Find]:
    """Bring up root, top-level domain and two servers of the zone, walk to a name, and return codes and statuses."""
    with ExitStack() as stack:

        def look(name: str, *servers: tuple[str, ...], before: Callable[[str], str] | None = None) -> Found:
            everybody: dict[str, tuple[str, ...]] = {
                "192.0.2.1": ("knotd", ".", ROOT),
                "192.0.2.11": ("nsd", "lab.", TLD),
                **dict(zip(("198.51.100.1", "198.51.100.2"), servers, strict=True)),
            }
            places = {
                address: stack.enter_context(serving(*what[:3], tmp_path / address, *what[3:]))
                for address, what in everybody.items()
            }
            for address in ("198.51.100.1", "198.51.100.2") if before else ():
                assert before is not None
                places[address] = before(places[address])
            relocations = relocation.parse_all([f"{address}:53:{place}" for address, place in places.items()])
            walking = Walking([name], [Hint("a.root-servers", "192.0.2.1")], relocations=relocations)
            queries = asyncio.run(walking.run()).queries
            numbered = tuple(msgspec.structs.replace(q, id=f"query-{n}") for n, q in enumerate(queries))
            (target,) = plan.of_origin(name, host="", url=None).targets
            found = cause.judge((), target=target, in_lab=True, queries=numbered, at=dt.datetime.now(dt.UTC))
            return [(f.code, f.status.value) for f in found]

        yield look


GOOD = ("shop.lab.", ZONE.format(serial=7))
OLD = ("shop.lab.", ZONE.format(serial=3))
CASES = {
    "all is well": ("origin.shop.lab", GOOD, GOOD, [("dns.resolves", "ok")]),
    "an alias": ("alias.shop.lab", GOOD, GOOD, [("dns.resolves", "ok")]),
    "a wildcard": ("any.wild.shop.lab", GOOD, GOOD, [("dns.resolves", "ok")]),
    "no such name": ("missing.shop.lab", GOOD, GOOD, [("dns.nxdomain", "fault")]),
    "an alias of nothing": ("dangling.shop.lab", GOOD, GOOD, [("dns.dangling_alias", "fault")]),
    "IPv6 only": ("six.shop.lab", GOOD, GOOD, [("dns.wrong_family", "fault")]),
    "one without the zone": (
        "origin.shop.lab",
        GOOD,
        WITHOUT_ZONE,
        [("dns.server_refuses", "warning"), ("dns.resolves", "ok")],
    ),
    "none with the zone": ("origin.shop.lab", WITHOUT_ZONE, WITHOUT_ZONE, [("dns.all_servers_refuse", "fault")]),
    "one with an old copy": (
        "origin.shop.lab",
        GOOD,
        OLD,
        [("dns.serials_differ", "warning"), ("dns.resolves", "ok")],
    ),
    "a renamed tree": ("origin.old.shop.lab", GOOD, GOOD, [("dns.resolves", "ok")]),
    "a tree renamed to nothing": ("origin.gone.shop.lab", GOOD, GOOD, [("dns.dangling_alias", "fault")]),
    "not delegated": ("origin.shopp.lab", GOOD, GOOD, [("dns.not_delegated", "fault")]),
}


@pytest.mark.needs("named", "nsd", "knotd")
@pytest.mark.parametrize(("name", "first", "second", "expected"), CASES.values(), ids=CASES)
def test_the_walk_to_real_name_servers(
    find: Find, name: str, first: tuple[str, str], second: tuple[str, str], expected: list[tuple[str, str]]
) -> None:
    assert find(name, ("named", *first), ("nsd", *second)) == expected


# --- real name servers with limits, and behind firewalls --------------------------------------------------------------

SLIPPING = "rate-limit { responses-per-second 1; slip 1; window 15; };"
"""Every answer above one in a second is truncated, so that whoever is real comes back over TCP."""
DROPPING = "rate-limit { responses-per-second 1; slip 0; window 15; };"
FLOOD = 60


def flooded(place: str) -> str:
    """Ask a server for the origin's address so often that it limits whoever asks next."""
    at, _, port = place.rpartition(":")
    question = dns.message.make_query("origin.shop.lab", "A", use_edns=0).to_wire()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.connect((at, int(port)))
        for _ in range(FLOOD):
            sock.send(question)
    return place


LIMITED = {
    "truncating": (SLIPPING, [("dns.resolves", "ok")]),
    "dropping": (DROPPING, [("dns.server_limits", "warning"), ("dns.resolves", "ok")]),
}


@pytest.mark.needs("named", "nsd", "knotd")
@pytest.mark.parametrize(("options", "expected"), LIMITED.values(), ids=LIMITED)
def test_a_server_that_limits_its_rate_is_not_called_dead(
    find: Find, options: str, expected: list[tuple[str, str]]
) -> None:
    limited = ("named", *GOOD, options)
    assert find("origin.shop.lab", limited, limited, before=flooded) == expected


class Firewall:
    """Stands before a name server and lets its UDP through, as far as `passes` says; TCP meets a closed port."""

    def __init__(self, place: str, passes: Callable[[dns.message.Message], bool]) -> None:
        at, _, port = place.rpartition(":")
        self._server, self._passes = (at, int(port)), passes
        self._outside = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._outside.bind(("127.0.0.1", 0))
        self.place = f"127.0.0.1:{self._outside.getsockname()[1]}"
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while True:
            question, client = self._outside.recvfrom(65_535)
            if not question:
                return
            if self._passes(dns.message.from_wire(question)):
                with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as inside:
                    inside.settimeout(30)
                    inside.sendto(question, self._server)
                    self._outside.sendto(inside.recv(65_535), client)

    def stop(self) -> None:
        at, _, port = self.place.rpartition(":")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.sendto(b"", (at, int(port)))
        self._thread.join()
        self._outside.close()


BEHIND = {
    "what has EDNS is dropped": (
        "origin.shop.lab",
        lambda question: question.edns < 0,
        [("dns.edns_dropped", "fault")],
    ),
    "TCP is refused, and not needed": (
        "origin.shop.lab",
        lambda question: True,
        [("dns.server_without_tcp", "warning"), ("dns.resolves", "ok")],
    ),
    "TCP is refused, and needed": ("crowd.shop.lab", lambda question: True, [("dns.tcp_needed", "fault")]),
    "questions for addresses are dropped": (
        "origin.shop.lab",
        lambda question: question.question[0].rdtype not in (dns.rdatatype.A, dns.rdatatype.AAAA),
        [("dns.no_server_helps", "fault")],
    ),
}


@pytest.mark.needs("named", "nsd", "knotd")
@pytest.mark.parametrize(("name", "passes", "expected"), BEHIND.values(), ids=BEHIND)
def test_real_servers_behind_a_firewall(
    find: Find, name: str, passes: Callable[[dns.message.Message], bool], expected: list[tuple[str, str]]
) -> None:
    firewalls: list[Firewall] = []

    def behind(place: str) -> str:
        firewalls.append(Firewall(place, passes))
        return firewalls[-1].place

    try:
        assert find(name, ("named", *GOOD), ("nsd", *GOOD), before=behind) == expected
    finally:
        for firewall in firewalls:
            firewall.stop()
