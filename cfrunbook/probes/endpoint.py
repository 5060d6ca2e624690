"""Where a probe goes: what CloudFront would connect to, and where that is from here."""

from __future__ import annotations

import msgspec

POLITE_CONNECTIONS = 16
"""Concurrent connections to one address with `pace="polite"`."""


class Endpoint(msgspec.Struct, frozen=True):
    """One address and port of an origin."""

    host: str
    """The Origin Domain."""
    port: int
    address: str
    """The address CloudFront would use; for a relocated host the address we were told to use."""
    connect_address: str = ""
    """The address really used; empty: `address`."""
    connect_port: int = 0
    """The port really used; 0: `port`."""

    @property
    def socket_address(self) -> tuple[str, int]:
        """Address and port to hand to `connect`."""
        return self.connect_address or self.address, self.connect_port or self.port

    @property
    def connected_to(self) -> str:
        """`address:port` really used where it differs from what CloudFront would use; else empty."""
        if self.socket_address == (self.address, self.port):
            return ""
        address, port = self.socket_address
        return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
