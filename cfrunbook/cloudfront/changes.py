"""What was changed between two configurations of a distribution, and what each change can lead to. Pure.

Differences that can cause a 502 come first. Nothing that differs is left out; what is not known is said to be.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal

import msgspec

from cfrunbook.cloudfront import behaviors, change_rules, differences, policies, renamed_origins, shapes
from cfrunbook.cloudfront import distribution_reader as reader
from cfrunbook.cloudfront.change_rules import ChangeRule, Only
from cfrunbook.cloudfront.differences import Difference
from cfrunbook.cloudfront.distribution import Behavior, Distribution
from cfrunbook.cloudfront.documents import Source
from cfrunbook.cloudfront.policies import Forwarding, HostForwarding, Policies
from cfrunbook.cloudfront.viewer_url import ViewerUrl
from cfrunbook.errors import BadInput
from cfrunbook.findings import WEIGHTS, Cause, Change, Weight
from cfrunbook.redaction import REDACTED
from cfrunbook.text import visible

MAX_CHANGES = 200
"""Changes that are listed; the weightiest ones."""
_LONGEST_WHY = 600
Kind = Literal["changed", "added", "removed", "moved", "renamed"]


class Configuration(msgspec.Struct, frozen=True):
    """One side of a comparison: a distribution, its configuration, and the policies that go with it."""

    distribution: Distribution
    document: Mapping[str, Any]
    """The DistributionConfig as given, secrets included, or as a recording has it, without them."""
    policies: Policies
    complete: bool = True
    """False where secrets and unknown members were taken out of the document before: it came from a recording."""

    @property
    def title(self) -> str:
        """For people: `distribution E1EXAMPLE, modified 2026-11-22T03:12:05Z`."""
        when = f", modified {visible(self._modified, 40)}" if self._modified else ""
        staging = "staging distribution" if self.document.get("Staging") is True else "distribution"
        named = self.distribution.id or self.distribution.domain_name or next(iter(self.distribution.aliases), "")
        return f"{staging} {visible(named, 80)}{when}" if named else f"a {staging} without an id{when}"

    @property
    def modified(self) -> dt.datetime | None:
        """When it was last modified; None where the document does not say, or not in a way that can be read."""
        try:
            moment = dt.datetime.fromisoformat(self._modified)
        except ValueError:
            return None
        return moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)

    @property
    def _modified(self) -> str:
        own = self.distribution.document.get("Distribution", self.distribution.document)
        said = own.get("LastModifiedTime") if isinstance(own, Mapping) else None
        return said if isinstance(said, str) else ""


class Changes(msgspec.Struct, frozen=True):
    """What is different, the weightiest first, and what could not be compared."""

    found: tuple[Change, ...]
    left_out: int = 0
    notes: tuple[str, ...] = ()


def load(source: Source, known: Policies | None = None, *, url: str = "", what: str = "Distribution") -> Configuration:
    """Return one side of a comparison; every form that `distribution_reader.load` takes. Raises BadInput."""
    distribution, document = reader.load_whole(source, url=url, what=what)
    return Configuration(distribution, document, known or Policies())


def compare(before: Configuration, after: Configuration, *, url: ViewerUrl | None = None) -> Changes:
    """Return what differs between two configurations; with `url`, whether requests for it meet the change."""
    if not (before.complete and after.complete):
        before, after = _as_kept(before), _as_kept(after)
    return _Comparison(before, after, url).changes()


def compare_policies(before: Policies, after: Policies) -> Changes:
    """Return what differs between the policies that both sides have, by id."""
    return _ranked([(0, change) for _, change in _of_policies(before, after)], ())


def in_common(before: Policies, after: Policies) -> bool:
    """Tell whether there is a policy of the same kind and id on both sides."""
    return bool(_by_id(before).keys() & _by_id(after).keys())


def _as_kept(side: Configuration) -> Configuration:
    return msgspec.structs.replace(side, document=shapes.redacted(side.document, shapes.SUMMARY), complete=False)


class _Comparison:
    def __init__(self, before: Configuration, after: Configuration, url: ViewerUrl | None) -> None:
        self.renamed = renamed_origins.find(before.document, after.document)
        if self.renamed:
            document = renamed_origins.apply(before.document, self.renamed)
            before = msgspec.structs.replace(before, document=document, distribution=reader.parse(document))
        self.before, self.after = before, after
        self.ways = [_way(side.distribution, url) for side in (before, after)] if url else []

    def changes(self) -> Changes:
        """Return what differs, ranked."""
        return _ranked([(rank, self._placed(change)) for rank, change in self._found()], self._notes())

    def _found(self) -> Iterator[tuple[int, Change]]:
        first, second = (
            {k: v for k, v in side.document.items() if k in shapes.CONFIG or k not in shapes.SUMMARY}
            for side in self._sides
        )
        for difference in differences.between(first, second, shapes.CONFIG):
            yield self._judged(difference)
        for old, new in self.renamed.items():
            where = f"Origins[{visible(new, 80)}].Id"
            yield 0, _change(where, "renamed", (old, new), change_rules.RENAMED, concerned=(new,))
        yield from self._order()
        yield from _of_policies(self.before.policies, self.after.policies)

    @property
    def _sides(self) -> tuple[Configuration, Configuration]:
        return self.before, self.after

    def _notes(self) -> tuple[str, ...]:
        if self.before.complete:
            return ()
        says = "Values of custom headers, and members that are not known here, are not in a recording: not compared."
        hidden = any(REDACTED in differences.canonical(side.document) for side in self._sides)
        return (says,) if hidden else ()

    # --- one difference -----------------------------------------------------------------------------------------------

    def _judged(self, found: Difference) -> tuple[int, Change]:
        rank, rule = change_rules.rule_at(found.rule)
        if not found.known:
            rule = change_rules.UNKNOWN_MEMBER
        kind = _kind(found)
        why = rule.why
        special = self._special(found)
        if special:
            rule, why = special
        elif not _holds(rule.only, found):
            rule, why = _SAFE, _OTHER_WAY[rule.only]
        name = found.rule.rpartition(".")[2].removesuffix("[]")
        if found.before == found.after == REDACTED:
            why = f"Its value differs; it is not shown, since it may be a secret. {why}"
        shown = (
            self._shown(value, name, side) for value, side in zip((found.before, found.after), self._sides, strict=True)
        )
        return rank, _change(found.where, kind, shown, rule, concerned=self._concerned(found), why=why)

    def _shown(self, value: Any, name: str, side: Configuration) -> str:
        if name in ("OriginRequestPolicyId", "CachePolicyId") and isinstance(value, str) and value:
            known = side.policies.cache if name == "CachePolicyId" else side.policies.origin_request
            named = f" ({visible(known[value].name, 80)})" if value in known else ""
            return visible(value, 80) + named
        if isinstance(value, Mapping) and name in _SUMMARIES:
            value = {key: value[key] for key in _SUMMARIES[name] if key in value}
        return differences.show(value, name)

    def _special(self, found: Difference) -> tuple[ChangeRule, str] | None:
        """Return the rule and the reason where more than the place decides."""
        whole = found.before is None or found.after is None
        if found.rule in _OF_STAGING and len({side.distribution.staging for side in self._sides}) == 2:
            return change_rules.OF_STAGING, change_rules.OF_STAGING.why
        match found.rule:
            case "CacheBehaviors[]" if whole:
                return change_rules.NEW_BEHAVIOR, change_rules.NEW_BEHAVIOR.why
            case "Origins[]" | "OriginGroups[]" if whole:
                rule = change_rules.NEW_ORIGIN if found.rule == "Origins[]" else change_rules.NEW_GROUP
                used = found.after is not None and self._used(found.keys[0], self.after.distribution)
                rule = rule if used else change_rules.UNUSED if found.after is not None else change_rules.GONE
                return rule, rule.why
            case "CustomErrorResponses[].ResponseCode" | "CustomErrorResponses[]":
                after = found.after.get("ResponseCode") if isinstance(found.after, Mapping) else found.after
                if str(after) == "502" and found.keys[0] != "502":
                    return change_rules.ERROR_AS_502, change_rules.ERROR_AS_502.why
        place, _, member = found.rule.partition(".")
        if place in ("DefaultCacheBehavior", "CacheBehaviors[]"):
            return self._of_behavior(found, member)
        return None

    def _of_behavior(self, found: Difference, member: str) -> tuple[ChangeRule, str] | None:
        keys = found.keys[:1] if found.rule.startswith("CacheBehaviors") else ()
        pairs = [_behavior(side.distribution, keys) for side in self._sides]
        if member in ("CachePolicyId", "OriginRequestPolicyId") or member.startswith("ForwardedValues"):
            return self._host(pairs, found)
        opened = any(value in (None, "allow-all") for value in (found.before, found.after))
        if member == "ViewerProtocolPolicy" and opened and pairs[1]:
            ways = behaviors.route_of(self.after.distribution, pairs[1]).destinations
            if any(d.origin.member == "custom" and d.origin.protocol_policy == "match-viewer" for d in ways):
                return change_rules.MATCH_VIEWER, change_rules.MATCH_VIEWER.why
        return None

    def _host(self, pair: Sequence[Behavior | None], found: Difference) -> tuple[ChangeRule, str] | None:
        """Return the rule for a change of what is forwarded, where the viewer's Host is, or may be, among it."""
        before, after = (
            _host_forwarding(behavior, side) if behavior else None
            for behavior, side in zip(pair, self._sides, strict=True)
        )
        rule = change_rules.HOST_FORWARDING
        if before is None or after is None:
            return None
        unknown = next((h for h in (after, before) if h.value is Forwarding.UNKNOWN), None)
        if unknown is not None:
            return rule, f"Whether Host is forwarded may have changed: {unknown.why}. {rule.why}"
        if before.value is not after.value:
            now = "now it is" if after.value is Forwarding.YES else "now it is not"
            was = "was forwarded" if before.value is Forwarding.YES else "was not forwarded"
            return rule, f"The viewer's Host {was} ({before.why}), {now} ({after.why}). {rule.why}"
        return None

    # --- the whole ----------------------------------------------------------------------------------------------------

    def _order(self) -> Iterator[tuple[int, Change]]:
        orders = [[b.path_pattern for b in side.distribution.behaviors if not b.is_default] for side in self._sides]
        common = set(orders[0]) & set(orders[1])
        first, second = ([p for p in order if p in common] for order in orders)
        if first != second:
            rank, _ = change_rules.rule_at("CacheBehaviors[].TargetOriginId")
            shown = (differences.show(order) for order in (first, second))
            yield rank, _change("CacheBehaviors", "moved", shown, change_rules.REORDERED)

    def _used(self, identity: str, distribution: Distribution) -> bool:
        if any(b.target_origin_id == identity for b in distribution.behaviors):
            return True
        return bool(behaviors.leads_to(distribution, identity))

    def _concerned(self, found: Difference) -> tuple[str, ...]:
        """Return the ids of the origins that a difference concerns."""
        place = found.rule.partition(".")[0]
        if place == "Origins[]":
            return found.keys[:1]
        ids: dict[str, None] = {}
        for side in self._sides:
            distribution = side.distribution
            if place == "OriginGroups[]":
                group = distribution.group(found.keys[0])
                ids |= dict.fromkeys(group.members if group else ())
            elif place in ("DefaultCacheBehavior", "CacheBehaviors[]"):
                behavior = _behavior(distribution, found.keys[:1] if place == "CacheBehaviors[]" else ())
                route = behaviors.route_of(distribution, behavior) if behavior else None
                ids |= dict.fromkeys(d.origin.id for d in (route.destinations if route else ()))
        return tuple(ids)[:20]

    def _placed(self, change: Change) -> Change:
        """Return a change, and whether requests for the URL meet it."""
        if not self.ways or None in self.ways:
            return change
        place = change.where.partition(".")[0]
        own = {p for way in self.ways if way for p in way}
        moved = change.kind == "moved" and self.ways[0] != self.ways[1]
        scoped = place.startswith(
            ("Origins[", "OriginGroups[", "CacheBehaviors", "DefaultCacheBehavior", *_POLICY_KINDS)
        )
        return msgspec.structs.replace(change, on_path=place in own or moved or not scoped)


