"""Find what identifies an incident in everything that is known of it, so that pseudonyms can stand for it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import msgspec

from cfrunbook.evidence import Inputs, Observations
from cfrunbook.findings import Diagnosis
from cfrunbook.pseudonyms import Pseudonyms

if TYPE_CHECKING:
    from cfrunbook.x509.certificate import CertificateFacts

_HOSTS: Mapping[str, str] = {"host": "host", "sni": "host", "server": "nameserver", "origin": "origin", "name": "host"}
"""Keys whose value is a host name, and the role it has."""
_WORDS: Mapping[str, str] = {
    "Id": "id", "TargetOriginId": "id", "ETag": "id", "CallerReference": "id", "Comment": "comment", "Name": "name",
    "OriginPath": "path", "PathPattern": "path", "DefaultRootObject": "path", "ResponsePagePath": "path",
    "Bucket": "bucket", "Prefix": "path", "WebACLId": "id", "IAMCertificateId": "id", "OriginAccessControlId": "id",
    "OriginAccessIdentity": "id", "VpcOriginId": "id", "ConnectionGroupId": "id", "ContinuousDeploymentPolicyId": "id",
    "HeaderName": "header", "vantage": "vantage", "request_id": "request", "distribution": "id",
    "interface": "interface", "group_id": "id",
}  # fmt: skip
"""Keys whose value is a name that somebody gave, and what stands for it."""
_FILES = frozenset({"trust_store", "trust_store_path", "handler", "event_name", "key_value_store", "file", "given"})
_PATHS = frozenset({"paths"})
_OF_ORIGIN = frozenset({"OriginPath", "CustomOriginConfig", "S3OriginConfig", "VpcOriginConfig"})
"""Keys that an origin of a distribution has beside its DomainName."""
_IDS = frozenset(
    {"x-amz-cf-id", "x-amz-id-2", "x-amz-request-id", "x-amzn-requestid", "x-amzn-trace-id", "x-amz-apigw-id"}
)
_SKIPPED = frozenset({"source", "versions", "lab", "pop", "kind", "schema", "formats", "guesses"})
"""What is public, or says what cfrunbook itself is."""
_URL = re.compile(r"https?://[^\s\"'<>\\]+")
_ARN = re.compile(r"\barn:aws[\w-]*:[\w-]*:[\w-]*:\d*:([^\s\"',;]+)")
"""The resource of an ARN, `function:shop:7`: people also name it without the rest.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html"""
_KINDS_OF_RESOURCE = frozenset({"app", "net", "gwy", "service-role", "aws-service-role", "log-group"})
_CERTIFICATE_PARTS = ("2.5.4.3", "2.5.4.10", "2.5.4.11", "2.5.4.5", "2.5.4.7", "2.5.4.9", "2.5.4.8", "2.5.4.17")
"""CN, O, OU, serialNumber, L, street, ST, postalCode: https://www.rfc-editor.org/rfc/rfc4519"""


def pseudonyms(observations: Observations, diagnosis: Diagnosis, inputs: Inputs) -> Pseudonyms:
    """Return pseudonyms that know everything that identifies this incident."""
    known = Pseudonyms()
    whole = msgspec.structs.replace(observations, inputs=inputs)
    document = msgspec.to_builtins(whole, builtin_types=(bytes, bytearray))
    _of_logs(known, document["inputs"].pop("logs", None) or {})
    for url in (inputs.url, *(r.url for r in inputs.responses)):
        _of_url(known, url, "viewer")
    for target in _targets(diagnosis):
        known.add_word(target, "origin-id")
    _walk(known, document, "")
    for text in _texts(msgspec.to_builtins(diagnosis)):
        known.add_addresses_in(text)
    for name in ("name", "vantage", "distribution"):
        if isinstance(given := diagnosis.inputs.get(name), str):
            known.add_word(given, {"distribution": "id"}.get(name, name))
    for facts in _certificates(observations, inputs):
        _of_certificate(known, facts)
    return known


def _targets(diagnosis: Diagnosis) -> Iterator[str]:
    """Yield the ids of origins that targets are named by, without the port."""
    for target in (
        diagnosis.verdict.target,
        *(p.target for p in diagnosis.paths),
        *(f.target for f in diagnosis.findings),
    ):
        yield target.rpartition(":")[0] or target


def _walk(known: Pseudonyms, value: Any, key: str) -> None:
    """Go through a document, and make known what each key says it holds, and what its form tells."""
    if key in _SKIPPED:
        return
    if isinstance(value, str):
        _of_text(known, value, key)
    elif isinstance(value, bytes):
        if key == "first_bytes":
            _of_text(known, value.decode("latin-1"), key)
    elif isinstance(value, Mapping):
        if isinstance(domain := value.get("DomainName"), str) and not value.keys().isdisjoint(_OF_ORIGIN):
            known.add_host(domain, "origin")
        for name, item in value.items():
            _walk(known, item, name)
    elif isinstance(value, Sequence):
        if len(value) == 2 and isinstance(value[0], str) and value[0].lower() in _IDS:  # a header field
            known.add_word(str(value[1]), "request")
        for item in value:
            _walk(known, item, key)


