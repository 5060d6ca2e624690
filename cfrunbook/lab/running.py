"""A scenario that is up: its ports, its edge, its files, the way to mend it, and the way to take it down."""

from __future__ import annotations

import datetime as dt
import difflib
import secrets
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from cfrunbook.errors import BadInput
from cfrunbook.lab import edge_config, lab_file, mending, site
from cfrunbook.lab.authority import Authority
from cfrunbook.lab.distribution import document, served
from cfrunbook.lab.dns.setup import Fault, NameServer, Tree
from cfrunbook.lab.edge import Origin, OriginGroup, Refusing
from cfrunbook.lab.edge_front import Edge, Serving
from cfrunbook.lab.edge_log import AccessLog, file_name
from cfrunbook.lab.folder import OwnedFolder
from cfrunbook.lab.lab_file import LabFile, LabOptions
from cfrunbook.lab.reach import LiveOrigin, Reach
from cfrunbook.lab.scenario import URL, VIEWER_HOST, OriginSetup, Scenario
from cfrunbook.lab.scenarios import SCENARIOS
from cfrunbook.lab.servers import LOOPBACK, Address, Chain, Closed, Servers
from cfrunbook.text import visible

if TYPE_CHECKING:
    from cfrunbook.aws_facts import AwsFacts
    from cfrunbook.lab.dns.resolver import View

__all__ = ["DEADLINE", "ENVIRONMENT", "LabFile", "LabOptions", "LiveOrigin", "Running", "find", "start"]

DEADLINE: Final = 1.0
"""Seconds that a probe, and the edge, waits in the lab: loopback answers at once or never."""
ENVIRONMENT: Final = "CFRUNBOOK_LAB"

_SITE = "site"
_DNS_PORT = 53
_PATH = URL.removeprefix(f"https://{VIEWER_HOST}")


