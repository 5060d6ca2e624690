"""What one resolver says about a name: its IPv4 and IPv6 addresses and aliases, or why there are none.

CloudFront resolves origins through public DNS; a resolver asked from here may see another tree (split horizon).
"""

from __future__ import annotations

import asyncio
import copy
import ipaddress
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from cfrunbook.errors import BadInput
from cfrunbook.evidence import Resolution, ResolutionOutcome
from cfrunbook.probes import address
from cfrunbook.text import visible

if TYPE_CHECKING:
    import dns.asyncresolver
    import dns.message
    import dns.name

MAX_ADDRESSES = 64
"""Addresses kept per family: an answer is hostile input."""
MAX_ALIASES = 32
_QUERY_SECONDS = 2.0  # the most to wait for one server before the next is tried
_SYSTEM = "system"

Outcome = ResolutionOutcome
# Where both families fail, the name's outcome is the first of these.
_ORDER = (Outcome.NXDOMAIN, Outcome.SERVFAIL, Outcome.REFUSED, Outcome.TIMEOUT, Outcome.ERROR, Outcome.NODATA)


class _Answer(msgspec.Struct, frozen=True):
    """What came of one question, A or AAAA."""

    outcome: ResolutionOutcome
    addresses: tuple[str, ...] = ()
    cnames: tuple[str, ...] = ()
    detail: str = ""
    server: str = ""
    """The server that answered."""


class _Asked(msgspec.Struct):
    """The answers as they come in; a family still missing at the deadline timed out."""

    a: _Answer = _Answer(Outcome.TIMEOUT, detail="no answer within the deadline")
    aaaa: _Answer = _Answer(Outcome.TIMEOUT, detail="no answer within the deadline")


async def resolve(
    name: str,
    *,
    ip_address_type: Literal["ipv4", "ipv6", "dualstack"] = "ipv4",
    resolvers: Sequence[str] = (),
    deadline: float,
) -> Resolution:
    """Ask for the addresses of `name` in both families at once, within `deadline` seconds, without search domains.

    `resolvers` are addresses, with a port if it is not 53 (`127.0.0.1:5353`, `[::1]:5353`); empty: the system's.
    The outcome is ANSWER if there is an address, and what became of the family that CloudFront needs is known;
    so ANSWER without IPv4 means that there is none, not that asking failed.
    Raises BadInput for a resolver that is not an address; never for what servers do.
    """
    begin = time.perf_counter()
    servers = [server(text) for text in resolvers]
    known = _known(name)
    asked = _Asked(*known) if known else _Asked()
    if not known:
        try:
            async with asyncio.timeout(deadline):
                await _ask_both(name, servers, deadline, asked)
        except TimeoutError:
            pass  # what has come by now counts
    answers = {"A": asked.a, "AAAA": asked.aaaa}
    needed = {"ipv4": [asked.a], "ipv6": [asked.aaaa]}.get(ip_address_type, [asked.a, asked.aaaa])
    answered_by = next((a.server for a in answers.values() if a.server), "") if resolvers else ""
    return Resolution(
        id="",
        name=name,
        resolver=_SYSTEM if known else answered_by or ", ".join(resolvers) or _SYSTEM,
        outcome=_outcome(needed, [asked.a, asked.aaaa]),
        ipv4=asked.a.addresses,
        ipv6=asked.aaaa.addresses,
        cnames=max(asked.a.cnames, asked.aaaa.cnames, key=len),
        detail=_detail(answers),
        elapsed_ms=round((time.perf_counter() - begin) * 1000, 3),
    )


def server(text: str) -> tuple[str, int]:
    """Read a resolver's address and port (53 if none is given). Raises BadInput with one sentence."""
    try:
        return address.split(text.strip(), 53)
    except ValueError:
        raise BadInput(
            f"--resolver '{visible(text, 80)}': expected an IP address, with a port if it is not 53 "
            "(192.0.2.53, 192.0.2.53:5353 or [2001:db8::53]:53)."
        ) from None


def needs_no_question(name: str) -> bool:
    """Tell whether a name's addresses are known without DNS: an IP address, or a localhost name."""
    return _known(name) is not None


def _known(name: str) -> tuple[_Answer, _Answer] | None:
    """Return the answers that need no question: for an IP address, and for localhost (RFC 6761, section 6.3)."""
    plain = name.lower().removesuffix(".")
    if plain == "localhost" or plain.endswith(".localhost"):
        why = "localhost is loopback by definition (RFC 6761)"
        return _Answer(Outcome.ANSWER, ("127.0.0.1",), detail=why), _Answer(Outcome.ANSWER, ("::1",), detail=why)
    try:
        literal = ipaddress.ip_address(plain.removeprefix("[").removesuffix("]"))
    except ValueError:
        return None
    why = "an IP address, not a name"
    one, none = _Answer(Outcome.ANSWER, (str(literal),), detail=why), _Answer(Outcome.NODATA, detail=why)
    return (one, none) if literal.version == 4 else (none, one)


async def _ask_both(name: str, servers: Sequence[tuple[str, int]], deadline: float, asked: _Asked) -> None:
    import dns.exception
    import dns.name

    try:
        absolute = dns.name.from_text(name if name.endswith(".") else f"{name}.")
        resolver = _resolver(servers, deadline)
    except (dns.exception.DNSException, UnicodeError, OSError) as error:
        asked.a = asked.aaaa = _Answer(Outcome.ERROR, detail=_words(error))
        return

    async def a() -> None:
        asked.a = await _ask(resolver, absolute, "A")

    async def aaaa() -> None:
        asked.aaaa = await _ask(resolver, absolute, "AAAA")

    async with asyncio.TaskGroup() as group:
        group.create_task(a())
        group.create_task(aaaa())


