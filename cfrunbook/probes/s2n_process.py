"""The process in which s2n-tls is asked: one question as JSON on stdin, one answer as JSON on stdout, and its end.

Run by `s2n.py` as a script, never imported: it calls foreign code by names and signatures that nobody promised, and
takes nothing along if that crashes. Standard library only. The functions are those of
https://github.com/aws/s2n-tls/blob/main/api/s2n.h.
"""

from __future__ import annotations

import ctypes
import json
import os
import select
import socket
import sys
import time
from typing import Any

_CLIENT = 1
_SELF_SERVICE_BLINDING = 1  # else s2n sleeps up to 30 s after an error
_BLOCKED = 3  # S2N_ERR_T_BLOCKED
_ALERT = 4  # S2N_ERR_T_ALERT
_BLOCKED_ON_READ = 1
_VERSIONS = {30: 0x0300, 31: 0x0301, 32: 0x0302, 33: 0x0303, 34: 0x0304}

_P, _I, _S = ctypes.c_void_p, ctypes.c_int, ctypes.c_char_p
_FUNCTIONS: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "s2n_init": (_I, ()),
    "s2n_errno_location": (ctypes.POINTER(_I), ()),
    "s2n_error_get_type": (_I, (_I,)),
    "s2n_strerror": (_S, (_I, _S)),
    "s2n_strerror_name": (_S, (_I,)),
    "s2n_config_new": (_P, ()),
    "s2n_config_set_cipher_preferences": (_I, (_P, _S)),
    "s2n_config_wipe_trust_store": (_I, (_P,)),
    "s2n_config_add_pem_to_trust_store": (_I, (_P, _S)),
    "s2n_connection_new": (_P, (_I,)),
    "s2n_connection_set_config": (_I, (_P, _P)),
    "s2n_connection_set_blinding": (_I, (_P, _I)),
    "s2n_connection_set_fd": (_I, (_P, _I)),
    "s2n_set_server_name": (_I, (_P, _S)),
    "s2n_negotiate": (_I, (_P, ctypes.POINTER(_I))),
    "s2n_connection_get_actual_protocol_version": (_I, (_P,)),
    "s2n_connection_get_cipher": (_S, (_P,)),
    "s2n_connection_get_curve": (_S, (_P,)),
    "s2n_connection_get_alert": (_I, (_P,)),
}


class _Problem(Exception):
    """The library could not be asked; the text says why."""


class _Library:
    """s2n-tls inside the shared object at `path`. Raises _Problem where it is not what was known."""

    def __init__(self, path: str) -> None:
        os.environ["S2N_DONT_MLOCK"] = "1"  # locked memory is limited for ordinary users
        try:
            library = ctypes.CDLL(path, use_errno=True)
            for name, (result, arguments) in _FUNCTIONS.items():
                function = getattr(library, name)
                function.restype, function.argtypes = result, list(arguments)
        except OSError as error:
            raise _Problem(f"awscrt cannot be loaded: {error}") from None
        except AttributeError as error:
            raise _Problem(f"this awscrt has s2n-tls no longer as it was: {error}") from None
        self.call: Any = library
        self.check(library.s2n_init(), "s2n_init")

    def check(self, status: int, what: str) -> None:
        if status < 0:
            raise _Problem(f"{what} failed: {self.error_name()}")

    @property
    def errno(self) -> int:
        return int(self.call.s2n_errno_location()[0])

    def error_name(self) -> str:
        name = (self.call.s2n_strerror_name(self.errno) or b"").decode("ascii", "replace")
        return name.removeprefix("S2N_ERR_")

    def error_text(self) -> str:
        if self.error_name() == "IO":  # s2n's own text says to look here
            return os.strerror(ctypes.get_errno())
        return (self.call.s2n_strerror(self.errno, b"EN") or b"").decode("ascii", "replace")

    def config(self, policy: str) -> Any:
        config = self.call.s2n_config_new()
        if not config:
            raise _Problem("s2n_config_new failed")
        status = self.call.s2n_config_set_cipher_preferences(config, policy.encode("ascii"))
        self.check(status, f"the security policy {policy}")
        return config


