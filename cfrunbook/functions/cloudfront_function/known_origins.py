"""The origins of a distribution, as far as they decide what an origin helper may do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from cfrunbook.cloudfront import origins
from cfrunbook.cloudfront.distribution import Distribution, Origin
from cfrunbook.cloudfront.targets import OriginKind

OriginType = Literal["s3", "lambda", "mediastore", "mediapackagev2", "custom", "vpc"]
"""As origin access control tells origins apart; `custom` and `vpc` have none."""

_TYPES: dict[OriginKind, OriginType] = {
    OriginKind.S3: "s3",
    OriginKind.FUNCTION_URL: "lambda",
    OriginKind.MEDIASTORE: "mediastore",
    OriginKind.VPC: "vpc",
}


@dataclass(frozen=True, slots=True)
class KnownOrigin:
    """One origin of the distribution."""

    id: str
    type: OriginType = "custom"
    has_access_control: bool = False
    has_mutual_tls: bool = False


@dataclass(frozen=True, slots=True)
class KnownOrigins:
    """All origins of the distribution, and the one that the cache behavior assigns."""

    origins: tuple[KnownOrigin, ...]
    assigned_id: str = ""
    """The id of the behavior's origin, or of the primary of its origin group; empty where it is not known."""

    def origin(self, origin_id: str) -> KnownOrigin | None:
        """Return the origin with this id, or None."""
        return next((o for o in self.origins if o.id == origin_id), None)

    @property
    def assigned(self) -> KnownOrigin | None:
        """The origin that is used where the function changes nothing."""
        return self.origin(self.assigned_id)

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids, in the distribution's order."""
        return tuple(o.id for o in self.origins)


def of_distribution(distribution: Distribution, target_id: str = "") -> KnownOrigins:
    """Return the origins of a distribution; `target_id` is a behavior's target, an origin or an origin group."""
    group = distribution.group(target_id)
    assigned = group.members[0] if group and group.members else target_id
    return KnownOrigins(tuple(_known(origin) for origin in distribution.origins), assigned)


def type_of_domain(domain: str) -> OriginType:
    """Return what kind of origin a domain name is, by its shape."""
    return _type(origins.kind_of_name(domain), domain)


def _known(origin: Origin) -> KnownOrigin:
    return KnownOrigin(
        id=origin.id,
        type="vpc" if origin.vpc_origin_id else _type(origins.kind_of(origin), origin.domain_name),
        has_access_control=bool(origin.access_control_id),
        has_mutual_tls=bool(origin.client_certificate),
    )


def _type(kind: OriginKind, domain: str) -> OriginType:
    if kind is OriginKind.MEDIAPACKAGE and ".mediapackagev2." in domain.lower():
        return "mediapackagev2"
    return _TYPES.get(kind, "custom")