def _way(distribution: Distribution, url: ViewerUrl) -> tuple[str, ...] | None:
    """Return the places of the configuration that a request for `url` meets; None where no behavior serves it."""
    try:
        route = behaviors.route(distribution, url)
    except BadInput:
        return None
    behavior = route.behavior
    place = "DefaultCacheBehavior" if behavior.is_default else f"CacheBehaviors[{visible(behavior.path_pattern, 80)}]"
    kinds = (("OriginRequestPolicy", behavior.origin_request_policy_id), ("CachePolicy", behavior.cache_policy_id))
    return (
        place,
        *(f"OriginGroups[{visible(group.id, 80)}]" for group in (route.group,) if group),
        *(f"Origins[{visible(d.origin.id, 80)}]" for d in route.destinations),
        *(f"{kind}[{visible(identity, 80)}]" for kind, identity in kinds if identity),
        *(f"VpcOrigin[{visible(d.origin.vpc_origin_id, 80)}]" for d in route.destinations if d.origin.vpc_origin_id),
    )


def _behavior(distribution: Distribution, keys: tuple[str, ...]) -> Behavior | None:
    """Return the behavior of a pattern, the default one without."""
    if not keys:
        return next((b for b in distribution.behaviors if b.is_default), None)
    return next((b for b in distribution.behaviors if not b.is_default and b.path_pattern == keys[0]), None)


