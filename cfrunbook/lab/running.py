"""A scenario that is up: its ports, its edge, its files, and the way to take it down."""

from __future__ import annotations

import datetime as dt
import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from cfrunbook.errors import BadInput
from cfrunbook.findings import Struct
from cfrunbook.lab.authority import Authority
from cfrunbook.lab.distribution import document
from cfrunbook.lab.dns.setup import Fault, NameServer, Tree
from cfrunbook.lab.edge import Edge, Names, Origin, OriginGroup, Refusing
from cfrunbook.lab.folder import OwnedFolder
from cfrunbook.lab.scenario import VIEWER_HOST, OriginSetup, Scenario
from cfrunbook.lab.scenarios import SCENARIOS
from cfrunbook.lab.servers import Address, Servers
from cfrunbook.text import visible

if TYPE_CHECKING:
    from cfrunbook.lab.dns.resolver import Kind

DEADLINE: Final = 1.0
"""Seconds that a probe, and the edge, waits in the lab: loopback answers at once or never."""
LAB_FILE: Final = "lab.json"
ENVIRONMENT: Final = "CFRUNBOOK_LAB"

_DISTRIBUTION_FILE = "distribution.json"
_TRUST_FILE = "trust.pem"
_HINTS_FILE = "root.hints"
_RESULT_FILE = "function-result.json"
_EVENT_FILE = "function-event.json"
_LOGS_FOLDER = "logs"
_DNS_PORT = 53
_RECORDS: Final[Mapping[str, tuple[Kind, ...]]] = {"ipv4": ("A",), "ipv6": ("AAAA",), "dualstack": ("A", "AAAA")}


class LabOptions(Struct, frozen=True, kw_only=True):
    """What an incident is loaded with to examine a scenario; paths are relative to the lab file."""

    distribution: str | msgspec.UnsetType
    url: str
    connect_to: tuple[str, ...]
    trust_store: str
    deadline: float
    keep_alive: bool
    root_hints: str | msgspec.UnsetType = msgspec.UNSET
    """Where the scenario has a DNS of its own."""
    resolver: tuple[str, ...] | msgspec.UnsetType = msgspec.UNSET
    function_result: str | msgspec.UnsetType = msgspec.UNSET
    """Where the scenario is about an edge function."""
    function_event: str | msgspec.UnsetType = msgspec.UNSET
    event_type: str | msgspec.UnsetType = msgspec.UNSET
    function_kind: str | msgspec.UnsetType = msgspec.UNSET
    logs: str | msgspec.UnsetType = msgspec.UNSET
    """Where there are access logs of the scenario."""


class LabFile(Struct, frozen=True, kw_only=True):
    """The lab file: how another process finds a running scenario."""

    kind: str = "cfrunbook.lab"
    schema: int = 1
    scenario: str
    options: LabOptions


@dataclass(frozen=True, slots=True)
class LiveOrigin:
    """One origin that is up."""

    setup: OriginSetup
    addresses: tuple[Mapping[int, Address], ...]
    """For every address of the origin's name, where its ports really are."""

    @property
    def places(self) -> tuple[Address, ...]:
        """Where CloudFront's connections to this origin go."""
        return tuple(ports[self.setup.port] for ports in self.addresses)

    @property
    def hosts(self) -> tuple[str, ...]:
        """What is relocated, for every address: the origin's name, or the address that DNS gives for it."""
        return self.setup.published or (self.setup.domain,) * len(self.addresses)