def _resolver(servers: Sequence[tuple[str, int]], deadline: float) -> dns.asyncresolver.Resolver:
    import dns.asyncresolver
    import dns.nameserver

    resolver = dns.asyncresolver.Resolver(configure=not servers)
    if servers:
        resolver.nameservers = [dns.nameserver.Do53Nameserver(address, port) for address, port in servers]
    # Every server is to have its turn, and the last one some time to answer.
    resolver.timeout = min(_QUERY_SECONDS, deadline / (len(resolver.nameservers) + 1))
    resolver.lifetime = 0.9 * deadline  # so that its account of what each server did comes in time
    return resolver


async def _ask(resolver: dns.asyncresolver.Resolver, name: dns.name.Name, kind: str) -> _Answer:
    import dns.exception
    import dns.resolver

    try:
        answer = await resolver.resolve(
            name, kind, raise_on_no_answer=False, search=False, backend=_connected_sockets()
        )
        cnames = _cnames(answer.response)
        by = _shown(str(answer.nameserver or ""), answer.port)
        if answer.rrset is None:
            return _Answer(Outcome.NODATA, cnames=cnames, server=by)
        # Servers rotate their answers; sorted, two recordings can be compared.
        addresses = sorted({record.address for record in answer.rrset}, key=ipaddress.ip_address)
        return _Answer(Outcome.ANSWER, tuple(addresses[:MAX_ADDRESSES]), cnames, server=by)
    except dns.resolver.NXDOMAIN as error:
        return _Answer(Outcome.NXDOMAIN, cnames=_cnames(error.kwargs["responses"][name]))
    except dns.resolver.NoNameservers as error:
        return _failed(error.kwargs.get("errors", []))
    except dns.resolver.LifetimeTimeout as error:
        errors = error.kwargs.get("errors", [])
        return _Answer(Outcome.TIMEOUT, detail="; ".join(_errors(errors)) or "no answer within the deadline")
    except (dns.exception.DNSException, OSError, ValueError, AttributeError) as error:
        return _Answer(Outcome.ERROR, detail=_words(error))


def _connected_sockets() -> Any:
    """Return dnspython's asyncio backend, made to connect its UDP sockets.

    A connected socket hears ICMP: a resolver that does not run is refused at once instead of silent.
    """
    import dns.asyncbackend

    backend = copy.copy(dns.asyncbackend.get_backend("asyncio"))  # a copy: the original is everybody's
    backend.datagram_connection_required = lambda: True  # type: ignore[method-assign]
    return backend


def _cnames(response: dns.message.QueryMessage) -> tuple[str, ...]:
    import dns.exception

    try:
        chain = response.resolve_chaining().cnames
        names = [record.target.to_text(omit_final_dot=True).lower() for rrset in chain for record in rrset]
    except (dns.exception.DNSException, AttributeError):
        return ()
    return tuple(names[:MAX_ALIASES])


def _failed(errors: Sequence[Any]) -> _Answer:
    """Return the answer that no server gave: each gave an error, was refused, or was not understood."""
    said = {str(error[3]) for error in errors}
    detail = "; ".join(_errors(errors))
    for outcome in (Outcome.SERVFAIL, Outcome.REFUSED):
        if outcome.name in said:
            return _Answer(outcome, detail=detail)
    return _Answer(Outcome.ERROR, detail=detail or "no resolver could be asked")


def _errors(errors: Sequence[Any]) -> list[str]:
    """Return what each server did, once: `127.0.0.1: SERVFAIL`."""
    found = []
    for nameserver, _tcp, port, error, _response in errors:
        at = str(nameserver).partition(":")[2].rpartition("@")[0] or str(nameserver)  # Do53:127.0.0.1@53
        found.append(f"{_shown(at, port)}: {_words(error)}")
    return list(dict.fromkeys(found))


def _words(error: object) -> str:
    """Return an error in a few words of one line."""
    if isinstance(error, ConnectionRefusedError):
        return "nothing listens on this port"
    if isinstance(error, OSError):
        return visible(error.strerror or error, 120)
    return visible(error, 120) or type(error).__name__


def _shown(at: str, port: int | None) -> str:
    return at if port in (None, 53) else address.join(at, port)


def _outcome(needed: Sequence[_Answer], both: Sequence[_Answer]) -> ResolutionOutcome:
    settled = all(a.outcome in (Outcome.ANSWER, Outcome.NODATA) for a in needed)
    if any(a.addresses for a in needed) or (settled and any(a.addresses for a in both)):
        return Outcome.ANSWER
    outcomes = {a.outcome for a in needed}
    return next(outcome for outcome in _ORDER if outcome in outcomes)


def _detail(answers: dict[str, _Answer]) -> str:
    """Return what is worth saying beyond the outcome; per family where the two differ."""
    texts = {kind: ": ".join(filter(None, (a.outcome.upper(), a.detail))) for kind, a in answers.items() if a.detail}
    if len(set(texts.values())) == 1 and len(texts) == len(answers):
        return next(iter(answers.values())).detail
    return "; ".join(f"{kind} {text}" for kind, text in texts.items())