def _host_forwarding(behavior: Behavior, side: Configuration) -> HostForwarding | None:
    """Return whether Host is forwarded as configured; to a custom origin, where the behavior leads to several kinds."""
    behavior = msgspec.structs.replace(behavior, functions=())
    found = [
        policies.host_forwarding(behavior, d.origin, side.policies)
        for d in behaviors.route_of(side.distribution, behavior).destinations
    ]
    return next((f for f in found if f.value is not Forwarding.NO), found[0] if found else None)


_OF_STAGING = frozenset({"Aliases", "ContinuousDeploymentPolicyId"})
_SAFE = ChangeRule(Weight.OTHER, (), (), "", change_rules.API)
_OTHER_WAY: Mapping[Only, str] = {
    Only.LOWER: "It is more than before: no error comes from that alone.",
    Only.HIGHER: "It is less than before: no error comes from that alone.",
    Only.FEWER: "Nothing was taken away: no error comes from that alone.",
    Only.MORE: "It was taken away: no error comes from that alone.",
}
_SUMMARIES: Mapping[str, tuple[str, ...]] = {
    "Origins": ("DomainName", "OriginPath"),
    "OriginGroups": ("Members",),
    "CacheBehaviors": ("TargetOriginId", "ViewerProtocolPolicy"),
    "CustomHeaders": ("HeaderName",),
}


