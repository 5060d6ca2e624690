"""Scenarios' name servers on port 53 of their own addresses, and what unmodified resolvers make of them: prints JSON.

Run inside a network namespace of its own, in which we may do everything: `unshare -rn python names_in_a_network.py NAME…`
with the names of scenarios. Every address of the lab's DNS is an address of the loopback device there, so that nothing
is relocated. For each scenario: what unbound and BIND answer, what the edge's resolver says, asked in every order, and
what our walk finds.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import dns.exception
import dns.message
import dns.query
import dns.rcode
import dns.rdatatype
import msgspec

from cfrunbook import lab
from cfrunbook.causes import dns as cause
from cfrunbook.cloudfront import distribution_reader, plan, policies
from cfrunbook.lab.authority import Authority
from cfrunbook.lab.distribution import document
from cfrunbook.lab.dns.resolver import Resolver, Unresolved, View
from cfrunbook.lab.dns.server import listen
from cfrunbook.lab.dns.setup import Tree
from cfrunbook.lab.scenario import OriginSetup, Setup
from cfrunbook.lab.servers import Servers
from cfrunbook.probes.dns import Walking
from cfrunbook.probes.dns.hints import parse

AT = "127.0.0.1"
PATIENCE = 2.0
"""Seconds after which a resolver has not resolved a name that is not to be resolved."""
LONG = 30.0
"""Seconds for one that is: it comes at once, but on a busy machine."""
ATTEMPT = 2.0
START = 10.0
ORDERS = 4

UNBOUND = """
server:
  directory: "{folder}"
  chroot: ""
  username: ""
  pidfile: ""
  use-syslog: no
  verbosity: 0
  interface: {at}@{port}
  root-hints: "{folder}/root.hints"
  module-config: "{modules} iterator"
  do-not-query-localhost: no
  trust-anchor-signaling: no
  {anchor}
remote-control:
  control-enable: no
"""
NAMED = """
options {{
  directory "{folder}";
  pid-file none;
  session-keyfile none;
  listen-on port {port} {{ {at}; }};
  listen-on-v6 {{ none; }};
  allow-query {{ any; }};
  recursion yes;
  servfail-ttl 0;
  empty-zones-enable no;
  dnssec-validation {validation};
}};
controls {{ }};
zone "." {{ type hint; file "{folder}/root.hints"; }};
{anchor}
"""


def kind_of(origin: OriginSetup) -> str:
    return "AAAA" if origin.ip_address_type == "ipv6" else "A"


@contextmanager
def unbound(tree: Tree, folder: Path, port: int) -> Iterator[None]:
    anchor = f'trust-anchor: ". DS {tree.anchor}"' if tree.anchor else ""
    modules = "validator" if tree.anchor else ""
    config = folder / "unbound.conf"
    config.write_text(UNBOUND.format(folder=folder, at=AT, port=port, anchor=anchor, modules=modules))
    with running(["unbound", "-d", "-c", str(config)], port):
        yield


@contextmanager
def named(tree: Tree, folder: Path, port: int) -> Iterator[None]:
    anchor, validation = "", "no"
    if tree.anchor:
        tag, algorithm, kind, digest = tree.anchor.split()
        anchor = f'trust-anchors {{ . static-ds {tag} {algorithm} {kind} "{digest}"; }};'
        validation = "yes"
    config = folder / "named.conf"
    config.write_text(NAMED.format(folder=folder, at=AT, port=port, anchor=anchor, validation=validation))
    with running(["named", "-f", "-n", "1", "-c", str(config)], port):
        yield


@contextmanager
def running(command: list[str], port: int) -> Iterator[None]:
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        with ThreadPoolExecutor(1) as waiting:
            waiting.submit(wait_for, port, process).result(START)
        yield
    finally:
        process.kill()
        process.communicate()


def wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    """Return once TCP connections are accepted, which both servers do last."""
    while process.poll() is None:
        with socket.socket() as sock:
            if sock.connect_ex((AT, port)) == 0:
                return
    assert process.stderr is not None
    raise RuntimeError(process.stderr.read().decode(errors="replace"))


def asked(name: str, kind: str, port: int, patience: float) -> list[str]:
    """Return the addresses that a resolver answers with; why there are none as one word with an exclamation mark.

    SERVFAIL at once is asked again, as stubs do: it depends on which name server was asked first.
    """
    until, tries = time.monotonic() + patience, 3
    while True:  # again and again, as stubs do: a datagram may meet a resolver that is just coming up
        began = time.monotonic()
        try:
            answer, _ = dns.query.udp_with_fallback(dns.message.make_query(name, kind), AT, port=port, timeout=ATTEMPT)
            tries -= 1
            if answer.rcode() != dns.rcode.SERVFAIL or not tries or time.monotonic() - began > ATTEMPT / 2:
                break
        except dns.exception.Timeout:
            if time.monotonic() >= until:
                return ["SILENCE!"]
    addresses = sorted(r.to_text() for rrset in answer.answer for r in rrset if dns.rdatatype.to_text(r.rdtype) == kind)
    rcode = dns.rcode.to_text(answer.rcode())
    return addresses if addresses else [f"{'NODATA' if rcode == 'NOERROR' else rcode}!"]


def by_edge(tree: Tree, origin: OriginSetup) -> list[list[str]]:
    """Return what the edge's resolver finds, whichever server it asks first."""
    places = {address: (address, 53) for address in tree.addresses()}
    resolver = Resolver(View(tuple(a for _, a in tree.roots), places, tree.anchor))
    found: list[list[str]] = []
    for first in range(ORDERS):
        try:
            found.append(list(resolver.resolve(origin.domain, kind_of(origin), first=first)))  # type: ignore[arg-type]
        except Unresolved as error:
            found.append([f"{error}!"])
    return found


