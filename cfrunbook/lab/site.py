"""The site of a running scenario: what its owners can change, as files, so that an incident can really be mended.

`files` writes a setup down, `read` returns the setup as the files are now. What cannot be used is said in one sentence.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import msgspec

from cfrunbook.errors import BadInput
from cfrunbook.files import read_bounded, write_whole
from cfrunbook.functions.model import Effect, EventType
from cfrunbook.lab import edge_config, site_origins
from cfrunbook.lab.authority import Authority
from cfrunbook.lab.distribution import document
from cfrunbook.lab.scenario import FunctionResult, OriginSetup, Setup
from cfrunbook.text import visible

DISTRIBUTION_FILE: Final = "distribution.json"
RESULT_FILE: Final = "function/result.json"
README_FILE: Final = "README.txt"
ORIGINS: Final = "origins"
DNS: Final = "dns"
AUTHORITY: Final = "authority"

_LIMIT: Final = 8_000_000
_MOST_FILES: Final = 2000

_README = """\
This is the site of a running scenario: what its owners can change. Edit a file and
save it; the lab notices within a second and says in `cfrunbook lab status` what it
made of it. What cannot be used changes nothing. CloudFront, and the edge here, go on
serving an error from their cache for 10 seconds.

distribution.json  The distribution, as `aws cloudfront get-distribution` prints it.
                   The edge acts on: origins with DomainName, ports,
                   OriginProtocolPolicy, OriginSslProtocols, IpAddressType and
                   OriginPath; origin groups; cache behaviors with PathPattern,
                   TargetOriginId, AllowedMethods and the managed policies that
                   forward Host, put the query string into the cache key, or disable
                   caching; DefaultRootObject; CustomErrorResponses; HttpVersion;
                   Aliases.

origins/NAME/      A server. server.json says for each address what each port does:
  {"answers": "https", "certificate": FILE, "key": FILE}   PEM; the chain as sent
      "names": {NAME: {"certificate": FILE, "key": FILE}}  others, by server name
      "minimum", "maximum": "TLSv1" to "TLSv1.3"           if left out 1.2 and 1.3
      "ciphers", "curve": as OpenSSL names them            if left out its defaults
      "client_certificates": FILE                          if left out none are asked for
      "client_certificates_optional": true                 without one: served, too
      "reply": FILE, "hangs": true                         if left out the shop's page
  {"answers": "http"}, with "redirect": true or "status": 502
  {"answers": "refuses"}   nothing listens
  {"answers": "drops"}     a firewall drops
  {"answers": "closes"}    accepts and hangs up
  {"answers": "never"}     accepts, is silent
  {"answers": "greets", "greeting": TEXT}   another service; with "waits": true it
      speaks when spoken to, "then": "keeps", "closes" or "resets" the connection

authority/         The certificate authority that everybody here trusts. New
                   certificates for names:
                     cfrunbook lab certificate NAME [NAME ...] --folder origins/NAME/...
                   or sign them yourself, with authority/intermediate.pem and
                   intermediate-key.pem.

dns/               Where names are looked up: name-servers.json says which server, by
                   its address, holds which zone file, and what is wrong with it
                   ("faults"). The zone files are everybody's: the shop's, and the
                   registry's and the root's too, where delegations are. A zone with
                   a "key" is signed anew, valid for "days" from now; leave both out
                   and it is not signed.

function/          result.json is what the edge function returned. Put there what a
                   corrected function returns; event.json is what it is called with.
"""


@dataclass(frozen=True, slots=True)
class Content:
    """What the files of a site say."""

    setup: Setup
    document: Mapping[str, Any]
    """The distribution, as it is written in its file."""
    config: edge_config.Config
    """The same, as the edge reads it."""


def files(setup: Setup, authority: Authority) -> Mapping[str, bytes]:
    """Return the files of a site, by their name relative to it."""
    made = {README_FILE: _README.encode(), DISTRIBUTION_FILE: as_json(document(setup))}
    for origin in setup.origins:
        folder = f"{ORIGINS}/{_folder(origin)}"
        made |= {f"{folder}/{name}": content for name, content in site_origins.files(origin).items()}
    if setup.dns:
        from cfrunbook.lab.dns import files as dns_files

        made |= {f"{DNS}/{name}": content for name, content in dns_files.files(setup.dns).items()}
    if returned := setup.function_result:
        made[RESULT_FILE] = returned.result
        if returned.event is not None:
            made["function/event.json"] = as_json(returned.event)
    issuing = authority.intermediate
    return made | {
        f"{AUTHORITY}/root.pem": authority.root.pem,
        f"{AUTHORITY}/intermediate.pem": issuing.pem,
        f"{AUTHORITY}/intermediate-key.pem": issuing.key_pem,
    }


def write(folder: Path, setup: Setup, authority: Authority) -> None:
    """Write the files of a site that are not there yet or say something else. Raises BadInput.

    Only this user may read them: there are keys among them.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name, content in files(setup, authority).items():
        path = folder / name
        if path.is_file() and path.read_bytes() == content:
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, content)
        path.chmod(0o600)