class Running:
    """One scenario, up from construction until `stop`. Also a context manager.

    Without `folder` its files go to a temporary folder that ends with it, with the process, or, after a kill, at the
    next start.
    """

    def __init__(
        self, scenario: Scenario, *, folder: Path | None = None, deadline: float = DEADLINE, alias: str = ""
    ) -> None:
        """Bring `scenario` up; `alias` stands for its name in all that people see, where that is not to be known."""
        self.scenario = scenario
        self.alias = alias or scenario.name
        self.deadline = deadline
        self.authority = Authority()
        self.setup = scenario.set_up(self.authority)
        """What is up now; editing the site changes it."""
        self._first = self.setup
        self._owned: OwnedFolder | None = None
        if folder is None:
            self._owned = OwnedFolder()
            folder = self._owned.path
        self.folder = folder
        self.servers = Servers()
        try:
            self.document: Mapping[str, Any] = document(self.setup)
            """The distribution, in the shape of GetDistribution."""
            self._last = 0
            self.origins = tuple(self._brought_up(origin) for origin in self.setup.origins)
            """The origin, or the members of the origin group, the primary first."""
            self.name_servers: Mapping[str, Address] = {}
            """Where the scenario's name servers really are, by the address that they have in its DNS."""
            self.resolver: tuple[str, ...] = ()
            """Address and port of the resolver that whoever looks into the incident has."""
            self._nowhere: tuple[Address, ...] = ()
            self._refusing: Address | None = None
            self._recursor: Address | None = None
            self._view: View | None = None
            if self.setup.dns:
                self._bring_up_dns(self.setup.dns)
            self._reach = self._reached(edge_config.read(served(self.setup)))
            self._began = now = dt.datetime.now(dt.UTC)
            self.log_file = folder / "logs" / file_name(self._reach.config.id, now, secrets.token_hex(4))
            """The edge's access log, a standard log; it is there once there was a request."""
            self.edge = Edge(self.servers, self._serving(), patience=deadline, log=AccessLog(self.log_file))
            self.file = self.write(self.folder)
            self._has_site = False
            self._seen: tuple[tuple[str, int, int], ...] = ()
        except BaseException:
            self.stop()
            raise

    def __enter__(self) -> Running:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def __repr__(self) -> str:
        return f"<lab scenario {self.alias!r} at {self.edge_url}>"

    # --- where it is ----------------------------------------------------------------------------------------------

    @property
    def edge_url(self) -> str:
        """Where the edge answers as CloudFront would."""
        return self.edge.url

    @property
    def edge_facts(self) -> Origin | OriginGroup | Refusing:
        """What the edge knows of the way to the origin, for the failing URL."""
        return self._reach.target(self._reach.config.behavior(_PATH), VIEWER_HOST, "https")

    @property
    def connect_to(self) -> tuple[str, ...]:
        """The relocations, in the syntax of curl's --connect-to."""
        origins = (
            f"{_bracketed(host)}:{port}:{address}:{real}"
            for origin in self.origins
            for named, ports in zip(origin.hosts, origin.addresses, strict=True)
            for host in (named, *(self.setup.relocated if origin is self.origins[0] else ()))
            for port, (address, real) in (*ports.items(), *self._refused_ports(ports))
        )
        servers = (f"{_bracketed(a)}:{_DNS_PORT}:{at}:{port}" for a, (at, port) in self.name_servers.items())
        nowhere = (f":{_DNS_PORT}:{at}:{port}" for at, port in self._nowhere)  # last: what else names an address
        return (*origins, *servers, *nowhere)

    @property
    def viewers(self) -> tuple[str, ...]:
        """Where viewers find the edge, by http and https, in the syntax of curl's --connect-to."""
        if self.edge.secure_address is None:
            config = self._reach.config
            leaf = self.authority.leaf(*dict.fromkeys((VIEWER_HOST, *config.aliases, config.domain)))
            self.edge.serve_https(Chain((leaf, self.authority.intermediate)))
        names = dict.fromkeys((VIEWER_HOST, *self._reach.config.aliases, self._reach.config.domain))
        places = {80: self.edge.address, 443: self.edge.secure_address}
        return tuple(f"{n}:{port}:{at[0]}:{at[1]}" for n in names for port, at in places.items() if at)

    @property
    def trust_store(self) -> Path:
        """The PEM file of the one root that counts here."""
        return self.folder / lab_file.TRUST_FILE

    @property
    def options(self) -> dict[str, Any]:
        """Keyword arguments for `Incident.load`."""
        options = {
            **({"distribution": self.document} if self.setup.is_given else {}),
            "url": self.setup.url,
            "connect_to": self.connect_to,
            "trust_store": self.trust_store,
            "deadline": self.deadline,
            "keep_alive": self.setup.keep_alive,
        }
        if self.setup.before:
            options |= {"before": document(self.setup.before)}
        if self.setup.dns:  # by the lab file it is known that no other address exists
            options |= {"lab": self.file, "root_hints": self.folder / lab_file.HINTS_FILE}
        options |= {"resolver": self.resolver} if self.resolver else {}
        paths = {name: self.folder / file for name, file in lab_file.function_files(self.setup).items()}
        logs = {"logs": self.folder / lab_file.LOGS_FOLDER} if self._is_logged else {}
        if self._is_captured:
            options |= {"response": self.folder / lab_file.RESPONSE_FILE}
        if self.setup.firewall:
            options |= {"firewall": [self.folder / name for name in self.setup.firewall]}
        if self._account:
            options |= {"aws": self._account}
        if self.setup.policies:
            options |= {"policies": [self.folder / name for name in lab_file.policy_files(self.setup)]}
        return options | paths | lab_file.function_words(self.setup) | logs

    @property
    def kept(self) -> Iterator[tuple[str, Path]]:
        """What somebody kept of the incident: what it is, and its file or folder."""
        if self._is_captured:
            yield "Captured response:", self.folder / lab_file.RESPONSE_FILE
        if self._is_logged:
            yield "Access logs:", self.folder / lab_file.LOGS_FOLDER
        if self._account:
            yield "AWS account:", self.folder / lab_file.ACCOUNT_FILE
        yield from (("Firewall's rules:", self.folder / name) for name in self.setup.firewall)
        yield from (("A policy:", self.folder / name) for name in lab_file.policy_files(self.setup))
        for option, name in lab_file.function_files(self.setup).items():
            yield f"Function's {option.rpartition('_')[2]}:", self.folder / name

    def environment(self) -> dict[str, str]:
        """Return the environment variables with which a command examines this scenario without further options."""
        return {ENVIRONMENT: str(self.file.absolute())}

    def write(self, folder: Path) -> Path:
        """Write the lab file, the distribution and the trust store into `folder`; return the lab file's path."""
        if self._is_logged:
            self._write_logs(folder / lab_file.LOGS_FOLDER)
        return lab_file.write(
            folder,
            self.alias,
            self.setup if self._is_captured else replace(self.setup, response=None),
            distribution=self.document,
            trust=self.authority.root.pem,
            connect_to=self.connect_to,
            resolver=self.resolver,
            deadline=self.deadline,
            has_logs=self._is_logged,
            account=self._account,
            at=self._began,
        )

    @property
    def _is_logged(self) -> bool:
        """Whether there are logs of the scenario as it is: those of before somebody changed it say nothing of now."""
        return self.scenario.has_logs and self.setup == self._first

    @property
    def _is_captured(self) -> bool:
        """Whether somebody has a response of the scenario as it is."""
        return self.setup.response is not None and self.setup == self._first

    @property
    def _account(self) -> AwsFacts | None:
        """What somebody fetched of the AWS account; of a scenario that was changed it would say nothing."""
        ask = self.setup.account
        return ask(self.authority.now) if ask and self.setup == self._first else None

    def _write_logs(self, folder: Path) -> None:
        from cfrunbook.lab import logs

        if not folder.exists():  # they are of the time before anybody mends it
            story = logs.story_of(self._first, self.scenario.expected)
            logs.write(folder, story, seed=self.scenario.name, until=dt.datetime.now(dt.UTC))

    # --- mending --------------------------------------------------------------------------------------------------

    @property
    def site_folder(self) -> Path:
        """Where the site is, or will be."""
        return self.folder / _SITE

    @property
    def site(self) -> Path:
        """The folder with what the owners can change; see its README.txt. It is written when it is first asked for."""
        folder = self.site_folder
        if not self._has_site:
            site.write(folder, self._first, self.authority)
            self._seen = site.fingerprint(folder)
            self._has_site = True
        return folder

    @property
    def is_mendable(self) -> bool:
        """Tell whether `mend` knows how."""
        return mending.is_mendable(self.scenario)

    def break_again(self) -> None:
        """Undo whatever was changed in the site: the scenario is as broken as it began. Raises BadInput."""
        site.write(self.site, self._first, self.authority)
        self.reload()

    def mend(self) -> None:
        """Mend the scenario as its author would: change the site's files, and bring up what they say then.

        Raises BadInput where there is nothing to mend.
        """
        site.write(self.site, mending.mended(self.scenario, self._first, self.authority), self.authority)
        self.reload()

    def has_changed(self) -> bool:
        """Tell whether somebody changed the site's files since they were last written or read."""
        return self._has_site and site.fingerprint(self.site) != self._seen

    def reload(self) -> None:
        """Bring up what the site's files say now. Raises BadInput with one sentence, and then nothing has changed.

        Ports stay where they are. What the edge keeps in its cache stays there, as with CloudFront.
        """
        folder = self.site
        self._seen = site.fingerprint(folder)
        content = site.read(folder, self._first)
        before = self.setup
        self.setup, self.document = content.setup, content.document
        self.origins = tuple(
            self._changed(live, origin) for live, origin in zip(self.origins, content.setup.origins, strict=True)
        )
        if before.dns and content.setup.dns and before.dns != content.setup.dns:
            self._change_dns(before.dns, content.setup.dns)
        self._reach = self._reached(content.config)
        self.edge.serving = self._serving()
        self.file = self.write(self.folder)

    def stop(self) -> None:
        """Close every port and connection, end the thread, remove the temporary folder. Harmless when repeated."""
        self.servers.stop()
        if self._owned:
            self._owned.remove()

    # --- ports ----------------------------------------------------------------------------------------------------

    def _new_address(self) -> str:
        """Return an address for one of an origin: each has its own, where the system has more than 127.0.0.1."""
        self._last = self._last % 250 + 1
        return f"127.0.0.{self._last}"

    def _brought_up(self, origin: OriginSetup) -> LiveOrigin:
        addresses = []
        for services in origin.addresses:
            address = self._new_address()
            addresses.append({port: self.servers.listen(service, address) for port, service in services.items()})
        return LiveOrigin(origin, tuple(addresses))

    def _changed(self, live: LiveOrigin, wanted: OriginSetup) -> LiveOrigin:
        """Let the ports of an origin do what is wanted of them; those that stay are where they were."""
        addresses = []
        for number, services in enumerate(wanted.addresses):
            is_new = number >= len(live.addresses)
            before = {} if is_new else live.setup.addresses[number]
            places = {} if is_new else dict(live.addresses[number])
            address = self._new_address() if is_new else next(iter(places.values()), (LOOPBACK, 0))[0]
            for port in places.keys() - services.keys():
                self.servers.close(places.pop(port))
            for port, service in services.items():
                if port not in places:
                    places[port] = self.servers.listen(service, address)
                elif service != before[port]:
                    places[port] = self.servers.replace(places[port], service)
            addresses.append(places)
        for gone in live.addresses[len(wanted.addresses) :]:
            for place in gone.values():
                self.servers.close(place)
        return LiveOrigin(wanted, tuple(addresses))

    def _bring_up_dns(self, tree: Tree) -> None:
        from cfrunbook.lab.dns.server import listen

        self.name_servers = {server.address: listen(self.servers, server) for server in tree.servers}
        # Whatever address a zone names by mistake: questions to it are lost here, and do not leave the machine.
        self._nowhere = (listen(self.servers, NameServer("", (), (Fault.DROP,))),)
        if self.setup.resolver:
            self.resolver = ("{}:{}".format(*listen(self.servers, self.setup.resolver)),)
        self._view = self._new_view(tree)

    def _change_dns(self, before: Tree, tree: Tree) -> None:
        """Let name servers hold and do what is wanted of them; those that stay are where they were."""
        from cfrunbook.lab.dns.server import listen

        known = {server.address: server for server in before.servers}
        places = dict(self.name_servers)
        for address in places.keys() - {server.address for server in tree.servers}:
            self.servers.close(places.pop(address))
        for server in tree.servers:
            if known.get(server.address) == server:
                continue
            at = places.get(server.address, (LOOPBACK, 0))
            if at[1]:
                self.servers.close(at)
            with suppress(OSError):  # somebody took the port in that moment
                places[server.address] = listen(self.servers, server, *at)
                continue
            places[server.address] = listen(self.servers, server)
        self.name_servers = places
        self._view = self._new_view(tree)  # and with it goes what the edge's resolver remembers

    def _new_view(self, tree: Tree) -> View:
        from cfrunbook.lab.dns.resolver import View

        return View(tuple(address for _, address in tree.roots), self.name_servers, tree.anchor)

    def recursor(self) -> str:
        """Return address and port of a resolver for the scenario's names; empty where they are not looked up."""
        if self._recursor is None and self.setup.dns:
            from cfrunbook.lab.dns import recursor

            self._recursor = recursor.listen(self.servers, self._known_view)
        return "{}:{}".format(*self._recursor) if self._recursor else ""

    def _known_view(self) -> View:
        assert self._view is not None
        return self._view

    # --- the edge -------------------------------------------------------------------------------------------------

    def _reached(self, config: edge_config.Config) -> Reach:
        roots = self.authority.root.pem.decode()
        wanted = {port for origin in config.origins.values() for port in origin.ports.values()}
        known = {port for live in self.origins for ports in live.addresses for port in ports}
        if wanted - known - {80, 443} and self._refusing is None:
            self._refusing = self.servers.listen(Closed())
        return Reach(config, self.origins, roots, self._view, self.setup.function_result, self._refusing)

    def _refused_ports(self, ports: Mapping[int, Address]) -> Iterator[tuple[int, Address]]:
        """Yield the ports that the distribution names and nothing is said of: there nothing listens."""
        if self._refusing:
            named = {port for origin in self._reach.config.origins.values() for port in origin.ports.values()}
            yield from ((port, self._refusing) for port in sorted(named - ports.keys()))

    def _serving(self) -> Serving:
        return Serving(self._reach.config, self._reach.target)


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def start(name: str, *, folder: Path | None = None, deadline: float = DEADLINE) -> Running:
    """Bring the scenario `name` up. Raises BadInput for an unknown name; stop it, or use it in `with`.

    For the token of an exam's incident it is that incident, which nowhere says its scenario's name.

    >>> with start("certificate-expired") as running:
    ...     print(running.edge_url)
    """
    from cfrunbook.lab.training import drawing

    if drawing.is_token(name):
        scenario, number = drawing.find(name)
        return Running(scenario, folder=folder, deadline=deadline, alias=drawing.alias(number))
    return Running(find(name), folder=folder, deadline=deadline)


def find(name: str) -> Scenario:
    """Return the scenario `name`. Raises BadInput, with the nearest names, where there is none."""
    if name in SCENARIOS:
        return SCENARIOS[name]
    near = difflib.get_close_matches(name, SCENARIOS, n=3, cutoff=0.4)
    hint = f"did you mean {' or '.join(near)}?" if near else "see `cfrunbook lab list`."
    raise BadInput(f"Lab: there is no scenario '{visible(name, 80)}'; {hint}")