class Running:
    """One scenario, up from construction until `stop`. Also a context manager.

    Without `folder` its files go to a temporary folder that ends with it, with the process, or, after a kill, at the
    next start.
    """

    def __init__(self, scenario: Scenario, *, folder: Path | None = None, deadline: float = DEADLINE) -> None:
        self.scenario = scenario
        self.deadline = deadline
        self.authority = Authority()
        self.setup = scenario.set_up(self.authority)
        self._owned: OwnedFolder | None = None
        if folder is None:
            self._owned = OwnedFolder()
            folder = self._owned.path
        self.folder = folder
        self.servers = Servers()
        try:
            self.origins = tuple(self._bring_up())
            """The origin, or the members of the origin group, the primary first."""
            self.name_servers: Mapping[str, Address] = {}
            """Where the scenario's name servers really are, by the address that they have in its DNS."""
            self.resolver: tuple[str, ...] = ()
            """Address and port of the resolver that whoever looks into the incident has."""
            self._nowhere: tuple[Address, ...] = ()
            if self.setup.dns:
                self._bring_up_dns(self.setup.dns)
            self.edge_facts = self._edge_facts()
            self.edge = Edge(self.servers, self.edge_facts, methods=self.setup.methods, patience=deadline)
            self.file = self.write(self.folder)
        except BaseException:
            self.stop()
            raise

    def __enter__(self) -> Running:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def __repr__(self) -> str:
        return f"<lab scenario {self.scenario.name!r} at {self.edge_url}>"

    @property
    def edge_url(self) -> str:
        """Where the edge answers as CloudFront would."""
        return self.edge.url

    @property
    def connect_to(self) -> tuple[str, ...]:
        """The relocations, in the syntax of curl's --connect-to."""
        origins = (
            f"{_bracketed(host)}:{port}:{address}:{real}"
            for origin in self.origins
            for host, ports in zip(origin.hosts, origin.addresses, strict=True)
            for port, (address, real) in ports.items()
        )
        servers = (f"{_bracketed(a)}:{_DNS_PORT}:{at}:{port}" for a, (at, port) in self.name_servers.items())
        nowhere = (f":{_DNS_PORT}:{at}:{port}" for at, port in self._nowhere)  # last: what else names an address
        return (*origins, *servers, *nowhere)

    @property
    def trust_store(self) -> Path:
        """The PEM file of the one root that counts here."""
        return self.folder / _TRUST_FILE

    @property
    def options(self) -> dict[str, Any]:
        """Keyword arguments for `Incident.load`."""
        options = {
            **({"distribution": document(self.setup)} if self.setup.is_given else {}),
            "url": self.setup.url,
            "connect_to": self.connect_to,
            "trust_store": self.trust_store,
            "deadline": self.deadline,
            "keep_alive": self.setup.keep_alive,
        }
        if self.setup.dns:  # by the lab file it is known that no other address exists
            options |= {"lab": self.file, "root_hints": self.folder / _HINTS_FILE}
        options |= {"resolver": self.resolver} if self.resolver else {}
        paths = {name: self.folder / file for name, file in self._function_files().items()}
        logs = {"logs": self.folder / _LOGS_FOLDER} if self.scenario.has_logs else {}
        return options | paths | self._function_words() | logs

    def environment(self) -> dict[str, str]:
        """Return the environment variables with which a command examines this scenario without further options."""
        return {ENVIRONMENT: str(self.file.absolute())}

    def write(self, folder: Path) -> Path:
        """Write the lab file, the distribution and the trust store into `folder`; return the lab file's path."""
        folder.mkdir(parents=True, exist_ok=True)
        lab_file = LabFile(
            scenario=self.scenario.name,
            options=LabOptions(
                distribution=_DISTRIBUTION_FILE if self.setup.is_given else msgspec.UNSET,
                url=self.setup.url,
                connect_to=self.connect_to,
                trust_store=_TRUST_FILE,
                deadline=self.deadline,
                keep_alive=self.setup.keep_alive,
                root_hints=_HINTS_FILE if self.setup.dns else msgspec.UNSET,
                resolver=self.resolver or msgspec.UNSET,
                **self._function_files(),
                **self._function_words(),
                logs=_LOGS_FOLDER if self.scenario.has_logs else msgspec.UNSET,
            ),
        )
        if self.scenario.has_logs:
            self._write_logs(folder / _LOGS_FOLDER)
        if returned := self.setup.function_result:
            (folder / _RESULT_FILE).write_bytes(returned.result)
            if returned.event is not None:
                (folder / _EVENT_FILE).write_bytes(msgspec.json.encode(returned.event))
        for name, value in ((_DISTRIBUTION_FILE, document(self.setup)), (LAB_FILE, lab_file)):
            (folder / name).write_bytes(msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n")
        (folder / _TRUST_FILE).write_bytes(self.authority.root.pem)
        if self.setup.dns:
            (folder / _HINTS_FILE).write_text(self.setup.dns.hints())
        return folder / LAB_FILE

    def _write_logs(self, folder: Path) -> None:
        from cfrunbook.lab import logs

        story = logs.story_of(self.setup, self.scenario.expected)
        logs.write(folder, story, seed=self.scenario.name, until=dt.datetime.now(dt.UTC))

    def _function_files(self) -> dict[str, str]:
        returned = self.setup.function_result
        if returned is None:
            return {}
        files = {"function_result": _RESULT_FILE}
        return files if returned.event is None else {**files, "function_event": _EVENT_FILE}

    def _function_words(self) -> dict[str, str]:
        returned = self.setup.function_result
        if returned is None:
            return {}
        words = {"function_kind": returned.kind.value}
        return {**words, "event_type": returned.event_type.value} if returned.event_type else words

    def stop(self) -> None:
        """Close every port and connection, end the thread, remove the temporary folder. Harmless when repeated."""
        self.servers.stop()
        if self._owned:
            self._owned.remove()

    def _bring_up(self) -> Iterator[LiveOrigin]:
        last = 0  # every address of every origin is one of its own, where the system has more than 127.0.0.1
        for origin in self.setup.origins:
            addresses = []
            for services in origin.addresses:
                last += 1
                addresses.append({p: self.servers.listen(s, f"127.0.0.{last}") for p, s in services.items()})
            yield LiveOrigin(origin, tuple(addresses))

    def _bring_up_dns(self, tree: Tree) -> None:
        from cfrunbook.lab.dns.server import listen

        self.name_servers = {server.address: listen(self.servers, server) for server in tree.servers}
        # Whatever address a zone names by mistake: questions to it are lost here, and do not leave the machine.
        self._nowhere = (listen(self.servers, NameServer("", (), (Fault.DROP,))),)
        if self.setup.resolver:
            self.resolver = ("{}:{}".format(*listen(self.servers, self.setup.resolver)),)

    def _edge_facts(self) -> Origin | OriginGroup | Refusing:
        facts, returned = self._origin_facts(), self.setup.function_result
        status = returned.effect.status if returned else None
        if returned is None or status is None:
            return facts
        return Refusing(facts, status, returned.x_cache, returned.event_type or "viewer-request")

    def _origin_facts(self) -> Origin | OriginGroup:
        primary, *secondary = (
            Origin(
                domain=origin.setup.domain,
                protocol=origin.setup.protocol,
                addresses=() if origin.setup.published else origin.places,
                names=self._names(origin),
                viewer_host=VIEWER_HOST,
                host_forwarded=self.setup.host_forwarded,
                minimum_tls=origin.setup.minimum_tls,
                roots=self.authority.root.pem.decode(),
            )
            for origin in self.origins
        )
        return OriginGroup(primary, secondary[0], self.setup.failover_at) if secondary else primary

    def _names(self, origin: LiveOrigin) -> Names | None:
        """Return how the edge gets from an origin's name to its ports, where that takes DNS."""
        tree, setup = self.setup.dns, origin.setup
        if tree is None or not setup.published:
            return None
        from cfrunbook.lab.dns.resolver import View

        return Names(
            View(tuple(address for _, address in tree.roots), self.name_servers, tree.anchor),
            _RECORDS[setup.ip_address_type],
            {(host, setup.port): place for host, place in zip(setup.published, origin.places, strict=True)},
            setup.port,
        )


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def start(name: str, *, folder: Path | None = None, deadline: float = DEADLINE) -> Running:
    """Bring the scenario `name` up. Raises BadInput for an unknown name; stop it, or use it in `with`.

    >>> with start("certificate-expired") as running:
    ...     print(running.edge_url)
    """
    return Running(find(name), folder=folder, deadline=deadline)


def find(name: str) -> Scenario:
    """Return the scenario `name`. Raises BadInput, with the nearest names, where there is none."""
    if name in SCENARIOS:
        return SCENARIOS[name]
    near = difflib.get_close_matches(name, SCENARIOS, n=3, cutoff=0.4)
    hint = f"did you mean {' or '.join(near)}?" if near else "see `cfrunbook lab list`."
    raise BadInput(f"Lab: there is no scenario {visible(name, 80)!r}; {hint}")
