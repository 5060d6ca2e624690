"""The lab's DNS with one of four troubles, each answer delayed: a process of its own, which ends with its input.

python -m support.name_servers TROUBLE DELAY_MS own|loopback

`own`: port 53 of the addresses that the tree publishes, which this machine must have (a network namespace), and of the
internet's root servers, because some programs cannot be told another root. `loopback`: wherever there is a port.
Prints one line of JSON: the root hints, and where the servers really are.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from enum import StrEnum

from cfrunbook.lab.dns.internet import internet
from cfrunbook.lab.dns.server import listen
from cfrunbook.lab.dns.setup import Fault, NameServer, Tree
from cfrunbook.lab.dns.shop import EVERY_SERVER, failing, shop
from cfrunbook.lab.servers import Servers
from cfrunbook.probes.dns.hints import built_in

BROKEN = EVERY_SERVER[1]


class Trouble(StrEnum):
    """What is wrong with the four name servers of the zone."""

    NONE = "healthy"
    ONE_DEAD = "1 of 4 dead"
    ONE_REFUSES = "1 of 4 REFUSED"
    ALL_DEAD = "all 4 dead"


FAULTS = {
    Trouble.NONE: failing(servers=()),
    Trouble.ONE_DEAD: failing(Fault.DROP, servers=(BROKEN,)),
    Trouble.ONE_REFUSES: failing(Fault.REFUSED, servers=(BROKEN,)),
    Trouble.ALL_DEAD: failing(Fault.DROP),
}


def tree(trouble: Trouble) -> Tree:
    """Return root, top-level domains and the shop's zone, whose servers are in this trouble."""
    return internet(shop(faults=FAULTS[trouble]))


def everywhere(lab: Tree) -> Iterator[NameServer]:
    """Yield the servers of `lab`, and its root once more at the addresses of the internet's."""
    yield from lab.servers
    (root,) = (server for server in lab.servers if server.address == lab.roots[0][1])
    yield from (replace(root, address=hint.address) for hint in built_in() if ":" not in hint.address)


def main() -> None:
    """Serve until the end of the input."""
    trouble, delay_ms, where = Trouble(sys.argv[1]), float(sys.argv[2]), sys.argv[3]
    lab, places = tree(trouble), []
    with Servers() as servers:
        for server in everywhere(lab) if where == "own" else lab.servers:
            slow = replace(server, delay=delay_ms / 1000)
            if where == "own":
                listen(servers, slow, server.address, 53)
            else:
                at, port = listen(servers, slow)
                places.append(f"{server.address}:53:{at}:{port}")
        print(json.dumps({"hints": lab.hints(), "places": places}), flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