def by_walk(setup: Setup, tree: Tree) -> list[tuple[str, str]]:
    """Return code and status of what the walk finds."""
    read = distribution_reader.load(document(setup), url="")
    (target, *_) = plan.of_distribution(read, policies.load(()), url=None).targets
    walked = asyncio.run(Walking([target.domain], parse(tree.hints())).run())
    queries = tuple(msgspec.structs.replace(q, id=f"query-{n}") for n, q in enumerate(walked.queries))
    found = cause.judge((), target=target, in_lab=True, queries=queries, at=dt.datetime.now(dt.UTC))
    return [(f.code, f.status.value) for f in found]


def look(setup: Setup, folder: Path) -> dict[str, object]:
    tree, origin = setup.dns, setup.origin
    assert tree is not None
    (folder / "root.hints").write_text(tree.hints())
    with Servers() as servers:
        for server in tree.servers:
            listen(servers, server, server.address, 53)
        edge = by_edge(tree, origin)
        patience = PATIENCE if all(found[0].endswith("!") for found in edge) else LONG
        with unbound(tree, folder, 5301), named(tree, folder, 5302), ThreadPoolExecutor(3) as pool:
            walk = pool.submit(by_walk, setup, tree)
            resolvers = {
                name: pool.submit(asked, origin.domain, kind_of(origin), port, patience)
                for name, port in (("unbound", 5301), ("bind", 5302))
            }
            seen: dict[str, object] = {name: future.result() for name, future in resolvers.items()}
            return seen | {"edge": edge, "walk": walk.result()}


def main() -> None:
    setups = {name: lab.SCENARIOS[name].set_up(Authority()) for name in sys.argv[1:]}
    addresses = {a for setup in setups.values() if setup.dns for a in setup.dns.addresses()}
    lines = [f"address add {a}/{128 if ':' in a else 32} dev lo{' nodad' if ':' in a else ''}" for a in addresses]
    batch = "\n".join(["link set lo up", *lines])
    subprocess.run(["ip", "-batch", "-"], input=batch, text=True, check=True, stdout=sys.stderr)
    found = {}
    for name, setup in setups.items():
        with tempfile.TemporaryDirectory() as folder:
            found[name] = look(setup, Path(folder))
    print(json.dumps(found))


if __name__ == "__main__":
    main()
