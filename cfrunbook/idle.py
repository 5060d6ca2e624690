"""The time that probes wait for others is used to import what comes next: nobody then has to wait for that.

These are lists of what is imported sooner or later anyway, in the order in which it is wanted, small parts first; a
module that is missing here is imported where it is needed, so that no result depends on them. Nothing runs at the same
time: between two imports, whatever has come in is taken care of.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterable
from importlib import import_module

WALK = (
    "cfrunbook.probes.dns.library",
    "dns.rdata",
    "dns.rdataset",
    "dns.message",
    "dns.rdtypes.ANY.NS",
    "dns.rdtypes.IN.A",
    "dns.rdtypes.ANY.SOA",
    "cfrunbook.causes.dns_conditions",
)
"""What reads the answers of name servers."""
TLS = (
    "cryptography.hazmat.bindings._rust",
    "cryptography.x509.name",
    "cryptography.x509",
    "cryptography.hazmat.primitives.serialization",
    "cfrunbook.probes.tls",
    "cfrunbook.probes.s2n",
)
"""What says hello in TLS."""
JUDGES = (
    "cfrunbook.causes.case",
    "cfrunbook.causes.dns_words",
    "cfrunbook.causes.dns_answer_rules",
    "cfrunbook.causes.dns_signatures",
    "cfrunbook.causes.dns",
    "cfrunbook.causes.port",
    "cfrunbook.coverage",
)
"""What judges any target."""
RECORDING = ("importlib.metadata",)
"""What names the versions that a conclusion depends on."""
JUDGES_OF_ANSWERS = (
    "cfrunbook.causes.tls_protocol",
    "cfrunbook.x509.certificate",
    "cfrunbook.x509.path",
    "cfrunbook.causes.certificate_chain",
    "cfrunbook.causes.certificate",
    "cfrunbook.causes.tls_name",
    "cfrunbook.causes.tls_renegotiation",
    "cfrunbook.causes.origin_response",
)
"""What judges a target that can be connected to: they are large, and where there is no answer, not needed."""
TURNS = 4
"""Turns of the event loop from an answer that has come in, or the beginning, to the question that follows from it."""


async def bring(modules: Iterable[str]) -> None:
    """Import `modules`, one after the other, with enough turns of the event loop before each for who has to ask.

    Where one cannot be imported now (all file descriptors may be taken by sockets), the rest is left to who needs it.
    """
    for name in modules:
        if name in sys.modules:
            continue
        for _ in range(TURNS):
            await asyncio.sleep(0)
        try:
            import_module(name)
        except (ImportError, OSError):
            return
