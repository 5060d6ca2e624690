"""Difficult servers, brought up one at a time: a row of a table says which with one of these functions.

Shared by the tests that hold us against AWS's own TLS library and the benchmark that puts us beside other scanners.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from cfrunbook.lab import middlebox
from cfrunbook.lab.servers import Servers, Service
from tests.real import origins
from tests.real.origins import OTHER, Address, Certificates


@dataclass(frozen=True)
class Bench:
    """What runs all the time: one nginx with a port for each way to be difficult, and the lab's servers."""

    certificates: Certificates
    nginx: Mapping[str, Address]
    servers: Servers


Serve = Callable[[Bench], AbstractContextManager[Address]]
"""Brings a server up and says where it is."""


@contextmanager
def bench(folder: Path) -> Iterator[Bench]:
    """Run it, with certificates and configuration in `folder`."""
    certificates = Certificates(folder)
    with origins.nginx(certificates) as addresses, Servers() as servers:
        yield Bench(certificates, addresses, servers)


def nginx(name: str) -> Serve:
    return lambda bench: nullcontext(bench.nginx[name])


def behind(name: str, quirk: middlebox.Quirk) -> Serve:
    return lambda bench: nullcontext(middlebox.listen(bench.servers, bench.nginx[name], quirk))


def nodes(first: str, *others: str) -> Serve:
    """Servers of nginx in turns behind one address."""

    def serve(bench: Bench) -> AbstractContextManager[Address]:
        quirk = middlebox.Balances(tuple(bench.nginx[name] for name in others))
        return nullcontext(middlebox.listen(bench.servers, bench.nginx[first], quirk))

    return serve


def port(service: Service) -> Serve:
    return lambda bench: nullcontext(bench.servers.listen(service))


def s_server(identity: str, *options: str) -> Serve:
    return lambda bench: origins.s_server(bench.certificates, identity, *options)


def warning_s_server(bench: Bench) -> AbstractContextManager[Address]:
    other = str(bench.certificates.only("other")), str(bench.certificates.key("other"))
    options = ("-tls1_2", "-servername", OTHER, "-cert2", other[0], "-key2", other[1])
    return origins.s_server(bench.certificates, "rsa", *options)


def selfserv(versions: str, suites: str) -> Serve:
    return lambda bench: origins.selfserv(bench.certificates, versions, suites)


def gnutls(priority: str, *options: str) -> Serve:
    return lambda bench: origins.gnutls_serv(bench.certificates, priority, *options)


def tlslite(*, leaf_first: bool) -> Serve:
    return lambda bench: origins.tlslite(bench.certificates, leaf_first=leaf_first)
