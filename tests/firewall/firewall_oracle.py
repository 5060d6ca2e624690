"""The kernel as judge of rules: loads each ruleset of its input before an origin, connects from each address, and tells.

Run inside a network namespace of its own: `unshare -rn python firewall_oracle.py`. The origin is a second namespace behind
a veth pair. Input: `{"addresses": […], "ports": […], "rulesets": [[[command, text], …], …]}`; output: for each ruleset the
dumps that the tools print, and for each `address port` what came of a connection.
"""

from __future__ import annotations

import collections
import errno
import itertools
import json
import socket
import subprocess
import sys
import time
from pathlib import Path

HERE, ORIGIN = ("192.0.2.1", "2001:db8::1"), ("192.0.2.2", "2001:db8::2")
DUMPS = {
    "iptables-save": ["iptables-save"],
    "ip6tables-save": ["ip6tables-save"],
    "ipset": ["ipset", "save"],
    "nft": ["nft", "-j", "list", "ruleset"],
}
ENOUGH = 0.25
"""Seconds after which the kernel has long decided: only what was dropped is still waiting."""
MAC = {HERE: "02:00:00:00:00:01", ORIGIN: "02:00:00:00:00:02"}
UNACKED = slice(24, 28)
"""tcpi_unacked within the kernel's struct tcp_info: segments sent that nobody has acknowledged."""

source_ports = collections.defaultdict(lambda: itertools.count(10_000))
"""The next source port of each address: one used twice would belong to the connection of an earlier ruleset, which the
origin's connection tracking still knows, and not be NEW to the rules."""

# Listens on every port of its arguments, in both families, until its input ends.
PROGRAM = """
import pathlib, socket, sys
pathlib.Path("/proc/sys/net/core/somaxconn").write_text("65535")
held = [socket.create_server(("::", int(p)), family=socket.AF_INET6, dualstack_ipv6=True, backlog=65535) for p in sys.argv[1:]]
print("ready", flush=True)
sys.stdin.read()
"""


def run(*command: str, given: str = "") -> str:
    return subprocess.run(command, input=given, text=True, check=True, stdout=subprocess.PIPE).stdout


def build(inside: tuple[str, ...], origin: int, addresses: list[str]) -> None:
    run("ip", "link", "add", "here", "type", "veth", "peer", "name", "there", "netns", str(origin))
    for prefix, device, own, other in (((), "here", HERE, ORIGIN), (inside, "there", ORIGIN, HERE)):
        run(*prefix, "ip", "link", "set", "lo", "up")
        run(*prefix, "ip", "link", "set", device, "address", MAC[own])
        run(*prefix, "ip", "link", "set", device, "up")
        run(*prefix, "ip", "address", "add", f"{own[0]}/24", "dev", device)
        run(*prefix, "ip", "address", "add", f"{own[1]}/64", "dev", device, "nodad")
        for there in other:
            run(*prefix, "ip", "neigh", "add", there, "lladdr", MAC[other], "dev", device)
        if prefix:
            run(*prefix, "ip", "route", "add", "default", "via", other[0])
            run(*prefix, "ip", "-6", "route", "add", "default", "via", other[1])
    Path("/proc/sys/net/ipv6/ip_nonlocal_bind").write_text("1")
    routes = "".join(f"route add local {a}{'/128' if ':' in a else '/32'} dev lo\n" for a in addresses)
    run("ip", "-batch", "-", given=routes)
    limits = ("ipv4/icmp_ratelimit", "ipv6/icmp/ratelimit")
    run(*inside, "sh", "-c", "; ".join(f"echo 0 > /proc/sys/net/{limit}" for limit in limits))


def speak(sock: socket.socket) -> bool:
    """Send a byte, which the origin acknowledges only if packets after the first come in too; False: rejected by now."""
    try:
        sock.send(b"x")
    except BlockingIOError:
        return True  # still connecting
    except OSError:
        return False
    return True


def connect(address: str, port: int) -> socket.socket:
    family, to = (socket.AF_INET6, ORIGIN[1]) if ":" in address else (socket.AF_INET, ORIGIN[0])
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setblocking(False)
    sock.bind((address, next(source_ports[address])))
    assert sock.connect_ex((to, port)) in (0, errno.EINPROGRESS, errno.ECONNREFUSED)
    return sock


def outcome(sock: socket.socket, spoke: bool) -> str:
    with sock:
        if not spoke or sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            return "rejected"
        try:
            sock.getpeername()
        except OSError:
            return "dropped"
        return "dropped" if any(sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104)[UNACKED]) else "allowed"


def once_more(keys: list[str]) -> dict[str, str]:
    """Return what comes of a second try: on a busy machine a packet may be later than `ENOUGH`."""
    if not keys:
        return {}
    socks = {key: connect(key.split()[0], int(key.split()[1])) for key in keys}
    time.sleep(ENOUGH)
    spoke = {key: speak(sock) for key, sock in socks.items()}
    time.sleep(ENOUGH)
    return {key: outcome(sock, spoke[key]) for key, sock in socks.items()}


def main() -> None:
    given = json.load(sys.stdin)
    command = ("unshare", "-n", sys.executable, "-c", PROGRAM, *map(str, given["ports"]))
    told = []
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as origin:
        assert origin.stdin is not None
        assert origin.stdout is not None
        assert origin.stdout.readline() == "ready\n"
        inside = ("nsenter", "-t", str(origin.pid), "-n")
        build(inside, origin.pid, given["addresses"])
        for ruleset in given["rulesets"]:
            for command_line, text in ruleset:
                run(*inside, *command_line, given=text)
            dumps = {name: run(*inside, *line) for name, line in DUMPS.items()}
            socks = {f"{a} {p}": connect(a, p) for a in given["addresses"] for p in given["ports"]}
            time.sleep(ENOUGH)
            spoke = {key: speak(sock) for key, sock in socks.items()}
            time.sleep(ENOUGH)
            outcomes = {key: outcome(sock, spoke[key]) for key, sock in socks.items()}
            outcomes |= once_more([key for key, came in outcomes.items() if came == "dropped"])
            told.append({"dumps": dumps, "outcomes": outcomes})
            run(*inside, "nft", "flush", "ruleset")
            run(*inside, "ipset", "destroy")
        origin.stdin.close()
    json.dump(told, sys.stdout)


if __name__ == "__main__":
    main()
