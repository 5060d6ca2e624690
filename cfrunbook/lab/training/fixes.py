"""What mends each kind of incident, in a sentence: what a trainee should come to, and what `mend` does."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from cfrunbook.findings import Cause
from cfrunbook.lab.scenario import Scenario
from cfrunbook.lab.training.naming import rules

NOTHING: Final = "Nothing is to be changed at the origin or in the distribution."

_BY_CODE: Final[Mapping[str, str]] = {
    "certificate.expired": "Renew the certificate, or the intermediate, that is past its date; install and reload it.",
    "certificate.not_yet_valid": "Install a certificate that is valid now, or put the old one back until then.",
    "certificate.self_signed": "Install a certificate from a public authority, such as Let's Encrypt or ACM.",
    "certificate.untrusted_root": "Replace it by a certificate of a public authority in Mozilla's list.",
    "certificate.private_ca": "Replace it by a certificate of a public authority; no private one is trusted.",
    "certificate.missing_intermediate": "Send the intermediate with it: configure fullchain.pem, not cert.pem, reload.",
    "certificate.wrong_intermediate": "Replace the intermediate by the one with the key that issued the certificate.",
    "certificate.wrong_order": "Put the chain in order: the leaf first, then each followed by its issuer.",
    "certificate.dead_end_first": "Take the self-signed root out of the chain file, and leave the cross-signed one.",
    "certificate.bad_signature": "Have the certificate issued again; the file or its issuer is not what it says.",
    "certificate.loop": "Send the chain that ends at a trusted root, in place of the two that certify each other.",
    "certificate.wrong_usage": "Have it issued again for servers: extended key usage serverAuth.",
    "certificate.not_a_ca": "Have the certificate issued by a real CA; a leaf cannot issue others.",
    "certificate.path_length": "Have the certificate issued by a CA that may issue it, without a CA too many below.",
    "certificate.name_constraints": "Have it issued by an authority that may issue for this domain name.",
    "certificate.critical_extension": "Have it issued again without the unknown critical extension.",
    "certificate.weak_signature": "Have it issued again with a signature over SHA-256.",
    "certificate.key_unsupported": "Have it issued again for an RSA key of up to 4096 bits or an ECDSA key on P-256.",
    "certificate.unparseable": "Configure a readable certificate, in the format that the server wants.",
    "tls_name.mismatch": "Install a certificate that carries the name that CloudFront asks for: the Origin Domain, or"
    " Host where it is forwarded; or stop forwarding Host (AllViewerExceptHostHeader).",
    "tls_name.sni_refused": "Configure the server for the name that CloudFront sends, or stop forwarding Host.",
    "tls_protocol.old_versions_only": "Enable TLS 1.2 or 1.3 on the origin, or lower the minimum protocol.",
    "tls_protocol.no_common_version": "Enable TLS 1.2 or 1.3 on the origin.",
    "tls_protocol.no_common_suite": "Enable an ECDHE suite with AES-GCM of CloudFront's list.",
    "tls_protocol.no_common_curve": "Enable one of the curves P-256, P-384 or X25519 for key exchange.",
    "tls_protocol.chacha20_only": "Enable AES-GCM suites in TLS 1.2, or enable TLS 1.3.",
    "tls_protocol.dhe_only": "Enable ECDHE suites: CloudFront has no DHE.",
    "tls_protocol.other_suites_only": "Enable a suite of CloudFront's list, such as ECDHE with AES-GCM.",
    "tls_protocol.other_parameters": "Enable a suite and a curve of CloudFront's list.",
    "tls_protocol.unusable_key": "Install a certificate for an RSA key or an ECDSA key on P-256.",
    "tls_protocol.client_certificate_required": "Stop asking for a client certificate, or configure origin mTLS.",
    "tls_protocol.version_intolerance": "Update or replace the device that closes on TLS 1.3, or remove it.",
    "port.refused": "Start the server, or correct the port: something must listen where CloudFront connects.",
    "port.dropped": "Open the firewall or security group for CloudFront's prefix list at that port.",
    "port.silent": "Restart or repair the service that accepts and never answers.",
    "port.closes": "Repair what closes connections at once: a proxy without its backend, or a list of allowed clients.",
    "port.http_on_tls_port": "Enable TLS on the port, or set the origin protocol policy to HTTP only.",
    "port.tls_on_plain_port": "Serve plain HTTP on the port, or set the origin protocol policy to HTTPS only.",
    "port.wrong_service": "Correct the port, or move the other service: a web server must listen there.",
    "port.firewall_blocks_all": "Allow CloudFront's managed prefix list in the security group or firewall.",
    "port.firewall_blocks_some": "Take the network out of the block, or allow CloudFront's prefix list before it.",
    "port.firewall_stale_list": "Replace the copied list by CloudFront's managed prefix list, or update the addresses.",
    "distribution.s3_website_https": "Set the origin protocol policy to HTTP only: a website endpoint has no HTTPS.",
    "distribution.aws_name_https": "Use a name of your own with its certificate as Origin Domain, or forward Host.",
    "distribution.internal_load_balancer": "Use an internet-facing load balancer, or a VPC origin.",
    "dns.servers_disagree": "Let the stale server transfer the zone again, or take it out of the delegation.",
    "dns.edns_dropped": "Let name servers answer questions with EDNS, or correct the firewall that drops them.",
    "dns.tcp_needed": "Open TCP port 53 on the name servers, or make the answer smaller.",
    "dns.dnssec_bogus": "Sign the zone anew, or correct or remove the DS record at the registry.",
    "dns.private_address": "Publish the public address in the zone, or use a VPC origin.",
    "dns.wrong_family": "Publish an address of the family that is set, or change the origin's IP address type.",
    "dns.not_delegated": "Register or renew the domain, and correct its delegation at the registry.",
    "origin_response.origin_status": "Repair the application or gateway that answers so; it is not CloudFront.",
    "origin_response.relayed": "Repair the load balancer's target or gateway that made it; it is not CloudFront.",
    "origin_response.header_too_large": "Make the response header smaller: fewer and shorter cookies.",
    "origin_response.http2": "Let the origin speak HTTP/1.1 to CloudFront.",
    "origin_response.too_slow": "Make the origin answer sooner, or raise the response timeout.",
    "edge_function.answered_itself": "Change the function that generated the response, or take its release back.",
    "cloudfront.limit": "Ask AWS to raise the quota, or send fewer requests.",
    "cloudfront.logged_limit": "Ask AWS to raise the quota, or send fewer requests.",
}
_BY_CAUSE: Final[Mapping[Cause, str]] = {
    Cause.TLS_NAME: "Install a certificate that carries the name that CloudFront asks for.",
    Cause.TLS_PROTOCOL: "Correct or update the server's TLS, so that it completes CloudFront's handshake.",
    Cause.CERTIFICATE: "Install a valid certificate with its whole chain, and reload the server.",
    Cause.PORT: "Correct the port, the protocol or the firewall, so that CloudFront gets to a web server.",
    Cause.DNS: "Correct the zone, its name servers or its delegation, so that the name resolves from everywhere.",
    Cause.EDGE_FUNCTION: "Change what the function returns, as CloudFront demands, or take its release back.",
    Cause.ORIGIN_RESPONSE: "Repair the server or application, so that it answers complete, valid HTTP/1.1.",
    Cause.DISTRIBUTION: "Correct that setting of the distribution before it is deployed.",
    Cause.CLOUDFRONT: "Get more evidence: a captured response, the access logs, or a look at the origin.",
}


def fix_of(scenario: Scenario) -> str:
    """Return what mends a scenario, in a sentence; for what is not known, what would settle it."""
    expected = scenario.expected
    if expected.cause is None:
        return NOTHING
    if expected.status == "unknown" and expected.cause is not Cause.CLOUDFRONT:
        return _BY_CODE.get(expected.code or "", "Get the evidence that is missing, and look again.")
    return _BY_CODE.get(expected.code or "") or _BY_CAUSE[expected.cause]


def code_of(scenario: Scenario) -> Iterator[str]:
    """Yield the code that mends an edge function, where that is what is broken."""
    rule = rules().get(scenario.expected.code or "")
    if scenario.expected.cause is Cause.EDGE_FUNCTION and rule:
        whole = (step for step in rule.remedy.steps if step.command and not re.search(r"\{[a-z_]+\}", step.command))
        yield from (f"{step.text} {step.command}" for step in whole)