def _connect(library: _Library, question: dict[str, Any]) -> dict[str, Any]:
    call = library.call
    config = library.config(question["policy"])
    library.check(call.s2n_config_wipe_trust_store(config), "s2n_config_wipe_trust_store")
    trust = question["trust"].encode("latin-1")
    library.check(call.s2n_config_add_pem_to_trust_store(config, trust), "the trust store")
    connection = call.s2n_connection_new(_CLIENT)
    if not connection:
        raise _Problem("s2n_connection_new failed")
    library.check(call.s2n_connection_set_config(connection, config), "s2n_connection_set_config")
    library.check(call.s2n_connection_set_blinding(connection, _SELF_SERVICE_BLINDING), "s2n_connection_set_blinding")
    if question["sni"]:
        library.check(call.s2n_set_server_name(connection, question["sni"].encode("ascii")), "s2n_set_server_name")
    end = time.monotonic() + question["deadline"]
    try:
        with _open(question["address"], question["port"], question["deadline"]) as sock:
            sock.setblocking(False)
            library.check(call.s2n_connection_set_fd(connection, sock.fileno()), "s2n_connection_set_fd")
            return _negotiate(library, connection, sock, end)
    except TimeoutError:
        return {"connected": False, "error": "TIMEOUT", "detail": "no TCP connection came about"}
    except OSError as error:
        return {"connected": False, "error": "NOT_CONNECTED", "detail": error.strerror or type(error).__name__}


def _open(address: str, port: int, deadline: float) -> socket.socket:
    """Connect to a numeric address. Raises OSError; names are not resolved."""
    family, kind, protocol, _, place = socket.getaddrinfo(
        address, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST
    )[0]
    sock = socket.socket(family, kind, protocol)
    try:
        sock.settimeout(deadline)
        sock.connect(place)
    except OSError:
        sock.close()
        raise
    return sock


def _negotiate(library: _Library, connection: Any, sock: socket.socket, end: float) -> dict[str, Any]:
    call, blocked = library.call, ctypes.c_int(0)
    while call.s2n_negotiate(connection, ctypes.byref(blocked)) < 0:
        kind = call.s2n_error_get_type(library.errno)
        if kind != _BLOCKED:
            failed = {"connected": False, "error": library.error_name(), "detail": library.error_text()}
            return failed | {"alert": call.s2n_connection_get_alert(connection) if kind == _ALERT else None}
        poll = select.poll()
        poll.register(sock, select.POLLIN if blocked.value == _BLOCKED_ON_READ else select.POLLOUT)
        rest = end - time.monotonic()
        if rest <= 0 or not poll.poll(rest * 1000):
            return {"connected": False, "error": "TIMEOUT", "detail": "the handshake was not finished in time"}
    curve = (call.s2n_connection_get_curve(connection) or b"").decode("ascii", "replace")
    return {
        "connected": True,
        "version": _VERSIONS.get(call.s2n_connection_get_actual_protocol_version(connection)),
        "cipher": (call.s2n_connection_get_cipher(connection) or b"").decode("ascii", "replace"),
        "group": "" if curve == "NONE" else curve,
    }


def main() -> None:
    """Answer the question on stdin with the library whose path is the argument."""
    question = json.load(sys.stdin)
    try:
        library = _Library(sys.argv[1])
        if "policies" in question:
            for policy in question["policies"]:
                library.config(policy)
            answer: dict[str, Any] = {}
        else:
            answer = _connect(library, question)
    except _Problem as problem:
        answer = {"problem": str(problem)}
    json.dump(answer, sys.stdout)
    sys.stdout.flush()
    os._exit(0)  # nothing of the foreign library is run down: its clean-up may be what crashes


if __name__ == "__main__":
    main()
