"""Checks of what `updateRequestOrigin` is called with, setting by setting.

https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/helper-functions-origin-modification.html#update-request-origin-helper-function
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from cfrunbook import hostname
from cfrunbook.cloudfront import edge_headers
from cfrunbook.cloudfront.origins import port_allowed
from cfrunbook.findings import Json
from cfrunbook.functions.cloudfront_function import facts
from cfrunbook.functions.cloudfront_function import origin_rules as rules
from cfrunbook.functions.cloudfront_function.case import kind_of, name_character, show, show_url
from cfrunbook.functions.cloudfront_function.fields import whole
from cfrunbook.functions.cloudfront_function.known_origins import type_of_domain
from cfrunbook.functions.cloudfront_function.notes import Notes
from cfrunbook.functions.model import Path
from cfrunbook.text import visible


def check(settings: dict[str, Any], notes: Notes) -> None:
    """Note what is wrong with the settings in themselves."""
    path: Path = (notes.helper, 0)
    unknown(settings, facts.UPDATE_SETTINGS, path, notes)
    domain = settings.get("domainName")
    is_s3 = isinstance(domain, str) and type_of_domain(domain) == "s3"
    if "domainName" in settings:
        _domain(domain, is_s3, (*path, "domainName"), notes)
    names(settings, path, notes)
    if is_s3:
        for setting in (*sorted(facts.OVERRIDES), "customOriginConfig"):
            if setting in settings:
                notes.add(rules.NOT_FOR_S3, (*path, setting), domain=visible(domain, 120), setting=setting)
    if "originPath" in settings:
        _origin_path(settings["originPath"], (*path, "originPath"), notes)
    if "customHeaders" in settings:
        _custom_headers(settings["customHeaders"], (*path, "customHeaders"), notes)
    if "connectionAttempts" in settings and not _within(settings["connectionAttempts"], facts.ATTEMPTS):
        notes.add(rules.ATTEMPTS, (*path, "connectionAttempts"), shown=show(settings["connectionAttempts"]))
    if "timeouts" in settings:
        _timeouts(settings["timeouts"], (*path, "timeouts"), notes)
    if "customOriginConfig" in settings:
        _custom_origin(settings, settings["customOriginConfig"], (*path, "customOriginConfig"), notes)
    if "originShield" in settings:
        _shield(settings["originShield"], (*path, "originShield"), notes)
    if "originAccessControlConfig" in settings:
        _access_control(settings["originAccessControlConfig"], (*path, "originAccessControlConfig"), notes)
    choice(settings, "mTLSConfig", facts.MUTUAL_TLS_SETTINGS, path, notes)


def unknown(settings: dict[str, Any], known: Collection[str], path: Path, notes: Notes) -> None:
    """Note settings that the helper does not document."""
    for name in settings:
        if name not in known:
            notes.add(rules.UNKNOWN_SETTING, (*path, name), known=", ".join(sorted(known)))


def names(settings: dict[str, Any], path: Path, notes: Notes) -> None:
    """Note what is wrong with hostHeader, sni and allowedCertificateNames."""
    for setting in ("hostHeader", "sni"):
        if setting in settings:
            _domain(settings[setting], False, (*path, setting), notes)
    if "allowedCertificateNames" in settings:
        _certificate_names(settings["allowedCertificateNames"], (*path, "allowedCertificateNames"), notes)


def choice(settings: dict[str, Any], setting: str, wanted: tuple[str, ...], path: Path, notes: Notes) -> None:
    """Note a setting whose value is none of those that there are."""
    if setting in settings and settings[setting] not in wanted:
        where: Path = (*path, setting)
        words = " or ".join(wanted)
        example = f"'{wanted[0]}'"
        notes.add(rules.CHOICE, where, shown=show(settings[setting]), wanted=words, setting=setting, example=example)


def _domain(name: Json, is_s3: bool, path: Path, notes: Notes) -> None:
    if not isinstance(name, str):
        problem = f"it is {kind_of(name)}"
    elif is_s3 and (len(name) > facts.MAX_S3_DOMAIN or name != name.lower()):
        reason = "is longer than 128 characters" if len(name) > facts.MAX_S3_DOMAIN else "has upper-case letters"
        notes.add(rules.S3_DOMAIN, path, shown=show_url(name), problem=reason)
        return
    elif len(name) > facts.MAX_DOMAIN:
        problem = f"it has {len(name):,} characters"
    elif found := hostname.problem(name):
        problem = f"it {found}"
    elif not name.isascii():
        problem = "it is not ASCII; write it as an A-label (xn--...)"
    else:
        return
    shown = show_url(name) if isinstance(name, str) else show(name)
    notes.add(rules.DOMAIN, path, shown=shown, problem=problem, limit=facts.MAX_DOMAIN)


def _origin_path(value: Json, path: Path, notes: Notes) -> None:
    if value == "":
        return
    if not isinstance(value, str):
        problem = f"it is {kind_of(value)}"
    elif not value.startswith("/"):
        problem = "it does not begin with a slash"
    elif value.endswith("/"):
        problem = "it ends with a slash"
    elif len(value) > facts.MAX_ORIGIN_PATH:
        problem = f"it has {len(value):,} characters"
    elif not value.isascii() or facts.NOT_IN_URI.search(value):
        problem = "it is not URL-encoded"
    else:
        return
    shown = show_url(value) if isinstance(value, str) else show(value)
    notes.add(rules.PATH, path, shown=shown, problem=problem)


def _custom_headers(headers: Json, path: Path, notes: Notes) -> None:
    if not isinstance(headers, dict):
        notes.add(rules.CUSTOM_HEADER_SHAPE, path, shown=show(headers), kind=kind_of(headers))
        return
    for name, value in headers.items():
        where: Path = (*path, name)
        lower = name.lower()
        if not isinstance(value, str):
            notes.add(rules.CUSTOM_HEADER_SHAPE, where, kind=kind_of(value))
        elif found := facts.CONTROL.search(value):
            notes.add(rules.CUSTOM_HEADER_VALUE, where, character=name_character(found[0]))
        if edge_headers.is_denied_as_custom(name) or edge_headers.is_disallowed(name):
            notes.add(rules.CUSTOM_HEADER_DENIED, where, name=visible(name, 80))
        elif name != lower:
            notes.add(rules.CUSTOM_HEADER_CASE, where, name=visible(name, 80), lower=visible(lower, 80))
        elif lower in notes.request_headers:
            notes.add(rules.CUSTOM_HEADER_COLLISION, where, name=visible(name, 80))


def _timeouts(timeouts: Json, path: Path, notes: Notes) -> None:
    if not isinstance(timeouts, dict):
        notes.add(rules.ARGUMENTS, path, shown=show(timeouts), kind=kind_of(timeouts), wanted="an object")
        return
    unknown(timeouts, {*facts.TIMEOUTS, facts.COMPLETION_TIMEOUT}, path, notes)
    for setting, (least, most) in facts.TIMEOUTS.items():
        if setting in timeouts and not _within(timeouts[setting], (least, most)):
            shown = show(timeouts[setting])
            notes.add(rules.TIMEOUT, (*path, setting), shown=shown, range=f"from {least} to {most}")
    if facts.COMPLETION_TIMEOUT in timeouts:
        completion, read = timeouts[facts.COMPLETION_TIMEOUT], whole(timeouts.get("readTimeout"))
        number = whole(completion)
        if number is None or number < 0 or (number and read is not None and number < read):
            least_words = f"of at least readTimeout ({read})" if read is not None else "of at least readTimeout"
            where: Path = (*path, facts.COMPLETION_TIMEOUT)
            notes.add(rules.TIMEOUT, where, shown=show(completion), range=least_words)


def _custom_origin(settings: dict[str, Any], config: Json, path: Path, notes: Notes) -> None:
    if not isinstance(config, dict):
        notes.add(rules.ARGUMENTS, path, shown=show(config), kind=kind_of(config), wanted="an object")
        return
    unknown(config, {*facts.CUSTOM_ORIGIN_REQUIRED, "ipAddressType"}, path, notes)
    missing = [name for name in facts.CUSTOM_ORIGIN_REQUIRED if name not in config]
    if missing:
        notes.add(rules.CONFIG_INCOMPLETE, path, missing=missing)
    if "port" in config:
        port = whole(config["port"])
        if port is None or not port_allowed(port):
            notes.add(rules.PORT, (*path, "port"), shown=show(config["port"]))
    choice(config, "protocol", facts.ORIGIN_PROTOCOLS, path, notes)
    choice(config, "ipAddressType", facts.IP_ADDRESS_TYPES, path, notes)
    if "sslProtocols" in config:
        _ssl_protocols(config["sslProtocols"], (*path, "sslProtocols"), notes)
    if "ipAddressType" in config and "domainName" not in settings:
        notes.add(rules.ADDRESS_TYPE_ALONE, (*path, "ipAddressType"), shown=show(config["ipAddressType"]))


def _ssl_protocols(protocols: Json, path: Path, notes: Notes) -> None:
    wanted = ", ".join(facts.SSL_PROTOCOLS)
    if not isinstance(protocols, list) or not protocols:
        problem = "is empty" if protocols == [] else f"is {kind_of(protocols)}"
        notes.add(rules.SSL_PROTOCOLS, path, shown=show(protocols), problem=problem, wanted=wanted)
        return
    for number, protocol in enumerate(protocols):
        if protocol not in facts.SSL_PROTOCOLS:
            problem = f"is {show(protocol)}"
            notes.add(rules.SSL_PROTOCOLS, (*path, number), shown=show(protocol), problem=problem, wanted=wanted)


def _shield(shield: Json, path: Path, notes: Notes) -> None:
    if not isinstance(shield, dict):
        notes.add(rules.SHIELD, path, problem=f"is {kind_of(shield)}, not an object")
        return
    unknown(shield, {"enabled", "region"}, path, notes)
    region = shield.get("region")
    if not isinstance(shield.get("enabled"), bool):
        notes.add(rules.SHIELD, (*path, "enabled"), problem=_not_boolean(shield))
    elif shield["enabled"] and "region" not in shield:
        notes.add(rules.SHIELD, path, problem="is enabled without a region")
    elif "region" in shield and (not isinstance(region, str) or not facts.REGION.fullmatch(region)):
        notes.add(rules.SHIELD, (*path, "region"), problem=f"is {show(region)}, not the code of a region")


def _access_control(config: Json, path: Path, notes: Notes) -> None:
    if not isinstance(config, dict):
        notes.add(rules.ACCESS_CONTROL, path, problem=f"is {kind_of(config)}, not an object")
        return
    # `region` is in AWS's own sample and accepted, although the guide does not list it.
    unknown(config, {"enabled", "signingBehavior", "signingProtocol", "originType", "region"}, path, notes)
    if not isinstance(config.get("enabled"), bool):
        notes.add(rules.ACCESS_CONTROL, (*path, "enabled"), problem=_not_boolean(config))
    choice(config, "signingBehavior", facts.SIGNING_BEHAVIORS, path, notes)
    choice(config, "signingProtocol", facts.SIGNING_PROTOCOLS, path, notes)
    choice(config, "originType", facts.ACCESS_CONTROL_TYPES, path, notes)


def _certificate_names(listed: Json, path: Path, notes: Notes) -> None:
    if not isinstance(listed, list):
        notes.add(rules.CERTIFICATE_NAMES, path, problem=f"is {kind_of(listed)}, not an array")
        return
    if len(listed) > facts.MAX_CERTIFICATE_NAMES:
        notes.add(rules.CERTIFICATE_NAMES, path, problem=f"has {len(listed):,} names")
    for number, name in enumerate(listed[: facts.MAX_CERTIFICATE_NAMES]):
        where: Path = (*path, number)
        if not isinstance(name, str) or not name:
            notes.add(rules.CERTIFICATE_NAMES, where, problem=f"is {show(name)}, not a name")
        elif len(name) > facts.MAX_CERTIFICATE_NAME:
            notes.add(rules.CERTIFICATE_NAMES, where, problem=f"has {len(name):,} characters")


def _not_boolean(holder: dict[str, Any]) -> str:
    return f"is {show(holder['enabled'])}, not true or false" if "enabled" in holder else "is missing"


def _within(value: Json, bounds: tuple[int, int]) -> bool:
    number = whole(value)
    return number is not None and bounds[0] <= number <= bounds[1]
