"""Figures: the edge's path, name servers, firewalls, TLS, what the origin accepts and shows, certificates, requests.

Each is imported on first use: what only one of them needs, the rules of firewalls say, is not imported for another.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cfrunbook.views.chain_figure import chain
    from cfrunbook.views.delegation_figure import delegation
    from cfrunbook.views.dns_figure import aliases, servers
    from cfrunbook.views.drawing import Picture
    from cfrunbook.views.exchange_figure import exchange_timeline
    from cfrunbook.views.firewall_figure import address_space
    from cfrunbook.views.leaf_figure import served
    from cfrunbook.views.path_figure import stage_path
    from cfrunbook.views.tls_figure import ladder, suites
    from cfrunbook.views.validity_figure import validity_timeline

_HOME = {
    "Picture": "drawing",
    "address_space": "firewall_figure",
    "aliases": "dns_figure",
    "chain": "chain_figure",
    "delegation": "delegation_figure",
    "exchange_timeline": "exchange_figure",
    "ladder": "tls_figure",
    "served": "leaf_figure",
    "servers": "dns_figure",
    "stage_path": "path_figure",
    "suites": "tls_figure",
    "validity_timeline": "validity_figure",
}

__all__ = [
    "Picture",
    "address_space",
    "aliases",
    "chain",
    "delegation",
    "exchange_timeline",
    "ladder",
    "served",
    "servers",
    "stage_path",
    "suites",
    "validity_timeline",
]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(f"cfrunbook.views.{_HOME[name]}"), name)
    raise AttributeError(f"module 'cfrunbook.views.figures' has no attribute {name!r}")
