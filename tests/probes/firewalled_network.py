"""A network of two machines and a router that rejects in every way, seen by `tcp.connect`: prints one JSON object.

Run inside a network namespace of its own, in which we may do everything: `unshare -rn python firewalled_network.py`.
The origin is a second namespace behind a veth pair; documentation addresses (RFC 5737, RFC 3849) only.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import msgspec

from cfrunbook.probes.endpoint import Endpoint
from cfrunbook.probes.tcp import connect

HERE, ORIGIN = ("192.0.2.1", "2001:db8::1"), ("192.0.2.2", "2001:db8::2")
BEHIND = {  # what a router on the way rejects
    "icmpx host-unreachable": ("198.51.100.1", "2001:db8:1::1"),
    "icmpx admin-prohibited": ("198.51.100.2", "2001:db8:1::2"),
}
MAC = {HERE: "02:00:00:00:00:01", ORIGIN: "02:00:00:00:00:02"}
ABSENT = ("192.0.2.9", "2001:db8::9")
ELSEWHERE = ("203.0.113.1", "2001:db8:ffff::1")

OPEN, CLOSED = 8000, 8001
PORTS = {
    "tcp reset": 8002,
    "icmpx port-unreachable": 8003,
    "icmpx admin-prohibited": 8004,
    "icmpx host-unreachable": 8005,
    "icmpx no-route": 8006,
    "drop": 8007,
}
OWN = 8008  # rejected by this machine's own firewall

RULESET = """
table inet t {{
  chain c {{
    type filter hook {hook} priority 0;
    {rules}
  }}
}}
"""


def chain(hook: str, verdicts: dict[str, str]) -> str:
    """Return a ruleset with one chain: a verdict (`drop`, or what to reject with) for each match."""
    rules = [f"{match} {how if how == 'drop' else f'reject with {how}'}" for match, how in verdicts.items()]
    return RULESET.format(hook=hook, rules="\n    ".join(rules))


INPUT = chain("input", {f"tcp dport {port}": how for how, port in PORTS.items()})
FORWARD = chain(
    "forward",
    {f"{'ip6' if ':' in a else 'ip'} daddr {a}": how for how, addresses in BEHIND.items() for a in addresses},
).replace("table inet t", "table inet u")
OUTPUT = chain("output", {f"tcp dport {OWN}": "icmpx admin-prohibited"})

# The origin's machine: an open port in both families, until its input ends.
ORIGIN_PROGRAM = f"""
import socket, sys
listener = socket.create_server(("::", {OPEN}), family=socket.AF_INET6, dualstack_ipv6=True)
print("ready", flush=True)
sys.stdin.read()
"""


def run(*command: str, given: str = "") -> None:
    subprocess.run(command, input=given, text=True, check=True, stdout=sys.stderr)


def build(origin: subprocess.Popen[str]) -> None:
    inside = ("nsenter", "-t", str(origin.pid), "-n")
    run("ip", "link", "add", "here", "type", "veth", "peer", "name", "there", "netns", str(origin.pid))
    for prefix, device, addresses, others in (((), "here", HERE, ORIGIN), (inside, "there", ORIGIN, HERE)):
        run(*prefix, "ip", "link", "set", "lo", "up")
        run(*prefix, "ip", "link", "set", device, "address", MAC[addresses])
        run(*prefix, "ip", "link", "set", device, "up")
        run(*prefix, "ip", "address", "add", f"{addresses[0]}/24", "dev", device)
        run(*prefix, "ip", "address", "add", f"{addresses[1]}/64", "dev", device, "nodad")
        for other in others:
            run(*prefix, "ip", "neigh", "add", other, "lladdr", MAC[others], "dev", device)
    run(*inside, "ip", "link", "add", "beyond", "type", "veth", "peer", "name", "nowhere")
    run(*inside, "ip", "link", "set", "beyond", "up")
    run(*inside, "ip", "link", "set", "nowhere", "up")
    for address in (a for addresses in BEHIND.values() for a in addresses):
        run("ip", "route", "add", address, "via", ORIGIN[1] if ":" in address else ORIGIN[0])
        run(*inside, "ip", "route", "add", address, "dev", "beyond")
    # Linux sends few ICMP errors per second; a table of cases needs every one.
    run(
        *inside,
        "sh",
        "-c",
        "echo 1 > /proc/sys/net/ipv4/ip_forward; echo 1 > /proc/sys/net/ipv6/conf/all/forwarding;"
        "echo 0 > /proc/sys/net/ipv4/icmp_ratelimit; echo 0 > /proc/sys/net/ipv6/icmp/ratelimit",
    )
    for version in ("ipv4", "ipv6"):  # an absent neighbour is to be given up soon
        Path(f"/proc/sys/net/{version}/neigh/here/retrans_time_ms").write_text("20")
    run(*inside, "nft", "-f", "-", given=INPUT + FORWARD)
    run("nft", "-f", "-", given=OUTPUT)


async def look() -> dict[str, object]:
    cases: dict[str, tuple[str, int, float]] = {}
    for family, version in enumerate((4, 6)):
        cases[f"open {version}"] = (ORIGIN[family], OPEN, 5)
        cases[f"closed {version}"] = (ORIGIN[family], CLOSED, 5)
        for verdict, port in PORTS.items():
            cases[f"{verdict} {version}"] = (ORIGIN[family], port, 0.3 if verdict == "drop" else 5)
        for kind, addresses in BEHIND.items():
            cases[f"router {kind} {version}"] = (addresses[family], 443, 5)
        cases[f"absent {version}"] = (ABSENT[family], 443, 5)
        cases[f"elsewhere {version}"] = (ELSEWHERE[family], 443, 5)
        cases[f"own firewall {version}"] = (ORIGIN[family], OWN, 5)

    async def one(address: str, port: int, deadline: float) -> object:
        connection, sock = await connect(Endpoint(host="origin.example", port=port, address=address), deadline=deadline)
        if sock is not None:
            sock.close()
        return msgspec.to_builtins(connection)

    seen = await asyncio.gather(*(one(*case) for case in cases.values()))
    return dict(zip(cases, seen, strict=True))


def main() -> None:
    command = ("unshare", "-n", sys.executable, "-c", ORIGIN_PROGRAM)
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as origin:
        assert origin.stdout is not None
        assert origin.stdout.readline() == "ready\n"
        build(origin)
        print(json.dumps(asyncio.run(look())))
        assert origin.stdin is not None
        origin.stdin.close()


if __name__ == "__main__":
    main()
