"""An origin with an ECDSA and an RSA certificate, TLS 1.2 and 1.3, and a distant port of it: a process of its own.

nginx where it is installed, else Python's ssl. Prints one line of JSON, then answers every line on its
standard input with the number of connections that came to the distant port since the last one; ends with its input.

    cd benchmarks && python -m support.origin --round-trip-ms 100
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

from support.delay import DelayProxy

NAME = "origin.bench.example"
KINDS = ("ecdsa", "rsa")


def mint(folder: Path) -> None:
    """Write root.pem and, for every kind of key, a chain (leaf, intermediate) and its key."""
    from cfrunbook.lab.authority import Authority

    authority = Authority()
    (folder / "root.pem").write_bytes(authority.root.pem)
    for kind, leaf in zip(KINDS, (authority.leaf(NAME), authority.leaf(NAME, key="RSA 2048")), strict=True):
        (folder / f"{kind}.pem").write_bytes(leaf.pem + authority.intermediate.pem)
        (folder / f"{kind}.key").write_bytes(leaf.key_pem)


@contextlib.contextmanager
def nginx(folder: Path, program: str, listener: socket.socket) -> Iterator[str]:
    """Run nginx with its stock cipher list on a socket that is listening already; yield its version."""
    port = listener.getsockname()[1]
    pairs = "".join(f"ssl_certificate {folder}/{k}.pem; ssl_certificate_key {folder}/{k}.key;\n" for k in KINDS)
    temporary = "".join(f"{n}_temp_path {folder}/{n};\n" for n in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    user = "user root;" if os.geteuid() == 0 else ""
    (folder / "nginx.conf").write_text(
        f"""daemon off; {user} worker_processes 1; pid {folder}/nginx.pid;
        events {{ worker_connections 4096; }}
        http {{
          access_log off; {temporary}
          server {{
            listen 127.0.0.1:{port} ssl; server_name {NAME};
            ssl_protocols TLSv1.2 TLSv1.3; {pairs}
            location / {{ return 200 "hello\\n"; }}
          }}
        }}
        """
    )
    process = subprocess.Popen(
        [program, "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log")],
        pass_fds=[listener.fileno()],
        env=os.environ | {"NGINX": f"{listener.fileno()};"},  # it takes over a listener as in an upgrade: none is lost
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        said = subprocess.run([program, "-v"], capture_output=True, text=True, check=True).stderr
        yield said.strip().removeprefix("nginx version: ")
    finally:
        process.terminate()
        process.wait(timeout=10)


def python_ssl(folder: Path, listener: socket.socket) -> str:
    """Serve the same with Python's ssl, a thread for each connection; return its version."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    for kind in KINDS:
        context.load_cert_chain(folder / f"{kind}.pem", folder / f"{kind}.key")

    def answer(raw: socket.socket) -> None:
        raw.settimeout(10)
        # Who only scans breaks the handshake off. Not asyncio: that drops the alert with which a handshake fails.
        with contextlib.suppress(OSError), raw, context.wrap_socket(raw, server_side=True) as connection:
            connection.recv(4096)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

    def accept() -> None:
        while True:
            threading.Thread(target=answer, args=listener.accept()[:1], daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    return f"Python ssl, {ssl.OPENSSL_VERSION}"


async def serve(round_trip_s: float, folder: Path, program: str | None) -> None:
    """Bring everything up, say where it is, and answer until the standard input ends."""
    mint(folder)
    with socket.create_server(("127.0.0.1", 0), backlog=4096) as listener:
        port = listener.getsockname()[1]
        proxy = DelayProxy("127.0.0.1", port, round_trip_s=round_trip_s)
        await proxy.start()
        if program:
            with nginx(folder, program, listener) as version:
                await tell(proxy, folder, port, version)
        else:
            await tell(proxy, folder, port, python_ssl(folder, listener))


async def tell(proxy: DelayProxy, folder: Path, port: int, server: str) -> None:
    """Say where everything is, then how many connections came."""
    where = {"server": server, "name": NAME, "port": port, "distant_port": proxy.port, "roots": f"{folder}/root.pem"}
    print(json.dumps(where), flush=True)
    while await asyncio.to_thread(sys.stdin.readline):
        await asyncio.sleep(0)
        print(proxy.take_count(), flush=True)


def main() -> int:
    """Run until the standard input ends."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--round-trip-ms", type=float, default=100)
    parser.add_argument("--no-nginx", action="store_true", help="use Python's ssl although nginx is installed")
    options = parser.parse_args()
    program = None if options.no_nginx else shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin")
    with tempfile.TemporaryDirectory(prefix="cfrunbook-bench-") as folder:
        asyncio.run(serve(options.round_trip_ms / 1000, Path(folder), program))
    return 0


if __name__ == "__main__":
    sys.exit(main())
