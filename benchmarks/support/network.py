"""A network of our own, in which the lab's name servers have port 53 of the addresses that the lab publishes.

Linux gives it to everybody where user namespaces are allowed: `unshare -rnm`.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

UNSHARE = ("unshare", "-rnm")
_START_S = 10.0
_IPV4 = 0x0800
_TCP, _UDP = 6, 17
_SYN, _ACK = 0x02, 0x10
_PORT = 53

_UNBOUND = """
server:
  directory: "{folder}"
  chroot: ""
  username: ""
  pidfile: ""
  use-syslog: no
  interface: 127.0.0.1@53
  root-hints: "{folder}/root.hints"
  module-config: "iterator"
  do-not-query-localhost: no
remote-control:
  control-enable: no
"""


def is_possible() -> bool:
    """Tell whether such a network can be made here."""
    if not (shutil.which("unshare") and shutil.which("ip")):
        return False
    return subprocess.run([*UNSHARE, "true"], capture_output=True, check=False).returncode == 0


def enter(*more: str) -> None:
    """Become the same program in a network of its own, with `more` arguments; does not return. Raises OSError."""
    os.execvp(UNSHARE[0], [*UNSHARE, sys.executable, *sys.argv, *more])


def have(addresses: Iterable[str]) -> None:
    """Make these IPv4 addresses ours. Raises subprocess.CalledProcessError."""
    batch = "\n".join(["link set lo up", *(f"address add {a}/32 dev lo" for a in addresses)])
    subprocess.run(["ip", "-batch", "-"], input=batch, text=True, check=True)


@contextmanager
def resolver(hints: str) -> Iterator[None]:
    """Run unbound on 127.0.0.1 and make it this network's resolver. Raises RuntimeError where it does not start."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "root.hints").write_text(hints)
        (folder / "unbound.conf").write_text(_UNBOUND.format(folder=folder))
        (folder / "resolv.conf").write_text("nameserver 127.0.0.1\n")
        log = folder / "log"
        with log.open("wb") as file:
            process = subprocess.Popen(["unbound", "-d", "-c", str(folder / "unbound.conf")], stdout=file, stderr=file)
        try:
            _wait(process, log)
            subprocess.run(["mount", "--bind", str(folder / "resolv.conf"), "/etc/resolv.conf"], check=True)
            try:
                yield
            finally:
                subprocess.run(["umount", "/etc/resolv.conf"], check=True)
        finally:
            process.terminate()
            process.wait(timeout=20)


def _wait(process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(int(_START_S / 0.1)):
        with socket.socket() as sock:
            if sock.connect_ex(("127.0.0.1", _PORT)) == 0:
                return
        try:
            process.wait(timeout=0.1)
        except subprocess.TimeoutExpired:
            continue
        break
    raise RuntimeError(f"unbound did not start: {log.read_text(errors='replace')}")


class Counter:
    """Counts what is sent to name servers, the resolver's questions included: datagrams, and attempts to connect."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(_IPV4))
        self._count = 0
        self._lock = threading.Lock()
        threading.Thread(target=self._run, daemon=True).start()

    def take(self) -> int:
        """Return how many there were since the last call."""
        with self._lock:
            count, self._count = self._count, 0
        return count

    def _run(self) -> None:
        while True:
            packet = self._socket.recv(128)
            with self._lock:
                self._count += is_question(packet)


def is_question(packet: bytes) -> bool:
    """Tell whether an IPv4 packet goes to port 53 of a name server, over UDP or to open a TCP connection."""
    size = (packet[0] & 0x0F) * 4
    if packet[16] == 127 or len(packet) < size + 14 or int.from_bytes(packet[size + 2 : size + 4]) != _PORT:
        return False
    return packet[9] == _UDP or (packet[9] == _TCP and packet[size + 13] & (_SYN | _ACK) == _SYN)
