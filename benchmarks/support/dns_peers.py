"""Other programs that look at a zone's name servers: how they are run, and how what they say is read."""

from __future__ import annotations

import json
import re
import shutil
import subprocess

from cfrunbook.lab.dns.internet import SHOP, SHOP_SERVERS
from support.name_servers import BROKEN, Trouble

TRACE, NSSEARCH, HOST, DRILL, DNSVIZ, ZONEMASTER = (
    "dig +trace",
    "dig +nssearch",
    "host -C",
    "drill -T",
    "dnsviz",
    "zonemaster-cli",
)
PEERS = (TRACE, NSSEARCH, HOST, DRILL, DNSVIZ, ZONEMASTER)
OF_A_RESOLVER = frozenset({TRACE, NSSEARCH, HOST})
"""Those that ask a resolver where the zone's name servers are."""

_ZONEMASTER_TESTS = (
    *("Basic", "Delegation", "Consistency", "Nameserver"),
    *("Connectivity/connectivity01", "Connectivity/connectivity02"),
)
"""What is about being resolvable: no DNSSEC, no mail, no opinion on timers."""

_SILENCE = re.compile(
    r"timed out|no response|(?:does|do|did) not (?:answer|respond)|none of .* answers|not responsive|unresponsive|"
    r"no servers could be reached|no authoritative name servers could be reached",
    re.IGNORECASE,
)
_REFUSAL = re.compile(r"REFUSED|INVALID_RCODE|invalid rcode", re.IGNORECASE)
_ENDS = r"(?![\w-])"


def commands(name: str, hints: str) -> dict[str, tuple[str, ...]]:
    """Return the command of each peer for the origin `name` in the lab's zone; `hints` is a root hints file."""
    tests = [word for test in _ZONEMASTER_TESTS for word in ("--test", test)]
    quiet = ("--no-ipv6", "--no-progress", "--locale", "C.UTF-8", "--level", "NOTICE")
    probe_and_judge = f"dnsviz probe -4 -A -a . {name} 2>/dev/null | dnsviz grok -l warning"
    return {
        TRACE: ("dig", "+trace", name),
        NSSEARCH: ("dig", "+nssearch", SHOP),
        HOST: ("host", "-C", SHOP),
        DRILL: ("drill", "-T", "-r", hints, name),
        DNSVIZ: ("sh", "-c", probe_and_judge),
        ZONEMASTER: ("zonemaster-cli", "--hints", hints, *quiet, *tests, SHOP.removesuffix(".")),
    }


def program_of(peer: str) -> str:
    """Return the program that must be installed."""
    return peer.partition(" ")[0]


def named(peer: str) -> str:
    """Return a peer with its version, or that it is not there."""
    program = program_of(peer)
    if not shutil.which(program):
        return f"{peer}: not installed"
    option = {"dig": "-v", "host": "-V", "drill": "-v", "dnsviz": "-v", "zonemaster-cli": "--version"}[program]
    done = subprocess.run([program, option], stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=30)
    found = re.search(r"\d+\.\d+(\.\d+)*", (done.stdout + done.stderr).decode(errors="replace"))
    return f"{peer} {found.group() if found else ''}".rstrip()


def saw(trouble: Trouble, said: str) -> bool:
    """Tell whether an output shows the trouble, and for none, that it shows none.

    It has to name the server, by name or address, and what it does: on one line with what is indented below it, or in
    one document of JSON. In doubt it is read in the peer's favor.
    """
    parts = [said] if _is_json(said) else re.split(r"\n(?!\s)", said)
    silent = [part for part in parts if _SILENCE.search(part)]
    refusing = [part for part in parts if _REFUSAL.search(part)]
    match trouble:
        case Trouble.NONE:
            return not any(_names(server, part) for part in (*silent, *refusing) for server in SHOP_SERVERS)
        case Trouble.ONE_DEAD:
            return any(_names(BROKEN, part) for part in silent)
        case Trouble.ONE_REFUSES:
            return any(_names(BROKEN, part) for part in refusing)
        case Trouble.ALL_DEAD:
            return all(any(_names(server, part) for part in silent) for server in SHOP_SERVERS)


def _names(server: str, text: str) -> bool:
    both = f"{re.escape(server.removesuffix('.'))}|{re.escape(SHOP_SERVERS[server])}"
    return bool(re.search(rf"(?<![\w.-])(?:{both}){_ENDS}", text, re.IGNORECASE))


def _is_json(said: str) -> bool:
    try:
        json.loads(said)
    except ValueError:
        return False
    return True
