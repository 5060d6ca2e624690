"""An IP address and a port as one text, as people write it: `192.0.2.1:443`, `[2001:db8::1]:443`. Pure."""

from __future__ import annotations

import ipaddress
import re

_BRACKETED = re.compile(r"\[([^\[\]]*)\](?::(.+))?", re.DOTALL)


def join(address: str, port: int) -> str:
    """Return `address:port`, with an IPv6 address in brackets."""
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def split(text: str, default_port: int) -> tuple[str, int]:
    """Return the address, in its shortest form, and the port. Raises ValueError for anything else."""
    address, port = text, str(default_port)
    if bracketed := _BRACKETED.fullmatch(text):
        address, port = bracketed[1], bracketed[2] or port
    elif text.count(":") == 1:
        address, _, port = text.partition(":")
    if not re.fullmatch("[0-9]{1,5}", port) or not 1 <= int(port) <= 65535:
        raise ValueError(f"{port!r} is not a port (1 to 65535)")
    return str(ipaddress.ip_address(address)), int(port)


def is_loopback(address: str) -> bool:
    """Tell whether `address` is this machine itself; False for what is no IP address."""
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def version(address: str) -> int:
    """Return 4 or 6; 0 for what is no IP address."""
    try:
        return ipaddress.ip_address(address).version
    except ValueError:
        return 0