def read(folder: Path, before: Setup) -> Content:
    """Return what the files of a site say now; `before` is the setup that they were made from.

    Raises BadInput with one sentence.
    """
    distribution, config = _distribution(folder / DISTRIBUTION_FILE)
    setup = before
    origins = [site_origins.read(folder / ORIGINS / _folder(origin), origin) for origin in before.origins]
    setup = replace(setup, origin=origins[0], secondary=origins[1] if len(origins) > 1 else None)
    if setup.dns:
        from cfrunbook.lab.dns import files as dns_files

        setup = replace(setup, dns=dns_files.read(folder / DNS, setup.dns))
    else:
        _check_domains(config, setup)
    if setup.function_result:
        result = _returned(folder / RESULT_FILE, setup.function_result, distribution, setup)
        setup = replace(setup, function_result=result)
    return Content(setup, distribution, config)


def fingerprint(folder: Path) -> tuple[tuple[str, int, int], ...]:
    """Return what changes when a file of the site is changed, added or removed: names, times and sizes."""
    return tuple(sorted(_stamps(folder)))


def _stamps(folder: Path) -> Iterator[tuple[str, int, int]]:
    for number, path in enumerate(paths(folder)):
        if number >= _MOST_FILES:
            return
        try:
            found = path.stat()
        except OSError:  # gone again
            continue
        yield str(path), found.st_mtime_ns, found.st_size


def paths(folder: Path) -> Iterator[Path]:
    """Yield the files and folders below, without those that go in this moment (over which `Path.rglob` ends)."""
    for where, folders, names in os.walk(folder):
        yield from (Path(where, name) for name in (*folders, *names))


def _folder(origin: OriginSetup) -> str:
    return origin.domain


def as_json(value: Any) -> bytes:
    """Return `value` as people read JSON."""
    return msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n"


def _distribution(path: Path) -> tuple[Mapping[str, Any], edge_config.Config]:
    from cfrunbook.cloudfront import distribution_reader

    content = read_bounded(path, path.name, _LIMIT)
    try:
        found = msgspec.json.decode(content)
        if not isinstance(found, dict):
            raise ValueError("it does not have the shape of a distribution.")
        config = edge_config.read(found)
    except (msgspec.DecodeError, ValueError) as error:
        raise BadInput(f"{path.name}: {visible(str(error).rstrip('.'), 200)}.") from None
    distribution_reader.parse(found, name=path.name)  # a diagnosis must be able to read it, too
    return found, config


def _check_domains(config: edge_config.Config, setup: Setup) -> None:
    """Refuse an origin domain that nobody here has, where names are not looked up."""
    known = {origin.domain for origin in (*setup.origins, *setup.others)}
    for behavior in config.behaviors:
        for origin in config.members(behavior.target):
            if origin.domain not in known:
                names = " or ".join(sorted(known))
                raise BadInput(
                    f"{DISTRIBUTION_FILE}: the lab has no server '{visible(origin.domain, 80)}'; names are not looked"
                    f" up in this scenario: it is {names}."
                )


def _returned(path: Path, before: FunctionResult, distribution: Mapping[str, Any], setup: Setup) -> FunctionResult:
    """Return the function's result with what CloudFront does with it.

    Of the result that a scenario begins with its author says so. Of another there is no judge here but our own rules.
    """
    content = read_bounded(path, RESULT_FILE, _LIMIT)
    if content == before.result:
        return before
    from cfrunbook.causes import edge_function
    from cfrunbook.cloudfront import distribution_reader
    from cfrunbook.findings import Status
    from cfrunbook.functions import inputs
    from cfrunbook.functions.cloudfront_function import known_origins

    given = inputs.load(content, event=before.event, event_type=_value(before.event_type), kind=before.kind.value)
    parsed = distribution_reader.parse(distribution)
    origins = known_origins.of_distribution(parsed, setup.origin.id) if setup.is_given else None
    faults = [
        violation.rule.effect
        for one in edge_function.judged(given, origins=origins)
        for violation in (one.validation.violations if one.validation else ())
        if violation.rule.status is Status.FAULT
    ]
    return replace(before, result=content, effect=faults[0] if faults else Effect.NONE)


def _value(event_type: EventType | None) -> str:
    return event_type.value if event_type else ""