def _of_text(known: Pseudonyms, text: str, key: str) -> None:
    known.add_addresses_in(text)
    if key == "text":  # rules of a firewall: its names are told by their form
        return
    if key in _FILES:
        _of_file(known, text)
    elif key in _PATHS or (key == "path" and text.startswith("/")):
        known.add_word(text, "path")
    elif key in _HOSTS and len(text) <= 253 and not re.search(r"[\s/]", text):
        if "." in text or key != "name":  # a top-level domain is nobody's
            known.add_host(text, _HOSTS[key])
    elif key in _WORDS:
        known.add_word(text, _WORDS[key])
    for resource in _ARN.findall(text):
        for part in re.split(r"[:/]", resource)[1:]:
            if part not in _KINDS_OF_RESOURCE:
                known.add_word(part, "name")
    for url in _URL.findall(text):
        _of_url(known, url)
    known.add_hosts_in(text)


def _of_url(known: Pseudonyms, url: str, role: str = "host") -> None:
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        known.add_word(url, "url")
        return
    if host:
        known.add_host(host, role)
    known.add_word(parts.path.rstrip("/"), "path")
    known.add_word(parts.path, "path")
    known.add_word(parts.query, "query")


def _of_logs(known: Pseudonyms, logs: Mapping[str, Any]) -> None:
    """Make known what access logs name; edge locations and methods are everybody's."""
    for column, kind in (("hosts", "host"), ("paths", "path"), ("origins", "origin")):
        for counted in logs.get(column, {}).get("keys", ()):
            known.add_word(counted["key"], kind)
    for counted in logs.get("types", ()):
        for example in counted.get("examples", ()):
            known.add_word(example.get("request_id", ""), "request")
            known.add_word(example.get("path", ""), "path")
    files = logs.get("files", {})
    named = [p.get("file", "") for p in files.get("problems", ())]
    named += [s.get("file", "") for s in logs.get("lines", {}).get("samples", ())]
    for path in (*files.get("paths", ()), *named):
        _of_file(known, path)


def _of_file(known: Pseudonyms, path: str) -> None:
    """Make a file's path known, and its name where that has a suffix; `logs` is anybody's."""
    known.add_word(path, "file", keep_suffix=True)
    if "." in (name := path.rstrip("/").rpartition("/")[2]):
        known.add_word(name, "file", keep_suffix=True)


def _certificates(observations: Observations, inputs: Inputs) -> Iterator[CertificateFacts]:
    from cfrunbook.x509.certificate import read

    seen = dict.fromkeys(der for handshake in observations.handshakes for der in handshake.certificates)
    yield from (read(der) for der in dict.fromkeys((*seen, *(inputs.trust_anchors or ()))))


def _of_certificate(known: Pseudonyms, facts: CertificateFacts) -> None:
    """Make known whom a certificate names and how it is told from others, unless a public root names itself so."""
    for name in facts.dns_names:
        known.add_host(name, "host")
    for address in facts.ip_names:
        known.add_address(address)
    for digits in (facts.fingerprint_sha256, facts.serial, facts.ski, facts.aki):
        known.add_digits(digits)
    for url in facts.aia_issuer_urls:
        _of_url(known, url)
    public = _public_names()
    for value in _names_of(facts):
        if value not in public:
            known.add_word(value, "name")


def _names_of(facts: CertificateFacts) -> Iterable[str]:
    if facts.parsed is None:
        return (facts.common_name, facts.issuer_name.common_name, facts.issuer_name.organization)
    try:
        attributes = [*facts.parsed.subject, *facts.parsed.issuer]
    except ValueError:
        return (facts.common_name, facts.issuer_name.common_name)
    return [str(a.value) for a in attributes if a.oid.dotted_string in _CERTIFICATE_PARTS]


def _public_names() -> frozenset[str]:
    """Return the names that Mozilla's roots have: they say which authority it is, and not whose certificate."""
    from cfrunbook.x509 import roots
    from cfrunbook.x509.certificate import read

    facts = (read(der) for der in roots.mozilla().anchors)
    return frozenset(name for f in facts for name in (f.common_name, f.subject_name.organization))


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for name, item in value.items():
            if name not in _SKIPPED:
                yield from _texts(item)
    elif isinstance(value, Sequence):
        for item in value:
            yield from _texts(item)
