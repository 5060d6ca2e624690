"""In which of the hellos something was seen: on some addresses only, for some names only, or always."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from functools import cached_property

import msgspec

from cfrunbook.causes.hellos import place_of
from cfrunbook.evidence import Handshake
from cfrunbook.findings import Finding, Status
from cfrunbook.text import join_names, visible

SOMETIMES = (
    " CloudFront picks one of the addresses for each connection, so only some requests fail: this shows as an"
    " intermittent 502."
)


class Sightings(msgspec.Struct, frozen=True, dict=True):
    """The hellos that show something, among all that could have shown it."""

    seen: tuple[Handshake, ...]
    among: tuple[Handshake, ...]

    @property
    def where(self) -> str:
        """An insertion for a sentence, such as ` on 1 of 3 addresses (192.0.2.1)`; empty if everywhere."""
        return self._where_by_name + self._where_by_address

    @property
    def sometimes(self) -> str:
        """A sentence about intermittent failure where only some addresses or hellos are concerned; else empty."""
        return SOMETIMES if self._where_by_address else ""

    @cached_property
    def addresses(self) -> list[str]:
        """The addresses concerned."""
        return list(dict.fromkeys(h.address for h in self.seen))

    @cached_property
    def names(self) -> list[str]:
        """The server names concerned; an empty one stands for none sent."""
        return list(dict.fromkeys(h.sni or "" for h in self.seen))

    @cached_property
    def _where_by_name(self) -> str:
        everything = {h.sni for h in self.among}
        return f" (when asked for {join_names(self.names)})" if {h.sni for h in self.seen} != everything else ""

    @cached_property
    def _where_by_address(self) -> str:
        names = set(self.names)
        candidates = [h for h in self.among if (h.sni or "") in names]
        total = {h.address for h in candidates}
        if set(self.addresses) != total:
            return f" on {len(self.addresses)} of {len(total)} addresses ({join_names(self.addresses)})"
        if len(self.seen) != len(candidates):
            return f" in {len(self.seen)} of {len(candidates)} hellos"
        return ""


def hinges_on_name(seen: Iterable[Handshake], spared: Iterable[Handshake]) -> bool:
    """Tell whether what `seen` shows depends on the server name: wherever it was seen, another name was spared it."""
    places = {place_of(h) for h in spared}
    return all(place_of(h) in places for h in seen)


def some_requests_fail(finding: Finding) -> Finding:
    """Return `finding` with that in its title, if it is a fault of some addresses only (`data["intermittent"]`)."""
    if finding.status is not Status.FAULT or not finding.data.get("intermittent"):
        return finding
    return msgspec.structs.replace(finding, title=finding.title.removesuffix(".") + "; some requests fail.")


def connect_to(handshake: Handshake, *, by_address: bool = False) -> str:
    """Return what `openssl s_client -connect` needs to get there: the origin's name unless that is not precise."""
    if handshake.connected_to:
        return handshake.connected_to
    if not by_address:
        return f"{handshake.host}:{handshake.port}"
    address = f"[{handshake.address}]" if ":" in handshake.address else handshake.address
    return f"{address}:{handshake.port}"


def sni_option(sni: str | None) -> str:
    """Return the option of `openssl s_client` that sends this server name, quoted for a shell."""
    return f"-servername {shlex.quote(visible(sni, 300))}" if sni else "-noservername"


def spread(handshakes: Sequence[Handshake]) -> str:
    """Return `SNI a.example, 192.0.2.1` for the first of these hellos, for a line of evidence."""
    first = handshakes[0]
    return f"{f'SNI {visible(first.sni, 120)}' if first.sni else 'no SNI'}, {visible(first.address, 60)}"