def _holds(only: Only, found: Difference) -> bool:
    """Tell whether a difference goes the way that its rule is about."""
    before, after = found.before, found.after
    match only:
        case Only.LOWER | Only.HIGHER:
            first, second = _number(before), _number(after)
            if first is None or second is None:  # no limit, or no number
                return after is not None
            return second < first if only is Only.LOWER else second > first
        case Only.FEWER:
            had, has = (
                {differences.canonical(v, caseless=True) for v in side} if isinstance(side, list) else set[str]()
                for side in (before, after)
            )
            return bool(had - has) or not isinstance(before, list | None)
        case Only.MORE:
            return bool(after)
        case _:
            return True


def _number(value: Any) -> float | None:
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) <= 18:
        return int(value)
    return value if isinstance(value, int | float) else None


def _kind(found: Difference) -> Kind:
    if found.rule.endswith("[]"):
        return "added" if found.before is None else "removed" if found.after is None else "changed"
    return "changed"


def _change(
    where: str, kind: Kind, shown: Iterable[str], rule: ChangeRule, *, concerned: tuple[str, ...] = (), why: str = ""
) -> Change:
    before, after = shown
    return Change(
        where=where,
        kind=kind,
        before=visible(before, differences.MAX_VALUE),
        after=visible(after, differences.MAX_VALUE),
        weight=rule.weight,
        statuses=rule.statuses,
        causes=rule.causes,
        why=visible(why or rule.why, _LONGEST_WHY),
        source=rule.source,
        origins=concerned,
    )


