"""How each kind of scenario is mended: from the broken setup to a healthy one, as whoever owns it would do it.

By the cause that is expected to be found. What comes of it is written to the site's files, as if somebody had edited
them, so that a test proves for every scenario: broken, mended, fine.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from ipaddress import ip_address
from typing import Any

from cfrunbook.errors import BadInput
from cfrunbook.findings import Cause
from cfrunbook.functions.cloudfront_function import example_parts
from cfrunbook.functions.lambda_edge.sample_events import sample_event
from cfrunbook.functions.model import Effect, EventType, Kind
from cfrunbook.lab.authority import Authority
from cfrunbook.lab.dns.internet import SHOP, Signers, internet
from cfrunbook.lab.dns.shop import FIRST, shop
from cfrunbook.lab.scenario import VIEWER_HOST, FunctionResult, OriginSetup, Scenario, Setup
from cfrunbook.lab.servers import Behind, Chain, Http, Service, Tls


def is_mendable(scenario: Scenario) -> bool:
    """Tell whether `mended` knows how."""
    expected = scenario.expected
    if scenario.on_paper:
        return False
    # There are scenarios about functions in which nothing is broken, and something is not known.
    return expected.cause is not None and (expected.cause is not Cause.EDGE_FUNCTION or expected.status == "fault")


def mended(scenario: Scenario, setup: Setup, authority: Authority) -> Setup:
    """Return the setup of a mended scenario. Raises BadInput where there is nothing to mend."""
    if not is_mendable(scenario):
        why = "what it takes is not broken, but not known" if scenario.expected.cause else "nothing is broken in it"
        why = "what is wrong is on paper only" if scenario.on_paper else why
        raise BadInput(f"Lab: {scenario.name} cannot be mended: {why}.")
    if setup.revise:  # the change is taken back
        return replace(setup, revise=None)
    match scenario.expected.cause:
        case Cause.EDGE_FUNCTION if setup.function_result:
            return replace(setup, function_result=_harmless(setup.function_result))
        case Cause.DNS:
            return _resolvable(setup, authority)
    if scenario.expected.code == "distribution.s3_website_https":
        return replace(setup, origin=replace(setup.origin, protocol_policy="http-only"))
    return replace(
        setup,
        origin=_repaired(setup.origin, setup, scenario.expected.cause, authority),
        secondary=setup.secondary and _repaired(setup.secondary, setup, scenario.expected.cause, authority),
    )


# --- servers ------------------------------------------------------------------------------------------------------


def _repaired(origin: OriginSetup, setup: Setup, cause: Cause | None, authority: Authority) -> OriginSetup:
    """Return an origin whose port does what CloudFront needs, at every address."""
    names = (origin.domain, VIEWER_HOST) if setup.host_forwarded else (origin.domain,)
    chain = Chain((authority.leaf(*names), authority.intermediate))
    port = origin.port
    return replace(
        origin,
        addresses=tuple({**ports, port: _service(ports[port], origin, cause, chain)} for ports in origin.addresses),
    )


def _service(service: Service, origin: OriginSetup, cause: Cause | None, chain: Chain) -> Service:
    """Return what a port has to do, changed no more than the cause asks for."""
    if isinstance(service, Behind):  # and whatever is in front goes
        return _service(service.service, origin, cause, chain)
    if origin.protocol == "http":
        return Http()
    if not isinstance(service, Tls):
        return Tls(chain)
    match cause:
        case Cause.CERTIFICATE | Cause.PORT:  # the renewed certificate, sent as it should be, at every address
            return replace(service, chain=chain, by_name={}, beside=None)
        case Cause.TLS_NAME:  # a certificate that is for the name that is asked for
            return replace(service, chain=chain, by_name={})
        case Cause.TLS_PROTOCOL:  # what OpenSSL does by itself, and a key that CloudFront can use
            return Tls(chain, reply=service.reply, keep_alive=service.keep_alive)
        case Cause.ORIGIN_RESPONSE:
            return replace(service, reply=None)
    return service


# --- names --------------------------------------------------------------------------------------------------------


def _resolvable(setup: Setup, authority: Authority) -> Setup:
    """Return the setup with a domain in order: one zone, four servers that have it, the right delegation."""
    origin = setup.origin
    chain = Chain((authority.leaf(origin.domain), authority.intermediate))
    healthy = [
        (address, ports)
        for address, ports in zip(origin.published, origin.addresses, strict=True)
        if _is_public(address) and isinstance(ports.get(443), Tls)
    ] or [(FIRST, {443: Tls(chain), 80: Http(redirect=True)})]
    published = tuple(address for address, _ in healthy)
    label = "@" if f"{origin.domain}." == SHOP else origin.domain.removesuffix(f".{SHOP.rstrip('.')}")
    records = "".join(f"{label} {'AAAA' if ':' in a else 'A'} {a}\n" for a in published)
    has_four, has_six = any(":" not in a for a in published), any(":" in a for a in published)
    kind = origin.ip_address_type
    if (kind == "ipv4" and not has_four) or (kind == "ipv6" and not has_six):
        kind = "ipv6" if has_six else "ipv4"
    origin = replace(origin, published=published, addresses=tuple(ports for _, ports in healthy), ip_address_type=kind)
    return replace(setup, origin=origin, dns=internet(shop(records), signers=_signers(setup)))


def _signers(setup: Setup) -> Signers | None:
    """Return who signs the root and the top-level domains; the shop's own zone is then no longer said to be signed."""
    zones = [zone for server in (setup.dns.servers if setup.dns else ()) for zone in server.zones]
    found = {zone.origin: zone.signer for zone in zones if zone.signer}
    root = found.pop(".", None)
    return Signers(root, {name: signer for name, signer in found.items() if name.count(".") == 1}) if root else None


def _is_public(address: str) -> bool:
    """Tell whether the lab publishes this address as a public one; its own are for documentation (RFC 5737, 3849)."""
    return not address.startswith(("10.", "172.16.", "192.168.", "100.64.", "127.", "169.254.", "fd", "fe80")) and bool(
        ip_address(address)
    )


# --- functions ----------------------------------------------------------------------------------------------------


def _harmless(returned: FunctionResult) -> FunctionResult:
    """Return the result of a function that passes on what it was given, as after its release was taken back."""
    event = returned.event or _sample(returned)
    result = _passed_on(returned, event)
    return replace(returned, result=json.dumps(result, indent=2).encode() + b"\n", effect=Effect.NONE)


def _sample(returned: FunctionResult) -> Mapping[str, Any]:
    kind = returned.event_type or EventType.VIEWER_REQUEST
    if returned.kind is Kind.LAMBDA_EDGE:
        return sample_event(kind)
    return {"request": example_parts.request(), "response": example_parts.response()}


def _passed_on(returned: FunctionResult, event: Mapping[str, Any]) -> Any:
    given = event["Records"][0]["cf"] if returned.kind is Kind.LAMBDA_EDGE else event
    is_request = returned.event_type is None or returned.event_type.is_request
    return given["request" if is_request else "response"]