def _ranked(found: Iterable[tuple[int, Change]], notes: tuple[str, ...]) -> Changes:
    """Return the weightiest changes first; of the same weight, those that the URL meets, then by rank."""
    ordered = sorted(found, key=lambda rc: (WEIGHTS.index(rc[1].weight), rc[1].on_path is False, rc[0], rc[1].where))
    changes = tuple(change for _, change in ordered)
    return Changes(changes[:MAX_CHANGES], max(0, len(changes) - MAX_CHANGES), notes)


# --- policies -------------------------------------------------------------------------------------------------------

_NOT_SET_BY_PEOPLE = frozenset({"Id", "LastModifiedTime", "CreatedTime"})
_POLICY_KINDS = ("OriginRequestPolicy[", "CachePolicy[", "VpcOrigin[")


def _of_policies(before: Policies, after: Policies) -> Iterator[tuple[int, Change]]:
    first, second = _by_id(before), _by_id(after)
    for (kind, identity), mine in first.items():
        other = second.get((kind, identity))
        if other is None:
            continue
        first_own, second_own = (
            {k: v for k, v in node.items() if k not in _NOT_SET_BY_PEOPLE} for node in (mine, other)
        )
        where = f"{kind}[{visible(identity, 80)}]"
        for found in differences.between(first_own, second_own, shapes.POLICY[kind], where):
            place = f"{kind}[]" + found.rule.partition("]")[2]
            rank, rule = change_rules.rule_at(place)
            why = rule.why
            tables = [p.origin_request if kind == "OriginRequestPolicy" else p.cache for p in (before, after)]
            if ".HeadersConfig" in place and len({t[identity].forwards("host") for t in tables if identity in t}) == 2:
                now = "now it is" if tables[1][identity].forwards("host") else "now it is not"
                rule = change_rules.HOST_FORWARDING
                why = f"Whether this policy forwards Host has changed: {now} forwarded. {rule.why}"
            shown = (differences.show(v) for v in (found.before, found.after))
            yield rank, _change(found.where, "changed", shown, rule, why=why)


def _by_id(known: Policies) -> dict[tuple[str, str], Mapping[str, Any]]:
    found: dict[tuple[str, str], Mapping[str, Any]] = {}
    for document in known.given:
        for kind, node in document.items():
            if isinstance(node, Mapping) and kind in shapes.POLICY and isinstance(node.get("Id"), str):
                found[kind, node["Id"]] = node
    return found


def explaining(found: Sequence[Change], cause: Cause | None, origin: str, status: int | None) -> Change | None:
    """Return the change that explains a root cause best: one of its cause, about its origin; None where there is none.

    The more a change is about this cause alone, the better it explains it.
    """
    fitting = [
        change
        for change in found
        if change.weight is not Weight.OTHER
        and cause in change.causes
        and change.on_path is not False
        and (not origin or not change.origins or origin in change.origins)
        and (status is None or not change.statuses or status in change.statuses)
    ]
    return min(fitting, key=lambda c: (WEIGHTS.index(c.weight), len(c.causes)), default=None)
